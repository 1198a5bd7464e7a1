"""Jobs: work that takes longer than a request, with its progress, its end and its files.

A few run at a time, some wait, the last ones are remembered: all bounded. What is told of a job is
durable where its state changes; its progress lives in this process. A job that this process leaves
behind is `interrupted` when the next one starts. Each has a folder for its files.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from admin_http.child_ends import SO_FAR, noted
from admin_http.limits import JOB_KEPT_S, JOBS_KEPT_MAX, JOBS_RUNNING_MAX, JOBS_WAITING_MAX
from admin_http.people.store import AdminError, AdminStore, Kind, Txn
from admin_http.problems import ProblemError
from dialerd.store.schema import number64

log = logging.getLogger(__name__)
FOLDER: Final = "jobs"
LOOK_S: Final = 1.0  # between two looks whether a command has asked for the end of a job
CUT_SHORT: Final = (
    "the HTTP process ended before it did: what it had added by then (`result`) stays; send it"
    " again under another Idempotency-Key, and what is there already is left out"
)

Facts = dict[str, int | str]


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # this process ended before it did


OPEN: Final = frozenset({JobState.WAITING, JobState.RUNNING})


class Job(msgspec.Struct, frozen=True):
    """One job as kept. `files` are those in its folder, by what they are.

    `cancelled_by` is who asked for its end on the command line: the process that does it looks.
    `result` of one that did not end well is what it had done by then.
    """

    id: int
    kind: str
    what: str
    who: str
    state: JobState
    made_ms: int
    begun_ms: int = 0
    ended_ms: int = 0
    done: int = 0
    total: int = 0
    unit: str = ""
    result: Facts = {}
    error: str = ""
    files: dict[str, str] = {}
    cancelled_by: str = ""


JOBS: Final = Kind("jobs", Job, lambda job: number64(job.id))


class JobError(Exception):
    """The work cannot be done; one line that says why."""


class Told:
    """What the work says of itself while it runs: how far it is."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the job's own, there from its beginning."""
        self.folder = folder
        self.done = 0
        self.total = 0
        self.unit = ""
        self.files: dict[str, str] = {}

    def progress(self, done: int, total: int, unit: str) -> None:
        """So much of so much."""
        self.done, self.total, self.unit = done, total, unit


Work = Callable[[Told], Awaitable[Facts]]


