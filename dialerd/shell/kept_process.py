"""Starts a process of ours and starts it again when it dies; calls never notice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys

log = logging.getLogger("dialerd.processes")

BACK_OFF_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)  # the first fall of a steady one: at once
STEADY_S = 60.0  # up this long: the next fall starts the back-off anew
STOP_S = 5.0


class KeptProcess:
    """One child: `python -m MODULE ARGUMENTS --parent PID`; `name` is for the log."""

    def __init__(self, name: str, module: str, *arguments: str) -> None:
        self._name = name
        self._arguments = (module, *arguments)
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def hang_up(self) -> None:
        """Have it read again what it reads at SIGHUP; of one that is not up nothing is asked."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        """Keep it running from now on."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """End it and stop restarting it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        falls = 0
        while True:
            began = loop.time()
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", *self._arguments),
                    *("--parent", str(os.getpid())),
                )
                code = await self._process.wait()
            except OSError as error:
                code = error.errno or 1
            falls = 1 if loop.time() - began > STEADY_S else falls + 1
            wait_s = BACK_OFF_S[min(falls, len(BACK_OFF_S)) - 1]
            log.warning("%s ended (%d); starting it again in %g s", self._name, code, wait_s)
            await asyncio.sleep(wait_s)
