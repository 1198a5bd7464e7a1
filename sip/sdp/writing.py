"""`Description` to text. Whatever it holds, no line of it can hold CR, LF or NUL."""

from __future__ import annotations

import re

from sip.sdp.model import Codec, Description, Stream
from sip.sdp.reading import canonical

_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")  # CR and LF are counted


def _connection(host: str) -> str:
    """`IN IP4 host`; ValueError for what is no host."""
    if not host or canonical(host) != host:
        raise ValueError(f"not an address: {host!r}")
    return f"IN IP6 {host}" if ":" in host else f"IN IP4 {host}"


def _attribute(name: str, value: str) -> str:
    return f"a={name}:{value}" if value else f"a={name}"


def _codec(codec: Codec) -> list[str]:
    channels = f"/{codec.channels}" if codec.channels != 1 else ""
    name = codec.name.lower() if codec.name == "TELEPHONE-EVENT" else codec.name
    lines = [f"a=rtpmap:{codec.payload_type} {name}/{codec.clock}{channels}"]
    if codec.fmtp:
        lines.append(f"a=fmtp:{codec.payload_type} {codec.fmtp}")
    return lines


def _stream(stream: Stream) -> list[str]:
    if not 0 <= stream.port <= 65_535 or not stream.formats:
        raise ValueError("a stream needs a port in 0-65535 and a format")
    lines = [f"m={stream.kind} {stream.port} {stream.proto} {' '.join(stream.formats)}"]
    if stream.host:
        lines.append(f"c={_connection(stream.host)}")
    lines += [f"b={kind}:{number}" for kind, number in stream.bandwidth]
    for codec in stream.codecs:
        lines += _codec(codec)
    lines += [f"a=crypto:{crypto.line()}" for crypto in stream.crypto]
    if stream.rtcp_port:
        where = f" {_connection(stream.rtcp_host)}" if stream.rtcp_host else ""
        lines.append(f"a=rtcp:{stream.rtcp_port}{where}")
    if stream.rtcp_mux:
        lines.append("a=rtcp-mux")
    if stream.ptime:
        lines.append(f"a=ptime:{stream.ptime}")
    if stream.maxptime:
        lines.append(f"a=maxptime:{stream.maxptime}")
    lines += [_attribute(name, value) for name, value in stream.attributes]
    if stream.direction:
        lines.append(f"a={stream.direction}")
    return lines


def write(description: Description) -> bytes:
    """The text; ValueError when a value cannot stand in it."""
    origin = description.origin
    lines = [
        "v=0",
        f"o={origin.username} {origin.id} {origin.version} {_connection(origin.host)}",
        "s=-",
    ]
    if description.host:
        lines.append(f"c={_connection(description.host)}")
    lines += [f"b={kind}:{number}" for kind, number in description.bandwidth]
    lines.append("t=0 0")
    lines += [_attribute(name, value) for name, value in description.attributes]
    if description.direction:
        lines.append(f"a={description.direction}")
    for stream in description.streams:
        lines += _stream(stream)
    text = "\r\n".join(lines) + "\r\n"
    if not text.count("\r") == text.count("\n") == len(lines) or _CONTROL.search(text):
        raise ValueError("a control character in a session description")
    return text.encode("utf-8", "replace")
