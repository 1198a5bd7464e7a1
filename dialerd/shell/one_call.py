"""One call for an engineer: dial, play, send digits, hold, transfer, listen, tell what happened.

No store, no dialer, no daemon: the daemon's SIP stack and media engine, one leg.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dialerd.core.keys import Keys
from dialerd.lines.outcome_map import outcome_of
from dialerd.shell.call_plan import LEG, inform, invite_of, settings_of, targets_of, voice_options
from dialerd.shell.call_words import (
    CallOptions,
    CallReport,
    HeardDigit,
    Transfer,
    ending,
    rtp_of,
)
from dialerd.shell.clock import Clock
from dialerd.shell.entropy import Entropy
from dialerd.shell.prompts import load_prompt
from dialerd.shell.sip_stack import Stack, StackSettings
from dialerd.shell.voice import Voice
from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine, PlayEnded, StreamStats
from sip.errors import SipError
from sip.events import (
    Accepted,
    Address,
    Digit,
    Ended,
    Failover,
    Incoming,
    Modified,
    ModifyFailed,
    Provisional,
    ReferAsked,
    ReferProgress,
    Renegotiated,
    SipEvent,
)
from sip.transport.local import bracketed

PLAY_TOKEN = 1
DIGITS_TOKEN = 2
LISTEN_S = 10.0  # how long an answered call stays up when nothing says otherwise
AFTER_S = 1.0  # and after its prompt, digits and the rest are through
RELEASE_S = 4.0  # told to end, how long the far end may take to agree
LINGER_S = 0.6  # for what the far end ended: its last words once more, if ours were lost
DRAIN_S = 0.5  # the engine holds 1.28 s of a recording


class OneCall:
    """The call in progress. `stack` is there once `run` has bound it, with its trace."""

    def __init__(self, options: CallOptions, loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._loop = loop
        self._clock = Clock()
        self._rng = Entropy()
        self._engine = MediaEngine()
        self._voice: Voice | None = None
        self._keys = Keys(options.dtmf)
        self._stats: StreamStats | None = None
        self._pending = 0  # prompt, digits, hold and transfer that are not through yet
        self._digits_left = bool(options.digits)
        self._answered = False
        self._leaving = False  # it is we who end it
        self._start_ns = 0
        self._held_ns = 0
        self._ended = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []
        self.stack: Stack | None = None
        self.report = CallReport(uri=options.text)

    async def run(self) -> CallReport:
        """Dial, wait for the end, report. OSError and ValueError name what could not be opened."""
        options = self._options
        prompts = [load_prompt(path) for path in options.play]
        self._engine.start()
        self._loop.add_reader(self._engine.fileno(), self._on_media)
        try:
            self.stack = self._bind(settings_of(options))
            targets = await targets_of(options, self.stack)
            self._voice = self._open_voice(self.stack.binds[0].host)
            self._prompts = [self._engine.add_prompt(p.pcmu, p.pcma) for p in prompts]
            self._dial(targets)
            await self._wait()
        finally:
            self._close()
        self.report.rtp = rtp_of(self._stats)
        return self.report

    # -- its beginning ---------------------------------------------------------------------------

    def _bind(self, settings: StackSettings) -> Stack:
        stack = Stack(settings, self._loop, self._rng, self._clock)
        stack.on_event = self._on_sip
        return stack

    def _open_voice(self, host: str) -> Voice:
        self.report.recording = str(self._options.record or "")
        voice = Voice(self._engine, voice_options(self._options, host), self._rng)
        self._keys = voice.keys
        self._later(DRAIN_S, self._drain_recording)
        return voice

    def _dial(self, targets: tuple[Address, ...]) -> None:
        self._start_ns = self._clock.now_ns()
        self._went_to(targets[0])
        self._note("dialed", self.report.remote)
        host = self.stack.locals[0].host if self.stack else ""
        body = self._voice.offer() if self._voice else b""
        invite = invite_of(self._options, targets, host, body, self._rng)
        self.report.call_id = invite.call_id
        if self.stack is not None:
            try:
                self.stack.endpoint.invite(invite, self._start_ns)
            except SipError as error:
                raise ValueError(str(error)) from error
            self.stack.flush()

    def _went_to(self, target: Address) -> None:
        """The address that is tried now."""
        self.report.remote = f"{bracketed(target[0])}:{target[1]}"
        if self.stack is not None:
            bind = self.stack.binds[target[2]]
            self.report.transport = bind.transport
            self.report.local = f"{bracketed(bind.host)}:{bind.port}"

    # -- its length ------------------------------------------------------------------------------

    async def _wait(self) -> None:
        """Until the end: the ring limit, the seconds asked for, or the far end's BYE."""
        self._ring = self._loop.call_later(self._options.ring_s_max, self._hang_up)
        try:
            await self._ended.wait()
            if self.report.released_by == "them":
                await asyncio.sleep(LINGER_S)
        except asyncio.CancelledError:
            # Ctrl-C: hang up like a person would, and wait for the far end to agree.
            self._hang_up()
            try:
                await asyncio.wait_for(self._ended.wait(), RELEASE_S)
            except TimeoutError:
                self._abandon(f"no answer to our hanging up in {RELEASE_S:g} s")
            except asyncio.CancelledError:
                self._abandon("told to end at once")
        finally:
            self._ring.cancel()

    def _abandon(self, why: str) -> None:
        """It ends here, whatever the far end thinks."""
        report = self.report
        report.outcome, report.sip_code = ("answered", 200) if self._answered else ("no_answer", 0)
        report.released_by, report.reason = "us", why
        if report.answer_ms is not None:
            report.duration_ms = self._at_ms() - report.answer_ms
        self._note("gave_up", why)

    def _close(self) -> None:
        self._ended.set()
        for timer in self._timers:
            timer.cancel()
        if self.stack is not None:
            self.stack.close()
        self._loop.remove_reader(self._engine.fileno())
        if self._voice is not None:
            self._stats = self._voice.close()
            if self._voice.record_fault:
                self._note("recording_failed", self._voice.record_fault)
        self._engine.stop()

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, what))

    def _drain_recording(self) -> None:
        if self._voice is not None and self._voice.recorder is not None:
            self._voice.recorder.drain()
        self._later(DRAIN_S, self._drain_recording)

    def _at_ms(self) -> int:
        return (self._clock.now_ns() - self._start_ns) // 1_000_000

    def _note(self, event: str, detail: str = "") -> None:
        self.report.note(self._at_ms(), event, detail)

    def _hang_up(self) -> None:
        if not self._ended.is_set():
            self._note("hanging_up")
            self._release()

    def _release(self) -> None:
        self._leaving = True
        if self.stack is not None:
            self.stack.endpoint.release(LEG, self._clock.now_ns())
            self.stack.flush()

    # -- what SIP tells --------------------------------------------------------------------------

    def _on_sip(self, event: SipEvent) -> None:
        match event:
            case Provisional(code=code, sdp=body) if code > 100:
                self._progress(code, body)
            case Accepted(sdp=body) if not self._answered:
                self._answer(body)
            case Failover(target=target, code=code):
                self._note("next_target", f"{target[0]}:{target[1]} {code or 'silent'}")
            case Renegotiated(sdp=body):
                self._renegotiated(body)
            case Modified(sdp=body):
                self._modified(body)
            case ModifyFailed(code=code):
                self._modify_failed(code)
            case Digit(digit=digit, ms=ms):
                self._key(digit, "info", self._clock.now_ns() - ms * 1_000_000)
            case ReferProgress():
                self._transferred(event)
            case Incoming(leg=leg) if self.stack is not None:
                self.stack.endpoint.reject(leg, 486, self._clock.now_ns())
            case ReferAsked(leg=leg, refer_to=refer_to) if self.stack is not None:
                self._note("transfer_declined", refer_to)
                self.stack.endpoint.refer_answer(leg, 603, self._clock.now_ns())
            case Ended(leg=leg) if leg == LEG:
                self._end(event)
            case _:
                pass

    def _progress(self, code: int, body: bytes | None) -> None:
        if self.report.ring_ms is None:
            self.report.ring_ms = self._at_ms()
        self._note("early_media" if body else "ringing", str(code))
        if body is not None:
            self._agree(body)

    def _agree(self, body: bytes) -> bool:
        try:
            if self._voice is not None:
                self._voice.accept(body)
        except ValueError as error:
            self._note("bad_sdp", str(error))
            return False
        return True

    def _answer(self, body: bytes) -> None:
        self._answered = True
        self._ring.cancel()
        self.report.answer_ms = self._at_ms()
        self._note("answered")
        options = self._options
        if not self._agree(body) or self._voice is None:
            self._hang_up()
            return
        if options.hold_ms:
            self._pending += 1
            self._offer(hold=True)
        if self._prompts:
            self._pending += 1
            self._engine.play(self._voice.stream, self._prompts, PLAY_TOKEN)
        elif self._digits_left:
            self._send_digits()
        if options.transfer and not self._pending:
            self._transfer()
        if options.seconds is not None:
            self._later(options.seconds, self._hang_up)
        elif not self._pending:
            self._later(LISTEN_S, self._hang_up)

    def _renegotiated(self, body: bytes) -> None:
        if self._voice is None or self.stack is None:
            return
        try:
            self._voice.renegotiated(self.stack.endpoint.description(LEG), body)
        except ValueError as error:
            self._note("bad_sdp", str(error))
            return
        self._note("renegotiated", self._voice.direction)

    # -- hold and transfer -----------------------------------------------------------------------

    def _offer(self, *, hold: bool) -> None:
        if self._voice is None or self.stack is None or self._ended.is_set():
            return
        try:
            body = self._voice.hold() if hold else self._voice.resume()
            self.stack.endpoint.modify(LEG, body, self._clock.now_ns())
        except ValueError as error:
            self._note("not_held", str(error))
            self._through()
            return
        self.stack.flush()

    def _modified(self, body: bytes) -> None:
        if not self._agree(body) or self._voice is None:
            self._through()
        elif self._voice.direction in {"sendonly", "inactive"}:
            self._held_ns = self._clock.now_ns()
            self._note("held", self._voice.direction)
            self._later(self._options.hold_ms / 1000, self._resume)
        else:
            self.report.held_ms = (self._clock.now_ns() - self._held_ns) // 1_000_000
            self._note("resumed", self._voice.direction)
            self._through()

    def _resume(self) -> None:
        self._offer(hold=False)

    def _modify_failed(self, code: int) -> None:
        if self._voice is not None:
            self._voice.refused()
        self._note("not_resumed" if self._held_ns else "not_held", str(code))
        self._through()

    def _transfer(self) -> None:
        """Once: ask the far end to call somebody else (RFC 3515)."""
        if self.report.transfer is not None or self.stack is None:
            return
        to = self._options.transfer
        self.report.transfer = Transfer(to, 0, done=False)
        self._pending += 1
        self._note("transferring", to)
        try:
            self.stack.endpoint.refer(LEG, to, self._clock.now_ns())
        except SipError as error:
            self._note("not_transferred", str(error))
            self._through()
            return
        self.stack.flush()

    def _transferred(self, event: ReferProgress) -> None:
        done = event.final and 200 <= event.code < 300
        self.report.transfer = Transfer(self._options.transfer, event.code, done)
        self._note("transfer", f"{event.code} {event.phrase}".strip())
        if event.final:
            self._note("transferred" if done else "not_transferred")
            self._pending -= 1
            self._hang_up()

    # -- keys and prompts ------------------------------------------------------------------------

    def _send_digits(self) -> None:
        self._digits_left = False
        if self._voice is None:
            return
        try:
            if self.stack is not None and self._keys.dtmf == "info":
                now_ns = self._clock.now_ns()
                self._later(inform(self.stack, self._options.digits, now_ns), self._sent)
            else:
                self._engine.send_digits(self._voice.stream, self._options.digits, DIGITS_TOKEN)
        except BufferError as error:
            self._note("digits_not_sent", str(error))
            return
        self._pending += 1

    def _sent(self) -> None:
        self._note("digits_sent", self._options.digits)
        self._through()

    def _on_media(self) -> None:
        for event in self._engine.events():
            if isinstance(event, DigitHeard):
                self._key(event.digit, event.source, event.at_ns)
            elif isinstance(event, PlayEnded):
                self._note("played")
                self._through()
            elif isinstance(event, DigitsSent):
                self._sent()

    def _key(self, digit: str, source: str, at_ns: int) -> None:
        if self._keys.press(digit, source, at_ns) == "key":
            at_ms = (at_ns - self._start_ns) // 1_000_000
            self.report.digits.append(HeardDigit(digit, at_ms, source))
            self._note("digit", f"{digit} ({source})")

    def _through(self) -> None:
        """One thing is through: digits follow the prompt, a transfer all, then a little waiting."""
        self._pending -= 1
        if self._digits_left:
            self._send_digits()
        if not self._pending and self._options.transfer:
            self._transfer()
        if self._options.seconds is None and not self._pending:
            self._later(AFTER_S, self._hang_up)

    def _end(self, event: Ended) -> None:
        report = self.report
        answered = event.answered or self._answered
        report.outcome = outcome_of(event.code, event.q850, answered=answered).value
        report.sip_code = 200 if answered else event.code
        report.q850, report.reason = event.q850, event.phrase
        report.released_by = by = "network" if event.phrase.startswith("unreach") else event.by
        if answered and report.answer_ms is not None:
            report.duration_ms = self._at_ms() - report.answer_ms
        if self._leaving and not answered:
            report.outcome = "no_answer"
        self._note("released", by + ending(event, answered=answered))
        self._ended.set()
