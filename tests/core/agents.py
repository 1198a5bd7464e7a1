"""Agents as people in a world: they log in, are rung, talk, say what came of it, and go away.

`Floor` keeps the books that the judge holds against the dialer's: who was bridged with whom and
when, as the telephones and the carriers saw it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.agent_records import AgentState
from dialerd.core.records import Outcome
from tests.core.world import NS, World


@dataclass
class Habits:
    """Chances and times of what agents do."""

    talk_s: float = 60.0
    wrap_s: float = 8.0
    hang_up: float = 0.3  # the agent ends the call, not the customer
    phone: float = 0.3  # by the telephone, where the agent ends it
    vanish: float = 0.0  # the telephone dies in the middle of a call
    reload: float = 0.0  # the page goes away and comes back within the grace
    gone: float = 0.0  # the page goes away for good
    deaf: float = 0.0  # the telephone is not answered
    breaks: float = 0.05  # a pause after a call
    silent: float = 0.1  # never says what came of it
    callback: float = 0.05
    never: float = 0.03
    answer_s: tuple[float, float] = (0.2, 0.8)
    logout: float = 0.0


@dataclass
class Leg:
    """What one agent's telephone saw."""

    leg: int
    agent: str
    up: bool = False
    over: bool = False


@dataclass
class Talked:
    """One bridge, from the moment it was asked for to the end of either leg."""

    agent: str
    call: int
    customer: int  # the leg
    begun_ns: int
    ended_ns: int = 0


@dataclass
class Staff:
    """Everybody who works."""

    world: World
    habits: Habits
    rng: random.Random
    legs: dict[int, Leg] = field(default_factory=dict)
    talks: list[Talked] = field(default_factory=list)
    cards: list[tuple[int, str, int]] = field(default_factory=list)  # when, agent, attempt
    refused: list[str] = field(default_factory=list)
    joined: dict[str, tuple[int, ...]] = field(default_factory=dict)
    shift: dict[str, bool] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    rung: int = 0

    def login(self, name: str, campaigns: tuple[int, ...], *, nailed_up: bool = True) -> None:
        self.joined[name], self.shift[name] = campaigns, nailed_up
        self.say(ev.AgentLoggedIn(name, f"phone-{name}", campaigns, nailed_up))
        self.say(ev.AgentReady(name))

    def login_again(self, name: str) -> None:
        self.login(name, self.joined[name], nailed_up=self.shift[name])

    def say(self, event) -> None:
        self.world.feed(event)

    # -- what the dialer asks ----------------------------------------------------------------------

    def ring(self, effect: fx.RingAgent) -> None:
        self.rung += 1
        leg = self.legs[effect.leg] = Leg(effect.leg, effect.agent)
        if self.rng.random() < self.habits.deaf:
            return
        self.world.at(self.rng.uniform(*self.habits.answer_s), self.pick_up, leg)

    def pick_up(self, leg: Leg) -> None:
        if not leg.over:
            leg.up = True
            self.say(ev.Answered(leg.leg))

    def release(self, number: int) -> bool:
        leg = self.legs.get(number)
        if leg is None:
            return False
        if not leg.over:
            self.world.at(
                0.02, self.gone, leg, Outcome.ANSWERED if leg.up else Outcome.NO_ANSWER, "us"
            )
        return True

    def gone(self, leg: Leg, outcome: Outcome, by: str = "them") -> None:
        if leg.over:
            return
        leg.over = True
        del self.legs[leg.leg]
        self.unbridged(lambda talk: talk.agent == leg.agent)
        self.say(ev.Released(leg.leg, outcome, by=by))

    def unbridged(self, which) -> None:
        for talk in self.talks[-200:]:
            if not talk.ended_ns and which(talk):
                talk.ended_ns = self.world.now_ns

    def bridge(self, effect: fx.Bridge) -> None:
        leg = self.legs.get(effect.other)
        customer = self.world.people.legs.get(effect.leg)
        if leg is None or leg.over or customer is None or customer.released:
            return  # it fell in the same moment; its Released is on the way
        assert leg.up, "bridged with a telephone that nobody answered"
        assert customer.answered, "bridged with a customer who did not answer"
        customer.heard = True
        talk = Talked(leg.agent, effect.call, effect.leg, self.world.now_ns)
        self.talks.append(talk)
        self.world.at(self.rng.expovariate(1 / self.habits.talk_s), self.end, talk, leg, customer)

    def end(self, talk: Talked, leg: Leg, customer) -> None:
        if talk.ended_ns or leg.over:
            return
        rng, habits, name = self.rng, self.habits, leg.agent
        fate = rng.random()
        if fate < habits.vanish:
            self.gone(leg, Outcome.MEDIA_TIMEOUT, "timeout")
            self.world.at(5, self.back_to_work, name)
        elif fate < habits.vanish + habits.reload:
            self.say(ev.AgentLost(name))
            if rng.random() < 0.5:
                self.gone(leg, Outcome.MEDIA_TIMEOUT, "timeout")
            self.world.at(rng.uniform(1, 10), self.say, ev.AgentBack(name))
            self.world.at(rng.uniform(20, 60), self.end_again, talk, customer)
        elif fate < habits.vanish + habits.reload + habits.gone:
            self.say(ev.AgentLost(name))
            self.gone(leg, Outcome.MEDIA_TIMEOUT, "timeout")
            self.world.at(90, self.back_to_work, name)
        elif rng.random() < habits.hang_up:
            if rng.random() < habits.phone:
                self.gone(leg, Outcome.ANSWERED)
                if self.shift[name]:
                    self.world.at(2, self.say, ev.AgentReady(name))
            else:
                self.say(ev.AgentHangUp(name))
        else:
            self.world.people.gone(customer, Outcome.ANSWERED, 200)

    def end_again(self, talk: Talked, customer) -> None:
        if not customer.released:
            self.world.people.gone(customer, Outcome.ANSWERED, 200)

    def back_to_work(self, name: str) -> None:
        if self.state.get(name) == "offline":
            self.login_again(name)
        else:
            self.say(ev.AgentReady(name))

    # -- what they are told ------------------------------------------------------------------------

    def told(self, notice: fx.Notify) -> None:
        data = notice.data
        if "refused" in data:
            self.refused.append(data["refused"])
            return
        name = data["agent"]
        self.state[name] = data["state"]
        if data["state"] == "wrap_up":
            if self.rng.random() >= self.habits.silent:
                after_s = self.rng.expovariate(1 / self.habits.wrap_s)
                self.world.at(after_s, self.dispose, name)
        elif data["state"] == "paused" and data["reason"] not in ("phone", "rest", ""):
            self.world.at(self.rng.uniform(5, 60), self.say, ev.AgentReady(name))

    def dispose(self, name: str) -> None:
        rng, habits = self.rng, self.habits
        if rng.random() < habits.breaks:
            self.say(ev.AgentPaused(name, "coffee"))
        fate = rng.random()
        now_s = self.world.wall_ms // 1000
        if fate < habits.callback:
            due_s = now_s + rng.randrange(60, 1800)
            mine = rng.random() < 0.7
            self.say(ev.AgentDisposed(name, callback_s=due_s, to_me=mine, note="later"))
        elif fate < habits.callback + habits.never:
            self.say(ev.AgentDisposed(name, do_not_call=True))
        else:
            self.say(ev.AgentDisposed(name, rng.choice(("sold", "no need")), note="hi"))

    def card(self, effect: fx.ShowCard) -> None:
        self.cards.append((self.world.now_ns, effect.agent, effect.claim.attempt_id))

    def cut_all(self) -> None:
        """The process that held their legs is gone."""
        for leg in self.legs.values():
            leg.over = True
        self.legs.clear()
        self.unbridged(lambda _: True)


