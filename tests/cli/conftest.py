"""A daemon on a real socket in a thread, and a way to run commands against it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dialerd.cli.main import run
from tests.control.desk import Booth, booth

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "dialerd.toml"
    path.write_text('[store]\npath = "data"\n[control]\nsocket = "control.sock"\n')
    monkeypatch.setenv("DIALERD_CONFIG", str(path))
    monkeypatch.delenv("DIALERD_SOCKET", raising=False)
    monkeypatch.delenv("DIALERD_DEBUG", raising=False)
    return path


@pytest.fixture
def command(config: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def one(*args: str) -> Done:
        code = run(list(args))
        found = capsys.readouterr()
        return Done(code, found.out, found.err)

    return one


@pytest.fixture
def daemon(config: Path) -> Iterator[Booth]:
    """Served from a thread with its own loop, as a command meets it."""
    made: list[Booth] = []
    ready, leave = threading.Event(), threading.Event()

    async def serve() -> None:
        async with booth(config.parent / "control.sock") as b:
            await b.people()
            made.append(b)
            ready.set()
            await asyncio.to_thread(leave.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(100)
    yield made[0]
    leave.set()
    thread.join()
