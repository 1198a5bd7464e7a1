"""Exports: a table of any size made by a job, to be fetched whole or in parts."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from admin_http.documents import Document, Page, Paging
from admin_http.ended_rows import Wanted, unix_ms
from admin_http.jobs import Facts, Job, JobError, JobState, Told
from admin_http.people.access import staff
from admin_http.problems import Fault, ProblemError
from admin_http.report_child import Form, NoRoomError, Order, What, check_room
from admin_http.resources.jobs import JobInfo, shown
from admin_http.resources.lists import ListRef, find
from admin_http.routes import route
from admin_http.services import Call
from admin_http.streams import made_aside, order
from admin_http.tokens import Scope
from dialerd.core.campaigns_view import CampaignRef
from dialerd.core.control_base import Instant

ROOM_BYTES: Final = 256 << 20  # what an export leaves free on the disk


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
    wanted = Wanted(
        frozenset({of}) if of else None, unix_ms(body.since, 0), unix_ms(body.until, 1 << 62)
    )
    asked = order(call.services, body.what, format=body.format, of=of, wanted=wanted)
    job = Job(0, "export", f"{body.what} {name}".strip(), call.who, JobState.WAITING, 0)
    made = await call.services.jobs.submit(job, partial(_write, asked))
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


async def _write(asked: Order, told: Told) -> Facts:
    path = told.folder / f"file.{asked.format}"
    asked = msgspec.structs.replace(asked, scratch=told.folder, room_bytes=ROOM_BYTES)
    size = 0
    async with contextlib.aclosing(made_aside(asked)) as pieces:
        async for piece in pieces:
            size += await asyncio.to_thread(_add, path, piece)
            told.progress(size, 0, "bytes")
    told.progress(size, size, "bytes")
    told.files["file"] = path.name
    return {"bytes": size, "format": asked.format.value}


def _add(path: Path, piece: bytes) -> int:
    try:
        check_room(path.parent, ROOM_BYTES)
    except NoRoomError as error:
        raise JobError(str(error)) from None
    with path.open("ab") as file:
        return file.write(piece)
