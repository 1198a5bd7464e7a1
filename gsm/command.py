"""Commands that wait for a modem, in the order of their haste, and what became of each."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable
from enum import IntEnum
from typing import Final, Literal

from msgspec import Struct

from gsm.limits import MEDIUM, QUEUE_MAX

_PREFIX: Final = re.compile(r"AT([+^$*%#&]?[A-Za-z]+)", re.IGNORECASE)
Outcome = Literal["ok", "error", "timeout", "aborted", "ended", "gone"]


class Haste(IntEnum):
    """What goes first."""

    HANG_UP = 0
    ANSWER = 1
    DIAL = 2
    KEY = 3
    LIST = 4  # AT+CLCC
    AUDIO = 5
    HEALTH = 6
    TEXT = 7  # USSD, SMS, an operator's commands


class Result(Struct, frozen=True, gc=False):
    """What became of a command.

    Attributes:
        outcome: ok, error; ended: a dialing command whose final result is that the call is over;
            timeout; aborted: by a command in more haste; gone: the port was lost.
        code: of `+CME ERROR` and `+CMS ERROR`, 0 without one.
        final: the final line itself.
        lines: what came before it.
        data: a file's bytes that came.
    """

    outcome: Outcome
    code: int = 0
    final: str = ""
    lines: tuple[str, ...] = ()
    data: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether it was accepted."""
        return self.outcome == "ok"


class Command(Struct, frozen=True):
    """One line for the modem.

    Attributes:
        text: `AT...`, without its end.
        haste: when it is its turn.
        timeout_ns: from the writing to the final result.
        body: what follows a prompt, without its Ctrl-Z.
        calls: its final result may be that of a call: BUSY, NO CARRIER.
        yields: a hang-up need not wait for its result (ATD until the answer).
        enough: the beginning of a line with which the answer is good even when no final result
            follows soon: some modems forget the OK after `+CPIN:`.
        optional: a modem need not know it; silence does not count against it, if it proves alive.
        data: a file's bytes, written in pieces after a prompt or CONNECT.
        data_match: the line after which a file's bytes come; its group `size` says how many.
    """

    text: str
    haste: Haste = Haste.HEALTH
    timeout_ns: int = MEDIUM
    body: str = ""
    calls: bool = False
    yields: bool = False
    enough: str = ""
    optional: bool = False
    data: bytes = b""
    data_match: str = ""

    @property
    def prefix(self) -> str:
        """The beginning of its answer: `+CLCC` of `AT+CLCC`."""
        match = _PREFIX.match(self.text)
        return match[1].upper() if match else ""


Then = Callable[[Result, int], None]


class Queue:
    """Commands by haste, then in order; at most `QUEUE_MAX`."""

    __slots__ = ("_heap", "_number")

    def __init__(self) -> None:
        """Nothing waits."""
        self._heap: list[tuple[int, int, Command, Then]] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, command: Command, then: Then) -> bool:
        """Whether there was room."""
        if len(self._heap) >= QUEUE_MAX:
            return False
        self._number += 1
        heapq.heappush(self._heap, (command.haste, self._number, command, then))
        return True

    def take(self) -> tuple[Command, Then]:
        """The next one."""
        _, _, command, then = heapq.heappop(self._heap)
        return command, then

    def clear(self) -> list[Then]:
        """Forget all of them; returns who waited, in order."""
        waited = [then for _, _, _, then in sorted(self._heap, key=lambda item: item[:2])]
        self._heap.clear()
        return waited
