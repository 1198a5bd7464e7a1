"""One modem without a daemon: who it is, a command, a call. The same port machine as a bank's."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final

import msgspec

from dialerd.config.dialects import SHIPPED, read_dialects
from dialerd.core.keys import Dtmf, Keys
from dialerd.lines.gsm_line import outcome_of
from dialerd.shell.call_words import HeardDigit, TimelineEvent
from dialerd.shell.modem_words import (
    Exchange,
    ModemCall,
    ModemCallReport,
    ModemOptions,
    ModemReport,
)
from dialerd.shell.prompts import load_prompt
from dialerd.shell.quality import device_trouble
from dialerd.shell.recorder import Recorder
from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine, PlayEnded
from gsm import events as gsm
from gsm.io_pins import RefusedPins
from gsm.io_port import Crashed, PortRunner
from gsm.io_serial import close_device, open_device
from gsm.io_slots import audio_beside
from gsm.io_sound import open_audio, sound_card
from gsm.number import DialString
from gsm.port import Port
from gsm.settings import Care, PortSettings

LEG: Final = 1
MS: Final = 1_000_000
LISTEN_S: Final = 10.0  # how long an answered call stays up when nothing says otherwise
AFTER_S: Final = 1.0  # and after prompt and digits are through
RELEASE_S: Final = 15.0  # for the modem to hang up
CLOSE_S: Final = 4.0
DRAIN_S: Final = 0.5  # of a recording
TRACE_MAX: Final = 2_000
PLAY_TOKEN: Final = 1
SETTLED: Final = {"ready", "locked", "sim fault", "degraded"}
UP: Final = SETTLED | {"register"}

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
        found = read_dialects(options.dialects or SHIPPED)
        names = ["auto", *(one.name for one in found.dialects)]
        if options.dialect not in names:
            raise ModemError(f"no dialect {options.dialect!r}; there are: {', '.join(names)}")
        settings = PortSettings(
            options.device, dialect=options.dialect, pin=options.pin, incoming="tell",
            registered_at_home_only=False, care=Care(gap_s=0.0), trace=True,
            audio_uac=bool(sound_card(options.audio)),
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
                while self.report.state not in states:
                    if self.gone:
                        raise ModemError(self.gone)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            why = self.report.why or self.report.state
            if self.report.state not in UP:
                raise ModemError(f"{self.options.device}: {why}") from None
        return self.report.state

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
        """What is known now: its end is none of a report's."""
        return msgspec.structs.replace(self.report, trace=list(self.report.trace))

    def at_ms(self) -> int:
        """Milliseconds since the beginning."""
        return (time.monotonic_ns() - self.began_ns) // MS

    def _hear(self, fact: gsm.Fact) -> None:
        report = self.report
        match fact:
            case gsm.Trace(direction=direction, data=data):
                if len(report.trace) < TRACE_MAX:
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


