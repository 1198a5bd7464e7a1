"""A trace as people and programs read it: a ladder, every message, a capture file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from dialerd.core.campaign_spec import at_time
from dialerd.core.tracing import Trace, TracedMessage
from sip.tracing.ladder import Ladder, Step, printable, title
from sip.tracing.pcap import Packet
from sip.tracing.pcap import capture as pcap
from sip.transport.local import bracketed


def steps(messages: Iterable[TracedMessage]) -> list[Step]:
    """For a ladder."""
    return [
        Step(m.now_ns, m.sent, _at(m.ours), _at(m.peer), m.transport.upper(), m.data)
        for m in messages
    ]


def _at(address: tuple[str, int]) -> str:
    return printable(f"{bracketed(address[0])}:{address[1]}")


def packet(message: TracedMessage) -> Packet:
    """For a capture file."""
    source, target = message.ours, message.peer
    if not message.sent:
        source, target = target, source
    return Packet(message.wall_ns, message.transport, source, target, message.data)


def capture(found: Trace) -> bytes:
    """The messages as a capture file."""
    return pcap(map(packet, found.messages))


def drawing(found: Trace, zone: tzinfo | None, width: int, *, full: bool = False) -> Iterator[str]:
    """The head, then the ladder of so many characters, or every message; times in `zone`."""
    for call in found.calls:
        cut = f", {call.dropped} of the middle not kept" if call.dropped else ""
        yield printable(f"{call.caller} -> {call.called}, {call.messages} messages{cut}")
        yield printable(f"Call-ID {call.call_id}")
    if not found.messages:
        return
    yield f"from {_time(found.messages[0].wall_ns, zone)}"
    if full:
        for message in found.messages:
            yield from _whole(message, zone)
        return
    yield from Ladder(steps(found.messages), width).text()


def _time(wall_ns: int, zone: tzinfo | None) -> str:
    at = stamp(wall_ns).astimezone(zone)
    return f"{at:%Y-%m-%d %H:%M:%S}.{wall_ns // 1_000_000 % 1000:03d}"


def _whole(message: TracedMessage, zone: tzinfo | None) -> Iterator[str]:
    (step,) = steps([message])
    ends = (step.ours, step.peer) if message.sent else (step.peer, step.ours)
    yield ""
    yield f"--- {_time(message.wall_ns, zone)} {step.transport} {ends[0]} -> {ends[1]}"
    text = message.data.decode("utf-8", "replace").rstrip("\r\n")
    yield from (printable(line.rstrip("\r")) for line in text.split("\n"))


def stamp(wall_ns: int) -> datetime:
    """The moment of Unix ns."""
    return at_time(wall_ns // 1_000_000)


def what(message: TracedMessage) -> str:
    """Its method or status, in a few words."""
    return title(message.data)
