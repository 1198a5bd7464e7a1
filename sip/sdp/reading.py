"""Text to `Description`: tolerant of what does not matter, bounded in everything (RFC 8866).

Lines end with CRLF or LF. A line of unknown kind, an attribute of unknown name, a c= line that
names no host are passed over; what cannot be understood where it matters (v=, m=) is a ValueError.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from sip.limits import (
    SDP_CRYPTO_MAX,
    SDP_FORMATS_MAX,
    SDP_LINES_MAX,
    SDP_MAX,
    SDP_MEDIA_MAX,
)
from sip.sdp import crypto
from sip.sdp.model import DIRECTIONS, STATIC, Codec, Description, Direction, Origin, Stream

_NUMBER = re.compile(r"[0-9]{1,10}")
_LONG = re.compile(r"[0-9]{1,20}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~A-Za-z0-9/]{1,64}")  # proto holds slashes
_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_RTPMAP = re.compile(r"([0-9]{1,3})\s+([^\s/]{1,64})/([0-9]{1,9})(?:/([0-9]{1,3}))?\s*")
_RTCP = re.compile(r"([0-9]{1,5})(?:\s+(\S.*))?")
_MS = re.compile(r"([0-9]{1,5})(?:\.[0-9]{1,9})?")


@lru_cache(maxsize=1024)  # few gateways send most descriptions
def canonical(text: str) -> str:
    """An address or a name as it is written; empty when it is neither."""
    if text.replace(".", "").isdigit():
        kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address] = ipaddress.IPv4Address
    elif ":" in text:
        kind = ipaddress.IPv6Address
    else:
        return text.lower() if _NAME.fullmatch(text) else ""
    try:
        return str(kind(text.partition("%")[0]))
    except ValueError:
        return ""


def _connection(value: str) -> str:
    """The host of `IN IP4 host[/ttl]`, also as it stands in o= and a=rtcp; empty when none."""
    fields = value.split()
    if len(fields) != 3 or fields[0].upper() != "IN" or fields[1].upper() not in {"IP4", "IP6"}:
        return ""
    return canonical(fields[2].partition("/")[0])


def _origin(value: str) -> Origin:
    fields = value.split()
    if len(fields) != 6:
        return Origin()
    username, number, version = fields[:3]
    return Origin(
        username[:64],
        int(number) if _LONG.fullmatch(number) else 0,
        int(version) if _LONG.fullmatch(version) else 0,
        _connection(" ".join(fields[3:])),
    )


def _bandwidth(value: str) -> tuple[str, int] | None:
    kind, _, number = value.partition(":")
    if not _TOKEN.fullmatch(kind) or not _NUMBER.fullmatch(number.strip()):
        return None
    return kind, int(number)


class _Section:
    """Lines of one section while they are read: the session's, or of one medium."""

    __slots__ = ("attributes", "bandwidth", "direction", "fields", "host")

    def __init__(self, fields: list[str]) -> None:
        self.fields = fields  # of the m= line
        self.host = ""
        self.direction: Direction | None = None
        self.bandwidth: list[tuple[str, int]] = []
        self.attributes: list[tuple[str, str]] = []

    def take(self, kind: str, value: str) -> None:
        if kind == "c=":
            self.host = self.host or _connection(value)
        elif kind == "b=":
            found = _bandwidth(value)
            if found is not None:
                self.bandwidth.append(found)
        elif kind == "a=":
            name, _, text = value.partition(":")
            direction = DIRECTIONS.get(name)
            if direction is not None:
                self.direction = direction
            else:
                self.attributes.append((name, text))


def _port(text: str) -> int:
    """The port of an m= line (`port[/number of ports]`); ValueError when it is none."""
    number = text.partition("/")[0]
    if not _NUMBER.fullmatch(number) or int(number) > 65_535:
        raise ValueError("a broken port in an m= line")
    return int(number)


def _medium(value: str) -> _Section:
    fields = value.split()
    if len(fields) < 4 or not all(_TOKEN.fullmatch(f) for f in fields[:1] + fields[2:]):
        raise ValueError("a broken m= line")
    if len(fields) > SDP_FORMATS_MAX + 3:
        raise ValueError("too many formats in an m= line")
    return _Section(fields)


