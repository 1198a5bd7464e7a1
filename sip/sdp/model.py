"""What a session description says (RFC 8866), as plain values. Nothing here judges it."""

from __future__ import annotations

from typing import Literal

import msgspec

from sip.sdp.crypto import Crypto

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

PTIME_MS = 20
USERNAME = "dialerd"  # of our o= lines: "-" is right as well, but some look for a word
MIRROR: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
DIRECTIONS: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "sendonly",
    "recvonly": "recvonly",
    "inactive": "inactive",
}


class Codec(msgspec.Struct, frozen=True):
    """One payload type (0-127) of a stream; `name` is in upper case, `clock` in Hz."""

    payload_type: int
    name: str
    clock: int
    channels: int = 1
    fmtp: str = ""


# RFC 3551 table 4: what a number means that has no rtpmap. G722's clock is 8000 by an old mistake.
STATIC: dict[int, Codec] = {
    0: Codec(0, "PCMU", 8000),
    3: Codec(3, "GSM", 8000),
    4: Codec(4, "G723", 8000),
    8: Codec(8, "PCMA", 8000),
    9: Codec(9, "G722", 8000),
    13: Codec(13, "CN", 8000),
    15: Codec(15, "G728", 8000),
    18: Codec(18, "G729", 8000),
}


class Origin(msgspec.Struct, frozen=True):
    """The o= line; `id` and `version` are 0 where they are no numbers."""

    username: str = "-"
    id: int = 0
    version: int = 0
    host: str = ""


class Stream(msgspec.Struct, frozen=True):
    """One m= section.

    Attributes:
        kind: "audio", "video", …
        port: 0 when the stream is refused.
        formats: the payload types, or what else the protocol has in their place.
        host: of its own c= line; empty when it has none, or none that can be understood.
        codecs: the payload types that are known by number or rtpmap, in the order of the m= line.
        direction: None when the section does not say; the session's counts then.
        ptime, maxptime: packet lengths in ms, 0 when not said.
        rtcp_host, rtcp_port: of a=rtcp (RFC 3605), empty and 0 when not said.
        rtcp_mux: RTCP may come to the RTP port (RFC 5761).
        crypto: the SDES lines that are understood (RFC 4568).
        bandwidth: b= lines as (type, number).
        attributes: all other a= lines as (name, value).
    """

    kind: str
    port: int
    proto: str
    formats: tuple[str, ...]
    host: str = ""
    codecs: tuple[Codec, ...] = ()
    direction: Direction | None = None
    ptime: int = 0
    maxptime: int = 0
    rtcp_host: str = ""
    rtcp_port: int = 0
    rtcp_mux: bool = False
    crypto: tuple[Crypto, ...] = ()
    bandwidth: tuple[tuple[str, int], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


class Description(msgspec.Struct, frozen=True):
    """A whole description. `host` and `direction` are the session's, empty and None if not said."""

    origin: Origin
    host: str = ""
    direction: Direction | None = None
    streams: tuple[Stream, ...] = ()
    bandwidth: tuple[tuple[str, int], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


class Media(msgspec.Struct, frozen=True):
    """One audio stream as its describer wants it, or as a negotiation settled it.

    Attributes:
        host, port: where it receives RTP; an IPv4 or IPv6 address, or a name. Empty once settled:
            not to be believed, so it is learned from its packets.
        payload_type: the first G.711 one of its list (0-127).
        event_type: the telephone-event payload type, None when it has none of the codec's clock.
        direction: seen from the describer.
        ptime: packet length asked for, ms.
        law: "PCMU" or "PCMA", what `payload_type` stands for.
        event_clock: samples a second in which events count.
        rtcp_host, rtcp_port: what a=rtcp said, empty and 0 when it did not.
        rtcp_mux: it said a=rtcp-mux, or both did: RTCP comes to the RTP port (RFC 5761).
        sending, receiving: the keys of our packets and of theirs; None: plain RTP. Only a
            negotiation fills them.
    """

    host: str
    port: int
    payload_type: int
    event_type: int | None
    direction: Direction
    ptime: int
    law: str = "PCMU"
    event_clock: int = 8000
    rtcp_host: str = ""
    rtcp_port: int = 0
    rtcp_mux: bool = False
    sending: Crypto | None = None
    receiving: Crypto | None = None

    @property
    def listens(self) -> bool:
        """Whether the describer wants to hear us; otherwise we are on hold."""
        return self.direction in {"sendrecv", "recvonly"}

    @property
    def talks(self) -> bool:
        """Whether the describer sends audio."""
        return self.direction in {"sendrecv", "sendonly"}

    @property
    def rtcp(self) -> tuple[str, int]:
        """Where it receives RTCP (RFC 3550 section 11, RFC 3605)."""
        return self.rtcp_host or self.host, self.rtcp_port or min(self.port + 1, 65_535)
