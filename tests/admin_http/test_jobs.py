"""Jobs that are cancelled at awkward moments, and the processes that they run."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from admin_http import children, jobs
from admin_http.child_ends import Line
from admin_http.jobs import Facts, Job, JobError, Jobs, JobState, Told
from admin_http.people.store import AdminStore
from admin_http.problems import ProblemError
from tests.tree import ROOT

JOB = Job(0, "import", "x", "an", JobState.WAITING, 0)
DEAF = """
import json, os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
told = json.loads(sys.stdin.read())
print(json.dumps({"done": os.getpid()}), flush=True)
while True:
    signal.pause()
"""


@asynccontextmanager
async def desk_at(tmp_path: Path) -> AsyncIterator[Jobs]:
    admin = AdminStore(tmp_path)
    made = Jobs(admin, tmp_path)
    await made.start()
    try:
        yield made
    finally:
        await made.close()
        admin.close()


def state(desk: Jobs, number: int) -> JobState:
    found = desk.get(number)
    assert found is not None
    return found.state


async def test_two_cancels_at_once_let_the_work_end(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as desk:
        begun, ending, may_end = (asyncio.Event() for _ in range(3))
        ended: list[str] = []

        async def work(told: Told) -> Facts:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ending.set()
                await may_end.wait()
                ended.append(told.folder.name)
            return {}

        made = await desk.submit(JOB, work)
        await begun.wait()
        cancels = [asyncio.ensure_future(desk.cancel(made.id))]
        await ending.wait()
        cancels.append(asyncio.ensure_future(desk.cancel(made.id)))
        await asyncio.wait(cancels, timeout=0.05)  # time for the second to do harm, if it can
        may_end.set()
        assert await asyncio.gather(*cancels) == [True, True]
        assert (ended, state(desk, made.id)) == (["1"], JobState.CANCELLED)
        assert not await desk.cancel(made.id)
        assert list(desk.folder.iterdir()) == []


async def test_cancels_while_the_end_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come too late: the job is done, and told so."""
    async with desk_at(tmp_path) as desk:
        loop, removing, may_go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        remove = jobs._remove

        def slowly(path: Path) -> None:
            loop.call_soon_threadsafe(removing.set)
            may_go.wait()
            remove(path)

        monkeypatch.setattr(jobs, "_remove", slowly)
        used = tmp_path / "upload"
        used.write_bytes(b"x")

        async def work(told: Told) -> Facts:
            del told
            return {"rows": 1}

        made = await desk.submit(JOB, work, [used])
        await removing.wait()
        ends = [asyncio.ensure_future(desk.cancel(made.id)) for _ in range(2)]
        ends.append(asyncio.ensure_future(desk.close()))
        await asyncio.wait(ends, timeout=0.05)  # as above
        may_go.set()
        await asyncio.gather(*ends)
        assert (state(desk, made.id), used.exists()) == (JobState.DONE, False)


async def test_a_command_ends_a_job(tmp_path: Path) -> None:
    """`dialerd jobs cancel`, beside the process that does the job; other jobs go on."""
    config = tmp_path / "dialerd.toml"
    config.write_text(f'[store]\npath = "{tmp_path}"\n')
    async with desk_at(tmp_path) as desk:
        may_end = asyncio.Event()

        async def work(told: Told) -> Facts:
            await (asyncio.Event() if told.folder.name == "1" else may_end).wait()
            return {"rows": 1}

        told = await desk.submit(JOB, work)
        other = await desk.submit(JOB, work)
        assert await dialerd("jobs", "cancel", "1", "-c", str(config)) == "job 1 is cancelled\n"
        assert state(desk, told.id) is JobState.CANCELLED
        error = await dialerd("jobs", "cancel", "1", "-c", str(config))
        assert error == "error: job 1 is over: cancelled\n"
        assert state(desk, other.id) is JobState.RUNNING
        may_end.set()
        await asyncio.wait([desk._ends[other.id]])
        assert state(desk, other.id) is JobState.DONE


async def dialerd(*words: str) -> str:
    """What a command prints."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dialerd", *words, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    said, _ = await child.communicate()
    return said.decode()


async def test_a_cancel_before_the_first_step(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as desk:

        async def work(told: Told) -> Facts:
            raise AssertionError(told)

        made = await desk.submit(JOB, work)
        assert await desk.cancel(made.id)
        assert state(desk, made.id) is JobState.CANCELLED


async def test_none_is_taken_when_closing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as desk:
        begun = asyncio.Event()

        async def work(told: Told) -> Facts:
            del told
            begun.set()
            await asyncio.Event().wait()
            return {}

        made = await desk.submit(JOB, work)
        await begun.wait()
        await desk.close()
        assert state(desk, made.id) is JobState.INTERRUPTED
        with pytest.raises(ProblemError) as refused:
            await desk.submit(JOB, work)
        assert refused.value.status == 503


async def test_a_process_that_somebody_kills_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "killed_child.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(JobError, match="signal 9: it took too long, memory ran out, or somebody"):
        await children.run("killed_child", {}, print)


async def test_a_deaf_process_is_killed_whatever_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deaf_child.py").write_text(DEAF)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(children, "END_S", 0.05)
    lines: asyncio.Queue[Line] = asyncio.Queue()
    running: asyncio.Task[dict[str, Any]] = asyncio.create_task(
        children.run("deaf_child", {}, lines.put_nowait)
    )
    pid = (await lines.get()).done
    running.cancel()
    for _ in range(3):
        await asyncio.sleep(0)  # a step of the loop: it is being ended now
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