def _codecs(
    formats: list[str], maps: dict[int, tuple[str, int, int]], parameters: dict[int, str]
) -> tuple[Codec, ...]:
    """What the numbers of the m= line stand for, in its order, each once."""
    out: dict[int, Codec] = {}
    for text in formats:
        number = int(text) if len(text) < 4 and _NUMBER.fullmatch(text) else 128
        if number > 127 or number in out:
            continue
        if number in maps:
            name, clock, channels = maps[number]
            out[number] = Codec(number, name, clock, channels, parameters.get(number, ""))
        elif number in STATIC:
            plain = STATIC[number]
            fmtp = parameters.get(number, "")
            out[number] = Codec(number, plain.name, plain.clock, 1, fmtp) if fmtp else plain
    return tuple(out.values())


def _ms(text: str) -> int:
    found = _MS.fullmatch(text.strip())
    return int(found[1]) if found else 0


def _stream(section: _Section) -> Stream:
    """A medium's lines as values; of attributes that may stand once, the first counts."""
    maps: dict[int, tuple[str, int, int]] = {}
    parameters: dict[int, str] = {}
    keys: list[crypto.Crypto] = []
    rest: list[tuple[str, str]] = []
    once: dict[str, str] = {}
    for name, value in section.attributes:
        match name:
            case "rtpmap":
                found = _RTPMAP.fullmatch(value.strip())
                if found:
                    clock, channels = int(found[3]), int(found[4] or 1)
                    maps.setdefault(int(found[1]), (found[2].upper(), clock, channels))
            case "fmtp":
                number, _, text = value.strip().partition(" ")
                if len(number) < 4 and _NUMBER.fullmatch(number):
                    parameters.setdefault(int(number), text.strip())
            case "crypto":
                line = crypto.read(value)
                if line is not None and len(keys) < SDP_CRYPTO_MAX:
                    keys.append(line)
            case "ptime" | "maxptime" | "rtcp" | "rtcp-mux":
                once.setdefault(name, value)
            case _:
                rest.append((name, value))
    kind, port, proto, *formats = section.fields
    rtcp = _RTCP.fullmatch(once.get("rtcp", "").strip())
    rtcp_port = int(rtcp[1]) if rtcp and int(rtcp[1]) < 65_536 else 0
    return Stream(
        kind=kind,
        port=_port(port),
        proto=proto,
        formats=tuple(formats),
        host=section.host,
        codecs=_codecs(formats, maps, parameters),
        direction=section.direction,
        ptime=_ms(once.get("ptime", "")),
        maxptime=_ms(once.get("maxptime", "")),
        rtcp_host=_connection(rtcp[2] or "") if rtcp and rtcp_port else "",
        rtcp_port=rtcp_port,
        rtcp_mux="rtcp-mux" in once,
        crypto=tuple(keys),
        bandwidth=tuple(section.bandwidth),
        attributes=tuple(rest),
    )


def read(body: bytes) -> Description:
    """A description as values; ValueError when it is none, or larger than the limits."""
    if len(body) > SDP_MAX:
        raise ValueError("the session description is too large")
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if len(lines) > SDP_LINES_MAX:
        raise ValueError("the session description has too many lines")
    if not lines[0].startswith("v=0"):
        raise ValueError("not a session description")
    session = _Section([])
    media: list[_Section] = []
    origin = Origin()
    for line in lines:
        kind, value = line[:2], line[2:].strip()
        if kind == "m=":
            if len(media) == SDP_MEDIA_MAX:
                raise ValueError("the session description has too many media")
            media.append(_medium(value))
        elif kind == "o=" and not media:
            origin = _origin(value)
        else:
            (media[-1] if media else session).take(kind, value)
    return Description(
        origin,
        session.host,
        session.direction,
        tuple(_stream(section) for section in media),
        tuple(session.bandwidth),
        tuple(session.attributes),
    )
