"""Exports: a table of any size made by a job, to be fetched whole or in parts."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

from admin_http import ended_rows
from admin_http.documents import Document, Page, Paging
from admin_http.ended_rows import Wanted, unix_ms
from admin_http.jobs import Facts, Job, JobError, JobState, Told
from admin_http.people.access import staff
from admin_http.problems import Fault, ProblemError
from admin_http.resources.jobs import JobInfo, shown
from admin_http.resources.lists import ListRef, find
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.campaigns_view import CampaignRef
from dialerd.core.control_base import Instant
from dialerd.store import LmdbStore
from dialerd.store.report import csv_pieces, json_pieces
from dialerd.store.survey import Survey

ROOM_BYTES: Final = 256 << 20  # what an export leaves free on the disk
ROOM_ROWS: Final = 1_000  # of a workbook between two looks at the disk


class What(StrEnum):
    """What to write out."""

    REPORT = "report"  # of a campaign: a row for each person
    ANSWERS = "answers"  # of a campaign's questionnaires
    CALLS = "calls"  # that ended
    INTERACTIONS = "interactions"  # of those
    PEOPLE = "people"  # of a list


class Form(StrEnum):
    """How it is written."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    XLSX = "xlsx"


FORMS: Final = {
    What.REPORT: (Form.CSV, Form.JSON),
    What.ANSWERS: (Form.CSV, Form.XLSX),
    What.CALLS: (Form.CSV, Form.JSONL),
    What.INTERACTIONS: (Form.CSV,),
    What.PEOPLE: (Form.CSV,),
}


NEEDED: Final = {What.REPORT: "campaign", What.ANSWERS: "campaign", What.PEOPLE: "list"}


def _must_say(what: What) -> dict[str, Any]:
    """What an order of it says, as a schema."""
    rules: dict[str, Any] = {"what": {"const": what}, "format": {"enum": list(FORMS[what])}}
    needed = NEEDED.get(what)
    if needed is None:
        return {"properties": rules}
    return {"required": [needed], "properties": {**rules, needed: {"type": "string"}}}


class NewExport(Document):
    """What, of which campaign or list, in which form; calls from `since` on, before `until`."""

    what: What
    campaign: CampaignRef | None = None
    list: ListRef | None = None
    format: Form = Form.CSV
    since: Instant | None = None
    until: Instant | None = None


@route(
    "POST",
    "/v1/exports",
    Scope.REPORTS,
    access=staff,
    status=202,
    example={"what": "report", "campaign": "renewal-november"},
    holds={"anyOf": [_must_say(what) for what in What]},
    also=(404,),
)
async def export(call: Call, body: NewExport) -> JobInfo:
    """Write a table into a file: a job, told at Location; fetch it at /v1/jobs/ID/file."""
    if body.format not in FORMS[body.what]:
        allowed = tuple(FORMS[body.what])
        detail = f"{body.what} is written as {' or '.join(allowed)}"
        fault = Fault(detail=detail, pointer="/format")
        raise ProblemError(422, detail, errors=(fault,), allowed=allowed)
    of, name = await _of(call, body)
    store = await call.services.store()
    job = Job(0, "export", f"{body.what} {name}".strip(), call.who, JobState.WAITING, 0)
    made = await call.services.jobs.submit(job, partial(_write, call, store, body, of))
    call.headers["Location"] = f"/v1/jobs/{made.id}"
    return shown(made)


async def _of(call: Call, body: NewExport) -> tuple[int, str]:
    """The id and name of the campaign or list; ProblemError 404, 422."""
    needed = NEEDED.get(body.what)
    if needed is not None and getattr(body, needed) is None:
        raise _missing(needed)
    if body.what is What.PEOPLE and body.list is not None:
        found = await find(call, body.list)
        return found.id, found.name
    if (name := body.campaign) is not None:
        campaign = await call.services.read(lambda store: store.find_campaign(name))
        return campaign.campaign_id, campaign.settings.name
    return 0, ""


def _missing(name: str) -> ProblemError:
    detail = f"which {name}?"
    return ProblemError(422, detail, errors=(Fault(detail=detail, pointer=f"/{name}"),))


@route("GET", "/v1/exports", Scope.READ, access=staff)
async def exports(call: Call, query: Paging) -> Page[JobInfo]:
    """The exports among the newest jobs."""
    rows = call.services.jobs.page(0, 500)
    return Page(items=tuple(shown(one) for one in rows if one.kind == "export")[: query.limit])


async def _write(call: Call, store: LmdbStore, body: NewExport, of: int, told: Told) -> Facts:
    path = told.folder / f"file.{body.format}"
    zone = call.services.zone
    if body.format is Form.XLSX:
        await _workbook(store, of, zone, path)
        size = (await asyncio.to_thread(path.stat)).st_size
    else:
        size = await _pieces(_made(store, body, of, zone), path, told)
    told.progress(size, size, "bytes")
    told.files["file"] = path.name
    return {"bytes": size, "format": body.format.value}


def _made(store: LmdbStore, body: NewExport, of: int, zone: Any) -> Iterator[bytes]:
    asked = Wanted(
        frozenset({of}) if of else None, unix_ms(body.since, 0), unix_ms(body.until, 1 << 62)
    )
    match body.what, body.format:
        case What.REPORT, Form.CSV:
            return (text.encode("utf-8", "replace") for text in csv_pieces(store, of, zone))
        case What.REPORT, _:
            return (text.encode("utf-8", "replace") for text in json_pieces(store, of, zone))
        case What.ANSWERS, _:
            return Survey(store, of, zone).csv()
        case What.CALLS, Form.CSV:
            return ended_rows.calls_csv(store, asked, zone)
        case What.CALLS, _:
            return ended_rows.calls_jsonl(store, asked, zone)
        case What.INTERACTIONS, _:
            return ended_rows.interactions_csv(store, asked, zone)
        case _:
            return ended_rows.people_csv(store, of)


async def _pieces(pieces: Iterator[bytes], path: Path, told: Told) -> int:
    """A piece at a time, each read and written in a thread: it may be cancelled between them."""
    size = 0
    while (done := await asyncio.to_thread(_step, pieces, path)) is not None:
        size += done
        told.progress(size, 0, "bytes")
    return size


def _step(pieces: Iterator[bytes], path: Path) -> int | None:
    piece = next(pieces, None)
    if piece is None:
        return None
    _check_room(path.parent)
    with path.open("ab") as file:
        return file.write(piece)


def _check_room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < ROOM_BYTES:
        raise JobError("there is no room for it on the disk")


class _Stoppable(Survey):
    """One that ends in the middle when nobody wants it any more, or the disk is full."""

    stopped: threading.Event
    folder: Path  # where it is written

    def rows(self) -> Iterator[list[Any]]:
        """See `Survey.rows`."""
        for at, row in enumerate(super().rows()):
            if self.stopped.is_set():
                raise JobError("cancelled")
            if at % ROOM_ROWS == 0:
                _check_room(self.folder)
            yield row


async def _workbook(store: LmdbStore, of: int, zone: Any, path: Path) -> None:
    stopped = threading.Event()

    def write() -> None:
        survey = _Stoppable(store, of, zone)
        survey.stopped, survey.folder = stopped, path.parent
        with path.open("wb") as file:
            survey.xlsx(file, path.parent)

    work = asyncio.ensure_future(asyncio.to_thread(write))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([work])
        raise
