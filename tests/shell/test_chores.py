"""Chores: a fault is told once, the others go on, the end runs each once more."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dialerd.core.ports import StoreFailedError
from dialerd.shell import chores
from dialerd.shell.chores import Chores


def test_faults_are_told_once_and_so_is_their_end(caplog: pytest.LogCaptureFixture) -> None:
    faults: list[Exception | None] = [
        OSError(28, "No space left on device", "/x"), OSError(28, "No space left on device", "/x"),
        StoreFailedError("the disk is full"), None, None, ZeroDivisionError(),
    ]  # fmt: skip
    done: list[str] = []

    def one() -> str:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return ""

    def other() -> str:
        done.append("other")
        return "said" if len(done) == 1 else ""

    work = Chores({"one": one, "other": other})
    with caplog.at_level(logging.INFO, "dialerd.chores"):
        while faults:
            work.run()
    assert len(done) == 6
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "one waits: /x: No space left on device",
        "other: said",
        "one waits: the disk is full",
        "one goes on",
        "one",
        "one waits: internal error",
    ]


def test_they_run_beside_the_loop_and_once_more_at_the_end(monkeypatch) -> None:
    monkeypatch.setattr(chores, "PERIOD_S", 0.001)
    ran: list[int] = []

    async def main() -> None:
        loop, three = asyncio.get_running_loop(), asyncio.Event()

        def one() -> str:
            ran.append(1)
            if len(ran) == 3:
                loop.call_soon_threadsafe(three.set)
            return ""

        work = Chores({"one": one})
        work.start()
        await asyncio.wait_for(three.wait(), 100)
        before = len(ran)
        await work.close()
        assert len(ran) > before

    asyncio.run(main())


def test_no_chore_no_task() -> None:
    async def main() -> None:
        work = Chores({})
        work.start()
        await work.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
