"""Jobs: how far they are, what came of them, their files."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta

from admin_http import cursors
from admin_http.attempts import moment
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.jobs import Job, JobState
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.ranges import send_file
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.control_base import Instant

MEDIA: Final = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
DOWNLOAD_MEDIA: Final = (
    "text/csv",
    "application/json",
    "application/x-ndjson",
    MEDIA[".xlsx"],
)


class OneJob(Document):
    """Which job."""

    job: Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]


class JobInfo(Document):
    """One job: `done` of `total` `unit` (total 0: not known), and what came of it.

    `files` are what can be fetched of it, each with its address.
    """

    id: int
    kind: str
    what: str
    who: str
    state: JobState
    made_at: Instant | None
    begun_at: Instant | None
    ended_at: Instant | None
    done: int
    total: int
    unit: str
    result: dict[str, int | str]
    error: str
    files: dict[str, str]


def shown(job: Job) -> JobInfo:
    """The document of one."""
    return JobInfo(
        id=job.id,
        kind=job.kind,
        what=job.what,
        who=job.who,
        state=job.state,
        made_at=moment(job.made_ms),
        begun_at=moment(job.begun_ms),
        ended_at=moment(job.ended_ms),
        done=job.done,
        total=job.total,
        unit=job.unit,
        result=job.result,
        error=job.error,
        files={what: f"/v1/jobs/{job.id}/{what}" for what in job.files},
    )


def _find(call: Call, path: OneJob) -> Job:
    found = call.services.jobs.get(path.job)
    if found is None:
        raise ProblemError(404, f"there is no job {path.job}")
    return found


@route("GET", "/v1/jobs", Scope.READ, access=staff)
async def jobs(call: Call, query: Paging) -> Page[JobInfo]:
    """A page of jobs, newest first."""
    before = cursors.number(behind(call, query))
    rows = call.services.jobs.page(before, query.limit + 1)
    items = tuple(map(shown, rows[: query.limit]))
    return page(call, query, items, (items[-1].id,) if len(rows) > query.limit else None)


@route("GET", "/v1/jobs/{job}", Scope.READ, access=staff)
async def job(call: Call, path: OneJob) -> JobInfo:
    """One job: how far it is, or what came of it."""
    return shown(_find(call, path))


@route("POST", "/v1/jobs/{job}/cancel", Scope.CAMPAIGNS, access=staff, also=(409,))
async def cancel_job(call: Call, path: OneJob) -> JobInfo:
    """End it. What it has done stays: people whom an import has added are in their list."""
    found = _find(call, path)
    if not await call.services.jobs.cancel(found.id):
        raise ProblemError(409, f"it is over: {found.state}")
    return shown(_find(call, path))


@route(
    "GET",
    "/v1/jobs/{job}/problems",
    Scope.REPORTS,
    access=staff,
    media=("text/csv",),
    headers=("Range", "If-Range", "If-None-Match"),
    also=(206, 304, 416),
)
async def job_problems(call: Call, path: OneJob) -> web.StreamResponse:
    """The rows of an import that were refused: row, text, reason."""
    return await _send(call, _find(call, path), "problems")


@route(
    "GET",
    "/v1/jobs/{job}/file",
    Scope.REPORTS,
    access=staff,
    media=DOWNLOAD_MEDIA,
    headers=("Range", "If-Range", "If-None-Match"),
    also=(206, 304, 416),
)
async def job_file(call: Call, path: OneJob) -> web.StreamResponse:
    """What an export has made."""
    return await _send(call, _find(call, path), "file")


async def _send(call: Call, found: Job, what: str) -> web.StreamResponse:
    """A file of a job, whole or by Range, under a name of ours; ProblemError 404."""
    where = call.services.jobs.path(found, what)
    if where is None:
        raise ProblemError(404, f"job {found.id} has no {what}")
    name = f"{found.kind}-{found.id}-{what}{where.suffix}"
    return await send_file(call, where, MEDIA[where.suffix], name, shown="attachment")
