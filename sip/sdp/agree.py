"""What two descriptions have in common: G.711 at 8 kHz and its events (RFC 3264, 3551, 4733).

Pure choices; who offered what when is `sip.calls.negotiation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from sip.messages.uri import is_loopback
from sip.sdp.crypto import Crypto
from sip.sdp.model import (
    MIRROR,
    PTIME_MS,
    STATIC,
    Codec,
    Description,
    Direction,
    Media,
    Stream,
)

Protection = Literal["off", "offered", "required"]
"""Never SRTP; SRTP where the peer takes it (RTP/AVP with a=crypto); nothing but SRTP (RTP/SAVP)."""

PLAIN = {"RTP/AVP", "RTP/AVPF"}
SECURE = {"RTP/SAVP", "RTP/SAVPF"}
CLOCK = 8000
OURS = (0, 8)  # PCMU, PCMA: their numbers and names
PTIME_MS_MIN, PTIME_MS_MAX = 10, 200
HOLD_HOSTS = {"0.0.0.0", "::"}  # noqa: S104 - RFC 2543's way to say hold (RFC 3264 section 8.4)


def held_by_host(host: str) -> bool:
    """Whether a c= line means "send nothing here": RFC 3264 8.4, RFC 6157 4.2 and RFC 3725."""
    return host in HOLD_HOSTS or host.rstrip(".").endswith(".invalid")


def speech(stream: Stream, allowed: Sequence[int]) -> tuple[Codec, ...]:
    """The codecs of a stream that are ours, in its order. `allowed` are numbers of `OURS`."""
    names = {STATIC[n].name for n in allowed}
    return tuple(
        c for c in stream.codecs if c.name in names and c.clock == CLOCK and c.channels == 1
    )


def events(stream: Stream, clock: int = CLOCK) -> Codec | None:
    """Its telephone-event of one clock rate (RFC 4733 2.5.1.2: the rate of the audio it is in)."""
    for codec in stream.codecs:
        if codec.name == "TELEPHONE-EVENT" and codec.clock == clock:
            return codec
    return None


def usable(stream: Stream, allowed: Sequence[int], protection: Protection) -> bool:
    """Whether we can talk over a stream."""
    if stream.kind != "audio" or not stream.port or not speech(stream, allowed):
        return False
    if stream.proto in SECURE:
        return protection != "off" and bool(stream.crypto)
    return stream.proto in PLAIN and (protection != "required" or bool(stream.crypto))


def pick(description: Description, allowed: Sequence[int], protection: Protection) -> int:
    """The index of the stream to use, a protected one first; ValueError with the reason."""
    found = [i for i, s in enumerate(description.streams) if usable(s, allowed, protection)]
    if protection != "off":
        found.sort(key=lambda i: not description.streams[i].crypto)
    if found:
        return found[0]
    audio = [s for s in description.streams if s.kind == "audio" and s.port]
    if audio and not any(speech(s, allowed) for s in audio):
        raise ValueError("neither PCMU nor PCMA")
    if audio and protection == "required":
        raise ValueError("no audio with SRTP keys we know")
    if audio and protection == "off" and all(s.proto in SECURE for s in audio):
        raise ValueError("the other side wants SRTP, which is off here")
    raise ValueError("no audio over RTP/AVP")


def wanted(description: Description, stream: Stream) -> Direction:
    """The direction of a stream, seen from its describer."""
    if held_by_host(stream.host or description.host):
        return "inactive"
    return stream.direction or description.direction or "sendrecv"


def reads(
    description: Description, at: int, allowed: Sequence[int], *, ours_first: bool = False
) -> Media:
    """One stream as its describer wants it. The first codec of its list counts, or of `allowed`.

    ValueError when there is nothing in it that we can use.
    """
    stream = description.streams[at]
    codecs = speech(stream, allowed)
    host = stream.host or description.host
    if not host:
        raise ValueError("no connection address")
    if not codecs:
        raise ValueError("neither PCMU nor PCMA")
    codec = codecs[0]
    if ours_first:
        rank = {STATIC[n].name: i for i, n in enumerate(allowed)}
        codec = min(codecs, key=lambda c: rank[c.name])
    event = events(stream, codec.clock)
    ptime = stream.ptime if PTIME_MS_MIN <= stream.ptime <= PTIME_MS_MAX else PTIME_MS
    return Media(
        host=host,
        port=stream.port,
        payload_type=codec.payload_type,
        event_type=None if event is None else event.payload_type,
        direction=wanted(description, stream),
        ptime=ptime,
        law=codec.name,
        event_clock=codec.clock if event is None else event.clock,
        rtcp_host=stream.rtcp_host,
        rtcp_port=stream.rtcp_port,
        rtcp_mux=stream.rtcp_mux,
    )


def writes(
    port: int,
    codecs: Sequence[Codec],
    event_type: int | None,
    direction: Direction,
    *,
    proto: str = "RTP/AVP",
    crypto: tuple[Crypto, ...] = (),
    rtcp_mux: bool = False,
) -> Stream:
    """A stream of ours, for `sip.sdp.write`."""
    lines = list(codecs)
    if event_type is not None:
        lines.append(Codec(event_type, "TELEPHONE-EVENT", CLOCK, 1, "0-15"))
    return Stream(
        kind="audio",
        port=port,
        proto=proto,
        formats=tuple(str(c.payload_type) for c in lines),
        codecs=tuple(lines),
        direction=direction,
        ptime=PTIME_MS,
        crypto=crypto,
        rtcp_mux=rtcp_mux,
    )


def refused(stream: Stream) -> Stream:
    """The place of a stream that is not used (RFC 3264 section 6: port 0)."""
    return Stream(stream.kind, 0, stream.proto, stream.formats[:1])


def both(ours: Direction, theirs: Direction) -> Direction:
    """What is left, seen from us, when each side may take away a direction (RFC 3264 6.1)."""
    mirrored = MIRROR[theirs]
    sends = ours in {"sendrecv", "sendonly"} and mirrored in {"sendrecv", "sendonly"}
    hears = ours in {"sendrecv", "recvonly"} and mirrored in {"sendrecv", "recvonly"}
    if sends:
        return "sendrecv" if hears else "sendonly"
    return "recvonly" if hears else "inactive"


def our_place(description: Description) -> int:
    """The index of the audio in a description of ours; ValueError when it has none."""
    for i, stream in enumerate(description.streams):
        if stream.kind == "audio" and stream.port:
            return i
    raise ValueError("no audio in our own description")


def protection_of(stream: Stream) -> Protection:
    """What a stream of ours says of SRTP."""
    if stream.proto in SECURE:
        return "required"
    return "offered" if stream.crypto else "off"


def keys(ours: Stream, theirs: Stream) -> tuple[Crypto | None, Crypto | None]:
    """Our key and theirs when one of the two answers the other (RFC 4568 section 5.1.3).

    ValueError when they name different lines: nobody would understand the other.
    """
    if not ours.crypto or not theirs.crypto:
        return None, None
    for mine in ours.crypto:
        for other in theirs.crypto:
            if (mine.tag, mine.suite) == (other.tag, other.suite):
                return mine, other
    raise ValueError("the answer's SRTP suite is none that was offered")


def _elsewhere(media: Media) -> Media:
    """Without loopback addresses: who is not on this machine would have us send to ourselves.

    Gateways that do not know their own address say such ones; they are learned from their packets.
    """
    if is_loopback(media.rtcp_host):
        media = msgspec.structs.replace(media, rtcp_host="", rtcp_port=0)
    return msgspec.structs.replace(media, host="") if is_loopback(media.host) else media


def settle(ours: Description, theirs: Description) -> Media:
    """The media that an offer and its answer made, whichever of the two is ours.

    The direction is what both allow, seen from them. Their host is empty when it is a loopback
    address and ours is none. ValueError when nothing is left.
    """
    at = our_place(ours)
    mine = ours.streams[at]
    allowed = [n for c in speech(mine, OURS) for n in OURS if STATIC[n].name == c.name]
    protection = protection_of(mine)
    streams = theirs.streams
    if at >= len(streams) or not usable(streams[at], allowed, protection):
        at = pick(theirs, allowed, protection)  # a peer that lost count is forgiven
    sending, receiving = keys(mine, streams[at])
    media = reads(theirs, at, allowed)
    agreed = both(wanted(ours, mine), media.direction)
    if not is_loopback(mine.host or ours.host):
        media = _elsewhere(media)
    return msgspec.structs.replace(
        media,
        event_type=media.event_type if events(mine) is not None else None,
        direction=MIRROR[agreed],
        rtcp_mux=mine.rtcp_mux and media.rtcp_mux,
        sending=sending,
        receiving=receiving,
    )
