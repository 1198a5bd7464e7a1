"""Session descriptions (RFC 8866), offer and answer of one G.711 stream (RFC 3264, 3551, 4733).

Only audio over RTP/AVP at 8 kHz: PCMU, PCMA, telephone-event. Other media of an offer are answered
with port 0. What is not understood is skipped; what is wrong where it matters is a ValueError.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Literal

import msgspec

from sip.limits import SDP_LINES_MAX, SDP_MAX, SDP_MEDIA_MAX

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

PTIME_MS = 20
STATIC = {0: "PCMU", 8: "PCMA"}
MIRROR: dict[str, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_NUMBER = re.compile(r"[0-9]{1,10}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~A-Za-z0-9/]{1,64}")  # proto holds slashes


class Media(msgspec.Struct, frozen=True):
    """One audio stream as its describer wants it.

    Attributes:
        host, port: where it receives RTP.
        payload_type: the first G.711 one of its list (0-127).
        event_type: the telephone-event payload type, None when it has none at 8 kHz.
        direction: seen from the describer.
        ptime: packet length asked for, ms.
        law: "PCMU" or "PCMA", what `payload_type` stands for.
    """

    host: str
    port: int
    payload_type: int
    event_type: int | None
    direction: Direction
    ptime: int
    law: str = "PCMU"


class _Section:
    """One m= section, or the session part before the first."""

    __slots__ = ("attributes", "host", "media")

    def __init__(self, media: list[str] | None, host: str | None) -> None:
        self.media = media  # the fields of the m= line
        self.host = host
        self.attributes: list[tuple[str, str]] = []

    def flag(self) -> Direction | None:
        for name, _ in self.attributes:
            if name in MIRROR:
                return MIRROR[MIRROR[name]]
        return None

    def names(self) -> dict[int, tuple[str, str]]:
        """Payload type -> (encoding name in upper case, clock rate and the rest)."""
        out = {n: (name, "8000") for n, name in STATIC.items()}
        for name, value in self.attributes:
            number, _, rest = value.partition(" ")
            if name == "rtpmap" and _NUMBER.fullmatch(number):
                encoding, _, rate = rest.strip().partition("/")
                out[int(number)] = (encoding.upper(), rate.partition("/")[0])
        return out


@lru_cache(maxsize=1024)  # few gateways send most descriptions
def _ipv4(text: str) -> str:
    """An address as it is written; ValueError when it is none."""
    return str(ipaddress.IPv4Address(text))


def _host(value: str) -> str:
    """The address of a c= line (`IN IP4 host[/ttl]`)."""
    fields = value.split()
    if len(fields) != 3 or fields[0] != "IN" or fields[1] != "IP4":
        raise ValueError("the connection address is not IPv4")
    try:
        return _ipv4(fields[2].partition("/")[0])
    except ValueError:
        raise ValueError("the connection address is not numeric") from None


def _sections(body: bytes) -> list[_Section]:
    """The session part, then each medium."""
    if len(body) > SDP_MAX:
        raise ValueError("the session description is too large")
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if len(lines) > SDP_LINES_MAX:
        raise ValueError("the session description has too many lines")
    if not lines[0].startswith("v=0"):
        raise ValueError("not a session description")
    out = [_Section(None, None)]
    for line in lines:
        kind, value = line[:2], line[2:].strip()
        if kind == "m=":
            if len(out) > SDP_MEDIA_MAX:
                raise ValueError("the session description has too many media")
            fields = value.split()
            if len(fields) < 4 or not all(_TOKEN.fullmatch(f) for f in fields[:1] + fields[2:]):
                raise ValueError("a broken m= line")
            out.append(_Section(fields, None))
        elif kind == "c=":
            out[-1].host = value
        elif kind == "a=":
            name, _, text = value.partition(":")
            out[-1].attributes.append((name, text))
    return out


def _port(section: _Section) -> int:
    """The port of an m= line; 0 when the medium is refused."""
    fields = section.media or ["", "0"]
    number = fields[1].partition("/")[0]
    if not _NUMBER.fullmatch(number) or int(number) > 65535:
        raise ValueError("a broken port in an m= line")
    return int(number)


def _audio(sections: list[_Section]) -> int:
    """The index of the audio stream we can use."""
    for i, section in enumerate(sections):
        fields = section.media
        if fields and fields[0] == "audio" and fields[2] == "RTP/AVP" and _port(section):
            return i
    raise ValueError("no audio over RTP/AVP")


def _formats(section: _Section) -> list[int]:
    return [int(f) for f in (section.media or [])[3:] if _NUMBER.fullmatch(f) and int(f) < 128]


def _media(sections: list[_Section], at: int) -> Media:
    section = sections[at]
    where = section.host or sections[0].host
    if where is None:
        raise ValueError("no connection address")
    host = _host(where)
    names = section.names()
    formats = _formats(section)
    payload = next(
        (n for n in formats if names.get(n) in {("PCMU", "8000"), ("PCMA", "8000")}), None
    )
    if payload is None:
        raise ValueError("neither PCMU nor PCMA")
    event = next((n for n in formats if names.get(n) == ("TELEPHONE-EVENT", "8000")), None)
    direction = section.flag() or sections[0].flag() or "sendrecv"
    if host == "0.0.0.0":  # noqa: S104 - RFC 2543's way to say hold (RFC 3264 section 8.4)
        direction = "inactive"
    ptime = next((v for n, v in section.attributes if n == "ptime"), "")
    ms = int(ptime) if _NUMBER.fullmatch(ptime) and 10 <= int(ptime) <= 200 else PTIME_MS
    return Media(host, _port(section), payload, event, direction, ms, names[payload][0])


def parse(body: bytes) -> Media:
    """The audio stream of a description; ValueError when there is none we can use."""
    sections = _sections(body)
    return _media(sections, _audio(sections))


def _origin(host: str, session_id: int, version: int) -> list[str]:
    _ipv4(host)
    return [
        "v=0",
        f"o=- {session_id} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
    ]


def _stream(
    port: int, codecs: list[tuple[int, str]], event: int | None, direction: str
) -> list[str]:
    numbers = [n for n, _ in codecs] + ([] if event is None else [event])
    lines = [f"m=audio {port} RTP/AVP {' '.join(map(str, numbers))}"]
    lines += [f"a=rtpmap:{n} {name}/8000" for n, name in codecs]
    if event is not None:
        lines += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
    lines += [f"a=ptime:{PTIME_MS}", f"a={direction}"]
    return lines


def offer(
    host: str,
    port: int,
    *,
    session_id: int,
    codecs: tuple[int, ...] = (0, 8),
    event_type: int | None = 101,
) -> bytes:
    """Our offer: one sendrecv audio stream. ValueError unless `host` is an IPv4 address."""
    if not 0 < port < 65536 or any(n not in STATIC for n in codecs):
        raise ValueError("a port in 1-65535 and the codecs 0 and 8 are all that can be offered")
    lines = _origin(host, session_id, session_id)
    lines += _stream(port, [(n, STATIC[n]) for n in codecs], event_type, "sendrecv")
    return ("\r\n".join(lines) + "\r\n").encode()


def answer(
    offered: bytes, host: str, port: int, *, session_id: int, version: int | None = None
) -> bytes:
    """The answer to an offer.

    The first G.711 codec of it, its telephone-event, its direction mirrored.

    Other media are refused with port 0 in place (RFC 3264 section 6). ValueError when nothing fits.
    """
    sections = _sections(offered)
    at = _audio(sections)
    media = _media(sections, at)
    lines = _origin(host, session_id, session_id if version is None else version)
    for i, section in enumerate(sections[1:], 1):
        fields = section.media or []
        if i == at:
            codec = [(media.payload_type, media.law)]
            lines += _stream(port, codec, media.event_type, MIRROR[media.direction])
        else:
            lines.append(f"m={fields[0]} 0 {fields[2]} {fields[3]}")
    return ("\r\n".join(lines) + "\r\n").encode()


def identity(body: bytes) -> tuple[int, int]:
    """Session id and version of our own description's origin line."""
    found = re.search(rb"^o=\S+ ([0-9]+) ([0-9]+) ", body, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (0, 0)
