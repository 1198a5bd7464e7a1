"""One call for an engineer: dial a SIP URI, play, send digits, listen, tell what happened.

No store, no dialer, no daemon: the same SIP endpoint and media engine, one leg.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import random
import socket
from pathlib import Path

import msgspec

from dialerd.lines.outcome_map import outcome_of
from dialerd.shell.clock import Clock
from dialerd.shell.entropy import Entropy
from dialerd.shell.ports import in_use
from dialerd.shell.prompts import load_prompt
from dialerd.shell.recorder import Recorder
from fastpath.rtp import DigitHeard, DigitsSent, MediaEngine, PlayEnded, StreamStats
from sip import sdp
from sip.auth import Credentials
from sip.endpoint import Endpoint
from sip.events import (
    Accepted,
    Digit,
    Ended,
    Incoming,
    Invite,
    Provisional,
    Renegotiated,
    SipEvent,
)
from sip.io_stack import SipStack
from sip.io_udp import udp_stack
from sip.local import Local
from sip.uri import SIP_PORT, Uri

LEG = 1
PLAY_TOKEN = 1
DIGITS_TOKEN = 2
LISTEN_S = 10.0  # how long an answered call stays up when nothing says otherwise
AFTER_S = 1.0  # and after its prompt and digits are through
RELEASE_S = 34.0  # transaction timers B and F, plus a little: the far end may never reply


class CallOptions(msgspec.Struct, frozen=True):
    """What to do in the call. `seconds` counts from the answer."""

    uri: Uri
    text: str
    play: Path | None = None
    digits: str = ""
    record: Path | None = None
    seconds: float | None = None
    ring_s_max: float = 60.0
    bind: str = ""
    port: int = 0
    caller: str = "dialerd"
    credentials: Credentials | None = None


class HeardDigit(msgspec.Struct, frozen=True):
    """One key, in milliseconds after the INVITE."""

    digit: str
    at_ms: int
    source: str


class TimelineEvent(msgspec.Struct, frozen=True):
    """One thing that happened, in milliseconds after the INVITE."""

    at_ms: int
    event: str
    detail: str = ""


class Rtp(msgspec.Struct, frozen=True):
    """The media of the call as our end saw it."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    jitter_ms: float = 0.0


class CallReport(msgspec.Struct):
    """The result; `ring_ms` and `answer_ms` are None when it never came to that."""

    uri: str
    outcome: str = "failed"
    sip_code: int = 0
    q850: int = 0
    reason: str = ""
    ring_ms: int | None = None
    answer_ms: int | None = None
    duration_ms: int = 0
    digits: list[HeardDigit] = []
    released_by: str = ""
    rtp: Rtp = Rtp()
    recording: str = ""
    timeline: list[TimelineEvent] = []


def resolve(host: str, port: int) -> str:
    """The IPv4 address of a host; OSError with a clear text when there is none."""
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise OSError(f"cannot resolve {host}: {error.strerror}") from error
    address = str(found[0][4][0])
    if ipaddress.IPv4Address(address).is_multicast:
        raise OSError(f"{host} is a multicast address: nobody there can answer a call")
    return address


