"""Dying at a chosen point: how tests of crashes kill the daemon exactly there.

The environment variable DIALERD_KILL_AT, `point` or `point:n`, has the process killed by SIGKILL
when it passes that point for the nth time (the first by default): no handler runs, nothing is
flushed. It is read once, at the start; without it nothing is put in the way of anything.

    claim        leads are claimed, durably; the dialer has not heard of them
    begin_dial   attempts are begun, durably; no INVITE of theirs has left
    invite_sent  an INVITE has been given to its transport
    ringing      a 180 or 183 is here, and nobody has been told
    answer       a 2xx is here; nothing of it is on disk, and it is not acknowledged
    ack_journal  its dialog is on disk; its ACK has not left
    bye          our BYE has left, or the peer's is answered; the attempt is still open
    finish       the end of an attempt is durable; its call has heard nothing of it
    take_return  the attempt of a customer who calls back is durable; the call is not answered
    established  that call is up: the ACK of our 200 is here, and nobody has been told
    bridge       an agent and a customer hear each other
    export       odd passages: lines are in a file of `[cdr]`, durably, its cursor has not moved;
                 even ones: the cursor has moved, and who writes the file has not heard of it
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

from dialerd.core.effects import Bridge, Dial, Release
from dialerd.core.ops import (
    BeginDial,
    ClaimBatch,
    DialOp,
    Finish,
    KeepLine,
    ReturnCall,
    Returned,
)
from dialerd.shell.calls import Calls
from dialerd.shell.sip_stack import Stack
from dialerd.store.base import BaseStore
from dialerd.store.schema import Cursor
from dialerd.store.ticket import wait
from sip.calls.journal import Confirmed, Keep, read
from sip.events import Ended, Established, Provisional, SipEvent

log = logging.getLogger("dialerd.kill")

VARIABLE: Final = "DIALERD_KILL_AT"
POINTS: Final = (
    "claim", "begin_dial", "invite_sent", "ringing", "answer", "ack_journal", "bye", "finish",
    "take_return", "established", "bridge", "export",
)  # fmt: skip


# What a broadcast by itself passes, files of `[cdr]` included.
BROADCAST_POINTS: Final = tuple(
    point for point in POINTS if point not in {"take_return", "established", "bridge"}
)


class KillPointError(OSError):
    """The variable names no point; one line for the user."""


def wanted(environment: Mapping[str, str]) -> tuple[str, int] | None:
    """The point and at which passage, None when nobody wants to die; KillPointError."""
    text = environment.get(VARIABLE, "")
    if not text:
        return None
    point, _, nth = text.partition(":")
    if point not in POINTS or not (nth or "1").isdecimal() or int(nth or "1") < 1:
        raise KillPointError(f"{VARIABLE}={text}: not one of {', '.join(POINTS)}, or point:n")
    return point, int(nth or "1")


def arm(store: BaseStore, calls: Calls, stack: Stack) -> None:
    """Watch the parts when the environment asks for it."""
    found = wanted(os.environ)
    if found is not None:
        log.critical("%s: this process will kill itself at %s, passage %d", VARIABLE, *found)
        Trap(*found).watch(store, calls, stack)


class Trap:
    """Counts passages of one point, and dies at the one that was asked for."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth
        self._answered: set[int] = set()  # legs

    def passed(self, point: str) -> None:
        """This point has been reached."""
        if point != self._point:
            return
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, store: BaseStore, calls: Calls, stack: Stack) -> None:
        """Stand between the parts: each of the wrapped calls does what it did, and passes."""
        self._claim, self._apply = store.claim, store.apply
        self._dial, self._release, self._bridge = calls.dial, calls.release, calls.bridge
        self._on_event = stack.on_event
        replaced: Any = store
        replaced.claim, replaced.apply = self.claim, self.apply
        self._take_return, replaced.take_return = store.take_return, self.take_return
        self._move_cursor, replaced.move_cursor = store.move_cursor, self.move_cursor
        replaced = calls
        replaced.dial, replaced.release, replaced.bridge = self.dial, self.release, self.bridge
        stack.on_event = self.on_event

    async def claim(
        self, campaign_id: int, n: int, now_ms: int, lease_s: int, **whose: Any
    ) -> ClaimBatch:
        """`Store.claim`."""
        batch = await self._claim(campaign_id, n, now_ms, lease_s, **whose)
        if batch.claims:
            self.passed("claim")
        return batch

    async def take_return(self, call: ReturnCall) -> Returned:
        """`Store.take_return`."""
        found = await self._take_return(call)
        if found.claim is not None:
            self.passed("take_return")
        return found

    def apply(self, ops: Sequence[DialOp]) -> Awaitable[tuple[int, ...]]:
        """`Store.apply`."""
        return self._applied(ops, self._apply(ops))

    async def _applied(
        self, ops: Sequence[DialOp], done: Awaitable[tuple[int, ...]]
    ) -> tuple[int, ...]:
        refused = await done
        for op in ops:
            if isinstance(op, BeginDial) and op.attempt_id not in refused:
                self.passed("begin_dial")
            elif isinstance(op, Finish):
                self.passed("finish")
            elif isinstance(op, KeepLine) and _answered(op.line):
                self.passed("ack_journal")
        return refused

    def move_cursor(self, before: Cursor, after: Cursor) -> Awaitable[Cursor]:
        """`BaseStore.move_cursor`, by a thread that waits for it."""
        self.passed("export")
        moved = self._move_cursor(before, after)
        wait(moved)
        self.passed("export")
        return moved

    def dial(self, effect: Dial) -> None:
        """`Calls.dial`."""
        self._dial(effect)
        self.passed("invite_sent")

    def bridge(self, effect: Bridge) -> None:
        """`Calls.bridge`."""
        self._bridge(effect)
        self.passed("bridge")

    def release(self, effect: Release) -> None:
        """`Calls.release`."""
        self._release(effect)
        if effect.leg in self._answered:
            self.passed("bye")

    def on_event(self, event: SipEvent) -> None:
        """What SIP tells."""
        if isinstance(event, Provisional) and event.code > 100:
            self.passed("ringing")
        elif isinstance(event, Established):
            self.passed("established")
        elif isinstance(event, Keep) and _answered(event.line):
            self._answered.add(event.leg)
            self.passed("answer")
        elif isinstance(event, Ended) and event.leg in self._answered:
            self._answered.discard(event.leg)
            if event.by == "them":
                self.passed("bye")
        self._on_event(event)


def _answered(line: bytes) -> bool:
    """Whether it is the line of an answered call."""
    return isinstance(read(line), Confirmed)
