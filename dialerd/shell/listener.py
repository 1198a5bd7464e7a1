"""The called side for engineers and tests: takes calls as a script says and tells what happens.

The daemon's stack and media engine, no store, no dialer. One `ListenEvent` for each thing that
happens, told at once; a `ListenSummary` at the end.

Media begins with the ACK, which only who got our 200 can send: nobody else is sent any.

    answer  180, 200; plays a file or is silent, until the caller hangs up
    ring    180, until the caller gives up
    busy    486
    echo    180, 200; says back what it hears, keys too
    hold    180, 200; holds the caller after a while, resumes, stays until the caller hangs up
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from dialerd.shell.clock import Clock
from dialerd.shell.entropy import Entropy
from dialerd.shell.listen_words import ListenedCall, ListenEvent, ListenOptions, ListenSummary
from dialerd.shell.prompts import load_prompt
from dialerd.shell.sip_stack import Stack, StackSettings
from dialerd.shell.voice import Voice, VoiceOptions, host_for
from fastpath.rtp import DigitHeard, MediaEngine, PlayEnded
from sip.accounts.digest_server import user
from sip.accounts.registrar import Phones
from sip.events import (
    Digit,
    Ended,
    Established,
    Incoming,
    Modified,
    ModifyFailed,
    ReferAsked,
    Renegotiated,
    SipEvent,
)
from sip.transport.local import bracketed

REALM = "dialerd"
DRAIN_S = 0.5  # a recording must be taken at least once a second
LINGER_S = 0.6  # for the last ACK, and a BYE whose answer was lost: T1 and a little
RELEASE_S = 4.0  # told to end, how long the far ends may take to agree
GAVE_UP = "gave up:"


class _Leg:
    """A call in progress."""

    __slots__ = ("answered_ns", "begun_ns", "report", "timers", "voice")

    def __init__(self, report: ListenedCall, now_ns: int) -> None:
        self.report = report
        self.begun_ns = now_ns
        self.answered_ns = 0
        self.voice: Voice | None = None
        self.timers: list[asyncio.TimerHandle] = []


class Listener:
    """See the module's text. `tell` hears each event, `ended` each call that is over."""

    def __init__(
        self,
        options: ListenOptions,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[ListenEvent], None],
        ended: Callable[[ListenedCall], None],
    ) -> None:
        """Bind at once. OSError, ValueError: what could not be had."""
        self._options = options
        self._loop = loop
        self._tell = tell
        self._ended = ended
        self._clock = Clock()
        self._rng = Entropy()
        self._legs: dict[int, _Leg] = {}
        self._streams: dict[int, int] = {}
        self._count = 0
        self._closing = self._full = False
        self._done = asyncio.Event()
        self.summary = ListenSummary()
        prompt = load_prompt(options.play) if options.play else None
        phones = None
        bind = options.bind
        if options.auth is not None:  # whoever must prove who he is stands at the phones' side
            bind = msgspec.structs.replace(bind, side="phone")
            name = options.auth.username
            phones = Phones(REALM, {name: user(name, REALM, options.auth.password)})
        settings = StackSettings((bind,), phones=phones)
        self.stack = Stack(settings, loop, self._rng, self._clock)
        self.stack.on_event = self._on_sip
        self._engine = MediaEngine()
        self._prompt = self._engine.add_prompt(prompt.pcmu, prompt.pcma) if prompt else -1
        self._engine.start()
        loop.add_reader(self._engine.fileno(), self._on_media)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        bind = self.stack.binds[0]
        return bind.host, bind.port

    async def run(self) -> ListenSummary:
        """Take calls until enough have ended; cancelled, it hangs up, cancelled again it ends."""
        self._draining = self._loop.call_later(DRAIN_S, self._drain)
        why = ""
        try:
            await self._done.wait()
            await asyncio.sleep(LINGER_S)
        except asyncio.CancelledError:
            why = await self._leave()
        finally:
            self._draining.cancel()
            self._close(why)
        return self.summary

    async def _leave(self) -> str:
        """Hang up and wait for the far ends to agree; why some did not."""
        self._closing = True
        for number in list(self._legs):
            self._hang_up(number)
        try:
            if self._legs:
                await asyncio.wait_for(self._done.wait(), RELEASE_S)
        except TimeoutError:
            return f"{GAVE_UP} no answer to our hanging up in {RELEASE_S:g} s"
        except asyncio.CancelledError:
            return f"{GAVE_UP} told to end at once"
        return ""

    def _close(self, why: str) -> None:
        for number, leg in list(self._legs.items()):
            self._note(leg, "gave_up", why.removeprefix(GAVE_UP).strip())
            self._over(Ended(number, leg.report.code, why, 0, "timeout", leg.report.answered), leg)
        self.stack.close()
        self._loop.remove_reader(self._engine.fileno())
        self._engine.stop()

    # -- calls -----------------------------------------------------------------------------------

    def _on_sip(self, event: SipEvent) -> None:
        if isinstance(event, Incoming):
            self._invited(event)
            return
        leg = self._legs.get(event.leg)
        if leg is None:
            return
        match event:
            case Established(sdp=body):
                self._established(event.leg, leg, body)
            case Renegotiated(sdp=body):
                self._renegotiated(event.leg, leg, body)
            case Modified(sdp=body):
                self._modified(leg, body)
            case ModifyFailed(code=code):
                if leg.voice is not None:
                    leg.voice.refused()
                self._note(leg, "not_held", str(code))
            case Digit(digit=digit, ms=ms):
                self._key(leg, digit, "info", self._clock.now_ns() - ms * 1_000_000)
            case ReferAsked(refer_to=refer_to):
                self._note(leg, "transfer_declined", refer_to)
                self.stack.endpoint.refer_answer(event.leg, 603, self._clock.now_ns())
            case Ended():
                self._over(event, leg)
            case _:
                pass

    def _invited(self, event: Incoming) -> None:
        options, endpoint = self._options, self.stack.endpoint
        enough = options.calls and self._count >= options.calls
        if self._closing or enough or self._crowded():
            endpoint.reject(event.leg, 503 if self._full else 486, self._clock.now_ns())
            self.stack.flush()
            return
        self._count += 1
        host, port, _ = event.source
        report = ListenedCall(
            self._count, event.call_id, event.from_user, event.request_user,
            f"{bracketed(host)}:{port}",
        )  # fmt: skip
        leg = self._legs[event.leg] = _Leg(report, self._clock.now_ns())
        self._note(leg, "invite", f"{report.caller} -> {report.called} from {report.source}")
        if options.script == "busy":
            endpoint.reject(event.leg, 486, self._clock.now_ns(), q850=17)
        elif options.script == "ring":
            self._ring(event.leg, leg)
        else:
            self._answer(event, leg)
        self.stack.flush()

    def _crowded(self) -> bool:
        """Whether there are as many calls as may be at a time; told when that begins."""
        full = len(self._legs) >= self._options.calls_max
        if full:
            self.summary.refused += 1
        if full and not self._full:
            self._tell(ListenEvent(0, 0, "full", f"{len(self._legs)} calls: more are answered 503"))
        self._full = full
        return full

    def _ring(self, number: int, leg: _Leg) -> None:
        self.stack.endpoint.ring(number, self._clock.now_ns())
        self._note(leg, "ringing")

    def _answer(self, event: Incoming, leg: _Leg) -> None:
        """180 and 200 with our answer, or with our offer when the caller made none.

        What cannot be answered does not ring before it is refused.
        """
        try:
            leg.voice = voice = self._voice(leg, event.sdp)
            body = voice.answer(event.sdp) if event.sdp else voice.offer()
        except (ValueError, OSError) as error:
            self._note(leg, "not_answered", str(error))
            code = 488 if isinstance(error, ValueError) else 500
            self.stack.endpoint.reject(event.leg, code, self._clock.now_ns())
            return
        self._ring(event.leg, leg)
        self._streams[voice.stream] = event.leg
        self.stack.endpoint.accept(event.leg, body, self._clock.now_ns())
        leg.answered_ns = self._clock.now_ns()
        self._note(leg, "answered")

    def _voice(self, leg: _Leg, offer: bytes) -> Voice:
        options, record = self._options, self._options.record
        if record is not None and leg.report.call > 1:
            record = record.with_name(f"{record.stem}-{leg.report.call}{record.suffix}")
        leg.report.recording = str(record or "")
        host = self.stack.binds[0].host
        wanted = VoiceOptions(
            host_for(offer, host) if offer else host,
            srtp=options.srtp,
            record=record,
            dtmf=options.dtmf,
        )
        return Voice(self._engine, wanted, self._rng)

    def _established(self, number: int, leg: _Leg, body: bytes) -> None:
        self._note(leg, "established")
        leg.report.answered = True
        options, voice = self._options, leg.voice
        if voice is None:
            return
        try:
            if body:
                voice.accept(body)
            else:
                voice.begin()
        except ValueError as error:
            self._note(leg, "bad_sdp", str(error))
            self._hang_up(number)
            return
        if options.script == "echo":
            self._engine.echo(voice.stream)
        if self._prompt >= 0:
            self._engine.play(voice.stream, self._prompt, number)
        if options.script == "hold":
            self._later(leg, options.hold_after_ms / 1000, self._hold, number)
        if options.seconds is not None:
            self._later(leg, options.seconds, self._hang_up, number)

    def _later(self, leg: _Leg, seconds: float, what: Callable[[int], None], number: int) -> None:
        leg.timers.append(self._loop.call_later(seconds, what, number))

    def _hold(self, number: int) -> None:
        self._offer(number, hold=True)

    def _resume(self, number: int) -> None:
        self._offer(number, hold=False)

    def _offer(self, number: int, *, hold: bool) -> None:
        leg = self._legs[number]
        if leg.voice is None:
            return
        try:
            body = leg.voice.hold() if hold else leg.voice.resume()
            self.stack.endpoint.modify(number, body, self._clock.now_ns())
        except ValueError as error:  # their offer is on its way
            self._note(leg, "not_held", str(error))
            return
        self.stack.flush()

    def _modified(self, leg: _Leg, body: bytes) -> None:
        voice = leg.voice
        if voice is None:
            return
        try:
            voice.accept(body)
        except ValueError as error:
            self._note(leg, "bad_sdp", str(error))
            return
        held = voice.direction in {"sendonly", "inactive"}
        self._note(leg, "held" if held else "resumed", voice.direction)
        if held:
            number = self._streams[voice.stream]
            self._later(leg, self._options.hold_ms / 1000, self._resume, number)

    def _renegotiated(self, number: int, leg: _Leg, body: bytes) -> None:
        if leg.voice is None:
            return
        try:
            leg.voice.renegotiated(self.stack.endpoint.description(number), body)
        except ValueError as error:
            self._note(leg, "bad_sdp", str(error))
            return
        self._note(leg, "renegotiated", leg.voice.direction)

    def _hang_up(self, number: int) -> None:
        leg = self._legs.get(number)
        if leg is not None:
            self._note(leg, "hanging_up")
            self.stack.endpoint.release(number, self._clock.now_ns())
            self.stack.flush()

    def _over(self, event: Ended, leg: _Leg) -> None:
        del self._legs[event.leg]
        report = leg.report
        report.code, report.q850, report.released_by = event.code, event.q850, event.by
        if leg.answered_ns:
            report.duration_ms = (self._clock.now_ns() - leg.answered_ns) // 1_000_000
        report.answered = event.answered
        self._silence(leg)
        self._note(leg, "ended", f"{report.code} by {report.released_by}{_silence(event)}")
        self.summary.calls += 1
        self.summary.answered += report.answered
        self._ended(report)
        calls = self._options.calls
        if (self._closing and not self._legs) or (calls and self.summary.calls >= calls):
            self._done.set()

    def _silence(self, leg: _Leg) -> None:
        """Everything of a call that is not SIP."""
        for timer in leg.timers:
            timer.cancel()
        if leg.voice is not None:
            self._streams.pop(leg.voice.stream, None)
            stats = leg.voice.close()
            if leg.voice.record_fault:
                self._note(leg, "recording_failed", leg.voice.record_fault)
            report = leg.report
            report.rtp_sent, report.rtp_received = stats.sent, stats.received
            report.rtp_lost = stats.lost

    # -- media -----------------------------------------------------------------------------------

    def _on_media(self) -> None:
        for event in self._engine.events():
            leg = self._legs.get(self._streams.get(event.stream, 0))
            if leg is None:
                continue
            match event:
                case DigitHeard(digit=digit, source=source, at_ns=at_ns):
                    self._key(leg, digit, source, at_ns)
                case PlayEnded():
                    self._note(leg, "played")
                case _:
                    pass

    def _key(self, leg: _Leg, digit: str, source: str, at_ns: int) -> None:
        if leg.voice is None or leg.voice.keys.press(digit, source, at_ns) != "key":
            return
        leg.report.digits += digit
        self._note(leg, "digit", f"{digit} ({source})")
        if self._options.script == "echo" and source == "rfc4733":
            try:
                self._engine.send_digits(leg.voice.stream, digit, 0)
            except (ValueError, BufferError) as error:
                self._note(leg, "digit_not_sent", str(error))

    def _drain(self) -> None:
        for leg in self._legs.values():
            if leg.voice is not None and leg.voice.recorder is not None:
                leg.voice.recorder.drain()
        self._draining = self._loop.call_later(DRAIN_S, self._drain)

    def _note(self, leg: _Leg, event: str, detail: str = "") -> None:
        at_ms = (self._clock.now_ns() - leg.begun_ns) // 1_000_000
        self._tell(ListenEvent(leg.report.call, at_ms, event, detail))


def _silence(event: Ended) -> str:
    """What nobody said in time, when that ended a call."""
    if event.by != "timeout" or event.phrase.startswith(GAVE_UP):
        return ""
    if event.answered:
        return ": the far end has gone silent"
    return {200: ": no ACK to our 200", 504: ": no PRACK"}.get(event.code, ": rang too long")
