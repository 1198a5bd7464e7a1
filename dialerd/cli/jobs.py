"""`dialerd jobs`: imports and exports that the HTTP API does beside requests."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import click
import msgspec

from admin_http.jobs import JOBS, OPEN, Job
from admin_http.people.store import AdminStore, Txn
from admin_http.resources.jobs import shown
from dialerd.cli.admin_store import change, opened
from dialerd.cli.common import (
    config_option,
    load_zone,
    local_time,
    output_option,
    print_json,
    print_pairs,
    print_table,
    who,
)
from dialerd.cli.errors import FailedError
from dialerd.store.schema import number64

LOOK_S: Final = 0.2
END_S: Final = 30.0  # what does a job is given 10 s to end, then it is killed
PROGRESS: Final = ("done", "total", "unit")


@click.group("jobs")
def jobs() -> None:
    """Imports and exports of the HTTP API, as they were kept when their state changed.

    How far one is that runs is told by HTTP: /v1/jobs/ID.
    """


@jobs.command("ls")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@config_option
@output_option
def ls(limit: int, config_path: str | None, output: str) -> None:
    """The newest jobs, newest first."""
    with opened(config_path) as store, store.read() as txn:
        found = txn.newest(JOBS, limit)
    if output == "json":
        print_json(list(map(_told, found)))
        return
    zone = load_zone(config_path)
    rows = [(j.id, j.kind, j.what, j.state, _at(j.made_ms, zone), j.who, j.error) for j in found]
    print_table(("job", "kind", "what", "state", "made", "by", "error"), rows)


@jobs.command("show")
@click.argument("job", type=click.IntRange(1, (1 << 53) - 1))
@config_option
@output_option
def show(job: int, config_path: str | None, output: str) -> None:
    """One job, and what came of it."""
    with opened(config_path) as store, store.read() as txn:
        found = txn.get(JOBS, number64(job))
    if found is None:
        raise FailedError(f"there is no job {job}")
    if output == "json":
        print_json(_told(found))
        return
    zone = load_zone(config_path)
    print_pairs(
        [
            ("job", f"{found.id} ({found.kind} {found.what})"),
            ("state", found.state),
            ("by", found.who),
            *((name, _at(ms, zone)) for name, ms in _moments(found).items() if ms),
            *found.result.items(),
            *([("error", found.error)] if found.error else []),
            *(("file", f"/v1/jobs/{found.id}/{what}") for what in found.files),
        ]
    )


@jobs.command("cancel")
@click.argument("job", type=click.IntRange(1, (1 << 53) - 1))
@config_option
@output_option
def cancel(job: int, config_path: str | None, output: str) -> None:
    """End a job that waits or runs, within seconds. What it has done stays.

    The HTTP process of the daemon does it; without a daemon no job runs.
    """
    with opened(config_path) as store:
        change(store, "jobs cancel", lambda txn: _mark(txn, job), str(job))
        found = _over(store, job)
    if output == "json":
        print_json(_told(found))
    else:
        click.echo(f"job {job} is {found.state}")


def _mark(txn: Txn, number: int) -> None:
    found = txn.get(JOBS, number64(number))
    if found is None:
        raise FailedError(f"there is no job {number}")
    if found.state not in OPEN:
        raise FailedError(f"job {number} is over: {found.state}")
    txn.put(JOBS, msgspec.structs.replace(found, cancelled_by=who()))


def _over(store: AdminStore, number: int) -> Job:
    """The job when it has ended; FailedError when it does not for so long."""
    give_up = time.monotonic() + END_S
    while True:
        with store.read() as txn:
            found = txn.get(JOBS, number64(number))
        if found is None:
            raise FailedError(f"job {number} is forgotten")
        if found.state not in OPEN:
            return found
        if time.monotonic() > give_up:
            raise FailedError(
                f"job {number} is told to end, and has not yet: `dialerd status` says whether the "
                "daemon runs that does so; without one the next start ends it"
            )
        time.sleep(LOOK_S)  # another process ends it, and tells by the store


def _moments(job: Job) -> dict[str, int]:
    return {"made": job.made_ms, "begun": job.begun_ms, "ended": job.ended_ms}


def _told(job: Job) -> dict[str, Any]:
    """As /v1/jobs tells it, without progress, which is known where the job runs."""
    told: dict[str, Any] = msgspec.to_builtins(shown(job))
    return {name: value for name, value in told.items() if name not in PROGRESS}


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)


def _at(ms: int, zone: tzinfo | None) -> str:
    return local_time(_utc(ms), zone)
