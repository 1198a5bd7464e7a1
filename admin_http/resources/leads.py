"""People of campaigns: who stands where, what happened to them, and what people change of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from admin_http import cursors
from admin_http.attempts import TryInfo, lead_name, moment, number, tried
from admin_http.documents import Document, OneCampaign, Page, Paging, behind, page
from admin_http.people.access import filtered_to, of_campaign, staff
from admin_http.people.roles import Role
from admin_http.people_read import NumberText, read_phone
from admin_http.problems import ProblemError
from admin_http.resources.lists import NewPeople, Pushed, named, push
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.campaign_spec import list_names
from dialerd.core.control import GetCampaign
from dialerd.core.control_base import Instant
from dialerd.core.leads_view import AddBans, BansAdded, Source
from dialerd.core.list_records import Newcomers
from dialerd.core.lists_view import ChangePerson, Values
from dialerd.core.people_view import LeadInfo, LeadList, ListLeads
from dialerd.core.ports import NotFoundError, ReportRow
from dialerd.core.records import Campaign, CampaignState, Lead, LeadState, Outcome
from dialerd.store import LmdbStore

LeadRef = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,10}-[0-9]{1,10}$(?!\n)",
        description="A person of a campaign: the campaign's id, a dash, the lead's id.",
    ),
]
_WORDS = {
    state: LeadList("waiting" if state is LeadState.RECHECK else state.name.lower())
    for state in LeadState
}

_WAITING = {LeadState.RETRY, LeadState.CALLBACK, LeadState.RECHECK, LeadState.CAPPED}


class OneLead(Document):
    """Who."""

    lead: LeadRef


class LeadsPaging(Paging):
    """Who stands in which state; without one everybody."""

    state: LeadList | None = None


class ByNumber(Paging, kw_only=True):
    """Who: a number as people type it."""

    number: NumberText


class LeadFound(Document):
    """A number in one campaign; everything about it is `/v1/leads/{id}`."""

    id: str
    campaign: int
    campaign_name: str
    number: str | None
    state: LeadList
    outcome: Outcome | None
    attempts: int
    due_at: Instant | None


class LeadDetail(Document):
    """One person of a campaign with everything that happened; `number` is null once erased."""

    id: str
    campaign: int
    lead: int
    list: int
    row: int
    number: str | None
    numbers: tuple[str, ...]
    state: LeadList
    outcome: Outcome | None
    attempts: int
    due_at: Instant | None
    original: str
    carrier: str
    fields: dict[str, str]
    tries: tuple[TryInfo, ...]


class LeadChange(Document):
    """Other values of some columns of the list's row; an empty text takes one away."""

    fields: Values


class Wish(Document):
    """Why."""

    reason: Source = ""


def split(lead: str) -> tuple[int, int]:
    """Campaign and lead."""
    campaign, _, number = lead.partition("-")
    return int(campaign), int(number)


@route(
    "GET",
    "/v1/campaigns/{campaign}/leads",
    Scope.REPORTS,
    access=of_campaign,
)
async def leads(call: Call, path: OneCampaign, query: LeadsPaging) -> Page[LeadInfo]:
    """A page of its people by state and by when they are due."""
    request = ListLeads(
        campaign=path.campaign,
        states=(query.state,) if query.state else (),
        after=cursors.text(behind(call, query)),
        limit=query.limit,
    )
    found = await call.services.control.call(request)
    return page(call, query, found.items, (found.next,) if found.next else None)


@route(
    "POST",
    "/v1/campaigns/{campaign}/leads",
    Scope.CAMPAIGNS,
    access=staff,
    once=True,
    example={"people": [{"number": "0912 345 678", "fields": {"name": "An"}}]},
)
async def push_leads(call: Call, path: OneCampaign, body: NewPeople) -> Pushed:
    """Add people to the first list of a campaign, which calls them while it is under way.

    One whom it calls already is left out, so it can be sent again. 409 when it is over, or leaves
    newcomers to other campaigns.
    """
    found = await call.services.control.call(GetCampaign(campaign=path.campaign))
    spec = found.spec
    if found.state is CampaignState.FINISHED:
        raise ProblemError(409, f"{spec.name!r} is over: push people to its list for another one")
    if spec.newcomers is Newcomers.LEAVE and found.state is not CampaignState.DRAFT:
        raise ProblemError(409, f"{spec.name!r} calls nobody who comes after its approval")
    return await push(call, (await named(call, list_names(spec)[0])).id, body)


