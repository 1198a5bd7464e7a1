"""What people change about who is called: do-not-call entries, and callbacks of a campaign."""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import Meta

from dialerd.core.agents_view import AgentName, CallbackInfo
from dialerd.core.campaigns_view import CampaignRef, Who
from dialerd.core.control_base import Instant, Reply, Request
from dialerd.core.limits import NOTE_CHARS_MAX
from dialerd.core.lists_view import Phone
from dialerd.core.records import BanList

BANS_MAX = 1_000  # in one request

Source = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
LeadId = Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]


class AddBans(Request["BansAdded"]):
    """Numbers onto a list of those that nobody dials.

    `campaign`: in that one only; `until`: not for good. One that is there already keeps its first
    entry, unless this one holds for longer.
    """

    phones: Annotated[tuple[Phone, ...], Meta(min_length=1, max_length=BANS_MAX)]
    who: Who
    kind: BanList = BanList.OWN
    source: Source = ""
    campaign: CampaignRef | None = None
    until: Instant | None = None


class BansAdded(Reply):
    """How many were new."""

    added: int


class RemoveBan(Request["BanRemoved"]):
    """A number off one list. People who were left out because of it stay left out."""

    phone: Phone
    who: Who
    kind: BanList = BanList.OWN
    reason: Source = ""
    campaign: CampaignRef | None = None


class BanRemoved(Reply):
    """Whether it was there."""

    removed: bool


class BookCallback(Request["CallbackInfo"]):
    """Promise a call to a person of a campaign, in place of an earlier promise.

    `agent` makes it, anybody from `anybody_at` on; without an agent anybody makes it.
    """

    campaign: CampaignRef
    lead: LeadId
    due: Instant
    who: Who
    agent: AgentName | None = None
    anybody_at: Instant | None = None
    note: Annotated[str, Meta(max_length=NOTE_CHARS_MAX)] = ""
    move: bool = False  # only where one is booked already


class CancelCallback(Request["CallbackCancelled"]):
    """Take a promise back. The person needs no call any more, or waits for one (`call_again`)."""

    campaign: CampaignRef
    lead: LeadId
    who: Who
    call_again: bool = False


class CallbackCancelled(Reply):
    """What was promised."""

    was: CallbackInfo


class LeadControl(Protocol):
    """This part of the control protocol."""

    async def add_bans(self, request: AddBans) -> BansAdded:
        """When it returns, they are not dialed any more; NotFound, Invalid."""
        ...

    async def remove_ban(self, request: RemoveBan) -> BanRemoved:
        """Durable before it returns; NotFound: no such campaign."""
        ...

    async def book_callback(self, request: BookCallback) -> CallbackInfo:
        """Durable before it returns; NotFound, Conflict while the person is in a call."""
        ...

    async def cancel_callback(self, request: CancelCallback) -> CallbackCancelled:
        """Durable before it returns; NotFound when none is booked."""
        ...
