"""The agents of a simulated day: their telephones, and the ledger of what they saw and said.

Who was with whom and when is as telephones and carriers had it; what was promised to a customer is
written down by who promised it. What agents do of their own accord is `day_habits`.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import DialMode, Outcome
from dialerd.sim.day_clock import VirtualClock
from dialerd.sim.day_habits import Habits
from dialerd.sim.day_ledger import Agent, StaffLedger, Talk
from dialerd.sim.day_lines import Carriers
from dialerd.sim.day_scenario import Scenario

PICK_UP_S: Final = (0.2, 0.8)
RELEASE_S: Final = 0.02
WITH_MACHINE_S: Final = (3.0, 8.0)  # until an agent has heard that it is one


class Staff:
    """Everybody who works, and their telephones."""

    def __init__(
        self, scenario: Scenario, seed: int, clock: VirtualClock, carriers: Carriers
    ) -> None:
        """Nobody is there yet."""
        self.agents: dict[str, Agent] = {}
        self.ledger = StaffLedger()
        self._feed: Callable[[ev.AnyEvent], None] = lambda _: None
        self._scenario = scenario
        self._clock = clock
        self._carriers = carriers
        self._legs: dict[int, str] = {}
        self._up: set[int] = set()
        self._open: dict[str, Talk] = {}
        self._by_leg: dict[int, Talk] = {}
        self._campaigns: Callable[[], Collection[int]] = tuple
        self._rng = random.Random(f"agents:{seed}")  # noqa: S311  a repeatable world
        self.habits = Habits(self, clock, carriers, self.ledger, self._rng)

    @property
    def talks(self) -> list[Talk]:
        """Every conversation, in the order in which they began."""
        return self.ledger.talks

    def hire(
        self,
        ids: dict[str, int],
        feed: Callable[[ev.AnyEvent], None],
        campaigns: Callable[[], Collection[int]],
    ) -> None:
        """Once, before the day begins; `ids` are campaigns by name.

        `campaigns` tells those that are not over.
        """
        self._feed = feed
        self._campaigns = campaigns
        modes = {spec.name: spec.mode for spec in self._scenario.campaign}
        for table in self._scenario.agents:
            joins = tuple(ids[name] for name in table.campaigns)
            manual = {ids[name] for name in table.campaigns if modes[name] is DialMode.MANUAL}
            for number in range(1, table.count + 1):
                name = f"{table.name}-{number}"
                agent = self.agents[name] = Agent(name, table, joins, frozenset(manual))
                self.habits.next_break(agent)

    def feed(self, event: ev.AnyEvent) -> None:
        """Tell the daemon."""
        self._feed(event)

    def log_in(self) -> None:
        """All of them, with a process of the daemon that has just begun."""
        for agent in self.agents.values():
            self.begin_shift(agent)

    def begin_shift(self, agent: Agent) -> None:
        """One logs in and wants work, if there is a campaign left to work in."""
        left = self._campaigns()
        joined = tuple(number for number in agent.campaigns if number in left)
        if joined:
            phone = f"phone-{agent.name}"
            self._feed(ev.AgentLoggedIn(agent.name, phone, joined, agent.table.nailed_up))
            self._feed(ev.AgentReady(agent.name))

    def cut_all(self) -> None:
        """The process that held their telephones is gone."""
        self._legs.clear()
        self._up.clear()
        for name in list(self._open):
            self._over(name)
        for agent in self.agents.values():
            self.ledger.moved(agent, "", self._clock.now_ns)

    # -- what the daemon asks --------------------------------------------------------------------

    def ring(self, effect: fx.RingAgent) -> None:
        """Its telephone rings."""
        if effect.agent in self._open:
            self.ledger.wrong.append(f"{effect.agent} is rung in the middle of a talk")
        self._legs[effect.leg] = effect.agent
        if self._rng.random() >= self.agents[effect.agent].table.deaf:
            self._clock.after(self._rng.uniform(*PICK_UP_S), self._pick_up, effect.leg)

    def release(self, leg: int) -> bool:
        """Hang a telephone up; False when the leg is none of ours."""
        if leg not in self._legs:
            return False
        self._clock.after(RELEASE_S, self._gone, leg)
        return True

    def bridge(self, effect: fx.Bridge) -> None:
        """The agent and a customer hear each other."""
        name, customer = self._legs.get(effect.other), self._carriers.live.get(effect.leg)
        if name is None or customer is None or customer.releasing:
            return
        if effect.other not in self._up or not customer.answered_ns:
            self.ledger.wrong.append(f"{name} is bridged before both have answered")
        customer.heard = customer.bridged = True
        talk = Talk(name, effect.call, effect.leg, customer.phone, self._clock.now_ns)
        self.ledger.talks.append(talk)
        self._open[name] = self._by_leg[effect.leg] = talk
        agent = self.agents[name]
        table = agent.table
        talk_s = table.talk_s * self._rng.lognormvariate(0.0, table.talk_sigma)
        if customer.machine:
            talk_s = self._rng.uniform(*WITH_MACHINE_S)
        self._clock.after(talk_s, self.habits.end_talk, talk, agent, customer.machine)

    def unbridge(self, leg: int) -> None:
        """They do not any more."""
        talk = self._by_leg.get(leg)
        if talk is not None:
            self._over(talk.agent)

    def customer_gone(self, leg: int) -> None:
        """A customer's leg has ended."""
        self.unbridge(leg)

    def told(self, data: dict[str, object]) -> None:
        """What an agent's page shows."""
        agent = self.agents.get(str(data.get("agent")))
        if agent is not None:
            self.habits.told(agent, data)

    def card(self, effect: fx.ShowCard) -> None:
        """A customer is shown to one."""
        agent = self.agents[effect.agent]
        self.ledger.cards.append((self._clock.now_ns, agent.name, effect.claim.attempt_id))
        self.habits.card(agent, effect)

    def answered(self, effect: fx.AgentAnswer) -> None:
        """Whether what an agent asked for was done."""
        self.habits.answered(effect)

    # -- telephones ------------------------------------------------------------------------------

    def fall(self, name: str) -> None:
        """An agent's telephone dies."""
        for leg in [leg for leg, who in self._legs.items() if who == name]:
            if leg in self._up:
                self._end_leg(leg, ev.Released(leg, Outcome.MEDIA_TIMEOUT, by="timeout"))

    def _pick_up(self, leg: int) -> None:
        if leg in self._legs:
            self._up.add(leg)
            self._feed(ev.Answered(leg))

    def _gone(self, leg: int) -> None:
        outcome = Outcome.ANSWERED if leg in self._up else Outcome.NO_ANSWER
        if leg in self._legs:
            self._end_leg(leg, ev.Released(leg, outcome, by="us"))

    def _end_leg(self, leg: int, told: ev.Released) -> None:
        name = self._legs.pop(leg)
        if leg in self._up:
            self._up.discard(leg)
            self._over(name)
        self._feed(told)

    def _over(self, name: str) -> None:
        talk = self._open.pop(name, None)
        if talk is not None:
            talk.ended_ns = self._clock.now_ns
            self._by_leg.pop(talk.customer, None)

    # -- figures ---------------------------------------------------------------------------------

    def waits_s(self) -> dict[int, float]:
        """Of each connected attempt: from the customer's answer to the agent."""
        first: dict[int, int] = {}
        for talk in self.talks:
            first.setdefault(talk.customer, talk.begun_ns)
        return {
            leg.attempt: (first[leg.leg] - leg.answered_ns) / 1e9
            for leg in self._carriers.ledger
            if leg.leg in first
        }

    def talked_s(self) -> dict[str, float]:
        """By agent."""
        found: defaultdict[str, float] = defaultdict(float)
        for talk in self.talks:
            found[talk.agent] += ((talk.ended_ns or self._clock.now_ns) - talk.begun_ns) / 1e9
        return dict(found)
