"""Who is called by a campaign: its lists, and which row of which list a lead is.

Lead numbers of a list's people follow its rows. The rows of the first list are the leads from 1 on,
those of the second stand behind them, and so on; how many rows each list had is frozen at approval
(`Campaign.parts`). A person who stands in a list before it has no lead of the later one. Who comes
after the approval stands behind them all (`newcomers`).

What is due in `due` before `RANK_END` is a rank: leads that were not called yet stand by it in the
order in which they are to be called. First comes the priority of the person, then the mix of the
lists; equals follow their lead number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from dialerd.core.limits import NUMBERS_MAX, PRIORITY_MAX, RANK_END
from dialerd.core.list_records import AudiencePart, ListMix, Newcomers
from dialerd.core.records import (
    IN_HAND,
    Campaign,
    CampaignSettings,
    CampaignState,
    Contact,
    Direction,
    Lead,
    LeadNumber,
    LeadState,
)
from dialerd.store import lists
from dialerd.store.limits import STEP_ROWS
from dialerd.store.schema import (
    CONTACT,
    LEAD,
    OPEN,
    ROW_MAX,
    contact_key,
    due_key,
    lead_key,
    phone_list_key,
    read_u32,
    split_due,
)
from dialerd.store.unit import Unit

Parts = Sequence[AudiencePart]
_OPEN: Final = (CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.PAUSED)
_STRIDE: Final = RANK_END // (PRIORITY_MAX + 2)


def list_ids(settings: CampaignSettings) -> tuple[int, ...]:
    """The lists that a campaign names, in their order."""
    return tuple(one.list_id for one in settings.lists) or (settings.list_id,)


def columns(unit: Unit, campaign_id: int) -> tuple[str, ...]:
    """Those of all lists of a campaign, each once."""
    ids = list_ids(unit.campaign(campaign_id).settings)
    found = (column for list_id in ids for column in lists.get_list(unit, list_id).columns)
    return tuple(dict.fromkeys(found))


def parts_of(unit: Unit, campaign: Campaign) -> Parts:
    """Where the leads of a campaign come from; of a draft, as its lists are now."""
    if campaign.parts:
        return campaign.parts
    settings = campaign.settings
    if not settings.lists:
        return (AudiencePart(settings.list_id, 0, ROW_MAX),)
    return now_of(unit, settings)


def takes_newcomers(campaign: Campaign) -> bool:
    """Whether people who come into its lists now become its leads."""
    return campaign.state in _OPEN and campaign.settings.newcomers is not Newcomers.LEAVE


def looked_at(campaign: Campaign, parts: Parts, list_id: int) -> int:
    """Up to which row of a list people are leads. Of a single list every row is one."""
    if not campaign.parts:
        return campaign.audience
    return max(part.size for part in parts if part.list_id == list_id)


def waiting(unit: Unit, campaign: Campaign) -> bool:
    """Whether people came into its lists who are to become leads and are not yet."""
    if not takes_newcomers(campaign):
        return False
    parts, ids = parts_of(unit, campaign), list_ids(campaign.settings)
    return any(lists.get_list(unit, one).size > looked_at(campaign, parts, one) for one in ids)


def now_of(unit: Unit, settings: CampaignSettings) -> Parts:
    """The lists of a campaign as they are now."""
    found: list[AudiencePart] = []
    before = 0
    for list_id in list_ids(settings):
        size = lists.get_list(unit, list_id).size
        found.append(AudiencePart(list_id, before, size))
        before += size
    return tuple(found)


def part_of(parts: Parts, lead_id: int) -> AudiencePart:
    """The list that a lead came from."""
    found = parts[0]
    for part in parts:
        if lead_id <= part.before:
            break
        found = part
    return found


def list_of(unit: Unit, campaign: Campaign, lead_id: int) -> int:
    """The list that a lead came from."""
    settings = campaign.settings
    if not settings.lists:
        return settings.list_id
    return part_of(parts_of(unit, campaign), lead_id).list_id


def contact_of(unit: Unit, campaign: Campaign, lead: Lead) -> Contact:
    """The row of a lead; CorruptRecordError when it is not there."""
    key = contact_key(list_of(unit, campaign, lead.lead_id), lead.contact)
    return CONTACT.unpack(unit.t.contacts.get(key) or b"")


def shown(unit: Unit, campaign: Campaign, lead: Lead) -> Contact:
    """The same for who only looks: a row that is not there shows the number alone."""
    raw = unit.t.contacts.get(contact_key(list_of(unit, campaign, lead.lead_id), lead.contact))
    return Contact(lead.phone, "") if raw is None else CONTACT.unpack(raw)


def standing(unit: Unit, parts: Parts, phone: int) -> tuple[AudiencePart, int] | None:
    """The first list of several that holds a number, and the row."""
    return next(standings(unit, parts, phone), None)


def standings(unit: Unit, parts: Parts, phone: int) -> Iterator[tuple[AudiencePart, int]]:
    """All of them."""
    for part in parts:
        raw = unit.t.phones.get(phone_list_key(phone, part.list_id))
        if raw is not None and part.holds(row := read_u32(raw)):
            yield part, row


def listed(unit: Unit, parts: Parts, phone: int) -> bool:
    """Whether one of the lists holds a number, be it since after the approval."""
    keys = (phone_list_key(phone, part.list_id) for part in parts)
    return any(unit.t.phones.get(key) is not None for key in keys)


def find(unit: Unit, campaign: Campaign, phone: int) -> Lead | None:
    """The lead that has a number, as any of its numbers."""
    for part, row in standings(unit, parts_of(unit, campaign), phone):
        raw = unit.t.leads.get(lead_key(campaign.campaign_id, part.lead(row)))
        if raw is not None:  # who came late may be a lead of another list
            return LEAD.unpack(raw)
    return None


def lead_of_row(unit: Unit, campaign: Campaign, list_id: int, row: int) -> Lead | None:
    """The lead that a row of a list is in a campaign."""
    for part in parts_of(unit, campaign):
        if part.list_id == list_id and part.holds(row):
            raw = unit.t.leads.get(lead_key(campaign.campaign_id, part.lead(row)))
            return None if raw is None else LEAD.unpack(raw)
    return None


def make_lead(
    unit: Unit, campaign_id: int, parts: Parts, at: int, found: tuple[int, Contact]
) -> Lead | None:
    """The lead of a row of the list `parts[at]`; None: the person stands in a list before it."""
    return lead_for(unit, (campaign_id, parts[at].lead(found[0])), parts[:at], found)


def lead_for(
    unit: Unit, number: tuple[int, int], before: Parts, found: tuple[int, Contact]
) -> Lead | None:
    """The lead of this number (campaign, lead) for a row; None: the person stands in one before."""
    row, contact = found
    (campaign_id, lead_id), phone = number, contact.phone
    if not phone:
        return Lead(campaign_id, lead_id, row, 0, LeadState.BLOCKED)
    if before and standing(unit, before, phone) is not None:
        return None
    phones = [phone] + [
        one.phone
        for one in contact.others
        if not before or standing(unit, before, one.phone) is None
    ]
    numbers = tuple(map(LeadNumber, phones[:NUMBERS_MAX])) if len(phones) > 1 else ()
    return Lead(campaign_id, lead_id, row, phone, numbers=numbers)


def ranker(settings: CampaignSettings, parts: Parts, at: int) -> Callable[[int, Contact], int]:
    """Gives each row of the list `parts[at]` its rank."""
    column = settings.priority_column
    shares = {one.list_id: one.weight for one in settings.lists}
    mixed = len(parts) > 1 and settings.mix is ListMix.SHARES
    weights = [(shares.get(part.list_id, 1), part.size) for part in parts]
    mine = weights[at][0]
    whole = max(1, sum(size for _, size in weights))
    coarse = -(-whole // (_STRIDE - 1))  # rows that share a rank, where there are very many

    def rank(row: int, contact: Contact) -> int:
        level = _level(contact.fields.get(column, "")) if column else PRIORITY_MAX
        if not mixed:
            return PRIORITY_MAX + 1 - level if column else 0
        place = sum(min(size, row * weight // mine) for weight, size in weights)
        return (PRIORITY_MAX - level) * _STRIDE + 1 + place // coarse

    return rank


def late_rank(settings: CampaignSettings) -> Callable[[Contact], int]:
    """Gives people who come after the approval their rank: behind all of their priority."""
    column = settings.priority_column
    mixed = len(settings.lists) > 1 and settings.mix is ListMix.SHARES

    def rank(contact: Contact) -> int:
        level = _level(contact.fields.get(column, "")) if column else PRIORITY_MAX
        if mixed:
            return (PRIORITY_MAX - level + 1) * _STRIDE - 1
        return PRIORITY_MAX + 1 - level if column else 0

    return rank


def _level(text: str) -> int:
    text = text.strip()
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
    return min(wanted, PRIORITY_MAX)


def people(unit: Unit, part: AudiencePart, after: int, limit: int) -> list[tuple[int, Contact]]:
    """The next rows of a list behind one, with their numbers."""
    stop = contact_key(part.list_id, min(part.size, ROW_MAX - 1) + 1)
    rows = unit.t.contacts.scan(contact_key(part.list_id, after) + b"\0", stop, limit)
    return [(read_u32(key[4:]), CONTACT.unpack(raw)) for key, raw in rows]


Counts = list[Counter[LeadState]]


def count(unit: Unit, campaign_id: int, after: bytes) -> tuple[Counts, bytes]:
    """Leads by list and state, of the next ones behind a place; where to go on, empty: nowhere.

    Those in the dialer's hands are counted on the first page.
    """
    campaign = unit.campaign(campaign_id)
    parts, ids = parts_of(unit, campaign), list_ids(campaign.settings)
    found: Counts = [Counter() for _ in ids]
    if not after:
        for lead in in_hand(unit, campaign_id):
            found[ids.index(part_of(parts, lead.lead_id).list_id)][lead.state] += 1
    first, stop = due_key(campaign_id, 0, 0, 0), due_key(campaign_id, 0xFF, 0, 0)
    rows = unit.t.due.scan(max(first, after), stop, STEP_ROWS)
    for key, _ in rows:
        _, state, _, lead_id = split_due(key)
        found[ids.index(part_of(parts, lead_id).list_id)][LeadState(state)] += 1
    return found, rows[-1][0] + b"\0" if len(rows) == STEP_ROWS else b""


def in_hand(unit: Unit, campaign_id: int) -> Iterator[Lead]:
    """Leads of a campaign that are in the dialer's hands, each once."""
    for _, raw in unit.t.open.scan(b"", b"\xff" * 9, 1 << 30):
        held = OPEN.unpack(raw)
        if held.campaign_id == campaign_id and held.direction is not Direction.OVER:
            kept = unit.t.leads.get(lead_key(campaign_id, held.lead_id))
            lead = LEAD.unpack(kept or b"")
            if lead.state in IN_HAND:
                yield lead
