"""A small office in virtual time: agents who do what a test says, customers who answer as told."""

from __future__ import annotations

from dataclasses import dataclass, field

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.agent_records import AgentSettings
from dialerd.core.records import Contact, Flow, FrequencyCap, Outcome
from dialerd.store.ticket import wait
from tests.core.agents import Habits, StaffedWorld
from tests.core.people import Dialed, Faults
from tests.core.world import NS

ONE = (ev.TrunkSpec("any", 200, 50, loopback=True),)
FIRST = 84_901_000_000


@dataclass
class Office:
    """Talk lasts until somebody says otherwise; every customer answers after a second."""

    answer_s: float = 1.0
    world: StaffedWorld = field(init=False)
    cards: dict[str, fx.ShowCard] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)
    asked: int = 0
    shown_s: float = 0.0  # when the last card came

    def __post_init__(self) -> None:
        self.world = StaffedWorld(1, ONE, Faults(0, 0))
        self.world.staff.habits = Habits(talk_s=1e9, silent=1.0, answer_s=(0.2, 0.2))
        self.world.people.dial = self._dial
        self.world.staff.card = self._card
        self.world.staff.told = lambda notice: None
        carry_out = self.world.carry_out
        self.world.carry_out = lambda effect: self._told(effect) or carry_out(effect)
        self.world.boot()

    def _told(self, effect) -> None:
        if isinstance(effect, fx.AgentAnswer):
            self.answers[effect.ask] = effect.refusal

    def _card(self, effect: fx.ShowCard) -> None:
        self.cards[effect.agent] = effect
        self.shown_s = self.now_s

    def _dial(self, effect: fx.Dial) -> None:
        world = self.world
        wall_ns = world.now_ns + world.offset_ns
        leg = Dialed(
            world.now_ns, wall_ns, effect.trunk, effect.number.value, effect.call, effect.leg,
            world.campaign_of[effect.call],
        )  # fmt: skip
        world.people.dials.append(leg)
        world.people.legs[effect.leg] = leg
        world.at(self.answer_s, self._pick_up, leg)

    def _pick_up(self, leg: Dialed) -> None:
        if not leg.released:
            leg.alerted = leg.answered = True
            leg.answered_ns = self.world.now_ns
            self.world.feed(ev.Answered(leg.leg))

    # -- what a test does ------------------------------------------------------------------------

    def campaign(
        self, mode, people: int = 10, *, first: int = FIRST, settings=None, **agents
    ) -> int:
        numbers = [first + i for i in range(people)]
        return self.world.campaign(
            numbers, mode=mode, flow=Flow(()), agents=AgentSettings(**agents),
            cap=FrequencyCap(100, 60), **({"attempts_max": 3} | (settings or {})),
        )  # fmt: skip

    def login(self, name: str, *campaigns: int, nailed_up: bool = True) -> None:
        self.do(ev.AgentLoggedIn, name, f"phone-{name}", campaigns, nailed_up)
        self.do(ev.AgentReady, name)
        self.run(1)

    def do(self, what, name: str, *args, **more) -> str:
        """Have an agent do something; the refusal, if any."""
        self.asked += 1
        self.world.feed(what(name, *args, ask=self.asked, **more))
        self.until(lambda: self.asked in self.answers, 1)  # behind the commit, if there is one
        return self.answers[self.asked]

    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    def until(self, holds, seconds: float = 60) -> None:
        self.world.run(seconds, until=holds)
        assert holds()

    def state(self, name: str) -> str:
        return str(self.world.dialer.desk.team.agents[name].state)

    def card(self, name: str) -> fx.ShowCard | None:
        return self.cards.get(name)

    def hang_up(self, name: str) -> None:
        """The customer of an agent does."""
        call = self.world.dialer.desk.team.agents[name].call
        leg = self.world.people.legs[call.leg]
        self.world.people.gone(leg, Outcome.ANSWERED, 200)

    def lead(self, campaign: int, phone: int):
        return next(
            row
            for rows in self.world.store.report(campaign)
            for row in rows
            if row.contact.phone == phone
        )

    @property
    def dials(self):
        return self.world.dials

    @property
    def talks(self):
        return self.world.staff.talks

    @property
    def store(self):
        return self.world.store

    @property
    def now_s(self) -> float:
        return self.world.now_ns / NS

    @property
    def wall_s(self) -> int:
        return self.world.wall_ms // 1000

    def add(self, campaign: int, phone: int) -> None:
        """The same person on another list."""
        wait(self.world.store.add_contacts(campaign, [Contact(phone, f"+{phone}")]))
