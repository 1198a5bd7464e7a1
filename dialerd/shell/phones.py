"""Telephones' registrations that survive a restart: a file in the data folder.

It is written anew, whole and atomically, within about a second after something has changed (a
refresh is a change too), and read once at the start. What has expired meanwhile is dropped, and so
is what came over a connection: that is gone, and the telephone opens a new one.

A socket is kept by what it is, not by its number: the configuration may have others by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from dialerd.shell.clock import Clock
from sip.accounts.registrar import Registrar
from sip.accounts.saved import Saved
from sip.transport.local import Local, bracketed

log = logging.getLogger("dialerd.phones")

NAME: Final = "registrations.json"
FORMAT: Final = 1
GAP_S: Final = 1.0  # between two writings
SHARE: Final = 100  # of the loop's time, a writing may take one part of so many
BYTES_MAX: Final = 64 << 20


class _File(msgspec.Struct, frozen=True):
    format: int
    at_ms: int
    sockets: tuple[str, ...]  # a binding names one by its place here
    bindings: tuple[Saved, ...]


class KeptPhones:
    """See the module's text. `restore`, then `start`; `close` writes a last time."""

    def __init__(
        self,
        registrar: Registrar,
        locals_: Sequence[Local],
        folder: Path,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`locals_` are the endpoint's."""
        self._registrar = registrar
        self._sockets = tuple(map(_named, locals_))
        self._path = folder / NAME
        self._clock = clock
        self._loop = loop
        self._written = 0  # the registrar's count of changes
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def restore(self) -> int:
        """Take over what the last run has left; how many registrations that is."""
        found = self._read()
        if found is None:
            return 0
        passed_s = max(self._clock.wall_ms() - found.at_ms, 0) // 1000
        here = {name: flow for flow, name in enumerate(self._sockets)}
        mine = []
        for saved in found.bindings:
            host, port, place = saved.source
            name = found.sockets[place] if 0 <= place < len(found.sockets) else ""
            if name in here:
                mine.append(msgspec.structs.replace(saved, source=(host, port, here[name])))
        return self._registrar.restore(mine, time.monotonic_ns(), passed_s=passed_s)

    def begin(self) -> None:
        """Take over what the last run has left, and keep it from now on."""
        if count := self.restore():
            log.info("%d registrations of telephones are taken over", count)
        self.start()

    def start(self) -> None:
        """Write whenever something has changed."""
        self._timer = self._loop.call_later(GAP_S, self._look)

    async def close(self) -> None:
        """Write what has changed since, and no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._registrar.changes != self._written:
            await self._write(self._snapshot())

    def _look(self) -> None:
        gap_s = GAP_S
        if self._registrar.changes != self._written and self._task is None:
            began = time.monotonic()
            data = self._snapshot()
            gap_s = max(gap_s, SHARE * (time.monotonic() - began))
            self._task = self._loop.create_task(self._write(data))
            self._task.add_done_callback(self._done)
        self._timer = self._loop.call_later(gap_s, self._look)

    def _done(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    def _snapshot(self) -> bytes:
        self._written = self._registrar.changes
        bindings = tuple(self._registrar.snapshot(time.monotonic_ns()))
        return msgspec.json.encode(_File(FORMAT, self._clock.wall_ms(), self._sockets, bindings))

    async def _write(self, data: bytes) -> None:
        try:
            await asyncio.to_thread(write_whole, self._path, data)
        except OSError as error:
            self._written = -1  # tried again
            log.error("registrations of telephones cannot be kept: %s", error)

    def _read(self) -> _File | None:
        try:
            with self._path.open("rb") as file:
                data = file.read(BYTES_MAX)
            found = msgspec.json.decode(data, type=_File)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            log.warning("registrations of telephones are not taken over: %s", error)
            return None
        if found.format != FORMAT:
            log.warning("%s has the unknown format %d", self._path, found.format)
            return None
        return found


def write_whole(path: Path, data: bytes) -> None:
    """A file for our eyes only that is there as it was or as it is now, whatever happens."""
    part = path.with_name(path.name + ".part")
    ours = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(ours, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _named(local: Local) -> str:
    """What makes a socket the same one after a restart."""
    return f"{local.side} {local.transport} {bracketed(local.host)}:{local.port}"
