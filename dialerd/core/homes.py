"""Which campaign's pacer counts on which agent.

Two pacers that count on the same agent would dial for him twice. So an agent who has joined several
predictive campaigns has one of them as home, shared out by the campaigns' weights among those that
may dial; the pacers of the others know of him only while he has a call of theirs. An answered
customer goes to any ready agent who joined, at home or not.
"""

from __future__ import annotations

from dialerd.core.agent import OFFLINE, READY, RESERVED, TALKING, WRAP_UP, Agent
from dialerd.core.floor import Floor
from dialerd.core.modes import Pacer, Predictive
from dialerd.core.pacing import NS
from dialerd.core.running import Run
from dialerd.core.team import Team


class Homes:
    """Tells the pacers what agents do."""

    __slots__ = ("_floor", "_guests", "_team")

    def __init__(self, floor: Floor, team: Team) -> None:
        """Nobody is at home anywhere."""
        self._floor = floor
        self._team = team
        self._guests: dict[str, Run] = {}  # agents with a call of another campaign than their home

    def pacer(self, campaign_id: int) -> Pacer | None:
        """The pacer of a campaign, if it has one."""
        run = self._floor.runs.get(campaign_id)
        return None if run is None or run.gate is None else run.gate.pacer

    def assign(self, now_ns: int) -> None:
        """Share the agents out among the predictive campaigns that may dial."""
        runs = [
            run
            for run in self._floor.runs.values()
            if isinstance(run.gate, Predictive) and self._floor.may_dial(run, now_ns)
        ]
        by_id = {run.campaign.campaign_id: run for run in runs}
        counts = dict.fromkeys(by_id, 0)
        for agent in self._team.agents.values():
            joined = [id_ for id_ in agent.campaigns if id_ in by_id]
            at_work = agent.state is not OFFLINE and joined
            home = None
            if at_work:
                best = min(joined, key=lambda id_: counts[id_] / max(1, by_id[id_].settings.weight))
                counts[best] += 1
                home = by_id[best]
            if home is not agent.home:
                self._leave(agent, now_ns)
                agent.home = home
                self.tell(agent, now_ns)
        for run in self._floor.runs.values():
            if isinstance(run.gate, Predictive):
                run.gate.at_work = counts.get(run.campaign.campaign_id, 0)

    def _leave(self, agent: Agent, now_ns: int) -> None:
        if agent.home is not None and agent.home.gate is not None:
            pacer = agent.home.gate.pacer
            if pacer is not None:
                pacer.agent_left(agent.number, now_ns / NS)

    def tell(self, agent: Agent, now_ns: int) -> None:
        """Where an agent stands now, to its home and to the campaign of its call."""
        host = self._guests.get(agent.name)
        working = agent.state in (RESERVED, TALKING, WRAP_UP)
        abroad = agent.run if working and agent.run is not agent.home else None
        if host is not None and host is not abroad:
            del self._guests[agent.name]
            self._say(host, agent, now_ns, here=False)
        if abroad is not None:
            self._guests[agent.name] = abroad
            self._say(abroad, agent, now_ns, here=True)
        if agent.home is not None:
            self._say(agent.home, agent, now_ns, here=abroad is None)

    def _say(self, run: Run, agent: Agent, now_ns: int, *, here: bool) -> None:
        pacer = None if run.gate is None else run.gate.pacer
        if pacer is None:
            return
        now = now_ns / NS
        state = agent.state if here else OFFLINE
        if state is READY:
            pacer.agent_ready(agent.number, now)
        elif state is RESERVED and agent.call is not None:
            pacer.agent_reserved(agent.number, agent.call.claim.attempt_id, now)
        elif state is TALKING:
            pacer.agent_talking(agent.number, now)
        elif state is WRAP_UP:
            pacer.agent_wrap_up(agent.number, now)
        else:
            pacer.agent_left(agent.number, now)
