"""A small deterministic world around the dialer: a heap, a seed, people, a store with latency.

The production machines run unchanged; only the driver, the lines and the people are of this file.
It keeps its own books (`dials`, `heard`, `finishes`), and `tests/core/judge.py` holds the store
against them.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.dialer import Dialer
from dialerd.core.numbering import load_numbering
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.ports import StoreError
from dialerd.core.records import (
    CampaignSettings,
    CampaignState,
    Contact,
    DoNotCall,
    Flow,
    FlowStep,
    FrequencyCap,
)
from dialerd.core.team_books import counts_from
from dialerd.store.memory import MemoryStore
from dialerd.store.ticket import wait
from tests.core.people import Faults, People

NS = 1_000_000_000
MS = 1_000_000
RESTART_NS = 250 * MS  # what a process needs to come back
PLAN = Path(__file__).parents[2] / "conf" / "numbering" / "vn.toml"
NUMBERING = load_numbering(PLAN.read_text(encoding="utf-8"))
MONDAY_0830 = 1_795_397_400  # 2026-11-23 08:30 in Vietnam
PREFIXES = ("8490", "8491", "8498", "8492", "8486")  # two of them are viettel
FLOW = Flow(
    (
        FlowStep("hello", "greeting", {"1": "offer", "9": "end"}, wait_ms=5_000),
        FlowStep("offer", "offer", {"2": "hello", "*": "end"}, wait_ms=3_000, barge_in=False),
    )
)


def settings(name: str = "c", list_id: int = 1, **changes) -> CampaignSettings:
    base = {
        "name": name, "list_id": list_id, "flow": FLOW, "regime": "loopback",
        "cap": FrequencyCap(), "attempts_max": 3, "retry_gap_s": 600, "ring_s_max": 25,
    }  # fmt: skip
    return CampaignSettings(**(base | changes))


def phones(n: int, seed: int = 1) -> list[int]:
    rng = random.Random(seed)
    found: dict[int, None] = {}
    while len(found) < n:
        found[int(rng.choice(PREFIXES) + f"{rng.randrange(10**7):07d}")] = None
    return list(found)


@dataclass
class Batch:
    ops: list
    effects: list
    calls: set


@dataclass
class World:
    seed: int
    trunks: tuple[ev.TrunkSpec, ...]
    faults: Faults = field(default_factory=Faults)
    commit_ms: tuple[float, float] = (0.5, 15.0)
    start_s: int = MONDAY_0830
    crash_every_s: float = 0.0
    traced: bool = False

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.now_ns = 5_000 * NS
        self.offset_ns = self.start_s * NS - self.now_ns
        self.store = MemoryStore()
        self.heap: list = []
        self.order = itertools.count()
        self.people = People(self, self.faults, self.rng)
        self.dials = self.people.dials
        self.finishes: Counter[int] = Counter()
        self.begun: set[int] = set()
        self.interrupted: set[int] = set()
        self.notices: list = []
        self.open: set[int] = set()  # campaigns that are not finished
        self.crashes = 0
        self.life = 0
        self.events = 0
        self.trace = blake2b(digest_size=16)
        self.campaign_of: dict[int, int] = {}
        self.reset_driver()

    # -- driver ----------------------------------------------------------------------------------

    def reset_driver(self) -> None:
        self.dialer = Dialer(NUMBERING, first_leg=1 + 1_000_000 * self.crashes, confirms_dials=True)
        self.waiting: dict[int, Batch] = {}
        self.backlog: list = []
        self.inputs: list = []
        self.busy = False

    def boot(self) -> None:
        wait(self.store.recover(self.wall_ms, staff=True))
        self.feed(ev.ClockStepped(self.offset_ns))
        self.feed(ev.LinesChanged(self.trunks))
        for campaign in self.store.campaigns():
            met = tuple(
                self.store.met(campaign.campaign_id, counts_from(campaign.settings, self.wall_ms))
            )
            self.feed(ev.CampaignChanged(campaign, met))
        self.feed(ev.AgentsKnown(tuple(self.store.at_work())))

    @property
    def wall_ms(self) -> int:
        return (self.now_ns + self.offset_ns) // MS

    def at(self, delay_s: float, work, *args) -> None:
        when = self.now_ns + round(delay_s * NS)
        heapq.heappush(self.heap, (when, next(self.order), self.life, work, args))

    def feed(self, event) -> None:
        self.inputs.append(event)
        if self.busy:
            return
        self.busy = True
        while self.inputs:
            one = self.inputs.pop(0)
            self.events += 1
            self.note(one)
            self.dialer.handle(one, self.now_ns)
            self.pump()
        self.busy = False

    def note(self, thing) -> None:
        if self.traced:
            self.trace.update(f"{self.now_ns} {thing!r}\n".encode())

    def pump(self) -> None:
        effects = self.dialer.drain()
        for effect in effects:
            self.note(effect)
        ops = [op for e in effects if isinstance(e, fx.Write) for op in e.ops]
        if not ops:
            for effect in effects:
                self.now_or_behind(effect)
            return
        batch = Batch(ops, [e for e in effects if not isinstance(e, fx.Write)], set())
        for effect in effects:
            call = getattr(effect, "call", None)
            if call:
                self.waiting[call] = batch
                batch.calls.add(call)
        self.at(self.rng.uniform(*self.commit_ms) / 1e3, self.commit, batch)

    def now_or_behind(self, effect) -> None:
        batch = self.waiting.get(getattr(effect, "call", None))
        if batch is not None:
            batch.effects.append(effect)
        else:
            self.carry_out(effect)

    def commit(self, batch: Batch) -> None:
        for call in batch.calls:
            if self.waiting.get(call) is batch:
                del self.waiting[call]
        if self.rng.random() < self.faults.commit:
            self.commit_failed(batch)
            return
        refused = set(self.write(batch.ops))
        for effect in batch.effects:
            if isinstance(effect, fx.Dial) and effect.call in refused:
                self.feed(ev.DialRefused(effect.call))
            else:
                self.carry_out(effect)

    def commit_failed(self, batch: Batch) -> None:
        self.backlog += [op for op in batch.ops if not isinstance(op, BeginDial)]
        dropped = [e.call for e in batch.effects if isinstance(e, fx.Dial)]
        for effect in batch.effects:
            if not isinstance(effect, fx.Dial):
                self.carry_out(effect)
        for call in dropped or [0]:
            self.feed(ev.WriteFailed(call))
        self.at(1.0, self.retry)

    def retry(self) -> None:
        ops, self.backlog = self.backlog, []
        self.write(ops)
        self.feed(ev.StoreRecovered())

    def write(self, ops):
        for op in ops:
            if isinstance(op, BeginDial):
                self.begun.add(op.attempt_id)
            elif isinstance(op, Finish):
                self.finishes[op.attempt_id] += 1
        return wait(self.store.apply(ops))

    def carry_out(self, effect) -> None:
        match effect:
            case fx.Dial():
                self.people.dial(effect)
                self.feed(ev.Dialed(effect.leg))
            case fx.Release():
                self.people.release(effect.leg)
            case fx.Play():
                self.people.play(effect)
            case fx.StopPlay():
                self.people.stop_play(effect.leg)
            case fx.WantLeads():
                self.at(self.rng.uniform(*self.commit_ms) / 1e3, self.claim, effect)
            case fx.MoveCampaign():
                self.move(effect.campaign_id, effect.after, "dialerd")
            case fx.Notify():
                self.notices.append(effect)

    def claim(self, want) -> None:
        try:
            if self.rng.random() < self.faults.claim:
                raise StoreError("planted")
            batch = wait(
                self.store.claim(
                    want.campaign_id,
                    want.n,
                    self.wall_ms,
                    want.lease_s,
                    agent=want.agent,
                    own=want.own,
                )
            )
        except StoreError:
            self.feed(ev.ClaimFailed(want.campaign_id, want.agent))
            return
        for claim in batch.claims:
            self.campaign_of[claim.attempt_id] = claim.campaign_id
        self.feed(ev.Claimed(batch))

    def move(self, campaign_id: int, after: CampaignState, who: str = "me") -> None:
        campaign = wait(self.store.move_campaign(campaign_id, after, who, self.wall_ms))
        self.open.discard(campaign_id)
        if after is not CampaignState.FINISHED:
            self.open.add(campaign_id)
        self.feed(ev.CampaignChanged(campaign))

    def campaign(self, numbers: list[int], *, start: bool = True, **changes) -> int:
        name = changes.pop("name", f"c{next(self.order)}")
        people = wait(self.store.create_list(name, self.wall_ms))
        for chunk in (numbers[i : i + 5000] for i in range(0, len(numbers), 5000)):
            contacts = [Contact(phone, f"+{phone}") for phone in chunk]
            wait(self.store.add_contacts(people.list_id, contacts))
        made = wait(self.store.create_campaign(settings(name, people.list_id, **changes), "me", 0))
        if start:
            self.move(made.campaign_id, CampaignState.APPROVED)
            self.move(made.campaign_id, CampaignState.RUNNING)
        return made.campaign_id

    # -- time ------------------------------------------------------------------------------------

    def crash(self) -> None:
        """kill -9: everything in memory is gone, every leg falls, the store stays."""
        self.people.cut_all()
        for attempt in self.dialer.floor.calls:
            if attempt in self.begun and not self.finishes[attempt]:
                self.interrupted.add(attempt)
        self.crashes += 1
        self.life += 1
        self.now_ns += RESTART_NS
        self.reset_driver()
        self.boot()

    def step(self, until_ns: int) -> bool:
        """The next thing that happens; False when nothing does before `until_ns`."""
        deadline = self.dialer.deadline_ns()
        event_ns = self.heap[0][0] if self.heap else None
        due = min((t for t in (deadline, event_ns) if t is not None), default=None)
        if due is None or due > until_ns:
            return False
        if event_ns is not None and (deadline is None or event_ns <= deadline):
            when, _, life, work, args = heapq.heappop(self.heap)
            self.now_ns = max(self.now_ns, when)
            if life == self.life:
                work(*args)
        else:
            self.now_ns = max(self.now_ns, deadline)
            self.busy = True
            self.dialer.tick(self.now_ns)
            self.busy = False
            self.pump()
            self.feed_rest()
        return True

    def feed_rest(self) -> None:
        if self.inputs:
            self.feed(self.inputs.pop(0))

    def run(self, seconds: float, *, until=None) -> None:
        end_ns = self.now_ns + round(seconds * NS)
        crash_ns = self.now_ns + self.crash_gap_ns()
        while self.now_ns < end_ns and not (until and until()):
            if self.crash_every_s and self.now_ns >= crash_ns:
                self.crash()
                crash_ns = self.now_ns + self.crash_gap_ns()
            if not self.step(end_ns):
                self.now_ns = end_ns

    def block(self, numbers) -> None:
        """Put numbers on the do-not-call list; the dialer is not told."""
        wait(self.store.dnc_add(DoNotCall(phone, self.wall_ms, "test") for phone in numbers))

    def crash_gap_ns(self) -> int:
        return round(self.rng.expovariate(1 / (self.crash_every_s or 1e9)) * NS)

    def finished(self) -> bool:
        return not self.open
