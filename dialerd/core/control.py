"""The `Control` protocol: everything a person or a program may ask of the running daemon.

One method for each request; each takes one request struct and gives one reply struct, so that the
socket, the HTTP API and a test serve and call the same thing. Refusals are `ControlError`s. Live
events are pushed into a sink (`subscribe`). Times are RFC 3339 (datetimes with a zone).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Protocol

from msgspec import Meta

from dialerd.core.agents_view import AgentControl
from dialerd.core.calls_view import CallControl
from dialerd.core.campaigns_view import (
    ID_MAX,
    ActOnCampaign,
    CampaignAction,
    CampaignInfo,
    CampaignPage,
    CampaignRef,
    CreateCampaign,
    GetCampaign,
    GetMoves,
    GetProgress,
    ListCampaigns,
    ListProgress,
    MoveInfo,
    Moves,
    ProgressInfo,
    ReviseCampaign,
    Who,
)
from dialerd.core.control_base import Instant, Reply, Request
from dialerd.core.control_errors import (
    ERRORS,
    Conflict,
    ControlError,
    ErrorKind,
    FieldFault,
    Invalid,
    NotFound,
    Unavailable,
)
from dialerd.core.leads_view import LeadControl
from dialerd.core.lines_view import ConfigInfo, GetConfig, ListTrunks, Reload, Reloaded, TrunkList
from dialerd.core.lists_view import ListControl, ListInfo, ListLists, Lists
from dialerd.core.operate_view import OperateControl
from dialerd.core.people_view import (
    CheckCampaign,
    CheckInfo,
    GetWhy,
    IdleLines,
    LeadPage,
    ListIdle,
    ListLeads,
    WhyInfo,
)
from dialerd.core.ports_view import PortControl
from dialerd.core.prompts_view import PromptChanged, PromptTaken
from dialerd.core.records import Outcome
from dialerd.core.scripts_view import ScriptControl
from dialerd.core.tracing import GetTrace, ListTraces, Trace, TraceList

__all__ = [  # what is defined elsewhere and belongs to the protocol
    "ERRORS",
    "ID_MAX",
    "ActOnCampaign",
    "CampaignAction",
    "CampaignInfo",
    "CampaignPage",
    "CampaignRef",
    "Conflict",
    "ControlError",
    "CreateCampaign",
    "ErrorKind",
    "FieldFault",
    "GetCampaign",
    "GetMoves",
    "GetProgress",
    "Invalid",
    "ListCampaigns",
    "ListInfo",
    "ListLists",
    "ListProgress",
    "Lists",
    "MoveInfo",
    "Moves",
    "NotFound",
    "ProgressInfo",
    "ReviseCampaign",
    "Unavailable",
    "Who",
]
TOPICS_MAX = 32

Topic = Annotated[str, Meta(pattern=r"^[a-z][a-z_.]{0,31}$(?!\n)")]


class DaemonState(StrEnum):
    """What the daemon as a whole is doing."""

    RUNNING = "running"
    DRAINING = "draining"  # no new calls, live ones end
    HALTED = "halted"  # by an emergency stop, until a campaign is started or resumed
    DEGRADED = "degraded"  # the store refuses commits: no new calls until it recovers


class Ping(Request["Pong"]):
    """Are you there."""


class Pong(Reply):
    """Who answers. `protocol` changes when old clients no longer fit."""

    version: str
    pid: int
    started_at: Instant
    protocol: int = 1


class GetStatus(Request["Status"]):
    """How the daemon is."""


class TrunkStatus(Reply):
    """One trunk now; `why` says why it takes no calls."""

    name: str
    up: bool
    channels: int
    in_use: int
    placed: int = 0
    answered: int = 0
    failed: int = 0
    why: str = ""
    calls_per_s_max: float = 0.0  # as configured; 0: no limit
    calls_per_s: float = 0.0  # what it takes now: less, when it said that this is too fast
    incoming: int = 0  # calls to us


class Status(Reply):
    """The daemon now. Counts are since its start; `counters` holds what each part adds."""

    version: str
    pid: int
    started_at: Instant
    now: Instant
    state: DaemonState
    calls_in_flight: int = 0
    calls_per_s: float = 0.0
    placed: int = 0
    outcomes: dict[Outcome, int] = {}  # noqa: RUF012 - a Struct copies it
    running: tuple[str, ...] = ()  # names of the running campaigns
    trunks: tuple[TrunkStatus, ...] = ()
    counters: dict[str, float] = {}  # noqa: RUF012


class Drain(Request["Stopped"]):
    """No new calls; live ones end by themselves, or at once when `hang_up`."""

    who: Who
    hang_up: bool = False


class Stop(Request["Stopped"]):
    """Drain, then end the daemon."""

    who: Who
    hang_up: bool = False


class EmergencyStop(Request["Stopped"]):
    """No new calls at once: every running campaign is paused; live calls end when `hang_up`."""

    who: Who
    hang_up: bool = True


class Stopped(Reply):
    """What a drain or stop found."""

    calls_in_flight: int
    paused: tuple[str, ...] = ()  # campaigns that the emergency stop paused


class Subscribe(Request[None]):
    """Live events of `topics` (none: all; `also`: those made on demand too), behind `after`."""

    topics: Annotated[tuple[Topic, ...], Meta(max_length=TOPICS_MAX)] = ()
    after: Annotated[int, Meta(ge=0, le=ID_MAX)] | None = None
    also: Annotated[tuple[Topic, ...], Meta(max_length=TOPICS_MAX)] = ()


class LiveEvent(Reply):
    """One event. Topics `lost` (data: n) and `reset` tell that events are missing before it."""

    seq: int
    at_ms: int
    topic: str
    data: dict[str, object]


Sink = Callable[[LiveEvent], None]
Unsubscribe = Callable[[], None]


class Control(
    AgentControl,
    ScriptControl,
    PortControl,
    ListControl,
    LeadControl,
    CallControl,
    OperateControl,
    Protocol,
):
    """See the module's text. Every method may raise `ControlError`."""

    async def ping(self, request: Ping) -> Pong:
        """Who answers."""
        ...

    async def status(self, request: GetStatus) -> Status:
        """How the daemon is."""
        ...

    async def campaigns(self, request: ListCampaigns) -> CampaignPage:
        """A page of campaigns."""
        ...

    async def campaign(self, request: GetCampaign) -> CampaignInfo:
        """One; NotFound."""
        ...

    async def create_campaign(self, request: CreateCampaign) -> CampaignInfo:
        """A draft; Conflict when the name is taken, Invalid when values do not fit."""
        ...

    async def revise_campaign(self, request: ReviseCampaign) -> CampaignInfo:
        """Other content for a draft; Conflict when it is none, or not the one that was seen."""
        ...

    async def act(self, request: ActOnCampaign) -> CampaignInfo:
        """Move it; Conflict with the allowed actions."""
        ...

    async def moves(self, request: GetMoves) -> Moves:
        """Its history; NotFound."""
        ...

    async def progress(self, request: GetProgress) -> ProgressInfo:
        """Its books; NotFound."""
        ...

    async def leads(self, request: ListLeads) -> LeadPage:
        """People of a campaign in some states; NotFound."""
        ...

    async def why(self, request: GetWhy) -> WhyInfo:
        """Why a number is not being dialed now; NotFound, Invalid when it is no number."""
        ...

    async def idle(self, request: ListIdle) -> IdleLines:
        """Why the lines that carry no call do not."""
        ...

    async def check(self, request: CheckCampaign) -> CheckInfo:
        """Who will be skipped, before it starts; NotFound."""
        ...

    async def drain(self, request: Drain) -> Stopped:
        """No new calls; returns at once."""
        ...

    async def stop(self, request: Stop) -> Stopped:
        """Drain and end; returns at once."""
        ...

    async def emergency_stop(self, request: EmergencyStop) -> Stopped:
        """Everything off, now; returns once every campaign is durably paused."""
        ...

    async def trunks(self, request: ListTrunks) -> TrunkList:
        """The lines; NotFound."""
        ...

    async def reload(self, request: Reload) -> Reloaded:
        """Take over the configuration's trunks; Invalid with its faults."""
        ...

    async def config(self, request: GetConfig) -> ConfigInfo:
        """As it is in force."""
        ...

    async def prompt_changed(self, request: PromptChanged) -> PromptTaken:
        """Play what a prompt's name stands for now; Conflict, NotFound when it is to go."""
        ...

    async def traces(self, request: ListTraces) -> TraceList:
        """The calls whose messages are kept."""
        ...

    async def trace(self, request: GetTrace) -> Trace:
        """The messages of one; NotFound."""
        ...

    def subscribe(self, request: Subscribe, sink: Sink) -> Unsubscribe:
        """Call `sink` with each event from now on (or from `after`). `sink` never blocks."""
        ...
