"""Campaigns: creation, the moves through the gate, and the freezing of the audience at approval."""

from __future__ import annotations

from typing import Final

import msgspec

from dialerd.core.campaign import check_move
from dialerd.core.limits import PRIORITY_MAX
from dialerd.core.ports import ConflictError, NotFoundError, Progress, StoreError
from dialerd.core.records import (
    Campaign,
    CampaignMove,
    CampaignSettings,
    CampaignState,
    LeadState,
    Outcome,
)
from dialerd.core.regime import check_approval, check_regime
from dialerd.store.limits import LISTED_MAX, NAME_BYTES_MAX, STEP_ROWS
from dialerd.store.lists import check_name, get_list
from dialerd.store.schema import (
    CAMPAIGN,
    CONTACT,
    CONTACT_PHONE,
    FRESH_LEAD,
    MOVE,
    FreshLead,
    campaign_key,
    contact_key,
    due_key,
    lead_key,
    move_key,
    number32,
    read_u32,
)
from dialerd.store.scripts import settled
from dialerd.store.unit import OUTCOME_INDEX, More, Unit


def create_campaign(unit: Unit, settings: CampaignSettings, who: str, at_ms: int) -> Campaign:
    """A new draft, its making recorded as the first move."""
    key = check_name(settings.name, "campaign")
    try:
        check_regime(settings)
    except ValueError as error:
        raise StoreError(str(error)) from None
    get_list(unit, settings.list_id)
    settings = settled(unit, settings)
    if unit.t.names.get(key) is not None:
        raise ConflictError(f"there is a campaign named {settings.name!r} already")
    campaign = Campaign(unit.next_number(b"next_campaign"), settings, created_ms=at_ms)
    unit.t.names.put(key, number32(campaign.campaign_id))
    unit.put_campaign(campaign)
    _record(unit, campaign, CampaignState.DRAFT, CampaignState.DRAFT, (who, at_ms, "created"))
    return campaign


def find_campaign(unit: Unit, name: str) -> Campaign:
    """By name, or by id written as a number; the name wins."""
    key = name.encode("utf-8", "replace")[: NAME_BYTES_MAX + 1]
    raw = unit.t.names.get(key) if key else None
    if raw is not None:
        return unit.campaign(read_u32(raw))
    if name.isascii() and name.isdecimal() and len(name) <= 10:
        return unit.campaign(int(name))
    raise NotFoundError(f"there is no campaign named {name!r:.80}")


def all_campaigns(unit: Unit) -> list[Campaign]:
    """Oldest first."""
    rows = unit.t.campaigns.scan(b"", b"\xff" * 5, LISTED_MAX)
    return [CAMPAIGN.unpack(raw) for _, raw in rows]


def moves(unit: Unit, campaign_id: int) -> list[CampaignMove]:
    """Oldest first; the first one is the making of the draft."""
    unit.campaign(campaign_id)
    rows = unit.t.moves.scan(move_key(campaign_id, 0), move_key(campaign_id + 1, 0), LISTED_MAX)
    return [MOVE.unpack(raw) for _, raw in rows]


def progress(unit: Unit, campaign_id: int) -> Progress:
    """The books, every state and outcome in them."""
    unit.campaign(campaign_id)
    books = unit.books(campaign_id)
    return Progress(
        {state: books.leads[state] for state in LeadState},
        {outcome: books.outcomes[OUTCOME_INDEX[outcome]] for outcome in Outcome},
    )


ERASURES = b"erasures"  # rows of lists that were erased, ever
Note = tuple[str, int, str]  # who, at_ms, reason
BY_ITSELF: Final = "dialerd"  # who moves a campaign when no person does
HALTED: Final = b"halted"


def halted(unit: Unit) -> bool:
    """Whether an emergency stop is in force: until a person starts or resumes a campaign."""
    return bool(unit.counter(HALTED))


def set_halted(unit: Unit, *, on: bool) -> None:
    """Begin or end one."""
    unit.set_counter(HALTED, int(on))


def move_campaign(
    unit: Unit, campaign_id: int, after: CampaignState, note: Note
) -> Campaign | More:
    """One legal move. To APPROVED it takes several transactions, and counts only after the last."""
    campaign = unit.campaign(campaign_id)
    check_move(campaign.state, after)
    if after is CampaignState.RUNNING and note[0] == BY_ITSELF and halted(unit):
        raise ConflictError(f"{campaign.settings.name!r} waits: everything was stopped by a person")
    if after is CampaignState.APPROVED:
        return _begin_freeze(unit, campaign, note)
    return _move(unit, campaign, after, note)


def _move(unit: Unit, campaign: Campaign, after: CampaignState, note: Note) -> Campaign:
    moved = msgspec.structs.replace(campaign, state=after)
    unit.put_campaign(moved)
    _record(unit, moved, campaign.state, after, note)
    return moved


