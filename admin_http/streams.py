"""Answers that are written piece by piece: a campaign's report."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum
from typing import Final

from aiohttp import web

from admin_http.documents import Document, OneCampaign
from admin_http.limits import REPORT_CHUNK_ROWS, STREAM_WRITE_S
from admin_http.people.access import of_campaign
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.ports import NotFoundError, StoreError
from dialerd.store.report import csv_pieces, json_pieces

REPORTS: Final = web.AppKey("reports", asyncio.Semaphore)
YIELD_S_MAX: Final = 0.05  # between two pieces of a report


class ReportFormat(StrEnum):
    """How a report is written."""

    CSV = "csv"
    JSON = "json"


class ReportQuestion(Document):
    """Which form of the report."""

    format: ReportFormat = ReportFormat.CSV


@contextlib.asynccontextmanager
async def place(semaphore: asyncio.Semaphore, what: str) -> AsyncIterator[None]:
    """One of a bounded number of places; 503 when none is free."""
    if semaphore.locked():
        raise ProblemError(503, f"too many {what} at once")
    async with semaphore:
        yield


@route(
    "GET",
    "/v1/campaigns/{campaign}/report",
    Scope.REPORTS,
    access=of_campaign,
    media=("text/csv", "application/json"),
)
async def report(call: Call, path: OneCampaign, query: ReportQuestion) -> web.StreamResponse:
    """Every number of a campaign with everything that happened to it, row by row."""
    async with place(call.request.app[REPORTS], "reports"):
        store = await call.services.store()
        make = csv_pieces if query.format is ReportFormat.CSV else json_pieces
        found = await call.services.read(lambda store: store.find_campaign(path.campaign))
        pieces = make(store, found.campaign_id, call.services.zone, REPORT_CHUNK_ROWS)
        name = f"campaign-{found.campaign_id}.{query.format}"
        media = "text/csv" if query.format is ReportFormat.CSV else "application/json"
        return await send_pieces(call, (piece.encode() for piece in pieces), media, name)


async def send_pieces(
    call: Call, pieces: Iterator[bytes], media: str, name: str
) -> web.StreamResponse:
    """A file that is made while it is sent.

    Each piece is read in a thread in one short transaction; none is open while we wait. Then it
    rests for as long as that took: the interpreter is for agents' events, too.

    Raises:
        ProblemError: 404, 503, before anything is sent.
    """
    try:
        piece = await asyncio.to_thread(next, pieces, b"")
    except NotFoundError as error:
        raise ProblemError(404, str(error)) from None
    except StoreError as error:
        raise ProblemError(503, str(error)) from None
    response = web.StreamResponse(
        headers={
            **call.headers,
            "Content-Type": f"{media}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    await response.prepare(call.request)
    loop, more = asyncio.get_running_loop(), True
    while more:
        async with asyncio.timeout(STREAM_WRITE_S):
            await response.write(piece)
        began_s = loop.time()
        found = await asyncio.to_thread(next, pieces, None)
        more, piece = found is not None, found or b""
        await asyncio.sleep(min(loop.time() - began_s, YIELD_S_MAX))
    await response.write_eof()
    return response
