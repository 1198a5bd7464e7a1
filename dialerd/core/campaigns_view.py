"""What may be asked about campaigns: made, changed, moved through the gate, their books."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control_base import PAGE_MAX, Instant, Reply, Request
from dialerd.core.records import CampaignState, Outcome

ID_MAX: Final = (1 << 53) - 1  # what JSON numbers hold exactly

CampaignRef = Annotated[
    str, Meta(min_length=1, max_length=200, description="Name of a campaign, or its id.")
]
Who = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]


class CampaignAction(StrEnum):
    """What may be asked of a campaign; which is legal when: `dialerd.core.campaign`."""

    APPROVE = "approve"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    SWITCH = "switch"  # the newest versions of its flows and script, from the next call on


class ListCampaigns(Request["CampaignPage"]):
    """A page of campaigns, oldest first; `after` is the id that the last page ended with."""

    after: Annotated[int, Meta(ge=0, le=ID_MAX)] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100


class GetCampaign(Request["CampaignInfo"]):
    """One campaign."""

    campaign: CampaignRef


class CreateCampaign(Request["CampaignInfo"]):
    """A new draft."""

    spec: CampaignSpec
    who: Who


class ReviseCampaign(Request["CampaignInfo"]):
    """Other content for a draft. With `seen` only if it still is what that says."""

    campaign: CampaignRef
    spec: CampaignSpec
    who: Who
    seen: CampaignSpec | None = None


class ActOnCampaign(Request["CampaignInfo"]):
    """Move a campaign through its gate."""

    campaign: CampaignRef
    action: CampaignAction
    who: Who


class CampaignInfo(Reply):
    """A campaign; `why` says why a running one does not dial just now."""

    id: int
    name: str
    state: CampaignState
    allowed: tuple[CampaignAction, ...]
    created_at: Instant
    audience: int  # leads frozen at approval
    spec: CampaignSpec
    why: str = ""


class CampaignPage(Reply):
    """Some campaigns; `next` is the `after` of the next page, None on the last."""

    items: tuple[CampaignInfo, ...]
    next: int | None = None


class GetMoves(Request["Moves"]):
    """Who moved a campaign and when."""

    campaign: CampaignRef


class MoveInfo(Reply):
    """One move through the gate."""

    at: Instant
    who: str
    before: CampaignState
    after: CampaignState
    reason: str = ""


class Moves(Reply):
    """Every move, oldest first."""

    items: tuple[MoveInfo, ...]


class GetProgress(Request["ProgressInfo"]):
    """A campaign's books; `by_list` counts them for each of its lists too, lead by lead."""

    campaign: CampaignRef
    by_list: bool = False


class ListProgress(Reply):
    """The leads of one list of a campaign, by state."""

    list: str
    audience: int
    leads: dict[str, int]
    left: int


class ProgressInfo(Reply):
    """Leads by state, ended attempts by outcome; `left` is what may still be dialed.

    `eta` is when it will be over at the pace so far, within its hours: neither pauses nor nights
    count. None while there is no pace yet, it does not run, or nobody can tell.
    """

    id: int
    name: str
    state: CampaignState
    audience: int
    leads: dict[str, int]
    outcomes: dict[Outcome, int]
    left: int
    lists: tuple[ListProgress, ...] = ()
    eta: Instant | None = None
