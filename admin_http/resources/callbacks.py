"""Calls that were promised: booked, moved, cancelled; and what agents may say came of calls."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from admin_http import cursors
from admin_http.attempts import lead_name
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.people.access import filtered_to, staff
from admin_http.people.roles import Role
from admin_http.resources.leads import LeadRef, split
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.agent_records import Callback, Meaning
from dialerd.core.agents_view import AgentName
from dialerd.core.campaign_spec import at_time
from dialerd.core.campaigns_view import CampaignRef
from dialerd.core.control_base import Instant
from dialerd.core.leads_view import BookCallback, CancelCallback
from dialerd.core.limits import NOTE_CHARS_MAX
from dialerd.core.ports import NotFoundError
from dialerd.store import LmdbStore

_EXAMPLE = {"lead": "1-17", "due": "2026-12-01T09:00:00+07:00", "note": "ask for the manager"}


class CallbackDetail(Document):
    """One promise: `agent` makes it at `due`, anybody from `anybody_at` on; no agent: anybody."""

    id: str
    campaign: int
    lead: int
    number: str
    due: Instant
    agent: str
    anybody_at: Instant | None
    booked_at: Instant | None
    booked_by: str
    note: str


class CallbacksPaging(Paging):
    """Of which campaign; none: of all."""

    campaign: CampaignRef | None = None


class OneCallback(Document):
    """Which: the lead that it is promised to."""

    callback: LeadRef


class Promise(Document):
    """When, by whom, and what to remember."""

    due: Instant
    agent: AgentName | None = None
    anybody_at: Instant | None = None
    note: Annotated[str, Meta(max_length=NOTE_CHARS_MAX)] = ""


class NewCallback(Promise, kw_only=True):
    """The same, and to whom."""

    lead: LeadRef


class Cancelling(Document):
    """Whether the person is to be called again without a promise; else nobody calls."""

    call_again: bool = False


class DispositionInfo(Document):
    """What agents may say came of a call, what that means for the person, and who may say it."""

    name: str
    meaning: Meaning
    gap_s: int
    campaigns: tuple[str, ...]


class DispositionList(Document):
    """All of them by name."""

    items: tuple[DispositionInfo, ...]


class DispositionsQuestion(Document):
    """Of which campaign; none: of all."""

    campaign: CampaignRef | None = None


@route("GET", "/v1/callbacks", Scope.REPORTS, access=filtered_to(Role.AGENT), also=(404,))
async def callbacks(call: Call, query: CallbacksPaging) -> Page[CallbackDetail]:
    """A page of the promises that nobody has kept yet, by campaign and lead."""
    after = cursors.pair(behind(call, query))

    def look(store: LmdbStore) -> list[Callback]:
        of = store.find_campaign(query.campaign).campaign_id if query.campaign else 0
        return store.callbacks_page(after, query.limit + 1, of)

    rows = await call.services.read(look)
    known, read = call.known, rows[: query.limit]
    shown = tuple(_detail(one) for one in read if known.sees_agent(one.agent))
    more = len(rows) > query.limit
    return page(call, query, shown, (read[-1].campaign_id, read[-1].lead_id) if more else None)


@route(
    "GET",
    "/v1/callbacks/{callback}",
    Scope.REPORTS,
    access=filtered_to(Role.AGENT),
)
async def callback(call: Call, path: OneCallback) -> CallbackDetail:
    """What was promised to one person."""
    campaign_id, lead_id = split(path.callback)

    def look(store: LmdbStore) -> Callback:
        found = store.callback(campaign_id, lead_id)
        if found is None:
            raise NotFoundError(f"nothing is promised to {path.callback}")
        return found

    found = await call.services.read(look)
    call.must_see_agent(found.agent, f"nothing is promised to {path.callback}")
    return _detail(found)


@route(
    "POST",
    "/v1/callbacks",
    Scope.CAMPAIGNS,
    access=staff,
    status=201,
    example=_EXAMPLE,
    also=(404,),
)
async def book_callback(call: Call, body: NewCallback) -> CallbackDetail:
    """Promise a call to a person; an earlier promise to them is replaced."""
    call.headers["Location"] = f"/v1/callbacks/{body.lead}"
    return await _book(call, body.lead, body, move=False)


@route(
    "PUT",
    "/v1/callbacks/{callback}",
    Scope.CAMPAIGNS,
    access=staff,
    example={"due": "2026-12-02T14:30:00+07:00"},
    document=callback,
)
async def move_callback(call: Call, path: OneCallback, body: Promise) -> CallbackDetail:
    """Another time, agent or note for a promise."""
    return await _book(call, path.callback, body, move=True)


@route("DELETE", "/v1/callbacks/{callback}", Scope.CAMPAIGNS, access=staff, also=(409,))
async def cancel_callback(call: Call, path: OneCallback, query: Cancelling) -> CallbackDetail:
    """Take a promise back."""
    campaign_id, lead_id = split(path.callback)
    shown: CallbackDetail = await callback(call, path)
    request = CancelCallback(
        campaign=str(campaign_id), lead=lead_id, who=call.who, call_again=query.call_again
    )
    await call.services.control.call(request)
    return shown


async def _book(call: Call, lead: str, body: Promise, *, move: bool) -> CallbackDetail:
    campaign_id, lead_id = split(lead)
    request = BookCallback(
        campaign=str(campaign_id),
        lead=lead_id,
        due=body.due,
        who=call.who,
        agent=body.agent,
        anybody_at=body.anybody_at,
        note=body.note,
        move=move,
    )
    booked = await call.services.control.call(request)
    return CallbackDetail(
        id=lead_name(campaign_id, lead_id),
        campaign=campaign_id,
        lead=lead_id,
        number=booked.number,
        due=booked.due,
        agent=booked.agent,
        anybody_at=booked.anybody_at,
        booked_at=booked.booked_at,
        booked_by=booked.booked_by,
        note=booked.note,
    )


def _detail(one: Callback) -> CallbackDetail:
    return CallbackDetail(
        id=lead_name(one.campaign_id, one.lead_id),
        campaign=one.campaign_id,
        lead=one.lead_id,
        number=f"+{one.phone}",
        due=at_time(one.due_s * 1_000),
        agent=one.agent,
        anybody_at=at_time(one.open_s * 1_000) if one.open_s else None,
        booked_at=at_time(one.booked_ms) if one.booked_ms else None,
        booked_by=one.booked_by,
        note=one.note,
    )


@route("GET", "/v1/dispositions", Scope.READ, access=staff, also=(404,))
async def dispositions(call: Call, query: DispositionsQuestion) -> DispositionList:
    """What agents may say came of their calls, as campaigns have it."""

    def look(store: LmdbStore) -> DispositionList:
        of = [store.find_campaign(query.campaign)] if query.campaign else store.campaigns()
        found: dict[tuple[str, Meaning, int], list[str]] = {}
        for campaign in of:
            for one in campaign.settings.agents.dispositions:
                users = found.setdefault((one.name, one.meaning, one.gap_s), [])
                users.append(campaign.settings.name)
        return DispositionList(
            items=tuple(
                DispositionInfo(name=name, meaning=meaning, gap_s=gap_s, campaigns=tuple(users))
                for (name, meaning, gap_s), users in sorted(found.items())
            )
        )

    return await call.services.read(look)