class Jobs:
    """See the module's text."""

    def __init__(self, admin: AdminStore, data: Path) -> None:
        """`data` is [store] path; nothing is read yet."""
        self._admin = admin
        self.folder = data / FOLDER
        self._room = asyncio.Semaphore(JOBS_RUNNING_MAX)
        self._tasks: dict[int, asyncio.Task[Job]] = {}  # that do the work, and may be cancelled
        self._ends: dict[int, asyncio.Task[None]] = {}  # that see each out, which nobody cancels
        self._told: dict[int, Told] = {}
        self._cancelled: set[int] = set()
        self._looking: asyncio.Task[None] | None = None  # while there are jobs
        self._closing = False
        self._cut: set[int] = set()  # of the process before; what did them may outlive it a while

    async def start(self) -> None:
        """Settle what the process before has left: its jobs are interrupted, parts of files go."""
        cut: set[str] = set()
        earlier: list[Job] = []  # cut by processes before that one, and told by their folders still

        def settle(txn: Txn) -> list[int]:
            rows = txn.newest(JOBS, JOBS_KEPT_MAX * 2)
            for job in rows:
                if job.state is JobState.INTERRUPTED and not job.result:
                    earlier.append(job)
                elif job.state in OPEN:
                    cut.add(str(job.id))
                    if job.state is JobState.RUNNING:
                        self._cut.add(job.id)
                    ended = msgspec.structs.replace(
                        job, state=JobState.INTERRUPTED, ended_ms=_now_ms(), error=CUT_SHORT
                    )
                    txn.put(JOBS, ended)
            return [job.id for job in rows]

        kept = await self._admin.change(settle)
        await asyncio.to_thread(self._sweep, {str(number) for number in kept}, cut)
        told = await asyncio.to_thread(self._told_of, earlier)

        def keep(txn: Txn) -> None:
            for job in told:
                txn.put(JOBS, job)

        if told:
            await self._admin.change(keep)

    def _told_of(self, jobs: list[Job]) -> list[Job]:
        """What came of them by their folders: nobody writes there any more."""
        facts = [(job, dict(noted(self.folder / str(job.id)))) for job in jobs]
        return [msgspec.structs.replace(job, result=found) for job, found in facts if found]

    def _sweep(self, kept: set[str], cut: set[str]) -> None:
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name not in kept:
                _remove(path)
            elif path.name in cut and path.is_dir():
                for part in path.iterdir():
                    if part.name != SO_FAR:
                        _remove(part)

    def check_room(self) -> None:
        """ProblemError 503 while too many wait, or when this process ends."""
        if self._closing:
            raise ProblemError(503, "the API is being stopped")
        if len(self._tasks) >= JOBS_WAITING_MAX + JOBS_RUNNING_MAX:
            raise ProblemError(503, "too many jobs wait")

    async def submit(self, job: Job, work: Work, used: Sequence[Path] = ()) -> Job:
        """A new job of what `job` says (its id is given here); it is durable when this returns.

        The files that it `used` are removed at its end, whatever that is.
        """
        self.check_room()
        gone: list[int] = []

        def add(txn: Txn) -> Job:
            newest = txn.newest(JOBS, 1)
            made = msgspec.structs.replace(
                job, id=newest[0].id + 1 if newest else 1, made_ms=_now_ms()
            )
            txn.put(JOBS, made)
            old_ms = made.made_ms - JOB_KEPT_S * 1_000
            many = txn.count(JOBS) - JOBS_KEPT_MAX
            for at, old in enumerate(txn.scan(JOBS, JOBS_KEPT_MAX)):
                if old.state not in OPEN and (at < many or old.made_ms < old_ms):
                    txn.delete(JOBS, number64(old.id))
                    gone.append(old.id)
            return made

        made = await self._admin.change(add)
        told = self._told[made.id] = Told(self.folder / str(made.id))
        task = self._tasks[made.id] = asyncio.create_task(self._run(made, work, told))
        self._ends[made.id] = asyncio.create_task(self._see_out(made, task, told, used))
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        for number in gone:
            await asyncio.to_thread(_remove, self.folder / str(number))
        return made

    def get(self, number: int) -> Job | None:
        """One with its progress."""
        with self._admin.read() as txn:
            found = txn.get(JOBS, number64(number)) if 0 < number < 1 << 63 else None
        return None if found is None else self._now(found)

    def page(self, before: int, limit: int) -> list[Job]:
        """The newest in front of one (0: of all)."""
        with self._admin.read() as txn:
            rows = txn.newest(JOBS, limit, before=number64(before) if before else b"")
        return [self._now(job) for job in rows]

    def _now(self, job: Job) -> Job:
        told = self._told.get(job.id)
        if told is None:
            # A few small files at most: as many as the process before had running.
            if job.id in self._cut:
                facts: Facts = dict(noted(self.folder / str(job.id)))
                return msgspec.structs.replace(job, result=facts)
            return job
        return msgspec.structs.replace(job, done=told.done, total=told.total, unit=told.unit)

    async def cancel(self, number: int) -> bool:
        """End one that waits or runs, and wait until it has; False when it is over."""
        end = self._ends.get(number)
        if end is None:
            return False
        self._break_off(number)
        await asyncio.wait([end])
        return True

    def _break_off(self, number: int) -> None:
        if number not in self._cancelled:  # a second one would break off how the work ends
            self._cancelled.add(number)
            self._tasks[number].cancel()

    async def _look(self) -> None:
        """End those that `dialerd jobs cancel` has marked, as long as there are jobs."""
        while self._tasks:
            await asyncio.sleep(LOOK_S)  # another process wrote the mark: nothing tells of it
            try:
                with self._admin.read() as txn:
                    found = [txn.get(JOBS, number64(number)) for number in self._tasks]
            except AdminError as error:
                log.warning("cannot look whether a job is to end: %s", error)
                continue
            for job in found:
                if job is not None and job.cancelled_by:
                    self._break_off(job.id)

    def path(self, job: Job, what: str) -> Path | None:
        """Where a file of it is; None when there is none."""
        name = job.files.get(what)
        return None if name is None else self.folder / str(job.id) / name

    async def close(self) -> None:
        """End all of them; they are interrupted."""
        self._closing = True
        if self._looking is not None:
            self._looking.cancel()
        for number, task in self._tasks.items():
            if number not in self._cancelled:
                task.cancel()
        if self._ends:
            await asyncio.wait(list(self._ends.values()))

    async def _run(self, job: Job, work: Work, told: Told) -> Job:
        """Do the work; the job as it ended."""
        try:
            async with self._room:
                job = msgspec.structs.replace(job, state=JobState.RUNNING, begun_ms=_now_ms())
                await self._keep(job)
                await asyncio.to_thread(_make, told.folder)
                result = await work(told)
            return self._ended(job, told, JobState.DONE, result=result)
        except asyncio.CancelledError:
            return self._broken_off(job, told)
        except (JobError, ProblemError) as error:
            return self._ended(job, told, JobState.FAILED, error=str(error))
        except OSError as error:
            why = error.strerror or str(error)
            return self._ended(job, told, JobState.FAILED, error=why)
        except Exception:  # a fault of ours ends this job, not the process: the log has it
            log.exception("job %d failed", job.id)
            return self._ended(job, told, JobState.FAILED, error="internal error; see the log")

    async def _see_out(
        self, job: Job, task: asyncio.Task[Job], told: Told, used: Sequence[Path]
    ) -> None:
        """Wait for the work and keep how it ended; a task of its own, which no cancel reaches."""
        await asyncio.wait([task])
        try:
            # One that is cancelled before its first step has nothing to tell.
            ended = self._broken_off(job, told) if task.cancelled() else task.result()
            if ended.state is not JobState.DONE:
                facts: Facts = dict(await asyncio.to_thread(noted, told.folder))
                ended = msgspec.structs.replace(ended, result=facts)
            empty = ended.state is not JobState.DONE and not ended.files
            for path in (*used, told.folder) if empty else used:
                await asyncio.to_thread(_remove, path)
            await self._keep(ended)
        except AdminError as error:
            log.error("the end of job %d was not kept: %s", job.id, error)
        finally:
            del self._tasks[job.id], self._ends[job.id], self._told[job.id]
            self._cancelled.discard(job.id)

    def _broken_off(self, job: Job, told: Told) -> Job:
        by_us = job.id in self._cancelled
        if by_us:
            return self._ended(job, told, JobState.CANCELLED)
        return self._ended(job, told, JobState.INTERRUPTED, error=CUT_SHORT)

    def _ended(
        self, job: Job, told: Told, state: JobState, *, result: Facts | None = None, error: str = ""
    ) -> Job:
        return msgspec.structs.replace(
            job,
            state=state,
            ended_ms=_now_ms(),
            done=told.done,
            total=told.total,
            unit=told.unit,
            files=told.files if state in {JobState.DONE, JobState.FAILED} else {},
            result=result or {},
            error=error,
        )

    async def _keep(self, job: Job) -> None:
        def put(txn: Txn) -> None:
            now = txn.get(JOBS, number64(job.id))
            mark = "" if now is None else now.cancelled_by
            txn.put(JOBS, msgspec.structs.replace(job, cancelled_by=mark))

        await self._admin.change(put)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _make(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)


def _remove(path: Path) -> None:
    """A file or a folder of ours; gone already is as good."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
