"""Processes that do heavy or dangerous work: told by JSON, they tell by lines, or by a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final

import msgspec

from admin_http.child_ends import Line
from admin_http.jobs import JobError

LINE_BYTES_MAX: Final = 1 << 20
END_S: Final = 10.0  # how long one may take to end when told to; then it is killed
STDERR_BYTES: Final = 2_000
PIECE_BYTES: Final = 1 << 16  # which is what a pipe holds
_BY: Final[dict[int, str]] = {
    signal.SIGKILL: "it took too long, memory ran out, or somebody killed it",
    signal.SIGTERM: "somebody ended it",
    signal.SIGINT: "somebody ended it",
    signal.SIGXCPU: "the file is too much for the limits",
    signal.SIGXFSZ: "the file is too much for the limits",
}


async def run(module: str, told: dict[str, Any], hear: Callable[[Line], None]) -> dict[str, Any]:
    """Run a module of ours in a process of its own; what it ends with.

    Raises:
        JobError: what it says, or that it was killed by a limit.
    """
    ended: dict[str, Any] | None = None
    async with _started(module, told) as (child, noise):
        while child.stdout is not None and (text := await child.stdout.readline()):
            line = msgspec.json.decode(text, type=Line)
            if line.error:
                raise JobError(line.error)
            if line.result is not None:
                ended = line.result
            else:
                hear(line)
    if ended is None:
        raise JobError(_why(child.returncode or 0, noise.result()))
    return ended


async def pieces(module: str, told: dict[str, Any]) -> AsyncGenerator[bytes]:
    """What a module of ours writes in a process of its own, which ends with whoever takes it.

    Raises:
        JobError: it has not ended well; what came is not whole.
    """
    async with _started(module, told) as (child, noise):
        while child.stdout is not None and (data := await child.stdout.read(PIECE_BYTES)):
            yield data
    if child.returncode:
        raise JobError(_why(child.returncode, noise.result()))


@contextlib.asynccontextmanager
async def _started(
    module: str, told: dict[str, Any]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.Task[bytes]]]:
    """A child that knows what to do, and what it writes beside; both have ended behind this."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX,
    )
    noise = asyncio.create_task(_noise(child))
    try:
        await _tell(child, {**told, "parent": os.getpid()})
        yield child, noise
        await child.wait()
    finally:
        ending = asyncio.ensure_future(_end(child))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:  # once more: it is ended all the same, by force if need be
            await asyncio.wait([ending])
            raise
        await noise


async def _tell(child: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
    if child.stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # it has ended already: its status says why
        child.stdin.write(msgspec.json.encode(told))
        await child.stdin.drain()
        child.stdin.close()


async def _noise(child: asyncio.subprocess.Process) -> bytes:
    """The end of what it writes beside: read all the while, so that it never waits for us."""
    kept = b""
    while child.stderr is not None and (data := await child.stderr.read(65_536)):
        kept = (kept + data)[-STDERR_BYTES:]
    return kept


async def _end(child: asyncio.subprocess.Process) -> None:
    """Have it end: by word, then by force. Also while this task is being cancelled."""
    if child.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(END_S):
            await child.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _why(code: int, words: bytes) -> str:
    if code < 0:
        return f"it was ended by signal {-code}: {_BY.get(-code, 'a fault of ours')}"
    if b"MemoryError" in words:
        return "it needs more memory than it may have"
    last = words.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"it ended with status {code}: {last[:200]}"