def _record(
    unit: Unit, campaign: Campaign, before: CampaignState, after: CampaignState, note: Note
) -> None:
    who, at_ms, reason = note
    move = CampaignMove(campaign.campaign_id, at_ms, who, before, after, reason)
    key = move_key(campaign.campaign_id, unit.next_number(b"next_move"))
    unit.t.moves.put(key, MOVE.pack(move))


# Freezing. A ticket in `meta` says which approval is under way: a later one takes over from one
# that a crash cut short (its leads are wiped) or that still runs (it finds the ticket changed).


def _ticket(campaign_id: int) -> bytes:
    return b"approval " + campaign_key(campaign_id).hex().encode()


def _begin_freeze(unit: Unit, campaign: Campaign, note: Note) -> More:
    try:
        check_approval(campaign.settings, note[1])
    except ValueError as error:
        raise StoreError(str(error)) from None
    settled(unit, campaign.settings)
    people = get_list(unit, campaign.settings.list_id)
    if not people.size:
        raise ConflictError(f"list {people.name!r} is empty: there is nobody to call")
    ticket = unit.next_number(b"next_approval")
    unit.set_counter(_ticket(campaign.campaign_id), ticket)
    freeze = _Freeze(
        campaign.campaign_id, people.list_id, people.size, ticket, note, unit.counter(ERASURES)
    )
    return More(freeze.wipe)


class _Freeze:
    """One approval under way; immutable, each step a transaction."""

    def __init__(
        self, campaign_id: int, list_id: int, size: int, ticket: int, note: Note, erasures: int
    ) -> None:
        self.campaign_id = campaign_id
        self.list_id = list_id
        self.size = size  # people who come later are not in the audience
        self.ticket = ticket
        self.note = note
        self.erasures = erasures  # how many rows of lists had been erased when it began

    def _still_ours(self, unit: Unit) -> None:
        if unit.counter(_ticket(self.campaign_id)) != self.ticket:
            raise ConflictError(f"another approval of campaign {self.campaign_id} took over")

    def wipe(self, unit: Unit) -> More:
        """Remove what an earlier approval left behind."""
        self._still_ours(unit)
        first, last = campaign_key(self.campaign_id), campaign_key(self.campaign_id + 1)
        found = 0
        for table in (unit.t.due, unit.t.leads):
            rows = table.scan(first, last, STEP_ROWS)
            found += len(rows)
            for key, _ in rows:
                table.delete(key)
        return More(self.wipe if found else lambda later: self.fill(later, 1))

    def fill(self, unit: Unit, row: int, erased: int = 0) -> Campaign | More:
        """One lead for each of the next rows; who was erased is nobody's to call."""
        self._still_ours(unit)
        campaign_id = self.campaign_id
        stop = min(row + STEP_ROWS, self.size + 1)
        people = unit.t.contacts.scan(
            contact_key(self.list_id, row), contact_key(self.list_id, stop), STEP_ROWS
        )
        column = unit.campaign(campaign_id).settings.priority_column
        leads, due = [], []
        for number, (_, raw) in enumerate(people, row):
            phone = CONTACT_PHONE.unpack(raw).phone
            state = LeadState.READY if phone else LeadState.BLOCKED
            erased += not phone
            rank = _rank(raw, column) if column and phone else 0
            lead = FreshLead(campaign_id, number, number, phone, state, 0, rank)
            leads.append((lead_key(campaign_id, number), FRESH_LEAD.pack(lead)))
            due.append((due_key(campaign_id, state, rank, number), b""))
        due.sort()
        unit.t.leads.put_many(leads)
        unit.t.due.put_many(due)
        if stop <= self.size:
            return More(lambda later: self.fill(later, stop, erased))
        return self._done(unit, erased)

    def _done(self, unit: Unit, erased: int) -> Campaign | More:
        if unit.counter(ERASURES) != self.erasures:  # maybe of one whose lead is written: again
            again = _Freeze(
                self.campaign_id, self.list_id, self.size, self.ticket, self.note,
                unit.counter(ERASURES),
            )  # fmt: skip
            return More(again.wipe)
        campaign = unit.campaign(self.campaign_id)
        check_move(campaign.state, CampaignState.APPROVED)
        unit.t.meta.delete(_ticket(self.campaign_id))
        counts = unit.books(self.campaign_id).leads
        counts[LeadState.READY], counts[LeadState.BLOCKED] = self.size - erased, erased
        settings = settled(unit, campaign.settings)
        frozen = msgspec.structs.replace(campaign, settings=settings, audience=self.size)
        return _move(unit, frozen, CampaignState.APPROVED, self.note)


def _rank(raw: bytes, column: str) -> int:
    """Seconds of 1970 as the due time of a lead not called yet: the least come first."""
    text = CONTACT.unpack(raw).fields.get(column, "").strip()
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
    return PRIORITY_MAX + 1 - min(wanted, PRIORITY_MAX)
