"""Calls that an earlier process left behind, ended at the start of this one.

The store holds a line of each (`dialerd.store.dialogs`); the machines that end them are in
`sip.calls.orphan`. Here each gets the password of its trunk, its far end is listened to, and what
is done with is taken out of the store, some at a time. New calls begin meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping

from dialerd.core.ops import PHONE_LEGS, OldCall
from dialerd.core.ports import Store, StoreError
from dialerd.lines.sip_trunk import Line
from dialerd.shell.sip_stack import Stack
from sip.calls import journal
from sip.calls.orphan import Cleared, Old, Orphans
from sip.errors import SipError

log = logging.getLogger("dialerd.old_calls")

GATHER_S = 0.2  # between two commits of what is done with; after a failed one, ten times that


class OldCalls:
    """See the module's text."""

    def __init__(self, stack: Stack, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._stack = stack
        self._store = store
        self._loop = loop
        self._orphans = Orphans(stack.endpoint.layer)
        self._done: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._count = 0
        self._how: Counter[str] = Counter()

    def begin(self, lines: Mapping[str, Line]) -> None:
        """End all that there are; `lines` are the trunks as they are configured now."""
        found = self._store.old_calls()
        if not found:
            return
        self._count = len(found)
        log.warning("%d calls of before are being ended", len(found))
        now_ns = time.monotonic_ns()
        self._orphans.end([self._old(call, lines.get(call.trunk)) for call in found], now_ns)
        self._stack.flush()

    def _old(self, call: OldCall, line: Line | None) -> Old:
        try:
            place = journal.read(call.line).place
            if call.attempt_id < PHONE_LEGS:
                self._stack.admission.allow(place.host, call.trunk)
            if line is not None:
                where = journal.address(place, self._stack.endpoint.layer.reach)
                self._stack.expect(where, line.spec.host)
        except SipError:
            pass  # its machine tells why it cannot be ended
        credentials = None if line is None else line.spec.credentials
        return Old(call.attempt_id, call.line, credentials)

    def hear(self, event: Cleared) -> None:
        """One of them needs nothing more."""
        self._how[event.how] += 1
        self._done.append(event.number)
        if event.how == "lost":
            log.error(
                "call of attempt %d may still be up: %s", event.number, event.why,
                extra={"attempt": event.number},
            )  # fmt: skip
        if self._how.total() == self._count:
            what = ", ".join(f"{n} {how}" for how, n in sorted(self._how.items()))
            log.warning("%d calls of before ended: %s", self._count, what)
        self._later(GATHER_S)

    def figures(self) -> dict[str, int]:
        """How many there were at the start, and how many of them are not done with."""
        return {"found": self._count, "left": self._count - self._how.total()}

    async def close(self) -> None:
        """Write what is known; what is not done with is the next process's."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            await self._task
        await self._write()

    def _later(self, delay_s: float) -> None:
        if self._timer is None and self._task is None:
            self._timer = self._loop.call_later(delay_s, self._now)

    def _now(self) -> None:
        self._timer = None
        self._task = self._loop.create_task(self._write())
        self._task.add_done_callback(self._written)

    def _written(self, _task: asyncio.Task[None]) -> None:
        self._task = None
        if self._done:
            self._later(10 * GATHER_S)

    async def _write(self) -> None:
        done, self._done = self._done, []
        if not done:
            return
        try:
            await self._store.old_calls_ended(done)
        except StoreError as error:
            log.error("old calls that were ended cannot be taken out of the store: %s", error)
            self._done = done + self._done
