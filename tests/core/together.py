"""A world in which flows put people through: to agents of queues, and to numbers."""

from __future__ import annotations

from itertools import pairwise

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.agent_records import AgentSettings
from dialerd.core.flow_records import TargetKind, Transfer
from dialerd.core.limits import LEASE_S
from dialerd.core.ports import StoreError
from dialerd.core.records import Direction, Flow, FlowStep, FrequencyCap, Outcome
from dialerd.store.ticket import wait
from tests.core.agents import StaffedWorld
from tests.core.callers import OURS, Callers
from tests.core.world import phones

OTHER = 84912999888  # a number that people are put through to
TRUNKS = (ev.TrunkSpec("any", 40, 20, loopback=True),)


def put_through(*transfers: Transfer, keys: str = "123456789") -> Flow:
    """Keys 1, 2, … lead to the transfers; what fails leads to "sorry", what ends to "thanks"."""
    named = [f"to-{key}" for key in keys[: len(transfers)]]
    return Flow((
        FlowStep("hello", "greeting", dict(zip(keys, named, strict=False)), wait_ms=5_000),
        *(
            FlowStep(name, "", does=deed, then="thanks", otherwise="sorry")
            for name, deed in zip(named, transfers, strict=True)
        ),
        FlowStep("thanks", "thanks"),
        FlowStep("sorry", "sorry"),
    ))  # fmt: skip


CARE = Transfer(TargetKind.QUEUE, "care", "music", 20)
LAN = Transfer(TargetKind.AGENT, "lan", "music", 20)
NUMBER = Transfer(TargetKind.NUMBER, "0912 999 888", "music", 30)


class Together(Callers, StaffedWorld):
    """See the module's text. `fate` of the numbers that people are put through to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.over_dials = []
        self.joined = []  # (person's leg, other's leg, when)
        self.fate = "answers"
        self.music = []

    def take_over(self, want) -> None:
        try:
            if self.rng.random() < self.faults.claim:
                raise StoreError("planted")
            found = wait(self.store.claim_over(want.call, want.phone, self.wall_ms, LEASE_S))
        except StoreError:
            self.feed(ev.ReturnFound(want.leg, None, want.phone))
            return
        if found.claim is not None:
            self.campaign_of[found.claim.attempt_id] = found.claim.campaign_id
        self.feed(ev.ReturnFound(want.leg, found, want.phone))

    def carry_out(self, effect) -> None:
        legs = self.people.legs
        match effect:
            case fx.WantOver():
                self.at(self.rng.uniform(*self.commit_ms) / 1e3, self.take_over, effect)
            case fx.Dial() if effect.number.value == OTHER:
                self.dial_other(effect)
            case fx.Hold():
                self.music.append(effect)
            case fx.Bridge() if effect.other not in self.staff.legs:
                a, b = legs.get(effect.leg), legs.get(effect.other)
                if a is not None and b is not None:
                    assert a.answered
                    assert b.answered
                    a.heard = True
                    self.joined.append((effect.leg, effect.other, self.now_ns))
                    who = a if self.rng.random() < 0.5 else b
                    self.at(self.rng.uniform(1, 40), self.people.gone, who, Outcome.ANSWERED, 200)
            case _:
                super().carry_out(effect)

    def dial_other(self, effect) -> None:
        people = self.people
        before = len(people.dials)
        fate, people.rng = people.rng, _Always()
        people.dial(effect)
        people.rng = fate
        self.over_dials += people.dials[before:]
        del people.dials[before:]
        leg = people.legs[effect.leg]
        if self.fate == "answers":
            self.at(self.rng.uniform(0.5, 8), self.pick_up, leg)
        elif self.fate == "busy":
            self.at(0.5, people.gone, leg, Outcome.BUSY, 486)
        self.feed(ev.Dialed(effect.leg))

    def pick_up(self, leg) -> None:
        if leg.released:
            return
        leg.alerted = leg.answered = True
        leg.answered_ns = self.now_ns
        self.feed(ev.Answered(leg.leg))


class _Always:
    """Chance that lets a dialed number do nothing by itself."""

    def random(self) -> float:
        return 0.99

    def uniform(self, _low: float, _high: float) -> float:
        return 0.2


def world(flow: Flow, *, people=1, seed=1, agents=(), **changes) -> Together:
    """Its people all answer and hear the flow; `agents` are names, all of the queue care."""
    made = Together(seed, TRUNKS, **changes.pop("world", {}))
    made.gives_up = 0.0
    made.numbers = phones(people, seed)
    made.boot()
    wanted = {
        "flow": flow, "cap": FrequencyCap(9, 0), "attempts_max": 1, "caller_id": f"+{OURS}",
        "agents": AgentSettings(wrap_up_s=10),
    }  # fmt: skip
    made.campaign(made.numbers, **(wanted | changes))
    for name in agents:
        made.say = made.feed
        made.feed(ev.AgentLoggedIn(name, f"phone-{name}", (), True, queues=("care",)))
        made.staff.joined[name], made.staff.shift[name] = (), True
        made.feed(ev.AgentReady(name))
    return made


def attempts(made: Together, direction: Direction, lead: int = 1):
    """Those of a person, with what happened in them."""
    found = made.store.lead(1, lead).attempts
    return [(one, events) for one, events in found if one.direction is direction]


def judge_together(made: Together) -> None:
    """Whatever was begun has ended; nobody is joined with two."""
    where = f"seed {made.seed}"
    assert made.store.problems() == [], where
    for leg in (*made.dials, *made.over_dials):
        assert leg.ended_ns or leg.mute, f"{where}: {leg} stayed up"
    talks: dict[str, list] = {}
    for talk in made.staff.talks:
        talks.setdefault(talk.agent, []).append(talk)
    for mine in talks.values():
        for before, after in pairwise(mine):
            assert before.ended_ns <= after.begun_ns, f"{where}: {after} is in two calls"
    assert made.store.attempts_open() == 0, where
    assert made.dialer.idle or made.dialer.floor.calls == {}, where
    assert not any(trunk.in_use for trunk in made.dialer.floor.trunks.by_name.values()), where
