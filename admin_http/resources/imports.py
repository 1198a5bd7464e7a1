"""Imports: a file of people, or of numbers that nobody dials, sent whole and read by a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from admin_http import children
from admin_http.child_ends import note
from admin_http.documents import Document, Page, Paging
from admin_http.import_child import COUNTS
from admin_http.jobs import Facts, Job, JobError, JobState, Told, Work
from admin_http.once import REPLAYED, digest
from admin_http.people.access import staff
from admin_http.problems import Fault, ProblemError
from admin_http.resources.bans import DncList
from admin_http.resources.jobs import JobInfo, shown
from admin_http.routes import route
from admin_http.services import Call
from admin_http.serving import document
from admin_http.streams import place
from admin_http.tokens import Scope
from admin_http.uploads import Upload, received
from admin_http.workbooks import as_csv, is_workbook
from dialerd.core.control_base import Instant
from dialerd.core.leads_view import AddBans, Source
from dialerd.core.records import BanList
from dialerd.core.spec_parts import CampaignName
from dialerd.importer.io_numbers import NumberFile
from dialerd.importer.io_source import SourceError

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXTS: Final = ("text/csv", "text/plain")
TABLES: Final = (*TEXTS, "application/octet-stream", XLSX)
UPLOADS: Final = web.AppKey("uploads", asyncio.Semaphore)
TOLD: Final = ("list_name", "list_id", "encoding", "delimiter", "phone_column")
BANS_CHUNK: Final = 1_000
Columns = Annotated[
    str,
    Meta(
        max_length=4_000,
        description='Columns by other names, as JSON: {"Số máy": "phone"}; see `dialerd import`.',
        extra_json_schema={
            "contentMediaType": "application/json",
            "contentSchema": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    ),
]


class ImportQuestion(Document):
    """Into which list (made when there is none of that name), and how the file is read.

    `header`: whether the first row holds titles, found out when not said. `one_number`: columns of
    further numbers are texts. `skip_elsewhere`: nobody who is in another list.
    """

    list: CampaignName
    map: Columns = "{}"
    header: bool | None = None
    one_number: bool = False
    skip_elsewhere: bool = False


class NumbersFile(Document):
    """Where the numbers of a file come from, and until when they hold."""

    source: Source = ""
    until: Instant | None = None


class DncFile(NumbersFile):
    """The same for one of the do-not-call lists."""

    list: DncList = DncList.OWN


@route(
    "POST",
    "/v1/imports",
    Scope.CAMPAIGNS,
    access=staff,
    status=202,
    takes=TABLES,
    reply=JobInfo,
)
async def import_people(call: Call, query: ImportQuestion) -> web.StreamResponse:
    """Add the people of a CSV or XLSX file (the body) to a list: a job, told at Location."""
    mapping = _mapping(query.map)
    return await _accepted(
        call,
        TABLES,
        Job(0, "import", query.list, call.who, JobState.WAITING, 0, unit="bytes"),
        lambda upload: partial(_import, call, query, mapping, upload),
    )


@route("GET", "/v1/imports", Scope.READ, access=staff)
async def imports(call: Call, query: Paging) -> Page[JobInfo]:
    """The imports among the newest jobs."""
    rows = call.services.jobs.page(0, 500)
    items = tuple(shown(one) for one in rows if one.kind == "import")[: query.limit]
    return Page(items=items)


@route(
    "POST",
    "/v1/dnc/imports",
    Scope.CAMPAIGNS,
    access=staff,
    status=202,
    takes=TEXTS,
    reply=JobInfo,
)
async def import_dnc(call: Call, query: DncFile) -> web.StreamResponse:
    """Put the numbers of a file (the body, one a line) on a do-not-call list: a job."""
    return await _bans_accepted(call, query, BanList(query.list))


@route(
    "POST",
    "/v1/blacklist/imports",
    Scope.CAMPAIGNS,
    access=staff,
    status=202,
    takes=TEXTS,
    reply=JobInfo,
)
async def import_blacklist(call: Call, query: NumbersFile) -> web.StreamResponse:
    """Put the numbers of a file (the body, one a line) on the blacklist: a job."""
    return await _bans_accepted(call, query, BanList.BLACKLIST)


async def _bans_accepted(call: Call, query: NumbersFile, kind: BanList) -> web.StreamResponse:
    return await _accepted(
        call,
        TEXTS,
        Job(0, "numbers", kind.value, call.who, JobState.WAITING, 0, unit="lines"),
        lambda upload: partial(_ban, call, query, kind, upload),
    )


async def _accepted(
    call: Call, takes: tuple[str, ...], job: Job, work: Callable[[Upload], Work]
) -> web.StreamResponse:
    """Take the file, then the job: answered 202, or as before under the same key."""
    jobs = call.services.jobs
    jobs.check_room()
    async with (
        place(call.request.app[UPLOADS], "uploads"),
        received(call.request, jobs.folder, takes) as upload,
    ):

        async def begin() -> web.StreamResponse:
            kept = upload.path.rename(upload.path.with_name(f"{upload.path.name}-taken"))
            mine = msgspec.structs.replace(upload, path=kept)
            try:
                made = await jobs.submit(job, work(mine), (kept,))
            except BaseException:
                kept.unlink()
                raise
            call.headers["Location"] = f"/v1/jobs/{made.id}"
            return document(call, 202, shown(made))

        sent = digest(call.request.query_string.encode(), upload.digest)
        return _as_it_is(call, await call.services.once.answer(call, sent, begin))


def _as_it_is(call: Call, response: web.StreamResponse) -> web.StreamResponse:
    """What was answered before, with the job as it stands now: it does not wait for ever."""
    number = response.headers.get("Location", "").rpartition("/")[2]
    job = call.services.jobs.get(int(number)) if number.isdecimal() else None
    if REPLAYED not in response.headers or job is None:
        return response
    call.headers["Location"] = response.headers["Location"]
    call.headers[REPLAYED] = response.headers[REPLAYED]
    return document(call, 202, shown(job))


def _mapping(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        detail = f"a JSON object of texts: {error}"
        raise ProblemError(400, detail, errors=(Fault(detail=detail, parameter="map"),)) from None


async def _import(
    call: Call, query: ImportQuestion, mapping: dict[str, str], upload: Upload, told: Told
) -> Facts:
    file = upload.path
    config = call.services.config
    if upload.media == XLSX or await asyncio.to_thread(is_workbook, file):
        file = told.folder / "sheet.csv"
        await as_csv(upload.path, file, lambda rows: told.progress(rows, 0, "rows"))
    problems = told.folder / "problems.csv"
    found = await children.run(
        "admin_http.import_child",
        {
            "file": str(file),
            "list_name": query.list,
            "store": str(config.store.path),
            "plan": str(config.numbering.plan),
            "destinations": config.numbering.destinations,
            "problems": str(problems),
            "mapping": mapping,
            "header": query.header,
            "several": not query.one_number,
            "skip_elsewhere": query.skip_elsewhere,
        },
        lambda line: told.progress(line.done, line.total, "bytes"),
    )
    if file is not upload.path:
        await asyncio.to_thread(file.unlink)
    if found.get("reject_file"):
        told.files["problems"] = problems.name
    facts: Facts = {name: int(found.get(name, 0)) for name in ("added", *COUNTS)}
    facts |= {name: found[name] for name in TOLD if found.get(name)}
    facts |= {f"refused: {code}": count for code, count in found.get("reasons", {}).items()}
    return facts


async def _ban(call: Call, query: NumbersFile, kind: BanList, upload: Upload, told: Told) -> Facts:
    """Read in a thread, a chunk at a time; each chunk is one request of the core."""
    services = call.services
    added = lines = 0
    problems = told.folder / "problems.csv"
    reader = await asyncio.to_thread(
        NumberFile, upload.path, services.numbering, problems, BANS_CHUNK
    )
    try:
        while chunk := await asyncio.to_thread(next, reader, None):
            lines += chunk.lines
            told.progress(lines, 0, "lines")
            if not chunk.phones:
                continue
            request = AddBans(
                phones=chunk.phones,
                who=call.who,
                kind=kind,
                source=query.source,
                until=query.until,
            )
            added += (await services.control.call(request)).added
            await asyncio.to_thread(note, told.folder, {"lines": lines, "added": added})
    except SourceError as error:
        raise JobError(str(error).replace(str(upload.path), "the file")) from None
    finally:
        await asyncio.to_thread(reader.close)
    if reader.refused:
        told.files["problems"] = "problems.csv"
    return {"lines": lines, "added": added, "refused": reader.refused}