def local_address(target: tuple[str, int]) -> str:
    """The local address from which the kernel would reach a target."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(target)
        return str(probe.getsockname()[0])


class OneCall:
    """The call in progress."""

    def __init__(self, options: CallOptions, loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._loop = loop
        self._clock = Clock()
        self._engine = MediaEngine()
        self._stream = -1
        self._stats: StreamStats | None = None
        self._pending = 0  # prompt and digits not through yet
        self._digits_left = bool(options.digits)
        self._start_ns = 0
        self._ended = asyncio.Event()
        self._recorder: Recorder | None = None
        self._host = ""
        self.report = CallReport(uri=options.text)

    async def run(self) -> CallReport:
        """Dial, wait for the end, report. OSError and ValueError name what could not be opened."""
        options = self._options
        prompt = load_prompt(options.play) if options.play else None
        port = options.uri.port if options.uri.port > 0 else SIP_PORT
        target = (resolve(options.uri.host, port), port)
        self._host = options.bind or local_address(target)
        rng = Entropy()
        self._engine.start()
        self._loop.add_reader(self._engine.fileno(), self._on_media)
        try:
            self._stream = self._engine.open(self._host, 16384, 32766)
            if options.record:
                self._recorder = Recorder(options.record, self._engine, self._stream)
                self.report.recording = str(options.record)
                self._drain_recording()
            self._prompt = self._engine.add_prompt(prompt.pcmu, prompt.pcma) if prompt else -1
            stack = self._bind(rng)
            try:
                self._dial(target, rng)
                await self._wait()
            finally:
                stack.close()
        finally:
            self._loop.remove_reader(self._engine.fileno())
            if self._recorder:
                self._recorder.close()
            if self._stream >= 0:
                self._stats = self._engine.close(self._stream)
            self._engine.stop()
        self._count()
        return self.report

    def _bind(self, rng: random.Random) -> SipStack:
        """The endpoint must show the port it is reached at, so a free one is looked for first."""
        port = self._options.port
        if not port:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((self._host, 0))
                port = int(probe.getsockname()[1])
        self._endpoint = Endpoint(Local(self._host, port), rng=rng)
        try:
            stack = udp_stack(self._endpoint, self._host, port, self._loop, self._on_sip)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OSError(in_use("--port", self._host, port)) from error
            raise
        self._flush = stack.flush
        return stack

    def _dial(self, target: tuple[str, int], rng: random.Random) -> None:
        options = self._options
        body = sdp.offer(
            self._host, self._engine.port(self._stream), session_id=rng.getrandbits(31)
        )
        self._start_ns = self._clock.now_ns()
        self._note("dialed", f"{target[0]}:{target[1]}")
        self._endpoint.invite(
            Invite(
                leg=LEG,
                targets=((*target, 0),),
                request_uri=options.text,
                from_uri=f"sip:{options.caller}@{self._host}",
                to_uri=options.text,
                call_id=f"{rng.getrandbits(96):024x}@{self._host}",
                sdp=body,
                credentials=options.credentials,
            ),
            self._start_ns,
        )
        self._flush()

    async def _wait(self) -> None:
        """Until the end: the ring limit, the seconds asked for, or the far end's BYE."""
        self._ring = self._loop.call_later(self._options.ring_s_max, self._hang_up)
        try:
            await self._ended.wait()
        except asyncio.CancelledError:
            # Ctrl-C: hang up like a person would, and wait for the far end to agree.
            self._release()
            await asyncio.wait_for(self._ended.wait(), RELEASE_S)
        finally:
            self._ring.cancel()

    def _drain_recording(self) -> None:
        """The engine holds 1.28 s of a recording; taking it every half second loses nothing."""
        if self._recorder is not None and not self._ended.is_set():
            self._recorder.drain()
            self._loop.call_later(0.5, self._drain_recording)

    def _at_ms(self) -> int:
        return (self._clock.now_ns() - self._start_ns) // 1_000_000

    def _note(self, event: str, detail: str = "") -> None:
        self.report.timeline.append(TimelineEvent(self._at_ms(), event, detail))

    def _hang_up(self) -> None:
        if not self._ended.is_set():
            self._note("hanging_up")
            self._release()

    def _release(self) -> None:
        self._endpoint.release(LEG, self._clock.now_ns())
        self._flush()

    def _on_sip(self, event: SipEvent) -> None:
        match event:
            case Provisional(code=code, sdp=body) if code > 100:
                if self.report.ring_ms is None:
                    self.report.ring_ms = self._at_ms()
                self._note("early_media" if body else "ringing", str(code))
                if body is not None:
                    self._connect(body)
            case Accepted(sdp=body) if self.report.answer_ms is None:
                self._answer(body)
            case Renegotiated(sdp=body):
                self._note("renegotiated")
                self._connect(body)
            case Digit(digit=digit):
                self._key(digit, "info")
            case Incoming(leg=leg):
                self._endpoint.reject(leg, 486, self._clock.now_ns())
                self._flush()
            case Ended():
                self._end(event)
            case _:
                pass

    def _connect(self, body: bytes) -> bool:
        try:
            media = sdp.parse(body)
            events = -1 if media.event_type is None else media.event_type
            self._engine.connect(self._stream, media.host, media.port, media.payload_type, events)
        except ValueError as error:
            self._note("bad_sdp", str(error))
            return False
        return True

    def _answer(self, body: bytes) -> None:
        self._ring.cancel()
        self.report.answer_ms = self._at_ms()
        self._note("answered")
        options = self._options
        if not self._connect(body):
            self._hang_up()
            return
        if self._prompt >= 0:
            self._pending += 1
            self._engine.play(self._stream, self._prompt, PLAY_TOKEN)
        elif self._digits_left:
            self._send_digits()
        if options.seconds is not None:
            self._loop.call_later(options.seconds, self._hang_up)
        elif not self._pending:
            self._loop.call_later(LISTEN_S, self._hang_up)

    def _send_digits(self) -> None:
        self._digits_left = False
        try:
            self._engine.send_digits(self._stream, self._options.digits, DIGITS_TOKEN)
        except (ValueError, BufferError) as error:
            self._note("digits_not_sent", str(error))
            return
        self._pending += 1

    def _on_media(self) -> None:
        for event in self._engine.events():
            match event:
                case DigitHeard(digit=digit, source=source):
                    self._key(digit, source)
                case PlayEnded():
                    self._note("played")
                    self._through()
                case DigitsSent():
                    self._note("digits_sent", self._options.digits)
                    self._through()

    def _key(self, digit: str, source: str) -> None:
        self.report.digits.append(HeardDigit(digit, self._at_ms(), source))
        self._note("digit", digit)

    def _through(self) -> None:
        """A prompt or digit string is out: digits follow the prompt, then a little listening."""
        self._pending -= 1
        if self._digits_left:
            self._send_digits()
        if self._options.seconds is None and not self._pending:
            self._loop.call_later(AFTER_S, self._hang_up)

    def _end(self, event: Ended) -> None:
        report = self.report
        answered = event.answered or report.answer_ms is not None
        report.outcome = outcome_of(event.code, event.q850, answered=answered).value
        report.sip_code = 200 if answered else event.code
        report.q850 = event.q850
        report.reason = event.phrase
        report.released_by = event.by
        if answered and report.answer_ms is not None:
            report.duration_ms = self._at_ms() - report.answer_ms
        if event.by == "us" and not answered:
            report.outcome = "no_answer"
        self._note("released", event.by)
        self._ended.set()

    def _count(self) -> None:
        if self._stats is not None:
            stats = self._stats
            self.report.rtp = Rtp(stats.sent, stats.received, stats.lost, round(stats.jitter_ms, 3))


async def place(options: CallOptions) -> CallReport:
    """Place one call and report it."""
    return await OneCall(options, asyncio.get_running_loop()).run()
