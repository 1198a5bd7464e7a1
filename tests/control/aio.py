"""Runs coroutine tests, each in an event loop of its own, and lets nothing stay behind."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """The hook: `async def test_...` is run to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(_checked(pyfuncitem, {name: pyfuncitem.funcargs[name] for name in names}))
    return True


async def _checked(item: pytest.Function, args: dict[str, Any]) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
    await item.obj(**args)
    await asyncio.sleep(0)
    left = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
    assert not left, f"tasks left behind: {left}"
    assert not problems, f"unhandled in the loop: {problems}"
