"""One port of a bank as the daemon knows it: its runner, and what was last told of it."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from dialerd.config.bank_tables import Bank
from dialerd.core.campaign_spec import at_time
from dialerd.core.lines_view import PortInfo, Use
from dialerd.core.metering import SIM
from dialerd.core.ports_view import ModemPort
from dialerd.shell.clock import Clock
from gsm import events as gsm
from gsm.io_port import Crashed, PortRunner
from gsm.io_serial import close_device, open_device
from gsm.io_slots import Found, Place
from gsm.io_sound import open_sound, sound_card, try_sound
from gsm.port import Port
from gsm.port_table import STATES, UP

_CARDED: Final = {STATES[one] for one in UP} - {"identify", "sim", "sim fault", "degraded"}
AUDIO_FAILURES_MAX: Final = 2  # calls in a row without audio: then the module is reset


class BankPort:
    """See the module's text. `hear` is told every fact after this has taken it in."""

    def __init__(
        self,
        bank: Bank,
        place: Place,
        make: Callable[[], Port],
        hear: Callable[[BankPort, gsm.Fact], None],
        clock: Clock,
    ) -> None:
        self.bank = bank.name
        self.place = place
        self.found: Found | None = None  # what is plugged in
        self.state = gsm.PortState("closed", "not started yet")
        self.identity: gsm.Identified | None = None
        self.signal: gsm.Signal | None = None
        self.balance: gsm.Balance | None = None
        self.locks: dict[str, int | None] = {}
        self.twin = ""  # the port that had this port's SIM before it, and has it still
        self.leg: int | None = None  # that is on it
        self.audio = -1  # its audio device, where it is a serial one
        self.card = ""  # its sound card, where that is there
        self.audio_why = ""  # why there is none
        self._audio_failures = 0  # calls in a row
        self._closed = False
        self._closing: asyncio.Future[None] | None = None
        self._hear = hear
        self._baud = bank.baud
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.runner = PortRunner(
            f"{bank.name}/{place.slot}",
            make,
            self._open,
            self._on_fact,
            loop=self._loop,
        )

    @property
    def slot(self) -> str:
        """Its name."""
        return self.place.slot

    @property
    def account(self) -> str:
        """In whose books its calls are; empty while nobody knows the SIM."""
        known = self.identity  # some modules tell no ICCID
        card = (known.iccid or known.imsi) if known is not None else ""
        return SIM + card if card else ""

    @property
    def iccid(self) -> str:
        """The number of its SIM; empty while nobody knows it."""
        return self.identity.iccid if self.identity is not None else ""

    @property
    def carrier(self) -> str:
        """Whose SIM it is."""
        return self.identity.carrier if self.identity is not None else ""

    @property
    def number(self) -> str:
        """The telephone number of its SIM, where that or its balance tells it."""
        known, told = self.identity, self.balance
        return (known.number if known else "") or (told.number if told else "")

    def why_away(self) -> str:
        """Why campaigns' calls are not for it now; empty when they are."""
        if not self.state.ready:
            return self.state.why or self.state.state
        known = self.identity
        if known is not None and not known.voice:
            return "this module makes no voice calls"
        if self.twin:
            return f"tells the SIM of port {self.twin}, which still has it: one of them is wrong"
        return "" if self.by_files() else self.deaf()

    def by_files(self) -> bool:
        """Whether it speaks by files on its module, which can be put there."""
        known = self.identity
        files = self.runner.machine.dialect.files
        kind = known.audio if known is not None else ""
        return kind == "module_file" and files is not None and bool(files.put)

    def deaf(self) -> str:
        """Why nobody can be talked to by it; empty when that works."""
        known = self.identity
        kind = known.audio if known is not None else "none"
        if kind not in {"pcm_tty", "uac"}:
            return f"no audio that can be used here (its class is {kind})"
        if self.audio < 0 and not self.card:
            return self.audio_why or "no audio device"
        if bool(self.card) != (kind == "uac"):
            return f"its audio is {kind}, and `audio` of its bank is another kind of device"
        return ""

    @contextmanager
    def fresh_audio(self) -> Iterator[int]:
        """Its audio for one call, without what was left over from the last; OSError."""
        if self.card:
            device = open_sound(self.card)
            try:
                yield device
            finally:
                os.close(device)  # the media engine has its own, and ends the card's with it
            return
        with suppress(OSError, termios.error):
            termios.tcflush(self.audio, termios.TCIOFLUSH)
        yield self.audio

    def audio_works(self) -> None:
        """A call has its audio."""
        self._audio_failures = 0

    def audio_failed(self, why: str) -> None:
        """A call had none: the device is opened anew, the second time the module is reset."""
        self._audio_failures += 1
        self.card = ""  # until it is looked at again
        self.audio_why = f"its audio failed: {why}"
        audio, self.audio = self.audio, -1
        if self._audio_failures < AUDIO_FAILURES_MAX:
            opening = self.runner.aside(partial(self._open_audio, audio))
            opening.add_done_callback(self._audio_opened)
            return
        self._audio_failures = 0
        if audio >= 0:
            self._closing = self.runner.aside(partial(close_device, audio))
        why = self.audio_why
        self.runner.do(lambda port, now_ns: port.reset(now_ns, why))

    def _audio_opened(self, _opened: asyncio.Future[None]) -> None:
        if self._closed:
            self._close_audio()
        else:
            self._hear(self, self.state)

    def close(self) -> None:
        """Nothing stays open."""
        self._closed = True
        self.runner.end()
        self._close_audio()

    def info(self, core: PortInfo | None) -> ModemPort:
        """For people; `core` is what the dialer counts of it."""
        state, known, signal, balance = self.state, self.identity, self.signal, self.balance
        until = None
        if state.until_ns is not None:
            until = at_time((state.until_ns + self._clock.offset_ns) // 1_000_000)
        milli = balance.milli if balance is not None else None
        day = balance.until_day if balance is not None else None
        why = "" if self.leg is not None else self.why_away()
        return ModemPort(
            bank=self.bank,
            slot=self.slot,
            state=state.state,
            ready=state.ready and not why,
            why=why or (core.why if core is not None else ""),
            until=until,
            device=self.found.device if self.found is not None else "",
            dialect=known.dialect if known else "",
            manufacturer=known.manufacturer if known else "",
            model=known.model if known else "",
            imei=known.imei if known else "",
            iccid=known.iccid if known else "",
            imsi=known.imsi if known else "",
            number=self.number,
            carrier=known.carrier if known else "",
            operator=signal.operator if signal else "",
            registration=signal.registration if signal else "unknown",
            rssi_dbm=signal.rssi_dbm if signal else None,
            audio=known.audio if known else "",
            busy=self.leg is not None,
            placed=core.placed if core is not None else 0,
            answered=core.answered if core is not None else 0,
            locks=tuple(self.locks),
            balance=None if milli is None else milli / 1000,
            valid_until=None if day is None else at_time(day * 86_400_000).date().isoformat(),
            minutes_left=balance.minutes if balance is not None else None,
            crashes=self.runner.crashes,
            **({} if core is None else {"use": core.use}),
        )

    @staticmethod
    def is_news(fact: gsm.Fact) -> bool:
        """Whether the port's live event has to be told anew."""
        news = gsm.PortState | gsm.Signal | gsm.Identified | gsm.Locked | gsm.Unlocked | Crashed
        return isinstance(fact, news)

    def has_card(self) -> bool:
        """Whether its modem is up with the SIM that it told last."""
        return self.found is not None and self.state.state in _CARDED

    def news(self, use: Use | None = None) -> dict[str, object]:
        """The port's live event: state, why it takes no call, SIM, signal, network, locks, quota.

        `use` is what the SIM used; of `quota`, None is no limit.
        """
        known, signal, why = self.identity, self.signal, self.why_away()
        return {
            "bank": self.bank,
            "slot": self.slot,
            "state": self.state.state,
            "ready": not why,
            "busy": self.leg is not None,
            "why": why,
            "iccid": known.iccid if known else "",
            "carrier": known.carrier if known else "",
            "rssi_dbm": signal.rssi_dbm if signal else None,
            "registration": signal.registration if signal else "unknown",
            "operator": signal.operator if signal else "",
            "locks": list(self.locks),
            "quota": None
            if use is None
            else {
                "calls_today": use.calls_today,
                "minutes_today": use.minutes_today,
                "calls_left": use.calls_left,
                "minutes_left": use.minutes_left,
            },
        }

    def shown(self, fact: gsm.Fact) -> tuple[str, dict[str, object]] | None:
        """The live event of a fact, its topic and data; None: it is nobody's news."""
        about: dict[str, object] = {"bank": self.bank, "slot": self.slot}
        match fact:
            case gsm.Balance(milli=milli, until_day=day, minutes=minutes, text=text):
                said = {"milli": milli, "until_day": day, "minutes": minutes, "text": text}
                return "balance", about | said
            case gsm.SmsIn(sender=sender, text=text, at=at):
                return "text", about | {"from": sender, "text": text, "sent_at": at}
            case _:
                return None

    def _open(self) -> int:
        """In a thread: both devices."""
        device = open_device(self.place.at, self._baud)
        audio, self.audio = self.audio, -1
        self._open_audio(audio)
        return device

    def _open_audio(self, before: int) -> None:
        """In a thread: the audio device, in the place of the one before."""
        if before >= 0:
            close_device(before)
        self.card = ""
        if self.place.audio:
            try:
                if card := sound_card(self.place.audio):
                    try_sound(card)
                    self.card = card
                else:
                    self.audio = open_device(self.place.audio, self._baud)
                self.audio_why = ""
            except OSError as error:
                self.audio_why = f"audio device: {error.strerror}"

    def _close_audio(self) -> None:
        audio, self.audio = self.audio, -1
        if audio >= 0:
            close_device(audio)

    def _on_fact(self, fact: gsm.Fact) -> None:
        match fact:
            case gsm.PortState():
                self.state = fact
            case gsm.Identified():
                self.identity = fact
            case gsm.Signal():
                self.signal = fact
            case gsm.Balance():
                self.balance = fact
            case gsm.Locked(reason=reason, until_ns=until_ns):
                self.locks[reason] = until_ns
            case gsm.Unlocked(reason=reason):
                self.locks.pop(reason, None)
            case Crashed(why=why):
                self.state = gsm.PortState("dead", f"internal error: {why}")
            case _:
                pass
        self._hear(self, fact)
