"""How campaigns with agents fare, for the live table."""

from __future__ import annotations

import msgspec

from dialerd.core.agent import Agent
from dialerd.core.agent_records import AgentState
from dialerd.core.desk import Desk
from dialerd.core.statistics import why_not

_WORK = (AgentState.TALKING, AgentState.WRAP_UP)
_THERE = (AgentState.READY, AgentState.RESERVED, *_WORK)


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


def _spent(agent: Agent, now_ns: int) -> dict[AgentState, int]:
    spent = dict(agent.spent)
    spent[agent.state] += now_ns - agent.since_ns
    return spent


def _share(spent: list[dict[AgentState, int]]) -> float:
    there = sum(one[state] for one in spent for state in _THERE)
    work = sum(one[state] for one in spent for state in _WORK)
    return work / there if there else 0.0


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
