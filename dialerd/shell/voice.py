"""The audio of one leg for the commands of engineers: a stream, what was agreed on, a recording."""

from __future__ import annotations

import ipaddress
import random
from pathlib import Path

import msgspec

from dialerd.core.keys import Dtmf, Keys
from dialerd.shell.addresses import ELSEWHERE, local_address
from dialerd.shell.following import follow
from dialerd.shell.recorder import Recorder
from fastpath.rtp import MediaEngine, StreamStats
from sip import sdp
from sip.calls.negotiation import EVENT_TYPE, Capabilities, Negotiation
from sip.sdp.agree import Protection
from sip.sdp.model import MIRROR, Direction, Media

PORTS = (16_384, 32_766)


class VoiceOptions(msgspec.Struct, frozen=True):
    """What a leg's audio may be; codecs by payload type, best first.

    It is heard at `host`, on one of `ports`; the far end is told of `shown` (empty: the same).
    """

    host: str
    codecs: tuple[int, ...] = (0, 8)
    srtp: Protection = "off"
    record: Path | None = None
    dtmf: Dtmf = Dtmf.AUTO
    rtcp_mux: bool = False
    ports: tuple[int, int] = PORTS
    shown: str = ""


def host_for(offer: bytes, host: str) -> str:
    """Where to hear an offer's audio: at `host`, or by IPv4 when IPv6 signalling describes that.

    ValueError for an offer that cannot be read.
    """
    asked = sdp.read(offer)
    hosts = [stream.host or asked.host for stream in asked.streams if stream.kind == "audio"]
    if ":" not in host or not hosts or ":" in hosts[0]:
        return host
    near = ipaddress.ip_address(host).is_loopback
    return "127.0.0.1" if near else local_address(ELSEWHERE)


class Voice:
    """One stream of the engine, from the first offer to `close`."""

    def __init__(self, engine: MediaEngine, options: VoiceOptions, rng: random.Random) -> None:
        """OSError when no port is free or the recording cannot be written."""
        self._engine = engine
        self._rng = rng
        self.stream = engine.open(options.host, *options.ports)
        self._agreed: Media | None = None  # what the stream does now
        self.keys = Keys(options.dtmf)
        self.recorder: Recorder | None = None
        try:
            if options.record is not None:
                self.recorder = Recorder(options.record, engine, self.stream)
            port = engine.port(self.stream)
            events = EVENT_TYPE if options.dtmf.offers_events else None
            can = Capabilities(
                options.shown or options.host, port, options.codecs, events, srtp=options.srtp,
                rtcp_mux=options.rtcp_mux,
            )  # fmt: skip
            self._negotiation = Negotiation(can, rng.getrandbits(31), rng)
        except BaseException:
            engine.close(self.stream)
            raise

    def offer(self) -> bytes:
        """Our first offer, or the same again."""
        return self._negotiation.offer()

    def answer(self, remote: bytes) -> bytes:
        """Our answer to their offer; ValueError when nothing fits.

        Nothing is said before `begin`: an offer may come from anybody and name anybody.
        """
        ours = self._negotiation.offered(remote)
        self._connect(silent=True)
        return ours

    def begin(self) -> None:
        """Speak: whoever offered has heard our answer."""
        self._connect()

    def accept(self, remote: bytes) -> None:
        """Their answer to our offer; ValueError when it is none."""
        self._negotiation.answered(remote)
        self._connect()

    def renegotiated(self, ours: bytes, theirs: bytes) -> None:
        """What holds since the peer described itself anew and was answered with `ours`."""
        media = sdp.settle(ours, theirs)
        self._negotiation = Negotiation.of(ours, self._rng, wish="sendrecv")
        self._follow(media)

    def hold(self) -> bytes:
        """An offer in which we hear nothing any more."""
        return self._negotiation.hold()

    def resume(self) -> bytes:
        """An offer in which both talk again."""
        return self._negotiation.resume()

    def refused(self) -> None:
        """Our offer was refused: all is as before."""
        if self._negotiation.pending:
            self._negotiation.refused()

    @property
    def direction(self) -> Direction:
        """What holds now, seen from us."""
        return MIRROR[self._agreed.direction] if self._agreed is not None else "inactive"

    def _connect(self, *, silent: bool = False) -> None:
        media = self._negotiation.result
        if media is not None:
            self._follow(media, silent=silent)

    def _follow(self, media: Media, *, silent: bool = False) -> None:
        follow(self._engine, self.stream, media, self._agreed, self.keys.dtmf, silent=silent)
        self._agreed = media

    @property
    def record_fault(self) -> str:
        """Why the recording ended before the call; empty when it did not."""
        return self.recorder.failed if self.recorder is not None else ""

    def close(self) -> StreamStats:
        """Write the rest of the recording, free the stream; its counts."""
        if self.recorder is not None:
            self.recorder.close()
        return self._engine.close(self.stream)
