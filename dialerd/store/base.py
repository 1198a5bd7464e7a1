"""The `Store` protocol over any engine; a subclass says how a write runs and how a read does."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from secrets import token_bytes
from typing import Any, TypeVar

from dialerd.core.agent_records import AgentMove, Callback, Note
from dialerd.core.ops import AtWork, ClaimBatch, DialOp, Met, OldCall
from dialerd.core.ports import ContactsAdded, Judged, LeadRow, Past, Progress, ReportRow, Store
from dialerd.core.records import (
    Campaign,
    CampaignMove,
    CampaignSettings,
    CampaignState,
    Contact,
    ContactList,
    ImportMark,
    Lead,
    LeadState,
    Usage,
)
from dialerd.store import (
    agents,
    attempts,
    audience,
    callbacks,
    campaigns,
    claims,
    dialogs,
    ended,
    fsck,
    leads_view,
    lists,
    met,
    notes,
    people,
    reading,
    standing,
    usage,
)
from dialerd.store.call_store import CallStore
from dialerd.store.change_store import ChangeStore
from dialerd.store.ended import Ended
from dialerd.store.lead_store import LeadStore
from dialerd.store.limits import SCAN_PAGE, STEP_ROWS
from dialerd.store.party_store import PartyStore
from dialerd.store.people import About
from dialerd.store.schema import AuditLine, Cursor, OutboxRow
from dialerd.store.script_store import ScriptStore
from dialerd.store.sim_store import SimStore
from dialerd.store.unit import Unit

T = TypeVar("T")


class BaseStore(ChangeStore, LeadStore, ScriptStore, PartyStore, SimStore, CallStore, Store):
    """See `dialerd.core.ports.Store`; what goes beyond it is described here."""

    @abstractmethod
    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        """Run `work` in a write transaction, again and again while it returns More."""

    @abstractmethod
    def _read(self, work: Callable[[Unit], T]) -> T:
        """Run `work` in a read transaction."""

    @abstractmethod
    def close(self) -> None:
        """Commit what is queued and let go of the files."""

    # lists

    def create_list(self, name: str, at_ms: int) -> Awaitable[ContactList]:
        """Make an empty list; ConflictError when the name is taken."""
        return self._submit(lambda unit: lists.create_list(unit, name, at_ms))

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

        Committed in steps of `STEP_ROWS`, fewer in one: after a crash or a failure some of the rows
        may be in the list, and adding all of them again is right. `mark` goes with the last step,
        if the one before it stands at row `after`.
        """
        job = lists.Adding(list_id, tuple(contacts), skip_elsewhere, mark, after)
        return self._submit(job.step, len(job.contacts))

    def import_mark(self, list_id: int, source: str) -> ImportMark | None:
        """How far an import came that did not end; None when there is none."""
        return self._read(lambda unit: lists.import_mark(unit, list_id, source))

    def end_import(self, list_id: int, source: str) -> Awaitable[None]:
        """Forget the mark."""
        return self._submit(lambda unit: lists.end_import(unit, list_id, source))

    def standing(self, list_id: int, phones: Sequence[int]) -> list[tuple[int, bool]]:
        """Of each number: its row in the list or 0, and whether another list holds it."""
        return self._read(lambda unit: lists.standing(unit, list_id, phones))

    def lists(self) -> list[ContactList]:
        """All lists, oldest first."""
        return self._read(lists.all_lists)

    def find_list(self, name: str) -> ContactList:
        """NotFoundError when there is none of that name."""
        return self._read(lambda unit: lists.find_list(unit, name))

    def contact_list(self, list_id: int) -> ContactList:
        """By id; NotFoundError when there is none."""
        return self._read(lambda unit: lists.get_list(unit, list_id))

    # campaigns

    def create_campaign(
        self, settings: CampaignSettings, who: str, at_ms: int
    ) -> Awaitable[Campaign]:
        """A new draft; ConflictError when the name is taken."""
        return self._submit(lambda unit: campaigns.create_campaign(unit, settings, who, at_ms))

    def move_campaign(
        self, campaign_id: int, after: CampaignState, who: str, at_ms: int, reason: str = ""
    ) -> Awaitable[Campaign]:
        """One legal move, recorded; ConflictError with the allowed moves otherwise.

        Approval takes several transactions, with other writes between them. The campaign is
        APPROVED only with the last; one cut short by a crash is simply asked for again. Of two at
        the same time the later one wins and the earlier one gets a ConflictError.
        """
        note = (who, at_ms, reason)
        return self._submit(lambda unit: campaigns.move_campaign(unit, campaign_id, after, note))

    def halted(self) -> bool:
        """Whether an emergency stop is in force."""
        return self._read(campaigns.halted)

    def set_halted(self, *, on: bool) -> Awaitable[None]:
        """Begin or end an emergency stop: while it is in force no campaign starts by itself."""
        return self._submit(lambda unit: campaigns.set_halted(unit, on=on))

    def campaigns(self) -> list[Campaign]:
        """All campaigns, oldest first."""
        return self._read(campaigns.all_campaigns)

    def campaign(self, campaign_id: int) -> Campaign:
        """NotFoundError when there is none."""
        return self._read(lambda unit: unit.campaign(campaign_id))

    def find_campaign(self, name: str) -> Campaign:
        """By name, or by id written as a number."""
        return self._read(lambda unit: campaigns.find_campaign(unit, name))

    def moves(self, campaign_id: int) -> list[CampaignMove]:
        """Who moved it and when, oldest first; the first one is the making of the draft."""
        return self._read(lambda unit: campaigns.moves(unit, campaign_id))

    def progress(self, campaign_id: int) -> Progress:
        """Its books: every state and every outcome, kept up to date by every write: O(1)."""
        return self._read(lambda unit: campaigns.progress(unit, campaign_id))

    def columns(self, campaign_id: int) -> tuple[str, ...]:
        """Those of all lists of a campaign, each once."""
        return self._read(lambda unit: audience.columns(unit, campaign_id))

    def counts_by_list(
        self, campaign_id: int, after: bytes
    ) -> tuple[list[Counter[LeadState]], bytes]:
        """Its leads by list, in the lists' order, and state; and where to go on, empty: nowhere."""
        return self._read(lambda unit: audience.count(unit, campaign_id, after))

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
        """Up to `n` due leads; ConflictError unless the campaign is RUNNING.

        Order and limits: `dialerd.store.claims`.
        """
        return self._submit(
            lambda unit: claims.claim(unit, campaign_id, n, now_ms, lease_s, node, agent, own), n
        )

    def apply(self, ops: Sequence[DialOp]) -> Awaitable[tuple[int, ...]]:
        """All of them in order, durable when the awaitable resolves.

        Returns the attempts whose `BeginDial` was refused, which must not be dialed: the claim ran
        out, the number came onto the do-not-call list, or the campaign stopped running meanwhile.
        A refused claim has been given back. Operations on attempts that are over do nothing. No
        operation at all is still a commit: whether the disk takes one.
        """
        fixed = tuple(ops)
        return self._submit(lambda unit: attempts.apply(unit, fixed), len(fixed))

    def usage(self, since_day: int) -> list[Usage]:
        """What every line used on each local day from one on, oldest first."""
        return self._read(lambda unit: usage.since(unit, since_day))

    def recover(
        self, now_ms: int, *, node: str | None = None, staff: bool = False
    ) -> Awaitable[int]:
        """After a restart: begun attempts become INTERRUPTED (cap kept), claimed ones go back.

        Only for the daemon, and before it claims: it settles every open attempt, with a
        `node` all that this one holds. Returns how many.
        """
        return self._submit(lambda unit: agents.recover(unit, now_ms, node, staff=staff))

    def old_calls(self) -> list[OldCall]:
        """What earlier processes left behind and nobody has ended yet: known after `recover`."""
        return self._read(dialogs.old_calls)

    def old_calls_ended(self, attempt_ids: Sequence[int]) -> Awaitable[int]:
        """They need nothing more; how many of them there were."""
        fixed = tuple(attempt_ids)
        return self._submit(lambda unit: dialogs.ended(unit, fixed), len(fixed))

    # what ended, and who takes it

    def last_ended(self) -> int:
        """The number of the newest record of `ended`."""
        return self._read(ended.last)

    def ended(self, after: int, limit: int) -> list[Ended]:
        """The next records behind a number."""
        return self._read(lambda unit: ended.page(unit, after, min(limit, SCAN_PAGE)))

    def cursor(self, name: str) -> Cursor:
        """Where a cursor stands; a new one stands before the first record."""
        return self._read(lambda unit: ended.cursor(unit, name))

    def cursors(self) -> list[Cursor]:
        """All of them by name."""
        return self._read(ended.cursors)

    def move_cursor(self, before: Cursor, after: Cursor) -> Awaitable[Cursor]:
        """Replace a cursor; ConflictError when it does not stand as `before` any more."""
        return self._submit(lambda unit: ended.move_cursor(unit, before, after))

    def remove_cursor(self, name: str) -> Awaitable[None]:
        """Forget it; NotFoundError when there is none."""
        return self._submit(lambda unit: ended.remove_cursor(unit, name))

    def set_outbox(self, rows_max: int) -> Awaitable[None]:
        """How many rows may wait to be sent; 0: none are written."""
        return self._submit(lambda unit: ended.set_outbox(unit, rows_max))

    def outbox(self, limit: int) -> list[tuple[int, OutboxRow]]:
        """The oldest rows with their numbers; they stay until `outbox_done`."""
        return self._read(lambda unit: ended.outbox(unit, min(limit, SCAN_PAGE)))

    def outbox_done(self, through: int) -> Awaitable[int]:
        """Rows up to a number were delivered; how many went. At most STEP_ROWS at once."""
        return self._submit(lambda unit: ended.outbox_done(unit, through, STEP_ROWS))

    # people

    def about(self, phone: int) -> About:
        """Everything that is kept about a number."""
        return self._read(lambda unit: people.about(unit, phone))

    def leads_of_number(self, phone: int) -> list[tuple[Campaign, Lead]]:
        """A number in all campaigns that were approved with it, oldest campaign first."""
        return self._read(lambda unit: people.leads_of_number(unit, phone))

    def erase(self, phone: int, who: str, at_ms: int) -> Awaitable[dict[str, int]]:
        """Erase a number (see `people`); how much of what. Recordings are the caller's to remove.

        ConflictError while it is in the dialer's hands.
        """
        secret = token_bytes(32)
        return self._submit(lambda unit: people.erase(unit, phone, secret, who, at_ms))

    def audit(self) -> list[AuditLine]:
        """What was erased when and by whom, oldest first."""
        return self._read(people.audit_lines)

    # agents

    def callbacks(self, campaign_id: int, chunk: int = 500) -> Iterator[list[Callback]]:
        """What was promised in a campaign and is not kept yet, in chunks."""
        limit = min(max(chunk, 1), SCAN_PAGE)
        after = 0
        while rows := self._read(
            partial(callbacks.page, campaign_id=campaign_id, after=after, limit=limit)
        ):
            yield rows
            after = rows[-1].lead_id

    def notes(self, phone: int) -> list[Note]:
        """What agents wrote about a number, oldest first."""
        return self._read(lambda unit: notes.of(unit, phone))

    def past(self, phone: int, limit: int) -> list[Past]:
        """The last calls to a number in all campaigns, newest first."""
        return self._read(lambda unit: agents.past(unit, phone, limit))

    def met(self, campaign_id: int, since_ms: int) -> list[Met]:
        """The people of a campaign who answered from a moment on, by quarters of an hour."""
        return self._read(lambda unit: met.since(unit, campaign_id, since_ms))

    def at_work(self) -> list[AtWork]:
        """Who was logged in when the last daemon ended, each with the customer that they had."""
        return self._read(standing.at_work)

    def agent_moves(self, since_ms: int, until_ms: int, limit: int) -> list[AgentMove]:
        """What agents did from one moment up to another, oldest first."""
        limit = min(limit, SCAN_PAGE)
        return self._read(lambda unit: agents.moves(unit, since_ms, until_ms, limit))

    # reading

    def report(self, campaign_id: int, chunk: int = 500) -> Iterator[list[ReportRow]]:
        """Every lead of a campaign, in chunks of one short read transaction each."""
        limit = min(max(chunk, 1), SCAN_PAGE)
        after = 0
        while rows := self._read(
            partial(reading.report_chunk, campaign_id=campaign_id, after=after, limit=limit)
        ):
            yield rows
            after = rows[-1].lead.lead_id

    def lead(self, campaign_id: int, lead_id: int) -> ReportRow | None:
        """One lead with everything that happened to it; None when there is none."""
        return self._read(lambda unit: reading.find_lead(unit, campaign_id, lead_id))

    def leads(
        self, campaign_id: int, states: Iterable[LeadState], after: bytes, limit: int
    ) -> tuple[list[LeadRow], bytes]:
        """Leads in some states by state and due time, and where the next page begins."""
        limit = min(limit, SCAN_PAGE)
        return self._read(lambda unit: leads_view.page(unit, campaign_id, states, after, limit))

    def judged(self, campaign_id: int, phone: int, now_ms: int) -> Judged:
        """One number of a campaign by the rules of a moment; NotFoundError."""
        return self._read(lambda unit: leads_view.judged(unit, campaign_id, phone, now_ms))

    def judged_ahead(
        self, campaign_id: int, at_ms: int, after: int, limit: int
    ) -> tuple[list[Judged], int]:
        """The people of a campaign, or of a draft's list, as the rules will judge them."""
        return self._read(
            lambda unit: leads_view.ahead(unit, campaign_id, at_ms, after, min(limit, SCAN_PAGE))
        )

    def problems(self) -> list[str]:
        """What does not hold in this store: empty when all is well. Reads everything."""
        return self._read(lambda unit: list(fsck.problems(unit)))

    def attempts_open(self) -> int:
        """How many attempts are claimed or begun and not finished."""
        return self._read(lambda unit: unit.t.open.count())
