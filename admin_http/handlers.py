"""The resources of `/v1`, but for streams: thin, each a question to the daemon or the plan."""

from __future__ import annotations

from typing import Annotated, dataclass_transform

import msgspec
from msgspec import Meta

from admin_http.limits import NUMBER_CHARS_MAX, NUMBERS_MAX
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope, TokenError
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import (
    ID_MAX,
    ActOnCampaign,
    CampaignAction,
    CampaignInfo,
    CampaignPage,
    CampaignRef,
    ControlError,
    CreateCampaign,
    EmergencyStop,
    GetCampaign,
    GetMoves,
    GetProgress,
    GetStatus,
    ListCampaigns,
    ListLists,
    Lists,
    Moves,
    Ping,
    ProgressInfo,
    Status,
    Stopped,
)
from dialerd.core.control_base import PAGE_MAX
from dialerd.core.lines_view import ListTrunks, TrunkInfo, TrunkList
from fastpath.numbers import Analysis


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what only the HTTP API says."""


class Page(Document):
    """Which page of campaigns."""

    after: Annotated[int, Meta(ge=0, le=ID_MAX, description="The `next` of the page before.")] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100


class OneCampaign(Document):
    """Which campaign."""

    campaign: CampaignRef


class OneTrunk(Document):
    """Which line."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]


class Action(Document):
    """What to do with a campaign."""

    action: CampaignAction


class Stop(Document):
    """How to stop."""

    hang_up: bool = True


class NumbersQuestion(Document):
    """Numbers as people type them."""

    numbers: Annotated[
        tuple[Annotated[str, Meta(max_length=NUMBER_CHARS_MAX)], ...],
        Meta(min_length=1, max_length=NUMBERS_MAX),
    ]


class NumberInfo(Document):
    """How one was read; null where there is nothing to say."""

    input: str
    e164: str | None
    national: str | None
    carrier: str | None
    rule: str | None
    dialable: bool
    reason: str | None
    converted: bool


class NumberInfos(Document):
    """One answer for each number, in their order."""

    items: tuple[NumberInfo, ...]


class Health(Document):
    """Whether it works; `detail` says what does not."""

    ok: bool
    detail: str = ""


@route("GET", "/v1/health/live", None)
async def live(call: Call) -> Health:
    """Whether this process answers."""
    del call
    return Health(ok=True)


@route("GET", "/v1/health/ready", None)
async def ready(call: Call) -> Health:
    """Whether the daemon can be asked and tokens can be checked; 503 when not."""
    try:
        await call.services.control.call(Ping())
        call.services.tokens.tokens()
    except (ControlError, TokenError):
        # An open route tells nobody about paths: the log and `dialerd status` do.
        raise ProblemError(503, "the daemon cannot be reached just now") from None
    return Health(ok=True)


@route("GET", "/v1/status", Scope.READ)
async def status(call: Call) -> Status:
    """The daemon now."""
    return await call.services.control.call(GetStatus())


@route("GET", "/v1/trunks", Scope.READ)
async def trunks(call: Call) -> TrunkList:
    """The lines: use, registration, health, cost and what is left."""
    return await call.services.control.call(ListTrunks())


@route("GET", "/v1/trunks/{name}", Scope.READ)
async def trunk(call: Call, path: OneTrunk) -> TrunkInfo:
    """One line with its ports."""
    return (await call.services.control.call(ListTrunks(name=path.name))).items[0]


@route("GET", "/v1/campaigns", Scope.READ)
async def campaigns(call: Call, query: Page) -> CampaignPage:
    """A page of campaigns, oldest first."""
    page = await call.services.control.call(ListCampaigns(after=query.after, limit=query.limit))
    if page.next is not None:
        more = f"/v1/campaigns?after={page.next}&limit={query.limit}"
        call.headers["Link"] = f'<{more}>; rel="next"'
    return page


@route("POST", "/v1/campaigns", Scope.CAMPAIGNS, status=201, body_at="/spec")
async def create_campaign(call: Call, body: CampaignSpec) -> CampaignInfo:
    """A new draft."""
    made = await call.services.control.call(CreateCampaign(spec=body, who=call.who))
    call.headers["Location"] = f"/v1/campaigns/{made.id}"
    return made


@route("GET", "/v1/campaigns/{campaign}", Scope.READ)
async def campaign(call: Call, path: OneCampaign) -> CampaignInfo:
    """One campaign, by id or name."""
    return await call.services.control.call(GetCampaign(campaign=path.campaign))


@route("POST", "/v1/campaigns/{campaign}/actions", Scope.CAMPAIGNS)
async def act(call: Call, path: OneCampaign, body: Action) -> CampaignInfo:
    """Approve, start, pause, resume or finish it."""
    request = ActOnCampaign(campaign=path.campaign, action=body.action, who=call.who)
    return await call.services.control.call(request)


@route("GET", "/v1/campaigns/{campaign}/progress", Scope.READ)
async def progress(call: Call, path: OneCampaign) -> ProgressInfo:
    """Its books: leads by state, attempts by outcome."""
    return await call.services.control.call(GetProgress(campaign=path.campaign))


@route("GET", "/v1/campaigns/{campaign}/moves", Scope.READ)
async def moves(call: Call, path: OneCampaign) -> Moves:
    """Who moved it through its gate, and when."""
    return await call.services.control.call(GetMoves(campaign=path.campaign))


@route("GET", "/v1/lists", Scope.READ)
async def lists(call: Call) -> Lists:
    """The imported lists."""
    return await call.services.control.call(ListLists())


@route("POST", "/v1/numbers:analyze", Scope.READ)
async def analyze_numbers(call: Call, body: NumbersQuestion) -> NumberInfos:
    """How numbers are read: E.164, carrier, the rule that matched, and whether to dial them."""
    analyse = call.services.numbering.analyse
    return NumberInfos(items=tuple(_info(analyse(text)) for text in body.numbers))


def _info(found: Analysis) -> NumberInfo:
    return NumberInfo(
        input=found.input,
        e164=found.e164,
        national=found.national,
        carrier=found.carrier,
        rule=found.rule,
        dialable=found.dialable,
        reason=found.reason,
        converted=found.converted,
    )


@route("POST", "/v1/emergency-stop", Scope.OPERATE)
async def emergency_stop(call: Call, body: Stop) -> Stopped:
    """Stop all dialing now and pause every running campaign."""
    return await call.services.control.call(EmergencyStop(who=call.who, hang_up=body.hang_up))
