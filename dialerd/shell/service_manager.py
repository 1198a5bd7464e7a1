"""What who started the daemon is told of it: sd_notify(3) and its watchdog.

The protocol is one datagram of `NAME=value` lines to a socket that `$NOTIFY_SOCKET` names; it needs
no library. The watchdog is fed only after an answer that went through the event loop and the
store's writer thread: a daemon that still breathes but commits nothing is not alive.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

log = logging.getLogger("dialerd")

FEEDS: Final = 3  # in one period of the watchdog, so that two may come late


class StartError(OSError):
    """The machine refuses what the daemon needs to start; one line for the user."""


class ServiceManager:
    """Tells who started us; silent when that was nobody who wants to know."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """By `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` of sd_notify(3)."""
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None
        self.watchdog_s = _watchdog_s(environment) if name else 0.0
        if name:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def ready(self, status: str, alive: Callable[[], Awaitable[object]]) -> None:
        """Start has ended. `alive` answers as long as there is life; the watchdog lives on it."""
        self.tell(f"READY=1\nSTATUS={status}")
        if self.watchdog_s and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._feed(alive))

    def starting(self, status: str) -> None:
        """What the start waits for."""
        self.tell(f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is read again; `ready` ends it."""
        self.tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """It was, or could not be."""
        self.tell("READY=1")

    def stopping(self, within_s: float) -> None:
        """Live calls are let to their end, which may take so long."""
        microseconds = int(within_s * 1_000_000)
        self.tell(f"STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC={microseconds}")

    def tell(self, text: str) -> None:
        """One datagram; a manager that does not read is not waited for."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(text.encode(), self._address)
        except OSError as error:
            log.warning("the service manager cannot be told: %s", error)

    async def close(self) -> None:
        """Nothing more is told."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _feed(self, alive: Callable[[], Awaitable[object]]) -> None:
        while True:
            # A refusal (a full disk) is an answer too: only silence starves the watchdog.
            await asyncio.gather(alive(), return_exceptions=True)
            self.tell("WATCHDOG=1")
            # The pace of the watchdog itself: there is nothing to wait for but time.
            await asyncio.sleep(self.watchdog_s / FEEDS)


def _watchdog_s(environment: Mapping[str, str]) -> float:
    for_pid = environment.get("WATCHDOG_PID", "")
    period = environment.get("WATCHDOG_USEC", "")
    if not period.isdecimal() or for_pid not in ("", str(os.getpid())):
        return 0.0
    return int(period) / 1_000_000
