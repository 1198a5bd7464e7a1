"""One modem without a daemon: who it is, a command. The same port machine as a bank's."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final

import msgspec

from dialerd.config.dialects import SHIPPED, read_dialects
from dialerd.shell.modem_words import Exchange, ModemOptions, ModemReport, judge
from gsm import events as gsm
from gsm.io_pins import RefusedPins
from gsm.io_port import Crashed, PortRunner
from gsm.io_serial import open_device
from gsm.io_slots import audio_beside
from gsm.io_sound import sound_card
from gsm.port import Port
from gsm.settings import Care, PortSettings

LEG: Final = 1
MS: Final = 1_000_000
CLOSE_S: Final = 4.0
TRACE_MAX: Final = 2_000
FILES: Final = "files"  # in place of an audio device: by files on the module
SETTLED: Final = {"ready", "locked", "sim fault", "degraded"}
UP: Final = SETTLED | {"register"}
_TEXT: Final = bytes(range(32, 127)) + b"\t\r\n\0"  # NULs come from some that start
NOISE_MIN: Final = 32  # bytes
NOISE_SHARE: Final = 0.02

log = logging.getLogger("dialerd.modem")


class ModemError(OSError):
    """The modem cannot do it; one line for the user."""


class OneModem:
    """A modem's port, from `up` to `close`."""

    def __init__(self, options: ModemOptions) -> None:
        """Reads the dialects; TomlError. ModemError for one that there is not."""
        self.options = options
        self.report = ModemReport(options.device)
        self.began_ns = time.monotonic_ns()
        self.hears: Callable[[gsm.Fact], None] = _nobody
        self.gone = ""  # why it cannot be spoken to
        self._changed = asyncio.Event()
        self._reply: gsm.AtReply | None = None
        self._heard = self._bad = 0  # bytes, and those that are no text
        found = read_dialects(options.dialects or SHIPPED)
        names = ["auto", *(one.name for one in found.dialects)]
        if options.dialect not in names:
            raise ModemError(f"no dialect {options.dialect!r}; there are: {', '.join(names)}")
        settings = PortSettings(
            options.device, dialect=options.dialect, pin=options.pin, pin_tries=options.pin_tries,
            incoming="tell", registered_at_home_only=False, care=Care(gap_s=0.0), trace=True,
            audio_uac=bool(sound_card(options.audio)), audio_device=options.audio != FILES,
        )  # fmt: skip
        self.runner = PortRunner(
            options.device,
            lambda: Port(settings, found.dialects, found.carriers, random.Random()),  # noqa: S311 - no secret
            lambda: open_device(options.device, options.baud),
            RefusedPins(lambda: self.runner, self._hear),
            loop=asyncio.get_running_loop(),
        )

    async def up(self, states: set[str], wait_s: float = 0.0) -> str:
        """Wait for one of these states; which one it was. ModemError: it came to nothing."""
        if not self.runner.is_open and self.report.state == "closed":
            self.runner.start()
        try:
            async with asyncio.timeout(wait_s or self.options.wait_s):
                while self.report.state not in states or not self._told():
                    if self.gone:
                        raise ModemError(self.gone)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            why = self.report.why or self.report.state
            if self.report.state not in UP:
                raise ModemError(f"{self.options.device}: {why}") from None
        return self.report.state

    def _told(self) -> bool:
        """Whether a port that takes calls was asked for its signal too, and owes no answer."""
        report = self.report
        if report.state not in {"ready", "locked"}:
            return True
        return self.runner.machine.signal_asked and (report.ready or report.state == "locked")

    async def at(self, text: str) -> gsm.AtReply:
        """The answer to one command; ModemError."""
        self._reply = None
        why = self.runner.do(lambda port, now_ns: port.at(text, now_ns))
        if why:
            raise ModemError(str(why))
        try:
            async with asyncio.timeout(self.options.wait_s):
                while self._reply is None:
                    if self.gone:
                        raise ModemError(self.gone)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise ModemError(f"{self.options.device}: no answer to {text}") from None
        return self._reply

    async def close(self) -> None:
        """Hang up, switch audio off, close the device."""
        self.hears = _nobody
        self.runner.drain()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.runner.closed.wait()
        except TimeoutError:
            log.warning("%s does not hang up", self.options.device)
        self.runner.end()

    def snapshot(self) -> ModemReport:
        """What is known now, and what follows of it: its end is none of a report's."""
        options, machine = self.options, self.runner.machine
        self.report.audio_device = options.audio or audio_beside(
            options.device, machine.dialect.audio.interface
        )
        judge(self.report, machine.can, machine.dialect.files, noise=self._noise())
        return msgspec.structs.replace(self.report, trace=list(self.report.trace))

    def _noise(self) -> str:
        """What share of its bytes is no text, in words; empty where it is none to speak of."""
        if self._bad < NOISE_MIN or self._bad < NOISE_SHARE * self._heard:
            return ""
        return f"{self._bad} of the {self._heard} bytes that it said are no text"

    def at_ms(self) -> int:
        """Milliseconds since the beginning."""
        return (time.monotonic_ns() - self.began_ns) // MS

    def _hear(self, fact: gsm.Fact) -> None:
        report = self.report
        match fact:
            case gsm.Trace(direction=direction, data=data):
                if direction == "<":
                    self._heard += len(data)
                    self._bad += len(data.translate(None, _TEXT))
                if self.options.trace and len(report.trace) < TRACE_MAX:
                    report.trace.append(Exchange(self.at_ms(), direction, _shown(data)))
                return
            case gsm.PortState():
                report.state, report.why, report.ready = fact.state, fact.why, fact.ready
                if fact.state in {"absent", "dead"}:
                    self.gone = f"{self.options.device}: {fact.why}"
            case gsm.Identified():
                for name in fact.__struct_fields__:
                    setattr(report, name, getattr(fact, name))
            case gsm.Signal():
                report.rssi_dbm, report.operator = fact.rssi_dbm, fact.operator
                report.registration = fact.registration
            case gsm.AtReply():
                self._reply = fact
            case Crashed(why=why):
                self.gone = f"{self.options.device}: internal error: {why}"
            case _:
                pass
        self._changed.set()
        self.hears(fact)


def _shown(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


def _nobody(fact: gsm.Fact) -> None:
    """Nobody asked."""