class OneModemCall:
    """A call on a modem that is ready."""

    def __init__(self, modem: OneModem, call: ModemCall) -> None:
        """OSError or ValueError: a file that cannot be opened, a number that cannot be dialed."""
        self._modem = modem
        self._call = call
        self._number = DialString(call.number)
        self._prompts = [load_prompt(path) for path in call.play]
        self._engine = MediaEngine()
        self._audio = -1
        self._stream = -1
        self._recorder: Recorder | None = None
        self._keys = Keys(Dtmf.ALL)
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._answered = False
        self._pending = 0
        self._timers: list[asyncio.TimerHandle] = []
        self.report = ModemCallReport(modem.options.device, call.number)

    async def run(self) -> ModemCallReport:
        """Dial, wait for the end, report. ModemError: the modem would not dial, or has no audio."""
        self._engine.start()
        self._loop.add_reader(self._engine.fileno(), self._on_media)
        self._modem.hears = self._hear
        try:
            self._open_audio()
            told, report, self._begin_ns = self._modem.report, self.report, time.monotonic_ns()
            report.dialect, report.imei, report.iccid = told.dialect, told.imei, told.iccid
            number, ring_s = self._number, self._call.ring_s_max
            if why := self._modem.runner.do(lambda one, now: one.dial(LEG, number, now, 0, ring_s)):
                raise ModemError(f"{self._modem.options.device}: {why}")
            self._note("dialed", self._call.number)
            await self._wait()
        finally:
            self._close()
        self.report.trace = self._modem.report.trace
        return self.report

    # -- its length ------------------------------------------------------------------------------

    async def _wait(self) -> None:
        self._later(self._call.ring_s_max, self._ring_over)
        try:
            await self._ended.wait()
        except asyncio.CancelledError:  # Ctrl-C hangs up, and waits for the modem to have done so
            self._hang_up()
            try:
                async with asyncio.timeout(RELEASE_S):
                    await self._ended.wait()
            except TimeoutError:
                self._note("gave_up", "the modem does not say that the call is over")

    def _ring_over(self) -> None:
        if not self._answered:
            self._hang_up()

    def _hang_up(self) -> None:
        if not self._ended.is_set():
            self._note("hanging_up")
            self._modem.runner.do(lambda port, now_ns: port.hang_up(LEG, now_ns))

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, what))

    def _note(self, event: str, detail: str = "") -> None:
        self.report.timeline.append(TimelineEvent(self._at_ms(), event, detail))

    def _at_ms(self) -> int:
        return (time.monotonic_ns() - self._begin_ns) // MS

    # -- audio -----------------------------------------------------------------------------------

    def _open_audio(self) -> None:
        """Its audio device, where one is named, known or needed."""
        wanted = bool(self._call.play or self._call.record or self._modem.options.audio)
        options, machine = self._modem.options, self._modem.runner.machine
        path = options.audio or audio_beside(options.device, machine.dialect.audio.interface)
        if not path and wanted:
            raise ModemError(f"{options.device}: no audio device is known, name it by --audio")
        try:
            self._audio = open_audio(path, options.baud) if path else -1
            self.report.audio = path
        except OSError as error:
            if wanted:
                raise ModemError(f"{path}: {error.strerror}") from error

    def _start_audio(self) -> None:
        if self._audio < 0 or self._stream >= 0:
            return
        self._stream = self._engine.open_device(self._audio)
        self._engine.hear_tones(self._stream)
        if self._call.record is not None:
            self._recorder = Recorder(self._call.record, self._engine, self._stream)
            self.report.recording = str(self._call.record)
            self._drain_recording()
        self._note("audio", self.report.audio)

    def _drain_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.drain()
            self._later(DRAIN_S, self._drain_recording)

    def _on_media(self) -> None:
        for event in self._engine.events():
            if isinstance(event, DigitHeard):
                self._key(event.digit, "inband", event.at_ns)
            elif isinstance(event, PlayEnded):
                self._note("played")
                self._through()
            elif isinstance(event, DigitsSent):
                self._sent("")

    def _key(self, digit: str, source: str, at_ns: int) -> None:
        if self._keys.press(digit, source, at_ns) == "key":
            self.report.digits.append(HeardDigit(digit, self._at_ms(), source))
            self._note("digit", f"{digit} ({source})")

    def _close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._recorder is not None:
            self._recorder.close()
            if self._recorder.failed:
                self._note("recording_failed", self._recorder.failed)
        if self._stream >= 0:
            bad = device_trouble(self._engine.device(self._stream))
            if bad:
                self._note("bad_audio", bad)
            self._engine.close(self._stream)
        self._loop.remove_reader(self._engine.fileno())
        self._engine.stop()
        if self._audio >= 0:
            close_device(self._audio)

    # -- what the port tells ---------------------------------------------------------------------

    def _hear(self, fact: gsm.Fact) -> None:
        match fact:
            case gsm.Dialing():
                self._note("dialing")
            case gsm.Alerting():
                self.report.ring_ms = self._at_ms()
                self._note("ringing")
            case gsm.AudioStart():
                self._start_audio()
            case gsm.AudioFailed(why=why):
                self._note("no_audio", why)
            case gsm.Answered():
                self._answer()
            case gsm.Digit(digit=digit):
                self._key(digit, "info", time.monotonic_ns())
            case gsm.DigitsSent(refused=refused):
                self._sent(refused)
            case gsm.Reached(verdict=verdict, rule=rule):
                self._note("reached", f"{verdict} by {rule}")
            case gsm.Ended():
                self._end(fact)
            case gsm.PortState(state=state, why=why) if state in {"absent", "dead"}:
                self._note(state, why)
            case _:
                pass

    def _answer(self) -> None:
        if self._answered:
            return
        self._answered = True
        self.report.answer_ms = self._at_ms()
        self._note("answered")
        if self._modem.report.audio != "pcm_tty":
            self._start_audio()  # a device that was named, of a modem that switches none on
        self._pending = 1
        self._speak()

    def _speak(self) -> None:
        """Prompts, then keys, then the end; the audio may still be switched on."""
        if self._prompts and self._stream < 0 and self._audio >= 0:
            self._later(0.05, self._speak)
            return
        if self._prompts and self._stream >= 0:
            ids = [self._engine.add_prompt(one.pcmu, one.pcma) for one in self._prompts]
            self._engine.play(self._stream, ids, PLAY_TOKEN)
            self._prompts = []
        elif self._call.digits:
            self._send_digits()
        else:
            self._through()
        if self._call.seconds is not None:
            self._later(self._call.seconds, self._hang_up)

    def _send_digits(self) -> None:
        keys = self._call.digits
        why = self._modem.runner.do(lambda port, now_ns: port.digits(LEG, keys, now_ns))
        if why:
            self._sent(f"{keys}: {why}")

    def _sent(self, refused: str) -> None:
        self._note("digits_refused" if refused else "digits_sent", refused or self._call.digits)
        self._pending = 0
        self._leave()

    def _through(self) -> None:
        """The prompts are through, or there were none."""
        if self._call.digits and self._pending:
            self._send_digits()
            return
        played = bool(self._call.play)
        self._pending = 0
        self._leave(AFTER_S if played else LISTEN_S)

    def _leave(self, after_s: float = AFTER_S) -> None:
        if self._call.seconds is None:
            self._later(after_s, self._hang_up)

    def _end(self, fact: gsm.Ended) -> None:
        report = self.report
        report.cause, report.q850, report.text = fact.cause.value, fact.code, fact.text
        report.outcome = outcome_of(fact.cause).value
        report.released_by = {"peer": "them", "port": "us"}.get(fact.by, fact.by)
        if report.answer_ms is not None:
            report.duration_ms = self._at_ms() - report.answer_ms
        self._note("released", f"{report.released_by}: {fact.cause.value} {fact.text}".strip())
        self._ended.set()


def _shown(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")


def _nobody(fact: gsm.Fact) -> None:
    """Nobody asked."""