class StaffedWorld(World):
    """A world with people on the other side as well."""

    habits: Habits = Habits()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.idle = []  # operations that wait for a commit to go with
        self.keys_sent = []
        self.staff = Staff(self, self.habits, random.Random(self.seed + 1))

    def carry_out(self, effect) -> None:
        staff = self.staff
        match effect:
            case fx.SendKeys():
                self.keys_sent.append(effect)
            case fx.RingAgent():
                staff.ring(effect)
            case fx.Bridge():
                staff.bridge(effect)
            case fx.Unbridge():
                staff.unbridged(lambda talk: talk.call == effect.call)
            case fx.ShowCard():
                staff.card(effect)
            case fx.WriteLater():
                self.idle += effect.ops
                self.at(0.02, self.keep_idle)
            case fx.Release():
                if not staff.release(effect.leg):
                    super().carry_out(effect)
            case fx.Notify(topic="agent"):
                staff.told(effect)
            case _:
                super().carry_out(effect)

    def feed(self, event) -> None:
        if isinstance(event, ev.Released):
            self.staff.unbridged(lambda talk: talk.customer == event.leg)
        super().feed(event)

    def keep_idle(self) -> None:
        if self.idle:
            self.write([])

    def write(self, ops):
        """What nobody waits for goes first, as with the real driver."""
        idle, self.idle = self.idle, []
        return super().write([*idle, *ops])

    def crash(self) -> None:
        self.staff.cut_all()
        self.idle.clear()
        super().crash()
        known = self.dialer.desk.team.agents
        for name in self.staff.joined:
            if name not in known or known[name].state is AgentState.OFFLINE:
                self.staff.login_again(name)

    def day(self, seconds: float) -> None:
        """Run, then let everything end."""
        self.run(seconds)


def judge_staff(world: StaffedWorld, *, grace_s: float = 2.0) -> None:
    """No agent in two calls; every answered call has one agent, or is abandoned in time."""
    where = f"seed {world.seed}"
    by_agent: dict[str, list[Talked]] = {}
    for talk in world.staff.talks:
        by_agent.setdefault(talk.agent, []).append(talk)
    for name, talks in by_agent.items():
        for before, after in pairwise(talks):
            assert before.ended_ns, f"{where}: {name} talks on and on"
            assert before.ended_ns <= after.begun_ns, f"{where}: {name} is in two calls"
    first = {}
    for talk in world.staff.talks:
        first.setdefault(talk.call, talk.begun_ns)
    for leg in world.dials:
        if leg.answered and leg.attempt not in world.interrupted and not leg.mute:
            _served(leg, first.get(leg.attempt), grace_s, where)
    for campaign in world.store.campaigns():
        for rows in world.store.report(campaign.campaign_id):
            for row in rows:
                for attempt, _ in row.attempts:
                    if attempt.human_ms and attempt.attempt_id not in world.interrupted:
                        _told(attempt, attempt.attempt_id in first, where)
    assert world.store.problems() == []


def _served(leg, begun_ns, grace_s, where) -> None:
    """With an agent within the grace, or gone soon after it."""
    if begun_ns is None:
        waited = leg.ended_ns - leg.answered_ns
        assert waited <= (grace_s + 0.5) * NS, f"{where}: {leg.attempt} waited {waited}"
    else:
        assert begun_ns - leg.answered_ns <= (grace_s + 0.01) * NS, f"{where}: {leg.attempt}"


def _told(attempt, talked, where) -> None:
    assert talked == bool(attempt.connected_ms), f"{where}: {attempt}"
    if attempt.outcome is Outcome.ABANDONED:
        assert not talked, f"{where}: {attempt}"
    elif attempt.outcome is Outcome.ANSWERED:
        assert talked, f"{where}: {attempt}"
