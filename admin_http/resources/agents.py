"""Agents as supervisors see and steer them; an agent's own working day is a socket's."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from admin_http.documents import Document, OneCampaign
from admin_http.people.access import filtered_to, of_agent, staff
from admin_http.people.roles import Role
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.agents_view import (
    AgentInfo,
    AgentList,
    AgentName,
    AsAgent,
    HangUp,
    Join,
    ListAgents,
    ListWork,
    LogIn,
    LogOut,
    Pause,
    Ready,
    TeamInfo,
    WorkList,
)
from dialerd.core.campaigns_view import GetCampaign
from dialerd.core.limits import QUEUES_MAX


class OneAgent(Document):
    """Which agent."""

    agent: AgentName


class AgentOrder(Document):
    """What the agent is to do: come to work, be given customers or none, go home."""

    act: LogIn | Join | Ready | Pause | LogOut | HangUp


class CampaignAgents(Document):
    """`members` are agents and queues that may join (none: all), `items` those who have joined."""

    members: tuple[str, ...]
    items: tuple[AgentInfo, ...]
    team: TeamInfo | None


class WorkQuestion(Document):
    """As a member of which queues, by commas; empty: those of its login."""

    queues: Annotated[
        str,
        Meta(
            max_length=300,
            pattern=r"^[^,\x00-\x1f\x7f-\x9f]{0,64}(,[^,\x00-\x1f\x7f-\x9f]{0,64})*$(?!\n)",
            description="Names of at most 64 characters, by commas.",
        ),
    ] = ""


@route("GET", "/v1/agents", Scope.READ, access=filtered_to(Role.AGENT))
async def agents(call: Call) -> AgentList:
    """Every agent since the daemon started, by name, and how their campaigns fare."""
    found = await call.services.control.call(ListAgents())
    if call.known.is_staff:
        return found
    mine = tuple(one for one in found.items if call.known.sees_agent(one.name))
    return AgentList(items=mine)


@route("GET", "/v1/agents/{agent}", Scope.READ, access=of_agent)
async def agent(call: Call, path: OneAgent) -> AgentInfo:
    """One agent: state, campaigns, the customer on the card and what was before."""
    return (await call.services.control.call(ListAgents(name=path.agent))).items[0]


@route(
    "POST",
    "/v1/agents/{agent}/actions",
    Scope.OPERATE,
    access=of_agent,
    example={"act": {"act": "pause", "reason": "training"}},
)
async def act_as_agent(call: Call, path: OneAgent, body: AgentOrder) -> AgentInfo:
    """Have an agent log in, be ready, pause, hang up, log out."""
    return await call.services.control.call(AsAgent(agent=path.agent, act=body.act))


@route("GET", "/v1/campaigns/{campaign}/agents", Scope.READ, access=staff)
async def campaign_agents(call: Call, path: OneCampaign) -> CampaignAgents:
    """Who may work in a campaign, who of them is at it now, and how that fares."""
    campaign = await call.services.control.call(GetCampaign(campaign=path.campaign))
    found = await call.services.control.call(ListAgents())
    return CampaignAgents(
        members=campaign.spec.agents.members,
        items=tuple(one for one in found.items if campaign.name in one.campaigns),
        team=next((one for one in found.teams if one.campaign == campaign.name), None),
    )


@route("GET", "/v1/agents/{agent}/campaigns", Scope.READ, access=of_agent, also=(422,))
async def agent_campaigns(call: Call, path: OneAgent, query: WorkQuestion) -> WorkList:
    """The campaigns that an agent may join now."""
    names = [name.strip() for name in query.queues.split(",")]
    queues = tuple(filter(None, names))[:QUEUES_MAX]
    return await call.services.control.call(ListWork(agent=path.agent, queues=queues))