@route("GET", "/v1/leads", Scope.REPORTS, access=filtered_to(Role.VIEWER))
async def find_leads(call: Call, query: ByNumber) -> Page[LeadFound]:
    """A number in all campaigns that were approved with it: a page of them, oldest first."""
    after = cursors.pair(behind(call, query))
    phone = read_phone(call.services.numbering, query.number)
    every = await call.services.read(lambda store: store.leads_of_number(phone))
    known = call.known
    rest = [
        (campaign, one)
        for campaign, one in every
        if (one.campaign_id, one.lead_id) > after and known.sees_campaign(one.campaign_id)
    ]
    shown = rest[: query.limit]
    at = (shown[-1][1].campaign_id, shown[-1][1].lead_id) if len(rest) > query.limit else None
    return page(call, query, tuple(_found(campaign, one) for campaign, one in shown), at)


def _found(campaign: Campaign, one: Lead) -> LeadFound:
    return LeadFound(
        id=lead_name(one.campaign_id, one.lead_id),
        campaign=one.campaign_id,
        campaign_name=campaign.settings.name,
        number=number(one.phone),
        state=_WORDS[one.state],
        outcome=one.outcome,
        attempts=one.attempts,
        due_at=_due(one),
    )


def _due(one: Lead) -> datetime | None:
    return moment(one.due_s * 1000) if one.state in _WAITING else None


@route(
    "GET",
    "/v1/leads/{lead}",
    Scope.REPORTS,
    access=filtered_to(Role.VIEWER),
)
async def lead(call: Call, path: OneLead) -> LeadDetail:
    """One person with every try and interaction."""
    campaign_id, lead_id = split(path.lead)
    call.must_see_campaign(campaign_id, f"campaign {campaign_id} has no lead {lead_id}")
    return await call.services.read(lambda store: _detail(store, path.lead))


@route(
    "PATCH",
    "/v1/leads/{lead}",
    Scope.CAMPAIGNS,
    access=staff,
    example={"fields": {"name": "An"}},
    document=lead,
)
async def change_lead(call: Call, path: OneLead, body: LeadChange) -> LeadDetail:
    """Change what is known of a person: it stands in the list, for all its campaigns."""
    seen: LeadDetail = call.seen
    request = ChangePerson(
        list=seen.list, row=seen.row, fields=body.fields, seen=seen.fields, who=call.who
    )
    found = await call.services.control.call(request)
    del path
    return msgspec.structs.replace(seen, fields=found.fields)


@route(
    "POST",
    "/v1/leads/{lead}/stop",
    Scope.CAMPAIGNS,
    access=staff,
    example={"reason": "a complaint"},
)
async def stop_lead(call: Call, path: OneLead, body: Wish) -> BansAdded:
    """No more calls to this person in this campaign, by any of their numbers."""
    return await _ban(call, path, body, campaign=True)


@route(
    "POST",
    "/v1/leads/{lead}/do-not-call",
    Scope.CAMPAIGNS,
    access=staff,
    example={"reason": "asked us"},
)
async def forbid_lead(call: Call, path: OneLead, body: Wish) -> BansAdded:
    """Put the person's numbers on our do-not-call list: no more calls in any campaign."""
    return await _ban(call, path, body, campaign=False)


async def _ban(call: Call, path: OneLead, body: Wish, *, campaign: bool) -> BansAdded:
    found = await call.services.read(lambda store: _detail(store, path.lead))
    texts = dict.fromkeys(text for text in (found.number, *found.numbers) if text)
    if not texts:
        raise ProblemError(409, "the numbers of this person were erased")
    request = AddBans(
        phones=tuple(int(text[1:]) for text in texts),
        who=call.who,
        source=body.reason,
        campaign=str(found.campaign) if campaign else None,
    )
    return await call.services.control.call(request)


def _detail(store: LmdbStore, name: str) -> LeadDetail:
    campaign_id, lead_id = split(name)
    row = store.lead(campaign_id, lead_id)
    if row is None:
        raise NotFoundError(f"campaign {campaign_id} has no lead {lead_id}")
    return _shown(name, row)


def _shown(name: str, row: ReportRow) -> LeadDetail:
    one, contact = row.lead, row.contact
    return LeadDetail(
        id=name,
        campaign=one.campaign_id,
        lead=one.lead_id,
        list=row.list_id,
        row=one.contact,
        number=number(one.phone),
        numbers=tuple(f"+{other.phone}" for other in one.numbers if other.phone),
        state=_WORDS[one.state],
        outcome=one.outcome,
        attempts=one.attempts,
        due_at=_due(one),
        original=contact.original,
        carrier=contact.carrier,
        fields=contact.fields,
        tries=tuple(tried(attempt, events) for attempt, events in row.attempts),
    )
