"""How agents and their campaigns fare, for the live table."""

from __future__ import annotations

import msgspec

from dialerd.core.agent import Agent
from dialerd.core.agent_records import AgentState
from dialerd.core.desk import Desk
from dialerd.core.floor import Floor
from dialerd.core.pacing import NS
from dialerd.core.statistics import why_not

_WORK = (AgentState.TALKING, AgentState.WRAP_UP)
_THERE = (AgentState.READY, AgentState.RESERVED, *_WORK)


class AgentFigures(msgspec.Struct, frozen=True):
    """One agent since the daemon started.

    `utilisation` is what it talked and wrapped up, of its time at work without pauses.
    """

    name: str
    state: str
    reason: str
    since_ms: int
    phone: str
    nailed_up: bool
    phone_up: bool
    campaigns: tuple[int, ...]
    campaign_id: int  # of its card or call; 0: none
    call: int
    calls: int
    seconds: dict[str, int]  # by state
    utilisation: float


class TeamFigures(msgspec.Struct, frozen=True):
    """One campaign with agents.

    `abandonment` is a share of the people who answered, over the campaign's window,
    `abandonment_legal` over the regime's; `why` says why it does not dial now.
    """

    campaign_id: int
    joined: int
    ready: int
    talking: int
    wrapping: int
    paused: int
    customers_waiting: int
    people: int
    conversations: int
    abandoned: int
    abandonment: float
    waited_s: float  # of a person for an agent, on average
    utilisation: float
    calls_per_agent: float  # under way, for each agent who is there
    why: str
    abandonment_legal: float = 0.0


def agent_figures(desk: Desk, now_ns: int) -> tuple[AgentFigures, ...]:
    """Every agent who was here, by name."""
    agents = desk.team.agents
    return tuple(_agent(desk.floor, agents[name], now_ns) for name in sorted(agents))


def _spent(agent: Agent, now_ns: int) -> dict[AgentState, int]:
    spent = dict(agent.spent)
    spent[agent.state] += now_ns - agent.since_ns
    return spent


def _share(spent: list[dict[AgentState, int]]) -> float:
    there = sum(one[state] for one in spent for state in _THERE)
    work = sum(one[state] for one in spent for state in _WORK)
    return work / there if there else 0.0


def _agent(floor: Floor, agent: Agent, now_ns: int) -> AgentFigures:
    spent = _spent(agent, now_ns)
    work = [state for state in AgentState if state is not AgentState.OFFLINE]
    return AgentFigures(
        agent.name,
        str(agent.state),
        agent.reason,
        floor.clock.ms(agent.since_ns),
        agent.phone,
        agent.nailed_up,
        agent.leg_up,
        agent.campaigns,
        agent.run.campaign.campaign_id if agent.run else 0,
        agent.call.claim.attempt_id if agent.call else 0,
        agent.calls,
        {str(state): spent[state] // NS for state in work},
        round(_share([spent]), 4),
    )


def team_figures(desk: Desk, now_ns: int) -> tuple[TeamFigures, ...]:
    """Every campaign with agents."""
    floor = desk.floor
    found = []
    for campaign_id, run in floor.runs.items():
        if run.gate is None:
            continue
        books = desk.books_of(campaign_id)
        joined = [
            agent
            for agent in desk.team.agents.values()
            if campaign_id in agent.campaigns and agent.state is not AgentState.OFFLINE
        ]
        states = [agent.state for agent in joined]
        there = sum(state in _THERE for state in states)
        found.append(
            TeamFigures(
                campaign_id,
                len(joined),
                states.count(AgentState.READY),
                states.count(AgentState.TALKING),
                states.count(AgentState.WRAP_UP),
                states.count(AgentState.PAUSED),
                desk.team.waiting(campaign_id),
                books.people,
                books.calls,
                books.lost,
                round(books.abandonment(now_ns), 4),
                round(books.waited_s(), 3),
                round(_share([_spent(agent, now_ns) for agent in joined]), 4),
                round(run.live / there, 2) if there else 0.0,
                why_not(floor, run, now_ns),
                round(books.legal_share(now_ns), 4),
            )
        )
    return tuple(found)
