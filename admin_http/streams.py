"""Answers that are written piece by piece: a campaign's report."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from enum import StrEnum
from typing import Any, Final

import msgspec
from aiohttp import web

from admin_http import children
from admin_http.documents import Document, OneCampaign
from admin_http.jobs import JobError
from admin_http.limits import REPORT_HERE_LEADS, STREAM_WRITE_S
from admin_http.people.access import of_campaign
from admin_http.problems import ProblemError
from admin_http.report_child import Form, Order, What, made
from admin_http.routes import route
from admin_http.services import Call, Services
from admin_http.tokens import Scope
from dialerd.core.ports import NotFoundError, StoreError

log = logging.getLogger(__name__)

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
        found = await call.services.read(lambda store: store.find_campaign(path.campaign))
        name = f"campaign-{found.campaign_id}.{query.format}"
        media = "text/csv" if query.format is ReportFormat.CSV else "application/json"
        asked = order(call.services, What.REPORT, format=Form(query.format), of=found.campaign_id)
        return await send_table(call, asked, found.audience, media, name)


def order(services: Services, what: What, **more: Any) -> Order:
    """A table of this daemon's store; `more` are the other attributes of `Order`."""
    config = services.config
    return Order(config.store.path, config.dialing.zone, what, **more)


async def send_table(
    call: Call, asked: Order, rows: int, media: str, name: str
) -> web.StreamResponse:
    """A table as a file that is made while it is sent; one of many rows by another process."""
    if rows > REPORT_HERE_LEADS:
        return await _send(call, made_aside(asked), media, name)
    store = await call.services.store()
    return await _send(call, _made_here(made(store, asked, call.services.zone)), media, name)


async def made_aside(asked: Order) -> AsyncGenerator[bytes]:
    """By a process of its own: the interpreter of this one is for agents' events.

    Raises:
        JobError: it is not whole.
    """
    told = msgspec.to_builtins(asked, enc_hook=str)
    async with contextlib.aclosing(children.pieces("admin_http.report_child", told)) as pieces:
        async for piece in pieces:
            yield piece


async def _made_here(pieces: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """Each piece is read in a thread in one short transaction; none is open while we wait.

    Then it rests for as long as that took: the interpreter is for agents' events, too.
    """
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        piece = await asyncio.to_thread(next, pieces, None)
        took_s = loop.time() - began_s
        if piece is None:
            return
        yield piece
        await asyncio.sleep(min(took_s, YIELD_S_MAX))


async def _send(
    call: Call, pieces: AsyncGenerator[bytes], media: str, name: str
) -> web.StreamResponse:
    """A file that is made while it is sent.

    Raises:
        ProblemError: 404, 503, before anything is sent.
        ConnectionError: it is cut off, which its reader sees.
    """
    async with contextlib.aclosing(pieces):
        try:
            piece = await anext(pieces, b"")
        except NotFoundError as error:
            raise ProblemError(404, str(error)) from None
        except (StoreError, JobError) as error:
            raise ProblemError(503, str(error)) from None
        return await _send_from(call, piece, pieces, media, name)


async def _send_from(
    call: Call, first: bytes, pieces: AsyncGenerator[bytes], media: str, name: str
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **call.headers,
            "Content-Type": f"{media}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    await response.prepare(call.request)
    piece: bytes | None = first
    while piece is not None:
        async with asyncio.timeout(STREAM_WRITE_S):
            await response.write(piece)
        try:
            piece = await anext(pieces, None)
        except (StoreError, JobError) as error:
            log.error("%s is cut off: %s", name, error)
            if call.request.transport is not None:
                call.request.transport.abort()  # a body without its end, as its reader sees
            raise ConnectionAbortedError from None
    await response.write_eof()
    return response
