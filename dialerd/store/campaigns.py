"""Campaigns: creation, the moves through the gate, and the freezing of the audience at approval."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from dialerd.core.campaign import EXHAUSTED, check_move
from dialerd.core.limits import CAMPAIGNS_MAX
from dialerd.core.list_records import AudiencePart
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
from dialerd.store import audience, claims
from dialerd.store.limits import LISTED_MAX, NAME_BYTES_MAX, STEP_ROWS
from dialerd.store.lists import check_name, get_list
from dialerd.store.schema import (
    CAMPAIGN,
    CONTACT_PHONE,
    FRESH_LEAD,
    LEAD,
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
    key, settings = checked(unit, settings)
    if unit.t.names.get(key) is not None:
        raise ConflictError(f"there is a campaign named {settings.name!r} already")
    campaign = Campaign(unit.next_number(b"next_campaign"), settings, created_ms=at_ms)
    unit.t.names.put(key, number32(campaign.campaign_id))
    unit.put_campaign(campaign)
    record(unit, campaign, CampaignState.DRAFT, CampaignState.DRAFT, (who, at_ms, "created"))
    return campaign


def checked(unit: Unit, settings: CampaignSettings) -> tuple[bytes, CampaignSettings]:
    """The key of the name, and the content as it is kept; StoreError when it cannot be."""
    key = check_name(settings.name, "campaign")
    try:
        check_regime(settings)
    except ValueError as error:
        raise StoreError(str(error)) from None
    for list_id in audience.list_ids(settings):
        get_list(unit, list_id)
    return key, settled(unit, settings)


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
    return [_unpacked(bytes(raw)) for _, raw in rows]


@lru_cache(maxsize=2 * CAMPAIGNS_MAX)
def _unpacked(raw: bytes) -> Campaign:
    """Campaigns change seldom, and whoever asks whose a number is reads all of them."""
    return CAMPAIGN.unpack(raw)


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
READY, BLOCKED = LeadState.READY, LeadState.BLOCKED  # a member costs twenty times a global


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
    if after is CampaignState.FINISHED and note[0] == BY_ITSELF and note[2] == EXHAUSTED:
        _check_exhausted(unit, campaign)
    if after is CampaignState.APPROVED:
        return _begin_freeze(unit, campaign, note)
    return _move(unit, campaign, after, note)


def _check_exhausted(unit: Unit, campaign: Campaign) -> None:
    """Somebody may have come into it since the dialer looked."""
    if not claims.exhausted(unit, campaign):
        raise ConflictError(f"{campaign.settings.name!r} has people to call again")


def _move(unit: Unit, campaign: Campaign, after: CampaignState, note: Note) -> Campaign:
    moved = msgspec.structs.replace(campaign, state=after)
    unit.put_campaign(moved)
    record(unit, moved, campaign.state, after, note)
    return moved


def record(
    unit: Unit, campaign: Campaign, before: CampaignState, after: CampaignState, note: Note
) -> None:
    """Remember who moved it."""
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
    parts = audience.now_of(unit, campaign.settings)
    if not any(part.size for part in parts):
        names = " and ".join(repr(get_list(unit, part.list_id).name) for part in parts)
        raise ConflictError(f"list {names} is empty: there is nobody to call")
    ticket = unit.next_number(b"next_approval")
    unit.set_counter(_ticket(campaign.campaign_id), ticket)
    freeze = _Freeze(campaign, parts, ticket, note, unit.counter(ERASURES))
    return More(freeze.wipe)


class _Freeze:
    """One approval under way; immutable, each step a transaction."""

    def __init__(
        self,
        campaign: Campaign,
        parts: Sequence[AudiencePart],
        ticket: int,
        note: Note,
        erasures: int,
    ) -> None:
        self.campaign = campaign
        self.campaign_id = campaign.campaign_id
        self.parts = parts  # people who come later are not in the audience
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
        return More(self.wipe if found else lambda later: self._fill_list(later, 0, (), 0))

    def _fill_list(
        self, unit: Unit, at: int, made: tuple[int, ...], erased: int
    ) -> Campaign | More:
        """The next list; `made` are the leads that those before it became."""
        if at == len(self.parts):
            return self._done(unit, made, erased)
        several = get_list(unit, self.parts[at].list_id).numbers_max > 1
        column = self.campaign.settings.priority_column
        plain = len(self.parts) == 1 and not several and not column
        return (self._fill_plain if plain else self._fill)(unit, at, 1, made, 0, erased)

    def _fill_plain(
        self, unit: Unit, at: int, row: int, made: tuple[int, ...], fresh: int, erased: int
    ) -> Campaign | More:
        """One lead for each of the next rows, of whom the number alone is wanted."""
        self._still_ours(unit)
        campaign_id, part = self.campaign_id, self.parts[at]
        stop = min(row + STEP_ROWS, part.size + 1)
        people = unit.t.contacts.scan(
            contact_key(part.list_id, row), contact_key(part.list_id, stop), STEP_ROWS
        )
        leads, due = [], []
        phone_of, pack, ready, blocked = CONTACT_PHONE.unpack, FRESH_LEAD.pack, READY, BLOCKED
        for number, (_, raw) in enumerate(people, row):
            phone = phone_of(raw).phone
            state = ready if phone else blocked
            lead = FreshLead(campaign_id, number, number, phone, state, 0, 0)
            leads.append((lead_key(campaign_id, number), pack(lead)))
            due.append((due_key(campaign_id, state, 0, number), b""))
        due.sort()
        erased += len(due) - bisect_left(due, (due_key(campaign_id, blocked, 0, 0), b""))
        unit.t.leads.put_many(leads)
        unit.t.due.put_many(due)
        fresh += len(leads)
        if stop <= part.size:
            return More(lambda later: self._fill_plain(later, at, stop, made, fresh, erased))
        return self._done(unit, (*made, fresh), erased)

    def _fill(
        self, unit: Unit, at: int, row: int, made: tuple[int, ...], fresh: int, erased: int
    ) -> Campaign | More:
        """The same by all that may matter: lists before this one, further numbers, priorities."""
        self._still_ours(unit)
        campaign_id, part = self.campaign_id, self.parts[at]
        rank = audience.ranker(self.campaign.settings, self.parts, at)
        people = audience.people(unit, part, row - 1, STEP_ROWS)
        leads, due = [], []
        for number, contact in people:
            lead = audience.make_lead(unit, campaign_id, self.parts, at, (number, contact))
            if lead is None:
                continue
            erased += not lead.phone
            due_s = rank(number, contact) if lead.phone else 0
            lead = msgspec.structs.replace(lead, due_s=due_s)
            leads.append((lead_key(campaign_id, lead.lead_id), LEAD.pack(lead)))
            due.append((due_key(campaign_id, lead.state, due_s, lead.lead_id), b""))
        due.sort()
        unit.t.leads.put_many(leads)
        unit.t.due.put_many(due)
        fresh += len(leads)
        if len(people) == STEP_ROWS:
            stop = people[-1][0] + 1
            return More(lambda later: self._fill(later, at, stop, made, fresh, erased))
        return More(lambda later: self._fill_list(later, at + 1, (*made, fresh), erased))

    def _done(self, unit: Unit, made: tuple[int, ...], erased: int) -> Campaign | More:
        if unit.counter(ERASURES) != self.erasures:  # maybe of one whose lead is written: again
            again = _Freeze(
                self.campaign, self.parts, self.ticket, self.note, unit.counter(ERASURES)
            )
            return More(again.wipe)
        campaign = unit.campaign(self.campaign_id)
        check_move(campaign.state, CampaignState.APPROVED)
        unit.t.meta.delete(_ticket(self.campaign_id))
        whole = sum(made)
        counts = unit.books(self.campaign_id).leads
        counts[READY], counts[BLOCKED] = whole - erased, erased
        parts = [
            msgspec.structs.replace(part, people=people)
            for part, people in zip(self.parts, made, strict=True)
        ]
        frozen = msgspec.structs.replace(
            campaign,
            settings=settled(unit, campaign.settings),
            audience=whole,
            parts=tuple(parts) if len(parts) > 1 else (),
        )
        return _move(unit, frozen, CampaignState.APPROVED, self.note)
