"""A campaign in figures: where it stands now, how far its people came, when they answer."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from admin_http.documents import Document, OneCampaign
from admin_http.people.access import of_campaign
from admin_http.routes import route
from admin_http.services import Call
from admin_http.streams import REPORTS, place
from admin_http.tokens import Scope
from dialerd.core.agents_view import ListAgents, TeamInfo
from dialerd.core.calls_view import ListCalls
from dialerd.core.campaigns_view import GetCampaign, GetProgress, ProgressInfo
from dialerd.core.records import SPOKEN
from dialerd.store.call_views import Tally

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class CampaignStats(Document):
    """A campaign now. `answer_rate` is of its calls that ended; `team` is null without agents."""

    progress: ProgressInfo
    calls_in_progress: int
    calls: int
    answered: int
    answer_rate: float | None
    team: TeamInfo | None
    why: str


@route("GET", "/v1/campaigns/{campaign}/stats", Scope.READ, access=of_campaign)
async def campaign_stats(call: Call, path: OneCampaign) -> CampaignStats:
    """Where it stands: its books, its calls in progress, its agents, and why it does not dial."""
    control = call.services.control
    campaign = await control.call(GetCampaign(campaign=path.campaign))
    progress = await control.call(GetProgress(campaign=str(campaign.id)))
    live = await control.call(ListCalls(campaigns=(campaign.id,), limit=1))
    teams = (await control.call(ListAgents())).teams
    ended = sum(progress.outcomes.values())
    spoken = sum(n for outcome, n in progress.outcomes.items() if outcome in SPOKEN)
    return CampaignStats(
        progress=progress,
        calls_in_progress=live.total,
        calls=ended,
        answered=spoken,
        answer_rate=spoken / ended if ended else None,
        team=next((one for one in teams if one.campaign == campaign.name), None),
        why=campaign.why,
    )


class FunnelStep(Document):
    """How many people came so far; `share` is of the step before, null where that has nobody."""

    step: str
    people: int
    share: float | None


class Funnel(Document):
    """From the people of a campaign to those of whom something came; times are averages."""

    steps: tuple[FunnelStep, ...]
    calls: int
    ring_s: float | None
    talk_s: float | None


@route("GET", "/v1/campaigns/{campaign}/funnel", Scope.READ, access=of_campaign)
async def campaign_funnel(call: Call, path: OneCampaign) -> Funnel:
    """How many of its people were dialed, answered, pressed a key, talked with an agent."""
    audience, tally = await _tally(call, path)
    counts = (
        ("audience", audience),
        ("dialed", tally.dialed),
        ("answered", tally.answered),
        ("keyed", tally.keyed),
        ("served", tally.served),
        ("disposed", tally.disposed),
    )
    steps = []
    before = 0
    for step, people in counts:
        after_answer = step in {"keyed", "served", "disposed"}
        base = tally.answered if after_answer else before
        steps.append(FunnelStep(step=step, people=people, share=people / base if base else None))
        before = people
    return Funnel(
        steps=tuple(steps),
        calls=tally.calls,
        ring_s=tally.ring_ms / tally.spoken / 1_000 if tally.spoken else None,
        talk_s=tally.talk_ms / tally.spoken / 1_000 if tally.spoken else None,
    )


class HeatCell(Document):
    """The calls of one hour of one weekday."""

    day: str
    hour: int
    calls: int
    answered: int
    rate: float


class Heatmap(Document):
    """Hours in which somebody was called, by weekday; times are local in `zone`."""

    zone: str
    cells: tuple[HeatCell, ...]


@route("GET", "/v1/campaigns/{campaign}/heatmap", Scope.READ, access=of_campaign)
async def campaign_heatmap(call: Call, path: OneCampaign) -> Heatmap:
    """The share of calls that were answered, by weekday and hour of the dial."""
    _, tally = await _tally(call, path)
    cells = tuple(
        HeatCell(day=DAYS[day], hour=hour, calls=calls, answered=answered, rate=answered / calls)
        for day, hours in enumerate(tally.hours)
        for hour, (calls, answered) in enumerate(hours)
        if calls
    )
    return Heatmap(zone=call.services.config.dialing.zone, cells=cells)


async def _tally(call: Call, path: OneCampaign) -> tuple[int, Tally]:
    """How many people a campaign has, and what its calls came to; 503 beside too many reports."""
    request: web.Request = call.request
    campaign = await call.services.control.call(GetCampaign(campaign=path.campaign))
    async with place(request.app[REPORTS], "reports"):
        zone = call.services.zone
        tally = await call.services.read(lambda store: store.tally(campaign.id, zone))
    return campaign.audience, tally
