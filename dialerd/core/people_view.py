"""What may be asked about the people of a campaign: who waits, why not now, who will be skipped."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from dialerd.core.control_base import PAGE_MAX, Instant, Reply, Request
from dialerd.core.records import Outcome

Ref = Annotated[
    str, Meta(min_length=1, max_length=200, description="Name of a campaign, or its id.")
]


class LeadList(StrEnum):
    """Where a person stands, in words that people use; the states of `dialerd.core.records`."""

    READY = "ready"
    CALLBACK = "callback"
    RETRY = "retry"
    WAITING = "waiting"  # found switched off: to be tried again
    CAPPED = "capped"
    RESTING = "resting"
    CLAIMED = "claimed"
    DIALING = "dialing"
    DONE = "done"
    EXHAUSTED = "exhausted"
    UNREACHABLE = "unreachable"
    BLOCKED = "blocked"
    INTERRUPTED = "interrupted"


class ListLeads(Request["LeadPage"]):
    """A page of a campaign's people in some states, by state and by when they are due.

    `after` is the `next` of the page before; without `states` it is everybody.
    """

    campaign: Ref
    states: tuple[LeadList, ...] = ()
    after: Annotated[str, Meta(max_length=64, pattern="^[0-9a-f]*$")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 100


class NumberInfo(Reply):
    """One of several numbers of a person; `over`: it is not dialed any more in this campaign."""

    number: str
    tries: int
    over: bool


class LeadInfo(Reply):
    """One person. `due_at` is when it may be dialed again: of a cap, when it is eligible again.

    `number` is the one that is dialed next or was dialed last; `numbers` are all, where there are
    several.
    """

    lead: int
    number: str
    state: LeadList
    attempts: int
    outcome: Outcome | None
    due_at: Instant | None
    original: str
    fields: dict[str, str]
    list: str = ""
    numbers: tuple[NumberInfo, ...] = ()


class LeadPage(Reply):
    """Some of them; `next` is empty on the last page."""

    items: tuple[LeadInfo, ...]
    next: str = ""


class GetWhy(Request["WhyInfo"]):
    """Why a number is not being dialed now."""

    campaign: Ref
    number: Annotated[str, Meta(min_length=1, max_length=64)]


class WhyInfo(Reply):
    """One sentence. `rule` is the rule that says no, `until` when that is over."""

    number: str
    lead: int
    state: LeadList
    why: str
    rule: str = ""
    until: Instant | None = None


class ListIdle(Request["IdleLines"]):
    """Why each line and port that carries no call does not."""


class IdleLine(Reply):
    """One sentence for one line; `port` is empty where it has none."""

    trunk: str
    port: str
    why: str


class IdleLines(Reply):
    """Those that have a free channel."""

    items: tuple[IdleLine, ...]


class CheckCampaign(Request["CheckInfo"]):
    """What will become of a campaign's people, as far as is known before it starts."""

    campaign: Ref


class Skipped(Reply):
    """How many people one rule keeps from being called, in words, and until when at the latest.

    `until` is None where that is for good.
    """

    reason: str
    people: int
    text: str
    until: Instant | None = None
    example: str = ""


class ListChecked(Reply):
    """The people of one of several lists; `elsewhere` stand in one before it, and count there."""

    list: str
    people: int
    callable: int
    elsewhere: int


class CheckInfo(Reply):
    """`skipped_people` of `people` will be skipped when it starts at `at`.

    `over` are those who need no call any more.
    """

    id: int
    name: str
    at: Instant | None
    people: int
    callable: int
    skipped_people: int
    over: int
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...] = ()
    lists: tuple[ListChecked, ...] = ()
