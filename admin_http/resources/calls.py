"""Calls: those in progress, any one with all that was said and pressed, its recording and messages.

A call is named CAMPAIGN-LEAD-ATTEMPT, which says where it lies: none is looked for.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from admin_http import cursors
from admin_http.attempts import Interaction, TryInfo, tried
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.people.access import filtered_to, staff
from admin_http.people.roles import Role
from admin_http.problems import ProblemError
from admin_http.ranges import send_file
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.calls_view import (
    PHONE_PATTERN,
    CallNow,
    EndCall,
    GetCall,
    ListCalls,
    LiveCall,
    SuperviseCall,
    Target,
    TransferCall,
    call_name,
)
from dialerd.core.campaigns_view import ID_MAX, CampaignRef, GetCampaign
from dialerd.core.control_errors import NotFound
from dialerd.core.flow_records import TargetKind
from dialerd.core.records import Attempt
from dialerd.core.supervise_records import SuperviseMode
from dialerd.store.call_views import Place, Told
from dialerd.store.recording_files import files_of, names_of
from dialerd.store.schema import ROW_MAX

_CALL_ID = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,10}-[0-9]{1,10}-[0-9]{1,19}$(?!\n)",
        description="CAMPAIGN-LEAD-ATTEMPT",
        examples=["1-17-4711"],
    ),
]
_MEDIA = {".wav": "audio/wav", ".flac": "audio/flac"}


class OneCall(Document):
    """Which call."""

    call: _CALL_ID


class LiveQuestion(Paging, frozen=True, kw_only=True):
    """Which calls in progress: of one campaign, or all."""

    campaign: Annotated[str, Meta(max_length=200)] = ""


class CallState(StrEnum):
    """What a call does, or that it is over."""

    DIALING = "dialing"
    RINGING = "ringing"
    UP = "up"
    ADVANCING = "advancing"
    RELEASING = "releasing"
    ENDED = "ended"


class CallInfo(TryInfo, frozen=True, kw_only=True):
    """One call; `recordings` are how many of its recordings are there."""

    call: str
    state: CallState
    recordings: int


class Events(Document):
    """What happened in a call, in its order."""

    items: tuple[Interaction, ...]


class RecordingQuestion(Document):
    """Which recording, where a call has several."""

    part: Annotated[int, Meta(ge=1, le=100)] = 1


class CallAction(StrEnum):
    """What to do with a call in progress."""

    HANG_UP = "hang_up"
    TRANSFER = "transfer"
    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    LEAVE = "leave"


class CallOrder(Document):
    """What to do; a transfer needs `kind` and `target`: a queue, an agent, a number.

    `listen`, `whisper` and `barge` ring the telephone `phone` (empty: one's own), or change how
    one who is there already is heard; `leave` ends that. A supervisor may have those rung that an
    admin has named (`phones` of the user), and the account of the same name.
    """

    action: CallAction
    kind: TargetKind | None = None
    target: Target | None = None
    ring_s_max: Annotated[int, Meta(ge=1, le=600)] = 30
    phone: Annotated[str, Meta(max_length=64, pattern=PHONE_PATTERN)] = ""


_WHOLE_ORDERS = {  # what CallOrder says in words
    "anyOf": [
        {"properties": {"action": {"enum": [a for a in CallAction if a != CallAction.TRANSFER]}}},
        {
            "required": ["kind", "target"],
            "properties": {"kind": {"type": "string"}, "target": {"type": "string"}},
        },
    ]
}


@route("GET", "/v1/calls", Scope.READ, access=filtered_to(Role.VIEWER), also=(404,))
async def calls(call: Call, query: LiveQuestion) -> Page[LiveCall]:
    """The calls in progress, oldest first."""
    after = min(cursors.number(behind(call, query)), ID_MAX)
    seen = await seen_campaigns(call, query.campaign)
    if seen == ():
        return page(call, query, (), None)
    request = ListCalls(after=after, limit=query.limit, campaigns=seen or ())
    found = await call.services.control.call(request)
    return page(call, query, found.items, None if found.next is None else (found.next,))


async def seen_campaigns(call: Call, name: str) -> tuple[int, ...] | None:
    """The campaigns to look at: one by its name, those that a viewer sees, None: all; 404."""
    if not name:
        return None if call.known.is_staff else tuple(sorted(call.known.campaigns))
    return (await seen_campaign(call, name),)


async def seen_campaign(call: Call, name: CampaignRef) -> int:
    """A campaign that this asker sees, by name or id; ProblemError 404."""
    found = await call.services.control.call(GetCampaign(campaign=name))
    call.must_see_campaign(found.id, f"there is no campaign named {name!r:.80}")
    return found.id


@route("GET", "/v1/calls/{call}", Scope.REPORTS, access=filtered_to(Role.VIEWER))
async def one_call(call: Call, path: OneCall) -> CallInfo:
    """One call, in progress or over, with everything that was said and pressed."""
    told, live = await _told(call, path)
    info = tried(told.attempt, told.events)
    there = len(await asyncio.to_thread(recordings, call, told))
    shown = {name: getattr(info, name) for name in TryInfo.__struct_fields__}
    if live is None:
        return CallInfo(**shown, call=path.call, state=CallState.ENDED, recordings=there)
    shown["keys"], shown["interactions"] = live.call.keys, _lines(live)
    state = CallState(live.call.state)
    return CallInfo(**shown, call=path.call, state=state, recordings=there)


@route("GET", "/v1/calls/{call}/events", Scope.REPORTS, access=filtered_to(Role.VIEWER))
async def call_events(call: Call, path: OneCall) -> Events:
    """What happened in a call, with milliseconds."""
    told, live = await _told(call, path)
    if live is not None:
        return Events(items=_lines(live))
    return Events(items=tried(told.attempt, told.events).interactions)


def _lines(live: CallNow) -> tuple[Interaction, ...]:
    return tuple(Interaction(at=e.at, kind=e.kind, detail=e.detail) for e in live.events)


@route(
    "GET",
    "/v1/calls/{call}/recording",
    Scope.REPORTS,
    access=filtered_to(Role.VIEWER),
    media=tuple(_MEDIA.values()),
    headers=("Range", "If-Range", "If-None-Match"),
    also=(206, 304, 416),
)
async def recording(call: Call, path: OneCall, query: RecordingQuestion) -> web.StreamResponse:
    """Its recording, we left, they right; players seek in it by ranges."""
    told, _ = await _told(call, path, live=False)
    found = await asyncio.to_thread(recordings, call, told)
    if query.part > len(found):
        raise ProblemError(404, f"the call {path.call} has {len(found)} recordings")
    file = found[query.part - 1]
    name = f"call-{path.call}-{query.part}{file.suffix}"
    return await send_file(call, file, _MEDIA[file.suffix], name)


def recordings(call: Call, told: Told) -> list[Path]:
    """The recordings of a call that are there, in the order in which they were made."""
    config = call.services.config
    folder = Path(config.recording.folder or config.store.path / "recordings")
    return list(files_of(folder, names_of(told.attempt, told.events)))


@route(
    "POST",
    "/v1/calls/{call}/actions",
    Scope.OPERATE,
    access=staff,
    example={"action": "hang_up"},
    holds=_WHOLE_ORDERS,
)
async def act_on_call(call: Call, path: OneCall, body: CallOrder) -> LiveCall:
    """Hang it up, put its person through to a queue, an agent or a number, or listen in.

    Who listens in is in the call's history and its `supervisors`; neither side of the call notices.
    A `whisper` is heard by the agent, `barge` by both; at most four are at one call.
    """
    phone = _own_phone(call, body.phone)
    attempt = _place(path.call)[2]
    control = call.services.control
    now = await control.call(GetCall(attempt=attempt))
    if now.call.id != call_name(*_place(path.call)):
        raise _no_call(path.call)
    if body.action is CallAction.HANG_UP:
        return await control.call(EndCall(attempt=attempt, who=call.who))
    if body.action is not CallAction.TRANSFER:
        call.detail = body.action
        mode = None if body.action is CallAction.LEAVE else SuperviseMode(body.action)
        listen = SuperviseCall(attempt=attempt, who=call.who, mode=mode, phone=phone)
        return await control.call(listen)
    if body.kind is None or body.target is None:
        raise ProblemError(422, "a transfer needs kind and target")
    order = TransferCall(
        attempt=attempt, who=call.who, kind=body.kind, target=body.target,
        ring_s_max=body.ring_s_max,
    )  # fmt: skip
    return await control.call(order)


def _own_phone(call: Call, asked: str) -> str:
    """The telephone at which who asks listens in (empty: as the daemon knows); ProblemError 403."""
    if asked and not call.known.may_ring(asked):
        raise ProblemError(403, f"the telephone {asked!r} is none of yours: an admin names those")
    return asked or next(iter(call.known.phones), "")


async def find(call: Call, name: str) -> Told:
    """A call that was begun and that this asker sees; ProblemError 404."""
    place = _place(name)
    call.must_see_campaign(place[0], f"there is no call {name}")
    told = await call.services.read(lambda store: store.call(place))
    if told is None:
        raise _no_call(name)
    return told


async def _told(call: Call, path: OneCall, *, live: bool = True) -> tuple[Told, CallNow | None]:
    """The call, and as it is now while it is in progress."""
    told = await find(call, path.call)
    if not live or told.attempt.outcome is not None:
        return told, None
    try:
        request = GetCall(attempt=told.attempt.attempt_id)
        return told, await call.services.control.call(request)
    except NotFound:  # it has ended meanwhile, or a crash cut it off
        return await find(call, path.call), None


def _place(name: str) -> Place:
    campaign, lead, attempt = map(int, name.split("-"))
    if campaign > ROW_MAX or lead > ROW_MAX or attempt > ID_MAX:
        raise _no_call(name)
    return campaign, lead, attempt


def _no_call(name: str) -> ProblemError:
    return ProblemError(404, f"there is no call {name}")


class AttemptQuestion(Paging, frozen=True, kw_only=True):
    """Which calls: of one campaign by its people, or all that have ended, the oldest first."""

    campaign: Annotated[str, Meta(max_length=200)] = ""


class Ended(TryInfo, frozen=True, kw_only=True):
    """One call without its history, which `/v1/calls/{call}` has."""

    call: str


@route("GET", "/v1/attempts", Scope.REPORTS, access=filtered_to(Role.VIEWER), also=(404,))
async def attempts(call: Call, query: AttemptQuestion) -> Page[Ended]:
    """Calls that were made. A page of all that ended may hold less than asked for, even nothing."""
    at = behind(call, query)
    if query.campaign:
        return await _attempts_of(call, query, await seen_campaign(call, query.campaign), at)
    after, limit = cursors.number(at), query.limit
    rows = await call.services.read(lambda store: store.ended(after, limit))
    last = (rows[-1].seq,) if len(rows) == limit else None
    seen = [one.attempt for one in rows if call.known.sees_campaign(one.attempt.campaign_id)]
    return page(call, query, tuple(map(_ended, seen)), last)


async def _attempts_of(
    call: Call, query: AttemptQuestion, campaign: int, at: cursors.Position
) -> Page[Ended]:
    after: Place | None = None
    match at:
        case ():
            pass
        case (int(lead), int(attempt)) if 0 <= lead <= ROW_MAX and 0 <= attempt <= ID_MAX:
            after = campaign, lead, attempt
        case _:
            raise ProblemError(400, "after: no cursor of this list")
    limit = query.limit
    rows = await call.services.read(lambda store: store.calls_of(campaign, after, limit))
    last = (rows[-1].lead_id, rows[-1].attempt_id) if len(rows) == limit else None
    return page(call, query, tuple(map(_ended, rows)), last)


def _ended(a: Attempt) -> Ended:
    info = tried(a, ())
    shown = {name: getattr(info, name) for name in TryInfo.__struct_fields__}
    return Ended(**shown, call=call_name(a.campaign_id, a.lead_id, a.attempt_id))
