"""The driver of a simulated day: what `dialerd.shell.driver` is to the daemon, in virtual time.

The rules are the same. One input, then everything is drained. Of one drained batch all writes go to
the store in one commit, what else it holds waits for that, and later effects of a call that waits,
wait behind it. One commit is under way at a time and takes time; what is asked for meanwhile goes
with the next. A line's own record is written with the beginning of a call and before its answer.

A driver is one process of the daemon: when that is killed, nothing of it is carried out any more.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final, get_args

import msgspec

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.clock import NEVER
from dialerd.core.dialer import Dialer
from dialerd.core.ops import BeginDial, ClaimBatch, DialOp, KeepLine
from dialerd.core.ports import ConflictError, StoreError
from dialerd.core.records import Campaign, CampaignState
from dialerd.sim.day_clock import VirtualClock
from dialerd.sim.day_ports import Lines, Telephones
from dialerd.store.memory import MemoryStore
from dialerd.store.ticket import wait

RETRY_S: Final = 1.0
STEP_NS: Final = 10_000_000  # deadlines are served in steps, as the daemon does
GROUP_MAX: Final = 64  # requests of one commit


class Disk:
    """How commits fare just now."""

    __slots__ = ("commit_ms", "full")

    def __init__(self, commit_ms: tuple[float, float]) -> None:
        """Commits last from `commit_ms[0]` to `commit_ms[1]`."""
        self.commit_ms = commit_ms
        self.full = False


class Batch:
    """Effects that wait for one commit."""

    __slots__ = ("calls", "effects", "ops")

    def __init__(self, ops: list[DialOp], effects: list[fx.AnyEffect]) -> None:
        """Of one drain."""
        self.ops = ops
        self.effects = effects
        self.calls: set[int] = set()


class Keep(msgspec.Struct, frozen=True):
    """A leg waits for its line to be written."""

    op: KeepLine
    leg: int


class Retry(msgspec.Struct, frozen=True):
    """What the disk refused, once more."""

    ops: tuple[DialOp, ...]


Request = Batch | Keep | Retry | fx.WantLeads | fx.MoveCampaign
_OF_CALLS: Final = get_args(fx.LegEffect)


class Driver:
    """One process of the daemon. `due_ns` is when its `tick` is due."""

    def __init__(
        self,
        clock: VirtualClock,
        dialer: Dialer,
        store: MemoryStore,
        disk: Disk,
        rng: random.Random,
    ) -> None:
        """A process that has just begun; `lines` are told to it before anything else."""
        self.lines: Lines
        self.staff: Telephones
        self.dialer = dialer
        self.dead = False
        self.due_ns = NEVER
        self.events = 0
        self.notices: list[fx.Notify] = []
        self._clock = clock
        self._store = store
        self._disk = disk
        self._rng = rng
        self._inputs: deque[ev.AnyEvent] = deque()
        self._busy = False
        self._waiting: dict[int, Batch] = {}  # call -> the newest batch it waits in
        self._queue: list[Request] = []
        self._writing: list[Request] = []
        self._idle: list[DialOp] = []  # lines that nobody waits for
        self._backlog: list[DialOp] = []
        self._retrying = False
        self.offset_ns = self._first_ns = clock.offset_ns

    @property
    def settled(self) -> bool:
        """Whether nothing waits for the store."""
        return not (self._queue or self._writing or self._backlog or self._retrying)

    def start(self, *facts: ev.AnyEvent) -> None:
        """Tell the dialer the wall clock, then what it must know."""
        self.feed(ev.ClockStepped(self.offset_ns))
        for fact in facts:
            self.feed(fact)

    def kill(self) -> None:
        """Everything in memory is gone. A commit under way may have reached the disk, or not."""
        self.dead = True
        self.due_ns = NEVER
        if self._writing and not self._disk.full and self._rng.random() < 0.5:
            self._apply(self._writing)

    # -- inputs ----------------------------------------------------------------------------------

    def feed(self, event: ev.AnyEvent) -> None:
        """One input, then drain everything. What is told meanwhile waits its turn."""
        if self.dead:
            return
        self._inputs.append(event)
        if not self._busy:
            self._run()

    def tick(self) -> None:
        """What is due by the dialer's own clock."""
        self.dialer.tick(self._clock.now_ns)
        self._run()

    def _run(self) -> None:
        self._busy = True
        inputs, dialer, clock = self._inputs, self.dialer, self._clock
        self._pump()
        while inputs:
            self.events += 1
            dialer.handle(inputs.popleft(), clock.now_ns)
            self._pump()
        self._busy = False
        due = dialer.deadline_ns()
        self.due_ns = NEVER if due is None else due + -due % STEP_NS

    # -- effects ---------------------------------------------------------------------------------

    def _pump(self) -> None:
        effects = self.dialer.drain()
        if not effects:
            return
        writes = [effect for effect in effects if type(effect) is fx.Write]
        if not writes:
            for effect in effects:
                self._now_or_behind(effect)
            return
        legs = {effect.call: effect.leg for effect in effects if type(effect) is fx.Dial}
        ops: list[DialOp] = [op for write in writes for op in write.ops]
        if legs:
            ops = [_with_line(op, legs) for op in ops]
        batch = Batch(ops, [])
        for effect in effects:
            if fx.is_shown(effect):
                self._carry_out(effect)
            elif type(effect) is not fx.Write:
                batch.effects.append(effect)
        if self._backlog:  # goes first
            self._batch_failed(batch)
            return
        for effect in effects:
            if type(effect) is fx.Write or type(effect) in _OF_CALLS:
                call: int = effect.call  # type: ignore[union-attr]
                self._waiting[call] = batch
                batch.calls.add(call)
        self._ask(batch)

    def _now_or_behind(self, effect: fx.AnyEffect) -> None:
        if type(effect) in _OF_CALLS:
            batch = self._waiting.get(effect.call)  # type: ignore[union-attr]
            if batch is not None:
                batch.effects.append(effect)
                return
        self._carry_out(effect)

    def _carry_out(self, effect: fx.AnyEffect | fx.AgentEffect) -> None:
        if not self.dead:
            _CARRY_OUT[type(effect)](self, effect)

    def _dial(self, effect: fx.Dial) -> None:
        self.lines.dial(effect)
        self.feed(ev.Dialed(effect.leg))

    def _release(self, effect: fx.Release) -> None:
        if not self.staff.release(effect.leg):
            self.lines.release(effect.leg)

    def _told(self, effect: fx.Notify) -> None:
        if effect.topic in _TO_AGENTS:
            self.staff.told(effect.data)
        else:
            self.notices.append(effect)

    def _later(self, effect: fx.WriteLater) -> None:
        self._idle += effect.ops

    # -- the store -------------------------------------------------------------------------------

    def keep(self, attempt_id: int, leg: int, *, waits: bool) -> None:
        """The line of a call has changed; `Lines.kept` follows when it `waits`."""
        op = KeepLine(attempt_id, _line(leg))
        if waits:
            self._ask(Keep(op, leg))
        else:
            self._idle.append(op)

    def move(self, campaign_id: int, after: CampaignState, who: str) -> Campaign:
        """A person moves a campaign, and is told at once."""
        campaign = wait(self._store.move_campaign(campaign_id, after, who, self.wall_ms))
        self.feed(ev.CampaignChanged(campaign))
        return campaign

    @property
    def wall_ms(self) -> int:
        """By the offset that the dialer was told."""
        return (self._clock.now_ns + self.offset_ns) // 1_000_000

    def look_at_clock(self) -> None:
        """The daemon looks once a second whether the wall clock was moved."""
        if self._clock.offset_ns != self.offset_ns:
            self.offset_ns = self._clock.offset_ns
            self.feed(ev.ClockStepped(self.offset_ns))

    def _ask(self, request: Request) -> None:
        self._queue.append(request)
        if not self._writing:
            self._begin_commit()

    def _begin_commit(self) -> None:
        self._writing, self._queue = self._queue[:GROUP_MAX], self._queue[GROUP_MAX:]
        low, high = self._disk.commit_ms
        self._clock.after(self._rng.uniform(low, high) / 1000, self._committed)

    def _committed(self) -> None:
        if self.dead:
            return
        if self._disk.full:
            self._failed()
        else:
            self._done(self._apply(self._writing))
        self._writing = []
        if self._queue:
            self._begin_commit()

    def _apply(self, group: list[Request]) -> set[int]:
        """Write what a group asks for, but for claims and moves; the dials that were refused."""
        ops, self._idle = self._idle, []
        for request in group:
            if type(request) is Batch or type(request) is Retry:
                ops.extend(request.ops)
            elif type(request) is Keep:
                ops.append(request.op)
        return set(wait(self._store.apply(ops))) if ops else set()

    def _done(self, refused: set[int]) -> None:
        for request in self._writing:
            if type(request) is Batch:
                self._batch_done(request, refused)
            elif type(request) is Keep:
                self.lines.kept(request.leg)
            elif type(request) is fx.WantLeads:
                self._claim(request)
            elif type(request) is fx.MoveCampaign:
                self._move(request)
            elif type(request) is Retry:
                self._retrying = False
                del self._backlog[: len(request.ops)]
                if self._backlog:
                    self._retry_later()
                else:
                    self.feed(ev.StoreRecovered())

    def _batch_done(self, batch: Batch, refused: set[int]) -> None:
        self._forget(batch)
        for effect in batch.effects:
            if refused and type(effect) is fx.Dial and effect.call in refused:
                self.feed(ev.DialRefused(effect.call))
            else:
                self._carry_out(effect)

    def _forget(self, batch: Batch) -> None:
        for call in batch.calls:
            if self._waiting.get(call) is batch:
                del self._waiting[call]

    def _claim(self, want: fx.WantLeads) -> None:
        # Due is what is due by the time that has really passed (see shell/driver.py).
        ahead_ms = max(0, self.offset_ns - self._first_ns) // 1_000_000
        now_ms, lease_s = self.wall_ms - ahead_ms, want.lease_s + ahead_ms // 1000
        try:
            batch: ClaimBatch = wait(
                self._store.claim(
                    want.campaign_id, want.n, now_ms, lease_s, agent=want.agent, own=want.own
                )
            )
        except ConflictError:  # paused or finished while the question was on its way
            self.feed(ev.ClaimFailed(want.campaign_id, want.agent))
            return
        self.feed(ev.Claimed(batch.later(ahead_ms // 1000)))

    def _move(self, move: fx.MoveCampaign) -> None:
        try:
            self.move(move.campaign_id, move.after, "dialerd")
        except StoreError:
            return  # somebody was quicker

    # -- a disk that refuses ---------------------------------------------------------------------

    def _failed(self) -> None:
        for request in self._writing:
            if type(request) is Batch:
                self._batch_failed(request)
            elif type(request) is Keep:
                self._retry_later()
                self.feed(ev.WriteFailed(0))
                self.lines.kept(request.leg)
            elif type(request) is fx.WantLeads:
                self._retry_later()
                self.feed(ev.ClaimFailed(request.campaign_id, request.agent))
            elif type(request) is Retry:
                self._retrying = False
                self._retry_later()

    def _batch_failed(self, batch: Batch) -> None:
        self._forget(batch)
        self._backlog.extend(op for op in batch.ops if type(op) is not BeginDial)
        dropped = [effect.call for effect in batch.effects if type(effect) is fx.Dial]
        for effect in batch.effects:
            if type(effect) is not fx.Dial:
                self._carry_out(effect)
        for call in dropped or [0]:
            self.feed(ev.WriteFailed(call))
        self._retry_later()

    def _retry_later(self) -> None:
        if not self._retrying:
            self._retrying = True
            self._clock.after(RETRY_S, self._retry)

    def _retry(self) -> None:
        if not self.dead:
            self._ask(Retry(tuple(self._backlog)))


def _line(leg: int) -> bytes:
    """What a later process needs to end a leg: here its number is all."""
    return b"%d" % leg


def _with_line(op: DialOp, legs: dict[int, int]) -> Any:
    """The beginning of a call with its line."""
    if type(op) is BeginDial and op.attempt_id in legs:
        return msgspec.structs.replace(op, line=_line(legs[op.attempt_id]))
    return op


def _nothing(_driver: Driver, _effect: Any) -> None:
    """Music and recordings change nothing here."""


_TO_AGENTS: Final = frozenset({"agent", "card"})


_CARRY_OUT: Final[dict[type, Callable[[Driver, Any], None]]] = {
    fx.Dial: Driver._dial,
    fx.Play: lambda driver, effect: driver.lines.play(effect),
    fx.StopPlay: lambda driver, effect: driver.lines.stop_play(effect.leg),
    fx.Release: Driver._release,
    fx.RingAgent: lambda driver, effect: driver.staff.ring(effect),
    fx.Bridge: lambda driver, effect: driver.staff.bridge(effect),
    fx.Unbridge: lambda driver, effect: driver.staff.unbridge(effect.leg),
    fx.WantLeads: Driver._ask,
    fx.MoveCampaign: Driver._ask,
    fx.Notify: Driver._told,
    fx.WriteLater: Driver._later,
    fx.Hold: _nothing,
    fx.ListenIn: _nothing,
    fx.Tape: _nothing,
    fx.SendKeys: _nothing,
    fx.ShowCard: lambda driver, effect: driver.staff.card(effect),
    fx.AgentAnswer: lambda driver, effect: driver.staff.answered(effect),
}
