"""Session descriptions (RFC 8866).

`read` and `write` are for whole ones; `parse`, `offer`, `answer` the short way to one G.711 stream
over plain RTP. Who needs hold, re-offers or SRTP uses `sip.calls.negotiation`.
"""

from __future__ import annotations

import re

from sip.sdp import agree
from sip.sdp.crypto import Crypto
from sip.sdp.model import (
    MIRROR,
    STATIC,
    USERNAME,
    Codec,
    Description,
    Direction,
    Media,
    Origin,
    Stream,
)
from sip.sdp.reading import canonical, read
from sip.sdp.writing import write

__all__ = [
    "Codec",
    "Crypto",
    "Description",
    "Direction",
    "Media",
    "Origin",
    "Stream",
    "answer",
    "identity",
    "offer",
    "parse",
    "read",
    "settle",
    "write",
]


def parse(body: bytes) -> Media:
    """The plain RTP audio stream of a description; ValueError when there is none we can use."""
    description = read(body)
    return agree.reads(description, agree.pick(description, agree.OURS, "off"), agree.OURS)


def described(host: str, session_id: int, version: int, streams: tuple[Stream, ...]) -> Description:
    """A description of ours; ValueError unless `host` is an IPv4 or IPv6 address."""
    where = canonical(host)
    if ":" not in where and not where.replace(".", "").isdigit():
        raise ValueError(f"not an address: {host!r}")
    return Description(Origin(USERNAME, session_id, version, where), where, streams=streams)


def offer(
    host: str,
    port: int,
    *,
    session_id: int,
    codecs: tuple[int, ...] = agree.OURS,
    event_type: int | None = 101,
) -> bytes:
    """Our offer: one sendrecv audio stream. ValueError unless `host` is an address."""
    if not 0 < port < 65536 or any(n not in agree.OURS for n in codecs):
        raise ValueError("a port in 1-65535 and the codecs 0 and 8 are all that can be offered")
    stream = agree.writes(port, [STATIC[n] for n in codecs], event_type, "sendrecv")
    return write(described(host, session_id, session_id, (stream,)))


def answer(
    offered: bytes, host: str, port: int, *, session_id: int, version: int | None = None
) -> bytes:
    """The answer to an offer.

    The first G.711 codec of it, its telephone-event, its direction mirrored.

    Other media are refused with port 0 in place (RFC 3264 section 6). ValueError when nothing fits.
    """
    asked = read(offered)
    at = agree.pick(asked, agree.OURS, "off")
    media = agree.reads(asked, at, agree.OURS)
    streams = [agree.refused(s) for s in asked.streams]
    codec = Codec(media.payload_type, media.law, agree.CLOCK)
    direction = MIRROR[media.direction]
    proto = asked.streams[at].proto
    streams[at] = agree.writes(port, [codec], media.event_type, direction, proto=proto)
    number = session_id if version is None else version
    return write(described(host, session_id, number, tuple(streams)))


def settle(ours: bytes, theirs: bytes) -> Media:
    """The media that our description and theirs made, as offer and answer or the other way round.

    ValueError when nothing is left of it.
    """
    return agree.settle(read(ours), read(theirs))


def identity(body: bytes) -> tuple[int, int]:
    """Session id and version of our own description's origin line."""
    found = re.search(rb"^o=\S+ ([0-9]+) ([0-9]+) ", body, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)
