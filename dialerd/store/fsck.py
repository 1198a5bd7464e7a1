"""What must hold in every store, checked over all of its records.

`problems` reads everything in one transaction: run it on a store that nobody writes much to, or on
a copy.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from dialerd.core.records import Campaign, CampaignState, LeadState, Outcome
from dialerd.store import campaigns, caps, dialogs, lists
from dialerd.store.claims import IN_HAND
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    CONTACT_PHONE,
    LEAD,
    OPEN,
    attempt_key,
    campaign_key,
    contact_key,
    due_key,
    lead_key,
    list_key,
    open_key,
    phone_list_key,
    read_u32,
    read_u64,
    split_due,
    unseal,
)
from dialerd.store.unit import OUTCOME_INDEX, Unit

END = b"\xff" * 32


def problems(unit: Unit) -> Iterator[str]:
    """One line for each thing that does not hold; nothing when all is well."""
    for people in lists.all_lists(unit):
        yield from _list_problems(unit, people.list_id, people.size)
    for campaign in campaigns.all_campaigns(unit):
        if campaign.state is not CampaignState.DRAFT:
            yield from _campaign_problems(unit, campaign)
    yield from _open_problems(unit)
    yield from dialogs.problems(unit)


def _list_problems(unit: Unit, list_id: int, size: int) -> Iterator[str]:
    rows = 0
    for key, raw in scan_all(unit.t.contacts, list_key(list_id), list_key(list_id + 1)):
        rows += 1
        if key != contact_key(list_id, rows):
            yield f"list {list_id}: row {rows} is missing"
            return
        phone = CONTACT_PHONE.unpack(raw).phone
        index = unit.t.phones.get(phone_list_key(phone, list_id))
        if index is None or read_u32(index) != rows:
            yield f"list {list_id}: row {rows} is not found by its number"
    if rows != size:
        yield f"list {list_id}: {rows} rows, {size} counted"


def _campaign_problems(unit: Unit, campaign: Campaign) -> Iterator[str]:
    campaign_id = campaign.campaign_id
    name = f"campaign {campaign_id}"
    first, stop = campaign_key(campaign_id), campaign_key(campaign_id + 1)
    states: Counter[LeadState] = Counter()
    waiting = 0
    for _, raw in scan_all(unit.t.leads, first, stop):
        lead = LEAD.unpack(raw)
        states[lead.state] += 1
        if lead.state in IN_HAND:
            if unit.t.open.get(open_key(lead.attempt_id)) is None:
                yield f"{name}: lead {lead.lead_id} is {lead.state.name} and in nobody's hands"
            continue
        waiting += 1
        key = due_key(campaign_id, lead.state, lead.due_s, lead.lead_id)
        if unit.t.due.get(key) is None:
            yield f"{name}: lead {lead.lead_id} is {lead.state.name} without its index entry"
    indexed = Counter(split_due(key)[3] for key, _ in scan_all(unit.t.due, first, stop))
    if indexed.total() != waiting or len(indexed) != waiting:
        yield f"{name}: {indexed.total()} index entries for {waiting} leads"
    if states.total() != campaign.audience:
        yield f"{name}: {states.total()} leads, {campaign.audience} frozen at approval"
    books = unit.books(campaign_id)
    counted = [states[state] for state in LeadState]
    if books.leads != counted:
        yield f"{name}: books say {books.leads}, the leads are {counted}"
    outcomes: Counter[Outcome] = Counter()
    for _, raw in scan_all(unit.t.attempts, first, stop):
        attempt = ATTEMPT.unpack(raw)
        if attempt.outcome is not None:
            outcomes[attempt.outcome] += 1
        elif unit.t.open.get(open_key(attempt.attempt_id)) is None:
            yield f"{name}: attempt {attempt.attempt_id} has no outcome and is not open"
    ended = [outcomes[outcome] for outcome in OUTCOME_INDEX]
    if books.outcomes != ended:
        yield f"{name}: books say {books.outcomes}, the attempts are {ended}"


def _open_problems(unit: Unit) -> Iterator[str]:
    held: dict[int, set[int]] = defaultdict(set)  # phone -> attempts
    for key, raw in scan_all(unit.t.open, b"", END):
        attempt_id, found = read_u64(key), OPEN.unpack(raw)
        held[found.phone].add(attempt_id)
        raw_lead = unit.t.leads.get(lead_key(found.campaign_id, found.lead_id))
        lead = None if raw_lead is None else LEAD.unpack(raw_lead)
        begun = attempt_key(found.campaign_id, found.lead_id, attempt_id)
        dialed = unit.t.attempts.get(begun) is not None
        state = LeadState.DIALING if dialed else LeadState.CLAIMED
        if lead is None or lead.attempt_id != attempt_id or lead.state is not state:
            yield f"attempt {attempt_id}: its lead is not {state.name} by it"
    for phone, attempts in held.items():
        if len(attempts) > 1:
            yield f"{phone}: in flight {len(attempts)} times"
    reserved: dict[int, set[int]] = defaultdict(set)
    for key, raw in scan_all(unit.t.caps, b"", END):
        for _, level, attempt_id in caps.split(unseal(raw)):
            if level == caps.RESERVED:
                reserved[read_u64(key)].add(attempt_id)
    if reserved != held:
        yield f"{len(reserved)} numbers are reserved, {len(held)} are in flight, or others"
