"""One call on a modem without a daemon, as `dialerd port call` makes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dialerd.core.keys import Dtmf, Keys
from dialerd.lines.gsm_line import outcome_of
from dialerd.shell.call_words import HeardDigit, TimelineEvent
from dialerd.shell.modem_words import ModemCall, ModemCallReport
from dialerd.shell.module_voice import ModuleVoice
from dialerd.shell.one_modem import LEG, MS, ModemError, OneModem
from dialerd.shell.prompts import load_prompt
from dialerd.shell.quality import device_trouble
from dialerd.shell.recorder import Recorder, check_file
from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine, PlayEnded
from gsm import events as gsm
from gsm.io_serial import close_device
from gsm.io_slots import audio_beside
from gsm.io_sound import open_audio
from gsm.number import number_to_call

LISTEN_S: Final = 10.0  # how long an answered call stays up when nothing says otherwise
AFTER_S: Final = 1.0  # and after prompt and digits are through
RELEASE_S: Final = 15.0  # for the modem to hang up
DRAIN_S: Final = 0.5  # of a recording
PLAY_TOKEN: Final = 1


class OneModemCall:
    """A call on a modem that is ready."""

    def __init__(self, modem: OneModem, call: ModemCall) -> None:
        """OSError or ValueError: a file that cannot be opened, a number that cannot be dialed."""
        self._modem = modem
        self._call = call
        self._number = number_to_call(call.number)
        self._prompts = [load_prompt(path) for path in call.play]
        if call.record is not None:
            check_file(call.record, ours=False)  # what a module recorded may be written over
        self._engine = MediaEngine()
        self._audio = -1
        self._stream = -1
        self._files: ModuleVoice | None = None  # where the module speaks by files
        self._recorder: Recorder | None = None
        self._keys = Keys(Dtmf.ALL)
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._answered = False
        self._begin_ns = time.monotonic_ns()  # until it dials
        self._pending = 0
        self._timers: list[asyncio.TimerHandle] = []
        self.report = ModemCallReport(modem.options.device, call.number)

    async def run(self) -> ModemCallReport:
        """Dial, wait for the end, report. ModemError: the modem would not dial, or has no audio."""
        self._engine.start()
        self._loop.add_reader(self._engine.fileno(), self._on_media)
        self._modem.hears = self._hear
        try:
            if self._modem.report.audio == "module_file":
                self._files = ModuleVoice(self._modem, self._prompts, self._call.record)
                await self._files.prepare()
            else:
                self._open_audio()
            told, report, self._begin_ns = self._modem.report, self.report, time.monotonic_ns()
            report.dialect, report.imei, report.iccid = told.dialect, told.imei, told.iccid
            number, ring_s = self._number, self._call.ring_s_max
            if why := self._modem.runner.do(lambda one, now: one.dial(LEG, number, now, 0, ring_s)):
                raise ModemError(f"{self._modem.options.device}: {why}")
            self._note("dialed", self._call.number)
            await self._wait()
            if self._files is not None and self._answered:
                await self._files.fetch()
                report.recording = str(self._call.record or "")
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
        if self._call.record is not None:
            check_file(self._call.record, ours=True)
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
            self._record(self._call.record)
        self._note("audio", self.report.audio)

    def _record(self, path: Path) -> None:
        try:
            self._recorder = Recorder(path, self._engine, self._stream)
        except OSError as error:  # it could be made before the number was dialed
            self._note("recording_failed", error.strerror or str(error))
            return
        self.report.recording = str(path)
        self._drain_recording()

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
        if self._files is not None:
            self._files.hear(fact)
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
        if self._files is not None:
            self._files.begin()
        self._speak()

    def _speak(self) -> None:
        """Prompts, then keys, then the end; the audio may still be switched on."""
        if self._prompts and self._stream < 0 and self._audio >= 0:
            self._later(0.05, self._speak)
            return
        if self._prompts and self._files is not None:
            self._files.speak(self._said)
            self._prompts = []
        elif self._prompts and self._stream >= 0:
            ids = [self._engine.add_prompt(one.pcmu, one.pcma) for one in self._prompts]
            self._engine.play(self._stream, ids, PLAY_TOKEN)
            self._prompts = []
        elif self._call.digits:
            self._send_digits()
        else:
            self._through()
        if self._call.seconds is not None:
            self._later(self._call.seconds, self._hang_up)

    def _said(self, why: str) -> None:
        """The files are through, or were not played."""
        self._note("no_audio" if why else "played", why)
        self._through()

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
