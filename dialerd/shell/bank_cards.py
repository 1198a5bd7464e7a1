"""What outlives a process of SIMs: rests, locks and counters by card, and the texts that arrived.

`cards.json` of the data folder is written anew, whole, within a second after something has changed;
times in it are Unix milliseconds. Minutes and calls are in the store, as those of every line.
`texts.jsonl` grows by a line for each text; the module forgets a text once its line is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec

from dialerd.shell.bank_port import BankPort
from dialerd.shell.clock import Clock
from dialerd.shell.phones import write_whole
from gsm import events as gsm
from gsm.card import CardState

log = logging.getLogger("dialerd.banks")

NAME: Final = "cards.json"
TEXTS: Final = "texts.jsonl"
FORMAT: Final = 1
GAP_S: Final = 1.0  # between two writings
BYTES_MAX: Final = 16 << 20
CARDS_MAX: Final = 4096  # remembered; those seen longest ago are forgotten
NEVER: Final = -1
MS: Final = 1_000_000


class Card(msgspec.Struct, frozen=True):
    """One SIM as it was last seen; lock times are Unix milliseconds, -1 for never."""

    iccid: str  # the IMSI where a module cannot read it
    imsi: str = ""
    number: str = ""
    carrier: str = ""
    port: str = ""
    seen_ms: int = 0
    failed: int = 0
    unanswered: int = 0
    short: int = 0
    rests: int = 0
    calls: int = 0
    locks: dict[str, int] = {}
    pin_refused: bool = False


class _File(msgspec.Struct, frozen=True):
    format: int
    cards: tuple[Card, ...]


class Text(msgspec.Struct, frozen=True):
    """A text that arrived; `at` is its centre's time."""

    port: str
    iccid: str
    sender: str
    at: str
    text: str
    whole: bool
    arrived_ms: int


class BankCards:
    """See the module's text. `hear` every fact of every port, `close` at the end."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Reads what the last process has left."""
        self._path = folder / NAME
        self._texts = folder / TEXTS
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.cards = {card.iccid: card for card in self._read()}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()

    def hear(self, port: BankPort, fact: gsm.Fact) -> None:
        """A card was put in, or something about it has changed."""
        match fact:
            case gsm.Identified(iccid=iccid, imsi=imsi) if iccid or imsi:
                kept = self.cards.get(iccid or imsi)
                if kept is not None:
                    state = self._state(kept)
                    port.runner.do(lambda one, now_ns: one.know(state, now_ns))
                self._keep(port)
            case gsm.CardChanged():
                self._keep(port)
            case gsm.SmsIn():
                self._do(self._take(port, fact))
            case _:
                pass

    async def close(self) -> None:
        """Write what has changed since, and no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._write_soon()
        while self._tasks:
            await asyncio.gather(*self._tasks)

    # -- cards -----------------------------------------------------------------------------------

    def _keep(self, port: BankPort) -> None:
        known, state = port.identity, port.runner.machine.card_state()
        if known is None or not state.iccid:
            return
        card = Card(
            state.iccid,
            known.imsi,
            known.number,
            known.carrier,
            port.runner.name,
            self._clock.wall_ms(),
            state.failed,
            state.unanswered,
            state.short,
            state.rests,
            state.calls,
            {reason: self._wall_ms(until) for reason, until in state.locks.items()},
            state.pin_refused,
        )
        self.cards.pop(state.iccid, None)
        self.cards[state.iccid] = card
        while len(self.cards) > CARDS_MAX:
            del self.cards[next(iter(self.cards))]
        if self._timer is None:
            self._timer = self._loop.call_later(GAP_S, self._write_soon)

    def _state(self, card: Card) -> CardState:
        """As a machine wants it; what is over meanwhile it finds out itself."""
        gap_ns = self._clock.offset_ns
        ns = {why: NEVER if at < 0 else at * MS - gap_ns for why, at in card.locks.items()}
        return CardState(
            card.iccid, card.failed, card.unanswered, card.short, card.rests, card.calls, ns,
            card.pin_refused,
        )  # fmt: skip

    def _wall_ms(self, until_ns: int) -> int:
        return NEVER if until_ns < 0 else (until_ns + self._clock.offset_ns) // MS

    def _write_soon(self) -> None:
        self._timer = None
        file = _File(FORMAT, tuple(sorted(self.cards.values(), key=lambda card: card.seen_ms)))
        self._do(self._write(msgspec.json.encode(file)))

    async def _write(self, data: bytes) -> None:
        async with self._writing:
            try:
                await asyncio.to_thread(write_whole, self._path, data)
            except OSError as error:
                log.error("what is known of SIMs cannot be kept: %s", error)

    def _read(self) -> tuple[Card, ...]:
        try:
            with self._path.open("rb") as file:
                found = msgspec.json.decode(file.read(BYTES_MAX), type=_File)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            log.warning("what was known of SIMs is not taken over: %s", error)
            return ()
        if found.format != FORMAT:
            log.warning("%s has the unknown format %d", self._path, found.format)
            return ()
        return found.cards

    # -- texts -----------------------------------------------------------------------------------

    async def _take(self, port: BankPort, fact: gsm.SmsIn) -> None:
        iccid = port.identity.iccid if port.identity is not None else ""
        text = Text(
            port.runner.name, iccid, fact.sender, fact.at, fact.text, fact.whole,
            self._clock.wall_ms(),
        )  # fmt: skip
        async with self._writing:
            try:
                await asyncio.to_thread(_append, self._texts, msgspec.json.encode(text) + b"\n")
            except OSError as error:
                log.error("port %s: a text stays in the module: %s", port.runner.name, error)
                return
        port.runner.do(lambda one, now_ns: one.sms_kept(fact.places, now_ns))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._tasks.discard)


def _append(path: Path, data: bytes) -> None:
    ours = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(ours, "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
