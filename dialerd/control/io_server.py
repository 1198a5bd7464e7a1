"""The control socket's server: any `Control` implementation over a Unix-domain socket.

A client that sends garbage is told so and closed; one that does not read is bounded (its events
become a `lost` marker, its replies are limited, its requests wait in its own socket).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import stat
from pathlib import Path

import msgspec

from dialerd.control import frames
from dialerd.control.hub import BoundedSink
from dialerd.control.limits import (
    CLIENTS_MAX,
    EVENT_BYTES_MAX,
    EVENTS_QUEUED_MAX,
    OUTPUT_BYTES_MAX,
    REPLY_BYTES_MAX,
    REQUEST_BYTES_MAX,
    REQUESTS_IN_FLIGHT_MAX,
    SUBSCRIPTIONS_MAX,
)
from dialerd.core.control import (
    Conflict,
    Control,
    ControlError,
    Invalid,
    LiveEvent,
    Subscribe,
    Unavailable,
    Unsubscribe,
)

log = logging.getLogger(__name__)

READ_BYTES = 65_536
CLOSE_S = 5.0


class SocketTakenError(OSError):
    """Something is at the socket's path that we must not remove; the text says what."""


def listen_unix(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600.

    A socket that nobody listens on (left by a crash) is replaced.

    Raises:
        SocketTakenError: another daemon listens there, or the path is no socket.
        OSError: the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        path.chmod(0o600)  # before listen(): until then every connect is refused
        sock.listen(128)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _clear_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketTakenError(errno.EEXIST, f"{path} exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:  # its backlog is full: somebody does listen
            pass
        except FileNotFoundError:
            return
    raise SocketTakenError(errno.EADDRINUSE, f"another dialerd listens on {path}")


class ControlServer:
    """Serves one `Control`."""

    def __init__(self, control: Control, path: Path) -> None:
        """`path` is the socket's; see `listen_unix`."""
        self._control = control
        self._path = path
        self._server: asyncio.Server | None = None
        self._inode = (0, 0)
        self._clients: dict[_Client, asyncio.Task[None]] = {}
        self._requests: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises what `listen_unix` raises."""
        sock = listen_unix(self._path)
        found = self._path.stat()
        self._inode = (found.st_dev, found.st_ino)
        self._server = await asyncio.start_unix_server(self._accept, sock=sock, limit=READ_BYTES)

    async def close(self) -> None:
        """Stop listening, let go of every client, remove the socket if it is still ours."""
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(OSError):
            found = self._path.stat()
            if (found.st_dev, found.st_ino) == self._inode:
                self._path.unlink()
        if self._requests:  # a move that the store has begun is seen through
            await asyncio.wait(self._requests, timeout=CLOSE_S)
        tasks = {*self._clients.values(), *self._requests}
        for client in self._clients:
            client.abort()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=CLOSE_S)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= CLIENTS_MAX:
            busy = Unavailable(f"the daemon serves {CLIENTS_MAX} control clients already")
            writer.write(frames.refusal(0, busy))
            writer.close()
            return
        client = _Client(self._control, reader, writer, self._requests)
        task = asyncio.current_task()
        if task is None:  # streams always run this in a task
            raise RuntimeError("not in a task")
        self._clients[client] = task
        try:
            await client.run()
        except Exception:
            log.exception("a control client ended by our fault")
        finally:
            self._clients.pop(client, None)


class _Client:
    """One connection."""

    def __init__(
        self,
        control: Control,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        requests: set[asyncio.Task[None]],
    ) -> None:
        self._control = control
        self._reader = reader
        self._writer = writer
        self._subscriptions: dict[int, tuple[BoundedSink, Unsubscribe]] = {}
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(REQUESTS_IN_FLIGHT_MAX)
        self._tasks = requests  # they outlive the connection: a move is never left half made

    async def run(self) -> None:
        """Until the client leaves or breaks the protocol."""
        pump = asyncio.create_task(self._pump())
        try:
            await self._read()
        finally:
            pump.cancel()
            for _, unsubscribe in self._subscriptions.values():
                unsubscribe()
            self._subscriptions.clear()
            await asyncio.gather(pump, return_exceptions=True)
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def abort(self) -> None:
        """Cut the connection; `run` then ends by itself."""
        self._writer.transport.abort()

    async def _read(self) -> None:
        cutter = frames.Reader(REQUEST_BYTES_MAX)
        with contextlib.suppress(ConnectionError):
            while data := await self._reader.read(READ_BYTES):
                try:
                    for frame in cutter.feed(data):
                        await self._writer.drain()  # who does not read is not read either
                        await self._slots.acquire()
                        if self._writer.is_closing():
                            return
                        task = asyncio.create_task(self._serve(frame))
                        self._tasks.add(task)
                        task.add_done_callback(self._done)
                except frames.FrameError as error:
                    self._send(frames.refusal(0, Invalid(str(error))))
                    return

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a control request ended by our fault", exc_info=error)

    async def _serve(self, frame: list[object]) -> None:
        _, number, method, params = frame[0], frame[1], frame[2], frame[3]
        number = number if isinstance(number, int) else 0
        try:
            if frame[0] != frames.Kind.REQUEST or not isinstance(method, str):
                raise Invalid("only requests are understood here")
            result = await self._call(number, method, params)
            answer = frames.reply(number, result)
            if len(answer) > REPLY_BYTES_MAX:
                raise Invalid("the answer is too large; ask for a smaller page")
        except ControlError as error:
            answer = frames.refusal(number, error)
        except Exception:
            log.exception("control request %s failed", method)
            answer = frames.refusal(number, ControlError("internal error; see the daemon's log"))
        self._send(answer)

    async def _call(self, number: int, method: str, params: object) -> msgspec.Struct | None:
        if method == frames.SUBSCRIBE:
            request = frames.read_params(method, params)
            if isinstance(request, Subscribe):
                self._subscribe(number, request)
            return None
        if method == "unsubscribe":
            self._unsubscribe(params)
            return None
        if method not in frames.METHODS:
            raise Invalid(f"unknown method {method[:64]!r}")
        typed = frames.read_params(method, params)
        result = await getattr(self._control, method)(typed)
        return result if isinstance(result, msgspec.Struct) else None

    def _subscribe(self, number: int, request: Subscribe) -> None:
        if number == 0 or number in self._subscriptions:
            raise Conflict("this id is in use")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Conflict(f"a client may have {SUBSCRIPTIONS_MAX} subscriptions")
        sink = BoundedSink(EVENTS_QUEUED_MAX, self._wake.set)
        self._subscriptions[number] = (sink, self._control.subscribe(request, sink))

    def _unsubscribe(self, number: object) -> None:
        found = self._subscriptions.pop(number, None) if isinstance(number, int) else None
        if found is not None:
            found[1]()

    async def _pump(self) -> None:
        """Write events as fast as the client reads them, in turns between its subscriptions."""
        with contextlib.suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                sent = True
                while sent:
                    sent = False
                    for number, (sink, _) in tuple(self._subscriptions.items()):
                        if (event := sink.pop()) is None:
                            continue
                        sent = True
                        await self._push(number, sink, event)

    async def _push(self, number: int, sink: BoundedSink, event: LiveEvent) -> None:
        try:
            data = frames.event(number, event)
        except (TypeError, ValueError, OverflowError):
            log.exception("an event of topic %s cannot be sent", event.topic)
            data = b""
        if not data or len(data) > EVENT_BYTES_MAX:
            sink.lose(event)
            return
        self._send(data)
        await self._writer.drain()

    def _send(self, data: bytes) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > OUTPUT_BYTES_MAX:
            log.warning("a control client does not read its replies; dropped")
            self._writer.transport.abort()
