"""What may be asked about the SIP messages that the daemon keeps, and its answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from dialerd.core.control_base import PAGE_MAX, Instant, Reply, Request


class ListTraces(Request["TraceList"]):
    """The calls whose messages are kept: of a number, user, Call-ID, attempt; empty: all."""

    call: Annotated[str, Meta(max_length=256)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100


class TracedCall(Reply):
    """One traced call (one Call-ID); `dropped` messages were cut out of its middle."""

    call_id: str
    first_at: Instant
    last_at: Instant
    caller: str
    called: str
    messages: int
    dropped: int = 0
    last: str = ""  # the last final answer or request, in words


class TraceList(Reply):
    """Some of them, newest first; `left` more were not listed."""

    items: tuple[TracedCall, ...]
    left: int = 0


class GetTrace(Request["Trace"]):
    """Every kept message of the newest call that `call` may mean, all legs of its attempt."""

    call: Annotated[str, Meta(min_length=1, max_length=256)]
    secrets: bool = False


class TracedMessage(Reply):
    """One message. `ours` and `peer` are host and port; times are Unix and monotonic ns."""

    call_id: str
    wall_ns: int
    now_ns: int
    sent: bool
    transport: str
    ours: tuple[str, int]
    peer: tuple[str, int]
    data: bytes


class Trace(Reply):
    """The messages of the calls in `calls`, oldest first; `others` more calls were meant."""

    calls: tuple[TracedCall, ...]
    messages: tuple[TracedMessage, ...]
    others: int = 0
