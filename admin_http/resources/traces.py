"""The messages of a call: as a ladder, as data, as a capture file. What `dialerd trace` shows."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta

from admin_http.documents import Document
from admin_http.people.access import staff
from admin_http.resources.calls import OneCall, find
from admin_http.routes import route
from admin_http.services import Call
from admin_http.serving import encode
from admin_http.tokens import Scope
from dialerd.core.control_base import Instant
from dialerd.core.ids import attempt_of
from dialerd.core.tracing import GetTrace, Trace, TracedCall
from dialerd.lines.trace_text import capture, drawing, stamp, what

WIDTH_MAX: Final = 240


class LadderFormat(StrEnum):
    """How a ladder is written."""

    TEXT = "text"
    JSON = "json"


class LadderQuestion(Document):
    """Drawn in so many characters, with every message in full, or as data."""

    format: LadderFormat = LadderFormat.TEXT
    width: Annotated[int, Meta(ge=60, le=WIDTH_MAX)] = 100
    full: bool = False


class Rung(Document):
    """One message: `what` it is in a few words, and its text with secrets masked."""

    call_id: str
    at: Instant
    wall_ns: int
    sent: bool
    transport: str
    ours: tuple[str, int]
    peer: tuple[str, int]
    what: str
    text: str


class LadderInfo(Document):
    """The messages of all legs of an attempt, oldest first."""

    calls: tuple[TracedCall, ...]
    messages: tuple[Rung, ...]


async def _trace(call: Call, path: OneCall) -> Trace:
    """What is kept of a call that this asker sees: for an hour or so, by [trace]."""
    told = await find(call, path.call)
    a = told.attempt
    # A call to us has its caller's Call-ID; ours begin with the attempt.
    mine = attempt_of(a.call_id) == a.attempt_id
    request = GetTrace(call=str(a.attempt_id) if mine or not a.call_id else a.call_id[:256])
    return await call.services.control.call(request)


@route(
    "GET",
    "/v1/calls/{call}/ladder",
    Scope.REPORTS,
    access=staff,
    media=("text/plain", "application/json"),
)
async def ladder(call: Call, path: OneCall, query: LadderQuestion) -> web.StreamResponse:
    """Who sent which message to whom: drawn, or as data."""
    found = await _trace(call, path)
    if query.format is LadderFormat.JSON:
        body, media = encode(_data(found)), "application/json"
    else:
        lines = drawing(found, call.services.zone, query.width, full=query.full)
        text = await asyncio.to_thread("\n".join, lines)
        body, media = text.encode("utf-8", "replace") + b"\n", "text/plain; charset=utf-8"
    return web.Response(body=body, headers={**call.headers, "Content-Type": media})


def _data(found: Trace) -> LadderInfo:
    rungs = tuple(
        Rung(
            call_id=m.call_id,
            at=stamp(m.wall_ns),
            wall_ns=m.wall_ns,
            sent=m.sent,
            transport=m.transport,
            ours=m.ours,
            peer=m.peer,
            what=what(m),
            text=m.data.decode("utf-8", "backslashreplace"),
        )
        for m in found.messages
    )
    return LadderInfo(calls=found.calls, messages=rungs)


@route(
    "GET",
    "/v1/calls/{call}/pcap",
    Scope.REPORTS,
    access=staff,
    media=("application/vnd.tcpdump.pcap",),
)
async def pcap(call: Call, path: OneCall) -> web.StreamResponse:
    """The same as a capture file for Wireshark, secrets masked."""
    body = await asyncio.to_thread(capture, await _trace(call, path))
    headers = {
        **call.headers,
        "Content-Type": "application/vnd.tcpdump.pcap",
        "Content-Disposition": f'attachment; filename="call-{path.call}.pcap"',
    }
    return web.Response(body=body, headers=headers)
