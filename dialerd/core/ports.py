"""The `Store` protocol: everything the daemon asks of persistence.

Writes return futures that resolve once the change is durable; several callers share one commit.
Reads are short and synchronous. `LmdbStore` (embedded) and `MemoryStore` (its twin) pass the same
tests; a shared engine for several nodes is meant to pass them later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from dialerd.core.agent_records import AgentMove, Callback, Note
from dialerd.core.ops import AtWork, ClaimBatch, DialOp, Met, OldCall, ReturnCall, Returned
from dialerd.core.records import (
    Attempt,
    BanList,
    CallEvent,
    Campaign,
    CampaignMove,
    CampaignSettings,
    CampaignState,
    Contact,
    ContactList,
    DoNotCall,
    ImportMark,
    Lead,
    LeadState,
    Outcome,
    Usage,
)
from dialerd.core.rules import Verdict
from dialerd.core.script_records import ScriptVersion


class StoreError(Exception):
    """A request the store refuses; the text tells the user what to do."""


class NotFoundError(StoreError):
    """The named thing does not exist."""


class ConflictError(StoreError):
    """The thing exists already, or its state does not allow this.

    `allowed` lists the legal moves, if any.
    """

    def __init__(self, text: str, allowed: Sequence[str] = ()) -> None:
        """Keep the legal moves beside the text."""
        super().__init__(text)
        self.allowed = tuple(allowed)


class StoreFailedError(StoreError):
    """The disk refused a commit (full, read error). Nothing of that commit is in the store."""


class ContactsAdded(msgspec.Struct, frozen=True):
    """One import batch.

    How many people were added; the indexes (in the batch) of those whose number is in the list
    already, who are left out; and of the others those whose number is in another list as well.
    `known` counts further numbers of the people added that were left out, because somebody of the
    list has them.
    """

    added: int
    duplicates: tuple[int, ...]
    elsewhere: tuple[int, ...] = ()
    known: int = 0


class Progress(msgspec.Struct, frozen=True):
    """A campaign's books.

    How many leads stand in each state, how many attempts ended in each outcome.
    """

    leads: dict[LeadState, int]
    outcomes: dict[Outcome, int]


class Past(msgspec.Struct, frozen=True):
    """One earlier call to a number, as the next agent sees it."""

    campaign: str
    attempt: Attempt
    note: str


class ReportRow(msgspec.Struct, frozen=True, gc=False):
    """One number of a campaign with everything that happened to it."""

    lead: Lead
    contact: Contact
    attempts: tuple[tuple[Attempt, tuple[CallEvent, ...]], ...]
    list_id: int = 0  # that it came from, where the campaign has several


class LeadRow(msgspec.Struct, frozen=True, gc=False):
    """One person of a campaign."""

    lead: Lead
    contact: Contact
    list_id: int = 0  # that it came from


class Judged(msgspec.Struct, frozen=True):
    """One person with the rule that says no; None: none does, apart from lines and daemon."""

    lead: Lead
    contact: Contact
    verdict: Verdict | None
    list_id: int = 0  # that it came from


class Store(Protocol):
    """See the module's text."""

    # lists
    def create_list(self, name: str, at_ms: int) -> Awaitable[ContactList]:
        """Make an empty list; ConflictError when the name is taken."""

    def add_contacts(
        self,
        list_id: int,
        contacts: Sequence[Contact],
        *,
        skip_elsewhere: bool = False,
        mark: ImportMark | None = None,
        after: int = 0,
    ) -> Awaitable[ContactsAdded]:
        """Append people; a number already in the list is left out and reported.

        With `skip_elsewhere` so is one that is in another list. `mark` is kept with the last of
        them, in the same transaction, if the mark of before stands at row `after` (0: there is
        none); ConflictError when it does not, because what lies between is not in the list.
        """

    def import_mark(self, list_id: int, source: str) -> ImportMark | None:
        """How far an import came that did not end; None when there is none."""

    def end_import(self, list_id: int, source: str) -> Awaitable[None]:
        """Forget the mark."""

    def standing(self, list_id: int, phones: Sequence[int]) -> list[tuple[int, bool]]:
        """Of each number: its row in the list or 0, and whether another list holds it."""

    def lists(self) -> list[ContactList]:
        """All lists, oldest first."""

    def find_list(self, name: str) -> ContactList:
        """NotFoundError when there is none of that name."""

    def contact_list(self, list_id: int) -> ContactList:
        """By id; NotFoundError when there is none."""

    # campaigns
    def create_campaign(
        self, settings: CampaignSettings, who: str, at_ms: int
    ) -> Awaitable[Campaign]:
        """A new draft; ConflictError when the name is taken."""

    def revise_campaign(
        self, before: Campaign, settings: CampaignSettings, who: str, at_ms: int
    ) -> Awaitable[Campaign]:
        """Other content for a draft; ConflictError when it is none, or was changed since."""

    def move_campaign(
        self, campaign_id: int, after: CampaignState, who: str, at_ms: int, reason: str = ""
    ) -> Awaitable[Campaign]:
        """One legal move, recorded; ConflictError with the allowed moves otherwise.

        The move to APPROVED freezes the audience: one lead for each contact of the list.
        """

    def join(self, campaign_id: int) -> Awaitable[int]:
        """Make leads of those who came into its lists since its approval; how many are new."""

    def halted(self) -> bool:
        """Whether an emergency stop is in force."""

    def set_halted(self, *, on: bool) -> Awaitable[None]:
        """Begin or end an emergency stop: while it is in force no campaign starts by itself."""

    def switch_campaign(self, campaign_id: int, who: str, at_ms: int) -> Awaitable[Campaign]:
        """Its script and flows become the newest versions; ConflictError when it has finished."""

    def script(self, name: str, version: int = 0) -> ScriptVersion:
        """One version, 0: the newest; NotFoundError."""

    def newest(self, settings: CampaignSettings) -> CampaignSettings:
        """With the newest versions of the script and the flows that it names; NotFoundError."""

    def campaigns(self) -> list[Campaign]:
        """All campaigns, oldest first."""

    def campaign(self, campaign_id: int) -> Campaign:
        """NotFoundError when there is none."""

    def find_campaign(self, name: str) -> Campaign:
        """By name, or by id written as a number."""

    def moves(self, campaign_id: int) -> list[CampaignMove]:
        """Who moved it and when, oldest first."""

    def progress(self, campaign_id: int) -> Progress:
        """Its books, kept up to date by every write: O(1)."""

    def counts_by_list(
        self, campaign_id: int, after: bytes
    ) -> tuple[list[Counter[LeadState]], bytes]:
        """Its leads by list, in the lists' order, and state, of some thousands behind a place.

        The second is where to go on, empty: nowhere.
        """

    # dialing
    def claim(
        self,
        campaign_id: int,
        n: int,
        now_ms: int,
        lease_s: int,
        *,
        node: str = "",
        agent: str = "",
        own: bool = False,
    ) -> Awaitable[ClaimBatch]:
        """Up to `n` due leads; for an `agent` its own callbacks first, with `own` nothing else.

        Do-not-call and cap checked, leased, cap reserved, in one transaction. `node` is who claims,
        where several do. An attempt's id is its fence: ids only grow, and one that was taken away
        (its lease ran out, its node was settled) begins nothing and ends nothing any more.
        """

    def apply(self, ops: Sequence[DialOp]) -> Awaitable[tuple[int, ...]]:
        """All of them in order, durable when the awaitable resolves.

        Returns the attempts whose `BeginDial` was refused and which must not be dialed: the lease
        ran out, the number came onto the do-not-call list, or the campaign stopped running since
        the claim. A refused claim has been given back. Operations on finished attempts do nothing.
        """

    def take_return(self, call: ReturnCall) -> Awaitable[Returned]:
        """Find whose customer calls back, and begin the attempt of that call, durably.

        It is the campaign that called this number last, from the number or the trunk that is called
        now, no longer ago than its `returns.days`, and that wants such calls. A lead that is
        claimed and not dialed is taken from the dialer, whose `BeginDial` is then refused.
        """

    def claim_over(
        self, attempt_id: int, phone: int, now_ms: int, lease_s: int
    ) -> Awaitable[Returned]:
        """An attempt for a number that the person of an attempt in progress is put through to.

        No `claim` when that one is not in progress, nor, with the reason in `why`, for a number
        that is on a do-not-call list which binds the campaign, is the person's own, or is being
        called. Caps do not bind it: the customer asked for it. It has no lead of its own: neither
        lead nor caps nor books change by it.
        """

    def usage(self, since_day: int) -> list[Usage]:
        """What every line used on each local day from one on, oldest first."""

    def recover(
        self, now_ms: int, *, node: str | None = None, staff: bool = False
    ) -> Awaitable[int]:
        """After a restart: begun attempts become INTERRUPTED (cap kept), claimed ones go back.

        Returns how many. With a `node` only what that one holds is settled. With `staff` the agents
        who were logged in keep their customers (`at_work`); else nobody is logged in any more.
        """

    def old_calls(self) -> list[OldCall]:
        """What earlier processes left behind and nobody has ended yet: known after `recover`."""

    def old_calls_ended(self, attempt_ids: Sequence[int]) -> Awaitable[int]:
        """They need nothing more; how many of them there were."""

    # do not call
    def dnc_add(self, entries: Iterable[DoNotCall]) -> Awaitable[int]:
        """Add numbers; returns how many were new."""

    def dnc_remove(
        self, phone: int, *, kind: BanList = BanList.OWN, campaign_id: int = 0
    ) -> Awaitable[bool]:
        """Whether it was there."""

    def bans(self, phone: int) -> list[DoNotCall]:
        """Every do-not-call entry of a number, of all lists and campaigns."""

    def dnc_has(self, phone: int) -> bool:
        """Whether nobody may dial it."""

    def dnc_find(self, phone: int) -> DoNotCall | None:
        """Since when and from where a number is on the list."""

    def dnc_list(
        self, chunk: int = 10_000, *, kind: BanList = BanList.OWN
    ) -> Iterator[list[DoNotCall]]:
        """One list by number, in chunks of one short read transaction each."""

    # agents
    def callbacks(self, campaign_id: int, chunk: int = 500) -> Iterator[list[Callback]]:
        """What was promised in a campaign and is not kept yet, in chunks."""

    def notes(self, phone: int) -> list[Note]:
        """What agents wrote about a number, oldest first."""

    def past(self, phone: int, limit: int) -> list[Past]:
        """The last calls to a number in all campaigns, newest first."""

    def met(self, campaign_id: int, since_ms: int) -> list[Met]:
        """The people of a campaign who answered from a moment on, by quarters of an hour."""

    def at_work(self) -> list[AtWork]:
        """Who was logged in when the last daemon ended, each with the customer that they had."""

    def agent_moves(self, since_ms: int, until_ms: int, limit: int) -> list[AgentMove]:
        """What agents did from one moment up to another, oldest first."""

    # reading
    def report(self, campaign_id: int, chunk: int = 500) -> Iterator[list[ReportRow]]:
        """Every lead of a campaign, in chunks of one short read transaction each."""

    def lead(self, campaign_id: int, lead_id: int) -> ReportRow | None:
        """One lead with everything that happened to it; None when there is none."""

    def leads(
        self, campaign_id: int, states: Iterable[LeadState], after: bytes, limit: int
    ) -> tuple[list[LeadRow], bytes]:
        """Leads in some states by state and due time, and where the next page begins."""

    def judged(self, campaign_id: int, phone: int, now_ms: int) -> Judged:
        """One number of a campaign by the rules of a moment; NotFoundError."""

    def judged_ahead(
        self, campaign_id: int, at_ms: int, after: int, limit: int
    ) -> tuple[list[Judged], int]:
        """The people of a campaign, or of a draft's list, as the rules will judge them.

        The second is where to go on, 0: nowhere. Hours that open later count against nobody.
        """

    def attempts_open(self) -> int:
        """How many attempts are claimed or begun and not finished."""

    def close(self) -> None:
        """Commit what is queued and let go of the files."""
