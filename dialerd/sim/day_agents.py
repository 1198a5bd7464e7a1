"""The agents of a simulated day: they log in, are rung, talk, write up, take breaks.

The ledger of talks is theirs: who was with whom and when, as telephones and carriers saw it.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import Outcome
from dialerd.sim.day_clock import VirtualClock
from dialerd.sim.day_lines import Carriers
from dialerd.sim.day_scenario import AgentTable, Scenario

PICK_UP_S: Final = (0.2, 0.8)
RELEASE_S: Final = 0.02
HANGS_UP: Final = 0.3  # share of talks that the agent ends
BREAK: Final = "break"


class Talk(msgspec.Struct):
    """One agent with one customer, in monotonic ns; 0: not over."""

    agent: str
    call: int
    customer: int  # the leg
    begun_ns: int
    ended_ns: int = 0


class Agent:
    """One of them, with what the day was made of."""

    __slots__ = ("break_ns", "break_s", "campaigns", "name", "state", "table", "wrap_s")

    def __init__(self, name: str, table: AgentTable, campaigns: tuple[int, ...]) -> None:
        """At home."""
        self.name = name
        self.table = table
        self.campaigns = campaigns
        self.state = ""
        self.wrap_s = 0.0
        self.break_s = 0.0
        self.break_ns = 1 << 62  # when the next one is wanted


class Staff:
    """Everybody who works, and their telephones."""

    def __init__(
        self, scenario: Scenario, seed: int, clock: VirtualClock, carriers: Carriers
    ) -> None:
        """Nobody is there yet."""
        self.agents: dict[str, Agent] = {}
        self.talks: list[Talk] = []
        self._feed: Callable[[ev.AnyEvent], None] = lambda _: None
        self._scenario = scenario
        self._clock = clock
        self._carriers = carriers
        self._legs: dict[int, str] = {}
        self._up: set[int] = set()
        self._open: dict[str, Talk] = {}
        self._by_leg: dict[int, Talk] = {}
        self._rng = random.Random(f"agents:{seed}")  # noqa: S311  a repeatable world

    def hire(self, ids: dict[str, int], feed: Callable[[ev.AnyEvent], None]) -> None:
        """Once, before the day begins; `ids` are campaigns by name."""
        self._feed = feed
        for table in self._scenario.agents:
            campaigns = tuple(ids[name] for name in table.campaigns)
            for number in range(1, table.count + 1):
                name = f"{table.name}-{number}"
                agent = self.agents[name] = Agent(name, table, campaigns)
                self._next_break(agent)

    def log_in(self) -> None:
        """All of them, with a process of the daemon that has just begun."""
        for agent in self.agents.values():
            phone = f"phone-{agent.name}"
            nailed_up = agent.table.nailed_up
            self._feed(ev.AgentLoggedIn(agent.name, phone, agent.campaigns, nailed_up))
            self._feed(ev.AgentReady(agent.name))

    def cut_all(self) -> None:
        """The process that held their telephones is gone."""
        self._legs.clear()
        self._up.clear()
        for name in list(self._open):
            self._over(name)

    def _next_break(self, agent: Agent) -> None:
        if agent.table.breaks_every_s:
            gap_s = self._rng.expovariate(1 / agent.table.breaks_every_s)
            agent.break_ns = self._clock.now_ns + round(gap_s * 1e9)

    # -- what the daemon asks --------------------------------------------------------------------

    def ring(self, effect: fx.RingAgent) -> None:
        """Its telephone rings."""
        self._legs[effect.leg] = effect.agent
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
        customer.heard = customer.bridged = True
        talk = Talk(name, effect.call, effect.leg, self._clock.now_ns)
        self.talks.append(talk)
        self._open[name] = self._by_leg[effect.leg] = talk
        table = self.agents[name].table
        talk_s = _lognormal(self._rng, table.talk_s, table.talk_sigma)
        self._clock.after(talk_s, self._end, talk, self._rng.random() < HANGS_UP)

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
        if agent is None or "refused" in data:
            return
        agent.state = str(data["state"])
        after = self._clock.after
        if agent.state == "wrap_up":
            table = agent.table
            wrap_s = _lognormal(self._rng, table.wrap_s, table.wrap_sigma)
            agent.wrap_s += wrap_s
            after(wrap_s, self._dispose, agent)
        elif agent.state == "paused" and data.get("reason") == BREAK:
            agent.break_s += agent.table.break_s
            self._next_break(agent)
            after(agent.table.break_s, self._feed, ev.AgentReady(agent.name))

    # -- what they do ----------------------------------------------------------------------------

    def _pick_up(self, leg: int) -> None:
        if leg in self._legs:
            self._up.add(leg)
            self._feed(ev.Answered(leg))

    def _gone(self, leg: int) -> None:
        name = self._legs.pop(leg, None)
        if name is None:
            return
        outcome = Outcome.ANSWERED if leg in self._up else Outcome.NO_ANSWER
        self._up.discard(leg)
        self._over(name)
        self._feed(ev.Released(leg, outcome, by="us"))

    def _end(self, talk: Talk, by_agent: bool) -> None:  # noqa: FBT001
        if talk.ended_ns:
            return
        if by_agent:
            self._feed(ev.AgentHangUp(talk.agent))
        else:
            self._carriers.hang_up(talk.customer)

    def _dispose(self, agent: Agent) -> None:
        if agent.state != "wrap_up":
            return
        if self._clock.now_ns >= agent.break_ns:
            self._feed(ev.AgentPaused(agent.name, BREAK))
        self._feed(ev.AgentDisposed(agent.name, "done"))

    def _over(self, name: str) -> None:
        talk = self._open.pop(name, None)
        if talk is not None:
            talk.ended_ns = self._clock.now_ns
            self._by_leg.pop(talk.customer, None)

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


def _lognormal(rng: random.Random, median_s: float, sigma: float) -> float:
    return median_s * math.exp(rng.gauss(0.0, sigma))
