"""Clients of the control socket: `ControlClient` for asyncio, `SyncClient` for the CLI.

Both give typed replies for typed requests: `client.call(GetStatus())` is a `Status`. A refusal by
the daemon is raised as the same `ControlError` that the daemon raised; a daemon that cannot be
reached is an `Unavailable`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import msgspec

from dialerd.control import frames
from dialerd.control.hub import BoundedSink
from dialerd.control.limits import EVENTS_QUEUED_MAX, REPLY_BYTES_MAX, REPLY_CONTAINER_MAX
from dialerd.core.control import (
    ControlError,
    LiveEvent,
    Subscribe,
    Unavailable,
)
from dialerd.core.control_base import Request

R = TypeVar("R")
T = TypeVar("T")

READ_BYTES = 65_536
TIMEOUT_S = 30.0
SLOW_S = 1.5  # without an answer: whoever waits is told


class UnreachableError(Unavailable):
    """Nobody answers on the socket (exit code 4)."""


def unreachable(path: Path, error: OSError) -> UnreachableError:
    """The one clear line for a socket that cannot be reached."""
    match error:
        case FileNotFoundError():
            text = f"no daemon is running: there is no socket {path}; `dialerd run` starts one"
        case ConnectionRefusedError():
            text = f"no daemon is running: nobody listens on {path}; `dialerd run` starts one"
        case PermissionError():
            text = f"this user may not use {path}; run as the daemon's user or as root"
        case TimeoutError() | BlockingIOError():  # of `connect`: too many wait for it already
            text = (
                f"the daemon on {path} does not answer: it is busy, ask again, or its log says "
                "why; one that hangs for minutes is ended by `kill -9` and started by "
                "`dialerd run`, which ends its calls"
            )
        case _:
            text = f"cannot reach the daemon on {path}: {error.strerror or error}"
    return UnreachableError(text)


def _result(request: Request[R], frame: list[Any]) -> R:
    """The typed reply in a reply frame."""
    reply = frames.METHODS[frames.NAMES[type(request)]].reply
    try:
        return cast(R, msgspec.convert(frame[2], reply))
    except msgspec.ValidationError as error:
        raise ControlError(f"the daemon answered something else: {error}") from None


class SyncClient:
    """A blocking client; one request at a time. Use as a context manager."""

    def __init__(
        self,
        path: Path,
        timeout_s: float = TIMEOUT_S,
        slow: Callable[[float], object] | None = None,
    ) -> None:
        """Connect. `slow` is told, once, when no answer comes at once, how long we wait.

        Raises:
            UnreachableError: nobody listens, or this user may not.
        """
        self._path = path
        self._timeout_s = timeout_s
        self._next = 1
        self._reader = frames.Reader(REPLY_BYTES_MAX, REPLY_CONTAINER_MAX)
        self._waiting: Iterator[list[Any]] = iter(())
        self._slow = slow
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._sock.settimeout(timeout_s)
            self._patiently(lambda: self._sock.connect(str(path)))
        except OSError as error:
            self._sock.close()
            raise unreachable(path, error) from None

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._sock.close()

    def call(self, request: Request[R]) -> R:
        """Send one request and wait for its answer; ControlError when it is refused."""
        number = self._send(frames.NAMES[type(request)], request)
        while True:
            frame = self._frame()
            if frame[0] == frames.Kind.REPLY and frame[1] == number:
                return _result(request, frame)

    def events(self, request: Subscribe, timeout_s: float | None = None) -> Iterator[LiveEvent]:
        """Subscribe, then yield events until the daemon goes away (UnreachableError)."""
        number = self._send(frames.SUBSCRIBE, request)
        self._slow = None  # silence is what there is mostly
        self._sock.settimeout(timeout_s)
        while True:
            frame = self._frame()
            if frame[0] == frames.Kind.EVENT and frame[1] == number:
                yield frames.read_event(frame)

    def _patiently(self, work: Callable[[], T]) -> T:
        """Something with the socket, that may take its time."""
        if self._slow is None:
            return work()
        self._sock.settimeout(min(SLOW_S, self._timeout_s))
        try:
            return work()
        except TimeoutError:
            tell, self._slow = self._slow, None
            tell(self._timeout_s)
        finally:
            self._sock.settimeout(self._timeout_s)
        return work()

    def _send(self, method: str, request: msgspec.Struct) -> int:
        number = self._next
        self._next += 1
        try:
            self._sock.sendall(frames.request(number, method, request))
        except OSError as error:
            raise unreachable(self._path, error) from None
        return number

    def _frame(self) -> list[Any]:
        while True:
            try:
                for frame in self._waiting:
                    if frame[0] == frames.Kind.REFUSAL:
                        raise frames.read_refusal(frame)
                    return frame
                data = self._patiently(lambda: self._sock.recv(READ_BYTES))
            except frames.FrameError as error:
                raise UnreachableError(f"{self._path} is no dialerd: {error}") from None
            except OSError as error:
                raise unreachable(self._path, error) from None
            if not data:
                raise UnreachableError("the daemon closed the connection")
            self._waiting = self._reader.feed(data)


class ControlClient:
    """An asyncio client; it connects when needed, and again after a loss.

    A request that was under way when the connection broke is not repeated: its caller gets an
    UnreachableError and must look whether it took effect.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        """Nothing is connected until the first call."""
        self._path = path
        self._timeout_s = timeout_s
        self._next = 1
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._pending: dict[int, asyncio.Future[list[Any]]] = {}
        self._sinks: dict[int, BoundedSink] = {}
        self._wakes: dict[int, asyncio.Event] = {}

    @property
    def connected(self) -> bool:
        """Whether there is a connection just now."""
        return self._writer is not None

    async def call(self, request: Request[R]) -> R:
        """Send one request and wait for its answer; ControlError when it is refused."""
        return _result(request, await self._ask(frames.NAMES[type(request)], request))

    async def events(self, request: Subscribe) -> AsyncGenerator[LiveEvent, None]:
        """Subscribe, then yield events; ends with UnreachableError when the connection breaks."""
        await self._connect()
        number = self._number()
        wake = self._wakes[number] = asyncio.Event()
        sink = self._sinks[number] = BoundedSink(EVENTS_QUEUED_MAX, wake.set)
        try:
            await self._ask(frames.SUBSCRIBE, request, number)
            while True:
                while (event := sink.pop()) is not None:
                    yield event
                if number not in self._sinks:
                    raise UnreachableError("the daemon closed the connection")
                wake.clear()
                await wake.wait()
        finally:
            if self._sinks.pop(number, None) is not None and self._writer is not None:
                self._writer.write(frames.request(self._number(), "unsubscribe", number))
            self._wakes.pop(number, None)

    async def close(self) -> None:
        """Disconnect."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _number(self) -> int:
        self._next = self._next % frames.ID_MAX + 1
        return self._next

    async def _connect(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is not None:
                return self._writer
            if self._task is not None:
                await asyncio.gather(self._task, return_exceptions=True)
            try:
                async with asyncio.timeout(self._timeout_s):
                    reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError as error:
                raise unreachable(self._path, error) from None
            self._writer = writer
            self._task = asyncio.create_task(self._read(reader, writer))
            return writer

    async def _ask(self, method: str, request: msgspec.Struct, number: int = 0) -> list[Any]:
        writer = await self._connect()
        number = number or self._number()
        answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            async with asyncio.timeout(self._timeout_s):
                writer.write(frames.request(number, method, request))
                await writer.drain()
                return await answer
        except OSError as error:  # TimeoutError is one
            raise unreachable(self._path, error) from None
        finally:
            self._pending.pop(number, None)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = frames.Reader(REPLY_BYTES_MAX, REPLY_CONTAINER_MAX)
        lost: ControlError = UnreachableError("the daemon closed the connection")
        try:
            while data := await reader.read(READ_BYTES):
                for frame in cutter.feed(data):
                    if frame[0] == frames.Kind.REFUSAL and frame[1] == 0:
                        lost = frames.read_refusal(frame)
                    self._deliver(frame)
        except frames.FrameError as error:
            lost = UnreachableError(f"{self._path} is no dialerd: {error}")
        except OSError as error:
            lost = unreachable(self._path, error)
        finally:
            self._writer = None
            writer.close()
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(lost)
            self._sinks.clear()
            for wake in self._wakes.values():
                wake.set()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _deliver(self, frame: list[Any]) -> None:
        if frame[0] == frames.Kind.EVENT:
            if (sink := self._sinks.get(frame[1])) is not None:
                sink(frames.read_event(frame))
            return
        answer = self._pending.get(frame[1])
        if answer is None or answer.done():
            return  # it came after its caller gave up
        if frame[0] == frames.Kind.REFUSAL:
            answer.set_exception(frames.read_refusal(frame))
        elif frame[0] == frames.Kind.REPLY:
            answer.set_result(frame)
