"""Who is at work, who is ready, longest idle first, and which customers wait for one of them."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from dialerd.core.agent import OFFLINE, Agent, Refusal
from dialerd.core.agent_call import AgentCall
from dialerd.core.limits import AGENT_NAME_CHARS_MAX, AGENTS_MAX


class Team:
    """All agents of the dialer."""

    __slots__ = ("_numbers", "_ready", "_waiting", "agents", "legs")

    def __init__(self) -> None:
        """Nobody has come yet."""
        self.agents: dict[str, Agent] = {}
        self._numbers: list[Agent] = []
        self.legs: dict[int, Agent] = {}
        # of each place: (since when idle, number of the agent), longest idle first
        self._ready: dict[int | str, list[tuple[int, int]]] = {}
        self._waiting: dict[int | str, deque[AgentCall]] = {}

    def of(self, name: str) -> Agent:
        """The agent of a name; Refusal when there is none."""
        agent = self.agents.get(name)
        if agent is None:
            raise Refusal("not logged in at a telephone")
        return agent

    def add(self, name: str) -> Agent:
        """The agent of a name, known from now on."""
        agent = self.agents.get(name)
        if agent is not None:
            return agent
        if not 0 < len(name) <= AGENT_NAME_CHARS_MAX or not name.isprintable():
            raise Refusal(f"an agent's name is 1 to {AGENT_NAME_CHARS_MAX} printable characters")
        if len(self._numbers) >= AGENTS_MAX:
            raise Refusal(f"more than {AGENTS_MAX} agents")
        agent = self.agents[name] = Agent(name, len(self._numbers) + 1)
        self._numbers.append(agent)
        return agent

    def numbered(self, number: int) -> Agent:
        """The agent that a number stands for."""
        return self._numbers[number - 1]

    # -- ready agents ----------------------------------------------------------------------------

    def ready(self, agent: Agent) -> None:
        """May be given a customer from now on."""
        for place in agent.places:
            line = self._ready.setdefault(place, [])
            entry = (agent.idle_ns, agent.number)
            at = bisect_left(line, entry)
            if at == len(line) or line[at] != entry:
                insort(line, entry)

    def unready(self, agent: Agent) -> None:
        """Not any more."""
        entry = (agent.idle_ns, agent.number)
        for place in agent.places:
            line = self._ready.get(place, [])
            at = bisect_left(line, entry)
            if at < len(line) and line[at] == entry:
                del line[at]

    def staffed(self, place: int | str) -> bool:
        """Whether somebody of a place is at work, ready or not."""
        agents = self.agents.values()
        return any(place in agent.places for agent in agents if agent.state is not OFFLINE)

    def first(
        self, place: int | str, *, up: bool = False, but: Agent | None = None
    ) -> Agent | None:
        """The ready agent of a place who has been idle longest; `up`: with a leg that is."""
        for _, number in self._ready.get(place, ()):
            agent = self._numbers[number - 1]
            if agent is not but and (agent.leg_up or not up):
                return agent
        return None

    def idle(self, campaign_id: int) -> list[Agent]:
        """All ready agents of a campaign, longest idle first."""
        return [self._numbers[number - 1] for _, number in self._ready.get(campaign_id, ())]

    def count(self, campaign_id: int) -> int:
        """How many there are."""
        return len(self._ready.get(campaign_id, ()))

    # -- waiting customers -----------------------------------------------------------------------

    def wait(self, call: AgentCall) -> None:
        """A customer waits for the next ready agent."""
        self._waiting.setdefault(call.place, deque()).append(call)

    def forget(self, call: AgentCall) -> None:
        """It waits no longer."""
        line = self._waiting.get(call.place)
        if line and call in line:
            line.remove(call)
            if not line:
                del self._waiting[call.place]

    def longest_waiting(self, agent: Agent) -> AgentCall | None:
        """Of the places of an agent the customer who has waited longest, taken out.

        None of those whom this agent has put through.
        """
        lines = [line for place in agent.places if (line := self._waiting.get(place))]
        firsts = [
            next((call for call in line if call.passed_by is not agent), None) for line in lines
        ]
        waiting = [call for call in firsts if call is not None]
        found = min(waiting, key=lambda call: call.human_ns, default=None)
        if found is not None:
            self.forget(found)
        return found

    def waiting(self, campaign_id: int) -> int:
        """How many wait."""
        return len(self._waiting.get(campaign_id, ()))
