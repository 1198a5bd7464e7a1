"""What may be asked about the calls in progress, and done with one.

What has ended is in the store; a call in progress is here until its end is durable there.
"""

from __future__ import annotations

from typing import Annotated, Final, Protocol

from msgspec import Meta

from dialerd.core.campaigns_view import Who
from dialerd.core.control_base import PAGE_MAX, Instant, Reply, Request
from dialerd.core.flow_records import TargetKind
from dialerd.core.records import Direction, EventKind
from dialerd.core.supervise_records import SuperviseMode

AttemptId = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]

PHONE_PATTERN: Final = r"^[^\x00-\x1f\x7f]*$(?!\n)"

Target = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f{}]+$(?!\n)")]


class ListCalls(Request["CallList"]):
    """The calls in progress by attempt, of the campaigns in `campaigns` only where there are any.

    `after` is the attempt that the page before ended with.
    """

    after: AttemptId = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100
    campaigns: Annotated[tuple[int, ...], Meta(max_length=PAGE_MAX)] = ()


class GetCall(Request["CallNow"]):
    """One call in progress with all that has happened in it."""

    attempt: AttemptId


class EndCall(Request["LiveCall"]):
    """Hang up: an answered call ends, one that rings is given up."""

    attempt: AttemptId
    who: Who


class TransferCall(Request["LiveCall"]):
    """Put its person through to somebody else; Conflict while nobody can be.

    `target` is a queue, an agent or a number, no text with fields. After `ring_s_max` it has
    failed, and the flow goes on where the step leads that was cut.
    """

    attempt: AttemptId
    who: Who
    kind: TargetKind
    target: Target
    ring_s_max: Annotated[int, Meta(ge=1, le=600)] = 30


class SuperviseCall(Request["LiveCall"]):
    """Listen in on it at a telephone, speak in another way, or leave; Conflict with words.

    `phone` is an account of the registrar; empty: that of the agent called `who`, or the account
    of that name. `mode` None: leave. Who listens in already changes the mode, and is not rung anew.
    """

    attempt: AttemptId
    who: Who
    mode: SuperviseMode | None
    phone: Annotated[str, Meta(max_length=64, pattern=PHONE_PATTERN)] = ""


def call_name(campaign_id: int, lead_id: int, attempt_id: int) -> str:
    """What stands for a call in addresses: it says where it lies."""
    return f"{campaign_id}-{lead_id}-{attempt_id}"


class Listener(Reply):
    """One who listens in on a call; `ringing`: the telephone is not answered yet."""

    who: str
    mode: SuperviseMode
    phone: str
    ringing: bool
    since: Instant


class LiveCall(Reply):
    """One call: `state` is dialing, ringing, up, advancing to another line, or releasing."""

    id: str
    attempt: int
    campaign_id: int
    campaign: str
    lead: int
    number: str
    state: str
    direction: Direction
    trunk: str
    port: str
    tried: int  # which try of the lead it is
    answered_at: Instant | None
    agent: str
    keys: str
    supervisors: tuple[Listener, ...] = ()


class CallList(Reply):
    """Some of them; `total` are in progress, `next` is the `after` of the next page."""

    items: tuple[LiveCall, ...]
    total: int
    next: int | None = None


class CallLine(Reply):
    """One line of a call's history."""

    at: Instant
    kind: EventKind
    detail: str = ""


class CallNow(Reply):
    """One call with its history so far."""

    call: LiveCall
    events: tuple[CallLine, ...]


class CallControl(Protocol):
    """The part of `dialerd.core.control.Control` about calls in progress."""

    async def calls(self, request: ListCalls) -> CallList:
        """A page of them."""
        ...

    async def call_now(self, request: GetCall) -> CallNow:
        """One; NotFound when it is not in progress (any more)."""
        ...

    async def end_call(self, request: EndCall) -> LiveCall:
        """Hang up; NotFound, Conflict when it is being hung up already."""
        ...

    async def transfer_call(self, request: TransferCall) -> LiveCall:
        """Put it through; NotFound, Conflict with words."""
        ...

    async def supervise_call(self, request: SuperviseCall) -> LiveCall:
        """Listen in, speak in another way, leave; NotFound, Conflict with words."""
        ...
