"""Modems of a kind that nobody here has met: a table of answers on a pty, served by a thread.

They share nothing with the simulated bank: what these do wrong was thought of for the tests.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
import tty
from collections.abc import Mapping
from typing import Final

OK: Final = "\r\nOK\r\n"
ERROR: Final = "\r\nERROR\r\n"

ANSWERS: Final = {  # what a modem without a name says; the rest is `ERROR`
    "AT": OK,
    "ATE0": OK,
    "AT+CGMI": "\r\nNoname\r\n" + OK,
    "AT+CGMM": "\r\nX1\r\n" + OK,
    "AT+CGSN": "\r\n350000000000006\r\n" + OK,
    "AT+CPIN?": "\r\n+CPIN: READY\r\n" + OK,
    "AT+CIMI": "\r\n452040000000001\r\n" + OK,
    "AT+CREG?": "\r\n+CREG: 0,1\r\n" + OK,
    "AT+CSQ": "\r\n+CSQ: 20,99\r\n" + OK,
    "AT+COPS?": '\r\n+COPS: 0,0,"Somewhere",0\r\n' + OK,
    "AT+CMGF=0": OK,
}


async def turns(count: int = 20) -> None:
    """So many turns of the loop, in which whatever is ready is done: no time passes."""
    for _ in range(count):
        await asyncio.sleep(0)


class Stranger:
    """One modem. Calls ring for a second, are answered, and last until somebody hangs up."""

    def __init__(
        self,
        answers: Mapping[str, str] = ANSWERS,
        *,
        slow: Mapping[str, float] | None = None,
        silent: str = "",
        echo: bool = False,
        clcc: bool = True,
        noise: bytes = b"",
    ) -> None:
        """`slow`: seconds until the answer; `silent`: what begins so gets none if it is unknown.

        `noise` comes before every answer.
        """
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.device = os.ttyname(slave)
        self._slave = slave
        self._answers = answers
        self._slow = slow or {}
        self._silent = silent
        self._echo = echo
        self._clcc = clcc
        self._noise = noise
        self._dialed = 0.0
        self._number = ""
        self.heard: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._slave)
        os.close(self.master)

    def _serve(self) -> None:
        waiting = b""
        while not self._stop.is_set():
            if not select.select([self.master], [], [], 0.02)[0]:
                continue
            data = os.read(self.master, 4096)
            if self._echo:
                os.write(self.master, data)
            waiting += data
            while b"\r" in waiting:
                line, waiting = waiting.split(b"\r", 1)
                self._answer(line.decode("latin-1").strip("\n\x1b\x1a"))

    def _answer(self, line: str) -> None:
        if not line:
            return
        self.heard.append(line)
        for beginning, seconds in self._slow.items():
            if line.startswith(beginning):
                time.sleep(seconds)  # a modem that thinks; nobody waits for a condition here
        said = self._said(line)
        if said:
            os.write(self.master, self._noise + said.encode("latin-1"))

    def _said(self, line: str) -> str:
        if line.startswith("ATD") and line.endswith(";"):
            self._dialed, self._number = time.monotonic(), line[3:-1]
            return OK
        if line in {"ATH", "AT+CHUP"}:
            self._dialed = 0.0
            return OK
        if line == "AT+CLCC" and self._clcc:
            return self._call() + OK
        unknown = "" if self._silent and line.startswith(self._silent) else ERROR
        return self._answers.get(line, unknown if line.startswith("AT") else "")

    def _call(self) -> str:
        if not self._dialed:
            return ""
        state = 3 if time.monotonic() - self._dialed < 1 else 0
        return f'\r\n+CLCC: 1,0,{state},0,0,"{self._number}",129\r\n'
