"""Campaigns: made, changed while they are drafts, moved through their gate, looked at."""

from __future__ import annotations

import msgspec

from admin_http import cursors
from admin_http.documents import Document, OneCampaign, Page, Paging, behind, page
from admin_http.people.access import filtered_to, of_campaign, staff
from admin_http.people.roles import Role
from admin_http.people_read import NumberText, read_phone
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import (
    ActOnCampaign,
    CampaignAction,
    CampaignInfo,
    CreateCampaign,
    GetCampaign,
    GetMoves,
    GetProgress,
    ListCampaigns,
    Moves,
    ProgressInfo,
    ReviseCampaign,
)
from dialerd.core.people_view import CheckCampaign, CheckInfo, GetWhy, WhyInfo
from dialerd.core.spec_parts import Name

_SPEC = {
    "name": "renewal-november",
    "list": "november",
    "regime": "loopback",
    "steps": [{"prompt": "hello", "keys": {"1": "more"}}, {"id": "more", "prompt": "thanks"}],
}


class Action(Document):
    """What to do with a campaign."""

    action: CampaignAction


class Clone(Document):
    """What the copy is called."""

    name: Name


class WhyQuestion(Document):
    """Whom it is about."""

    number: NumberText


class ProgressQuestion(Document):
    """How much of the books."""

    by_list: bool = False


@route("GET", "/v1/campaigns", Scope.READ, access=filtered_to(Role.VIEWER))
async def campaigns(call: Call, query: Paging) -> Page[CampaignInfo]:
    """A page of campaigns, oldest first."""
    after = min(cursors.number(behind(call, query)), (1 << 53) - 1)
    found = await call.services.control.call(ListCampaigns(after=after, limit=query.limit))
    seen = tuple(one for one in found.items if call.known.sees_campaign(one.id))
    return page(call, query, seen, None if found.next is None else (found.next,))


@route(
    "POST",
    "/v1/campaigns",
    Scope.CAMPAIGNS,
    access=staff,
    status=201,
    body_at="/spec",
    example=_SPEC,
)
async def create_campaign(call: Call, body: CampaignSpec) -> CampaignInfo:
    """A new draft."""
    made = await call.services.control.call(CreateCampaign(spec=body, who=call.who))
    call.headers["Location"] = f"/v1/campaigns/{made.id}"
    return made


@route("GET", "/v1/campaigns/{campaign}", Scope.READ, access=of_campaign)
async def campaign(call: Call, path: OneCampaign) -> CampaignInfo:
    """One campaign, by id or name."""
    return await call.services.control.call(GetCampaign(campaign=path.campaign))


@route(
    "PUT",
    "/v1/campaigns/{campaign}",
    Scope.CAMPAIGNS,
    access=staff,
    body_at="/spec",
    example=_SPEC,
    document=campaign,
)
async def revise_campaign(call: Call, path: OneCampaign, body: CampaignSpec) -> CampaignInfo:
    """Another content for a draft; what was approved is frozen."""
    seen = call.seen.spec
    request = ReviseCampaign(campaign=path.campaign, spec=body, who=call.who, seen=seen)
    return await call.services.control.call(request)


@route(
    "POST",
    "/v1/campaigns/{campaign}/clone",
    Scope.CAMPAIGNS,
    access=staff,
    status=201,
    body_at="/spec",
    example={"name": "renewal-december"},
)
async def clone_campaign(call: Call, path: OneCampaign, body: Clone) -> CampaignInfo:
    """A new draft that is as this campaign was made."""
    control = call.services.control
    old = await control.call(GetCampaign(campaign=path.campaign))
    spec = msgspec.structs.replace(old.spec, name=body.name)
    made = await control.call(CreateCampaign(spec=spec, who=call.who))
    call.headers["Location"] = f"/v1/campaigns/{made.id}"
    return made


@route(
    "POST",
    "/v1/campaigns/{campaign}/actions",
    Scope.CAMPAIGNS,
    access=staff,
    example={"action": "approve"},
)
async def act(call: Call, path: OneCampaign, body: Action) -> CampaignInfo:
    """Approve, start, pause, resume or finish it."""
    request = ActOnCampaign(campaign=path.campaign, action=body.action, who=call.who)
    return await call.services.control.call(request)


@route("GET", "/v1/campaigns/{campaign}/progress", Scope.READ, access=of_campaign)
async def progress(call: Call, path: OneCampaign, query: ProgressQuestion) -> ProgressInfo:
    """Its books: leads by state, attempts by outcome."""
    request = GetProgress(campaign=path.campaign, by_list=query.by_list)
    return await call.services.control.call(request)


@route("GET", "/v1/campaigns/{campaign}/moves", Scope.READ, access=staff)
async def moves(call: Call, path: OneCampaign) -> Moves:
    """Who moved it through its gate, and when."""
    return await call.services.control.call(GetMoves(campaign=path.campaign))


@route("GET", "/v1/campaigns/{campaign}/check", Scope.READ, access=staff)
async def check_campaign(call: Call, path: OneCampaign) -> CheckInfo:
    """Who will be skipped, and by which rule, before it starts."""
    return await call.services.control.call(CheckCampaign(campaign=path.campaign))


@route("GET", "/v1/campaigns/{campaign}/why", Scope.READ, access=staff)
async def why(call: Call, path: OneCampaign, query: WhyQuestion) -> WhyInfo:
    """Why a number of it is not being dialed now, in a sentence."""
    number = f"+{read_phone(call.services.numbering, query.number)}"
    return await call.services.control.call(GetWhy(campaign=path.campaign, number=number))
