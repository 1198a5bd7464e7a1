"""The real-world driver: feeds the dialer its events and carries out its effects.

 One input, then drain everything (`feed`). Record before ring: of one drained batch all `Write`s go
to the store in one transaction, and what else the batch holds waits for the commit. Later effects
of a call that waits, wait behind it. What a later process needs to end a call is written with it:
with its beginning, and before its answer is acknowledged.

When a commit fails, intentions are dropped (nothing is dialed that was not recorded) and the facts
of that batch (ends and interactions of calls) are kept and tried again until the disk takes them: a
call may be lost, a record never.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import msgspec

from dialerd.core import effects as fx
from dialerd.core.dialer import Dialer
from dialerd.core.effects import (
    AnyEffect,
    Dial,
    MoveCampaign,
    Notify,
    Play,
    Release,
    StopPlay,
    WantLeads,
    Write,
)
from dialerd.core.events import (
    AnyEvent,
    ClockStepped,
    Dialed,
    DialRefused,
    StoreRecovered,
    WriteFailed,
)
from dialerd.core.ops import BeginDial, DialOp, KeepLine
from dialerd.core.ports import Store, StoreError
from dialerd.shell.asking import Asking
from dialerd.shell.calls import Calls
from dialerd.shell.clock import Clock
from sip.calls.journal import Keep

log = logging.getLogger("dialerd.driver")

Written = asyncio.Future[tuple[int, ...]]  # a commit; the attempts whose dial it refused

RETRY_S = 1.0
IDLE_S = 0.02  # how long a line that nobody waits for looks for a commit to go with
STEP_NS = 10_000_000  # deadlines are served in steps: a wake-up costs more than most of them do


class _Batch:
    """Effects that wait for one commit."""

    __slots__ = ("calls", "effects", "ops")

    def __init__(self, ops: list[DialOp]) -> None:
        self.ops = ops
        self.effects: list[AnyEffect] = []
        self.calls: set[int] = set()


class Driver:
    """Runs a `Dialer` on an event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        dialer: Dialer,
        store: Store,
        calls: Calls,
        publish: Callable[[str, dict[str, object]], None],
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._dialer = dialer
        self._store = store
        self._calls = calls
        self._publish = publish
        self._inputs: deque[AnyEvent] = deque()
        self._busy = False
        self._waiting: dict[int, _Batch] = {}  # call -> the newest batch it waits in
        self._backlog: list[DialOp] = []  # facts that the disk refused
        self._idle: list[DialOp] = []  # what nobody waits for
        self._idle_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns: int | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._retrying = False
        self._under_way: set[Written] = set()
        self._tasks: set[asyncio.Future[None]] = set()
        self._degraded = False
        self.closed = False
        self.doing = self._table()
        calls.keeps = self.keep

    def start(self) -> None:
        """Tell the dialer the wall clock and begin watching it."""
        self.feed(ClockStepped(self._clock.offset_ns))
        self._watch_clock()

    def close(self) -> None:
        """No further timers; effects of commits under way are dropped."""
        self.closed = True
        for timer in (self._timer, self._retry, self._idle_timer):
            if timer is not None:
                timer.cancel()

    @property
    def settled(self) -> bool:
        """Whether nothing waits for the store."""
        held = self._waiting or self._backlog or self._idle
        return not (held or self._under_way or self._tasks)

    @property
    def degraded(self) -> bool:
        """Whether the store refuses commits: nothing new is dialed until it takes them again."""
        return self._degraded

    def registered(self, phone: str) -> bool:
        """Whether a telephone of this name can be rung now."""
        return self._calls.registered(phone)

    def feed(self, event: AnyEvent) -> None:
        """One input, then drain everything. What is told meanwhile waits its turn."""
        if self.closed:
            return
        self._inputs.append(event)
        if not self._busy:
            self._run()

    def _run(self) -> None:
        self._busy = True
        try:
            self._pump()
            while self._inputs:
                self._dialer.handle(self._inputs.popleft(), self._clock.now_ns())
                self._pump()
        finally:
            self._busy = False

    # -- effects ---------------------------------------------------------------------------------

    def _pump(self) -> None:
        effects = self._dialer.drain()
        if effects:
            self._sort(effects)
        self._arm()

    def _sort(self, effects: list[AnyEffect]) -> None:
        """Commit the batch's writes, or carry its effects out at once when it has none."""
        writes = [e for e in effects if isinstance(e, Write)]
        lines = {e.call: self._calls.prepare(e) for e in effects if isinstance(e, Dial)}
        if not writes:
            for effect in effects:
                self._now_or_behind(effect)
            return
        batch = _Batch([_with_line(op, lines) for write in writes for op in write.ops])
        for effect in effects:
            if fx.is_shown(effect):
                self._carry_out(effect)
            elif not isinstance(effect, Write):
                batch.effects.append(effect)
        if self._backlog:  # goes first: the end of a call before its interactions would lose them
            self._set_aside(batch)
            return
        for effect in effects:
            if isinstance(effect, Write | fx.LegEffect):
                self._waiting[effect.call] = batch
                batch.calls.add(effect.call)
        # a future with a callback, not a task: this runs for every call several times
        self._write(batch.ops, partial(self._committed, batch))

    def _now_or_behind(self, effect: AnyEffect) -> None:
        if isinstance(effect, fx.LegEffect):
            batch = self._waiting.get(effect.call)
            if batch is not None:
                batch.effects.append(effect)
                return
        self._carry_out(effect)

    def _write(self, ops: list[DialOp], then: Callable[[Written], None]) -> None:
        idle, self._idle = self._idle, []
        result = asyncio.ensure_future(self._store.apply(idle + ops), loop=self._loop)
        self._under_way.add(result)
        facts = [op for op in idle if not isinstance(op, KeepLine)]
        if facts:
            result.add_done_callback(partial(self._kept_later, facts))
        result.add_done_callback(then)

    def keep(self, attempt_id: int, keep: Keep) -> None:
        """The line of a call has changed; one that waits for that goes on after the commit."""
        op = KeepLine(attempt_id, keep.line)
        if keep.waits:
            self._write([op], partial(self._kept, keep.leg))
            return
        self._write_later([op])

    def _write_later(self, ops: list[DialOp]) -> None:
        """With the next commit, or soon without one: nobody waits for it."""
        self._idle += ops
        if self._idle_timer is None and not self.closed:
            self._idle_timer = self._loop.call_later(IDLE_S, self._keep_idle)

    def _kept_later(self, facts: Sequence[DialOp], result: Written) -> None:
        """What the disk refused of what nobody waits for is tried again with everything else."""
        if not result.cancelled() and result.exception() is not None:
            self._backlog += facts
            self._retry_later()

    def _keep_idle(self) -> None:
        self._idle_timer = None
        if self._backlog:  # goes first
            self._set_aside(_Batch([]))
        elif self._idle:
            self._write([], partial(self._kept, None))

    def _kept(self, leg: int | None, result: Written) -> None:
        self._under_way.discard(result)
        if result.cancelled() or self.closed:
            return
        if (error := _fault(result)) is not None:
            log.error("store refused the line of a call, dialing stops: %s", error)
            self._retry_later()
            self.feed(WriteFailed(0))
        if leg is not None:
            self._calls.kept(leg, kept=error is None)

    def _committed(self, batch: _Batch, result: Written) -> None:
        self._under_way.discard(result)
        for call in batch.calls:
            if self._waiting.get(call) is batch:
                del self._waiting[call]
        if result.cancelled():
            return
        if (error := _fault(result)) is not None:
            log.error("store refused a commit, dialing stops: %s", error)
            self._set_aside(batch)
            return
        refused = result.result()
        for effect in batch.effects:
            if refused and isinstance(effect, Dial) and effect.call in refused:
                self._calls.discard(effect)
                self.feed(DialRefused(effect.call))
            else:
                self._carry_out(effect)

    def _set_aside(self, batch: _Batch) -> None:
        """Keep the facts of a batch until the disk takes them, and drop its intentions."""
        ops, self._idle = [*self._idle, *batch.ops], []
        self._backlog += [op for op in ops if not isinstance(op, BeginDial | KeepLine)]
        dropped = [e.call for e in batch.effects if isinstance(e, Dial)]
        for effect in batch.effects:
            if isinstance(effect, Dial):
                self._calls.discard(effect)
            else:
                self._carry_out(effect)
        for call in dropped or [0]:
            self.feed(WriteFailed(call))
        self._retry_later()

    def _retry_later(self) -> None:
        self._degraded = True
        if self._retry is None and not (self._retrying or self.closed):
            self._retry = self._loop.call_later(RETRY_S, self._retry_now)

    def _retry_now(self) -> None:
        self._retry = None
        self._keep(self._retry_backlog())

    async def _retry_backlog(self) -> None:
        # They stay in the backlog meanwhile: what comes now must not overtake them.
        ops = list(self._backlog)
        self._retrying = True
        try:
            await self._store.apply(ops)
            del self._backlog[: len(ops)]
            failed = False
        except StoreError:
            failed = True
        finally:
            self._retrying = False
        if failed or self._backlog:
            self._retry_later()
            return
        self._degraded = False
        log.warning("store accepts commits again")
        self.feed(StoreRecovered())

    def _carry_out(self, effect: AnyEffect | fx.AgentEffect) -> None:
        if not self.closed:
            self.doing[type(effect)](effect)

    def _table(self) -> dict[type, Callable[[Any], None]]:
        """How each effect is carried out; a `Write` is committed instead. A desk adds its own."""
        calls = self._calls
        asking = Asking(self._store, self._clock, self.feed, self._retry_later)
        return {
            Dial: self._dial,
            Play: calls.play,
            StopPlay: calls.stop_play,
            Release: calls.release,
            fx.Refuse: calls.refuse,
            fx.Tape: calls.tape,
            fx.RingAgent: calls.ring,
            fx.Bridge: calls.bridge,
            fx.ListenIn: calls.listen_in,
            fx.Unbridge: calls.unbridge,
            fx.Hold: calls.hold,
            fx.SendKeys: calls.send_keys,
            fx.ShowCard: _unseen,
            fx.AgentAnswer: _unseen,
            fx.WriteLater: lambda effect: self._write_later(list(effect.ops)),
            fx.Answer: calls.answer,
            fx.WantReturn: lambda effect: self._keep(
                asking.returned(effect, calls.line_of(effect.leg))
            ),
            fx.WantOver: lambda effect: self._keep(asking.over(effect)),
            WantLeads: lambda effect: self._keep(asking.claim(effect)),
            MoveCampaign: lambda effect: self._keep(asking.move(effect)),
            Notify: lambda effect: self._publish(effect.topic, effect.data),
        }

    def _dial(self, effect: Dial) -> None:
        self._calls.dial(effect)
        self.feed(Dialed(effect.leg))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Hold a task until it is done, so that it is neither lost nor silent."""
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.critical("internal error", exc_info=task.exception())

    # -- time ------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer for the dialer's next deadline, moved only when that deadline moves."""
        deadline = self._dialer.deadline_ns()
        if deadline is not None:
            deadline += -deadline % STEP_NS
        if deadline == self._timer_ns and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_ns = deadline
        if deadline is not None and not self.closed:
            delay = max(0, deadline - self._clock.now_ns()) / 1e9
            self._timer = self._loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = self._timer_ns = None
        self._dialer.tick(self._clock.now_ns())
        self._run()

    def _watch_clock(self) -> None:
        if self.closed:
            return
        if self._clock.stepped():
            log.warning("the wall clock was stepped")
            self.feed(ClockStepped(self._clock.offset_ns))
        self._loop.call_later(1.0, self._watch_clock)


def _fault(result: Written) -> BaseException | None:
    error = result.exception()
    if error is not None and not isinstance(error, StoreError):
        log.critical("internal error in the store", exc_info=error)
    return error


def _unseen(effect: fx.ShowCard | fx.AgentAnswer) -> None:
    """Nobody shows agents anything: a driver without a desk."""


def _with_line(op: DialOp, lines: dict[int, bytes]) -> DialOp:
    """The beginning of a call with what a later process needs to end it."""
    if isinstance(op, BeginDial) and op.attempt_id in lines:
        return msgspec.structs.replace(op, line=lines[op.attempt_id])
    return op
