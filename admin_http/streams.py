"""Answers that are not one document: a campaign's report, and the live event stream (SSE)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from admin_http.handlers import Document, OneCampaign
from admin_http.limits import (
    HEARTBEAT_S,
    REPORT_CHUNK_ROWS,
    STREAM_EVENTS_MAX,
    STREAM_WRITE_S,
)
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.control.hub import BoundedSink
from dialerd.core.control import TOPICS_MAX, ControlError, GetStatus, LiveEvent, Topic
from dialerd.core.ports import NotFoundError, StoreError
from dialerd.store.report import csv_pieces, json_pieces

STREAMS: Final = web.AppKey("streams", asyncio.Semaphore)
REPORTS: Final = web.AppKey("reports", asyncio.Semaphore)


class ReportFormat(StrEnum):
    """How a report is written."""

    CSV = "csv"
    JSON = "json"


class ReportQuestion(Document):
    """Which form of the report."""

    format: ReportFormat = ReportFormat.CSV


class StreamQuestion(Document):
    """Which live events."""

    topics: Annotated[
        str,
        Meta(max_length=400, description="Topics with commas between, empty for all of them."),
    ] = ""


@contextlib.asynccontextmanager
async def _place(semaphore: asyncio.Semaphore, what: str) -> AsyncIterator[None]:
    """One of a bounded number of places; 503 when none is free."""
    if semaphore.locked():
        raise ProblemError(503, f"too many {what} at once")
    async with semaphore:
        yield


@route(
    "GET",
    "/v1/campaigns/{campaign}/report",
    Scope.REPORTS,
    media=("text/csv", "application/json"),
)
async def report(call: Call, path: OneCampaign, query: ReportQuestion) -> web.StreamResponse:
    """Every number of a campaign with everything that happened to it, row by row."""
    async with _place(call.request.app[REPORTS], "reports"):
        store = await call.services.store()
        make = csv_pieces if query.format is ReportFormat.CSV else json_pieces
        try:
            found = await asyncio.to_thread(store.find_campaign, path.campaign)
            zone = call.services.zone
            pieces = make(store, found.campaign_id, zone, REPORT_CHUNK_ROWS)
            first = await asyncio.to_thread(next, pieces, "")
        except NotFoundError as error:
            raise ProblemError(404, str(error)) from None
        except StoreError as error:
            raise ProblemError(503, str(error)) from None
        name = f"campaign-{found.campaign_id}.{query.format}"
        media = "text/csv" if query.format is ReportFormat.CSV else "application/json"
        response = web.StreamResponse(
            headers={
                **call.headers,
                "Content-Type": f"{media}; charset=utf-8",
                "Content-Disposition": f'attachment; filename="{name}"',
            }
        )
        await response.prepare(call.request)
        await _write_pieces(response, first, pieces)
        await response.write_eof()
        return response


async def _write_pieces(response: web.StreamResponse, first: str, pieces: Iterator[str]) -> None:
    """Each piece is read in a thread in one short transaction; none is open while we wait."""
    piece = first
    while piece:
        async with asyncio.timeout(STREAM_WRITE_S):
            await response.write(piece.encode())
        piece = await asyncio.to_thread(next, pieces, "")


@route("GET", "/v1/stream", Scope.READ, media=("text/event-stream",))
async def stream(call: Call, query: StreamQuestion) -> web.StreamResponse:
    """Live events (SSE), resumed behind Last-Event-ID; a slow reader gets `lost` and goes on.

    The first event is a `snapshot` of the status. `reset` says that events are missing: fetch what
    you show anew. `core` tells whether the daemon is up.
    """
    topics = _topics(query.topics)
    last_id = call.request.headers.get("Last-Event-ID", "")[:64]
    async with _place(call.request.app[STREAMS], "event streams"):
        wake = asyncio.Event()
        sink = BoundedSink(STREAM_EVENTS_MAX, wake.set)
        leave = call.services.relay.subscribe(topics, last_id, sink)
        try:
            return await _pump(call, sink, wake)
        finally:
            leave()


def _topics(text: str) -> tuple[str, ...]:
    topics = tuple(topic for topic in text.split(",") if topic)
    try:
        if len(topics) > TOPICS_MAX:
            raise ProblemError(400, f"topics: at most {TOPICS_MAX}")
        return msgspec.convert(topics, tuple[Topic, ...])
    except msgspec.ValidationError:
        raise ProblemError(400, "topics: small letters, with commas between") from None


async def _pump(call: Call, sink: BoundedSink, wake: asyncio.Event) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **call.headers,
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    snapshot = await _snapshot(call)
    await response.prepare(call.request)
    with contextlib.suppress(ConnectionError, TimeoutError):
        await _send(response, snapshot)
        while True:
            while (event := sink.pop()) is not None:
                await _send(response, _text(event, call.services.relay.event_id(event)))
            wake.clear()
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await wake.wait()
            except TimeoutError:
                await _send(response, b":\n\n")
    return response


async def _snapshot(call: Call) -> bytes:
    try:
        status = await call.services.control.call(GetStatus())
    except ControlError:
        return b'event: core\ndata: {"up":false}\n\n'
    return b"event: snapshot\ndata: " + msgspec.json.encode(status) + b"\n\n"


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(STREAM_WRITE_S):
        await response.write(data)


def _text(event: LiveEvent, event_id: str) -> bytes:
    """One event; JSON has no raw line ends, so it is one data line."""
    data = msgspec.json.encode({"at_ms": event.at_ms, **event.data})
    return b"".join(
        (b"id: ", event_id.encode(), b"\nevent: ", event.topic.encode(), b"\ndata: ", data, b"\n\n")
    )
