"""What outlives a process of SIMs: rests, locks and counters by card, and the texts that arrived.

All of it is in the store: cards are written within a second after something has changed, a text is
forgotten by its module once it is on the disk. What cannot be written, because the disk is full, is
tried again: cards every second, a text whenever its module tells it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from dialerd.core.modem_records import NEVER, SimCard, SimText
from dialerd.core.ports import StoreError
from dialerd.shell.bank_port import BankPort
from dialerd.shell.clock import Clock
from dialerd.store.sim_store import SimStore
from fastpath.numbers import Numbering
from gsm import events as gsm
from gsm.card import ANY_PIN, CardState

log = logging.getLogger("dialerd.banks")

GAP_S: Final = 1.0  # between two writings
MS: Final = 1_000_000


class BankCards:
    """See the module's text. `hear` every fact of every port, `close` at the end."""

    def __init__(self, store: SimStore, clock: Clock, plan: Callable[[], Numbering]) -> None:
        """Reads what the last process has left; by `plan` a text's sender is a number."""
        self._store = store
        self._clock = clock
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self.cards = {card.iccid: card for card in store.cards()}
        self._changed: dict[str, SimCard] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def hear(self, port: BankPort, fact: gsm.Fact) -> None:
        """A card was put in, or something about it has changed."""
        match fact:
            case gsm.CardSeen(key=key) if key in self.cards:
                state = self._state(self.cards[key])
                port.runner.do(lambda one, now_ns: one.know(state, now_ns))
            case gsm.Identified(imsi=imsi) if imsi:
                port.runner.do(lambda one, _now_ns: self._keep(port, one.card_state()))
            case gsm.CardChanged(card=card):
                self._keep(port, card)
            case gsm.SmsIn():
                self._do(self._take(port, fact))
            case _:
                pass

    async def close(self) -> None:
        """Write what has changed since, and no more."""
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._write_soon()
        while self._tasks:
            await asyncio.gather(*self._tasks)

    # -- cards -----------------------------------------------------------------------------------

    def _keep(self, port: BankPort, state: CardState) -> None:
        known = port.identity
        if known is None or not state.iccid:
            return
        old = self.cards.get(state.iccid, SimCard(state.iccid))
        card = SimCard(
            state.iccid,
            known.imsi or old.imsi,  # before its PIN a card tells less
            known.number or old.number,
            known.carrier or old.carrier,
            port.runner.name,
            self._clock.wall_ms(),
            state.failed,
            state.unanswered,
            state.short,
            state.rests,
            state.calls,
            {reason: self._wall_ms(until) for reason, until in state.locks.items()},
            bool(state.refused_pin),
            state.refused_pin,
        )
        self.cards[state.iccid] = self._changed[state.iccid] = card
        self._again()

    def _again(self) -> None:
        if self._timer is None and not self._closing:
            self._timer = self._loop.call_later(GAP_S, self._write_soon)

    def _state(self, card: SimCard) -> CardState:
        """As a machine wants it; what is over meanwhile it finds out itself."""
        gap_ns = self._clock.offset_ns
        ns = {why: NEVER if at < 0 else at * MS - gap_ns for why, at in card.locks.items()}
        return CardState(
            card.iccid, card.failed, card.unanswered, card.short, card.rests, card.calls, ns,
            card.refused_pin or ANY_PIN * card.pin_refused,
        )  # fmt: skip

    def _wall_ms(self, until_ns: int) -> int:
        return NEVER if until_ns < 0 else (until_ns + self._clock.offset_ns) // MS

    def _write_soon(self) -> None:
        self._timer = None
        self._do(self._write())

    async def _write(self) -> None:
        cards, self._changed = self._changed, {}
        try:
            await self._store.keep_cards(tuple(cards.values()))
        except StoreError as error:
            log.error("what is known of SIMs cannot be kept: %s", error)
            self._changed = cards | self._changed
            self._again()

    # -- texts -----------------------------------------------------------------------------------

    async def _take(self, port: BankPort, fact: gsm.SmsIn) -> None:
        iccid = port.identity.iccid if port.identity is not None else ""
        found = self._plan().analyse(fact.sender).e164
        phone = int(found[1:]) if found else 0
        text = SimText(
            port.runner.name, iccid, fact.sender, phone, fact.at, fact.text, fact.whole,
            self._clock.wall_ms(),
        )  # fmt: skip
        try:
            await self._store.keep_text(text)
        except StoreError as error:
            log.error("port %s: a text stays in the module: %s", port.runner.name, error)
            return
        port.runner.do(lambda one, now_ns: one.sms_kept(fact.places, now_ns))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._tasks.discard)
