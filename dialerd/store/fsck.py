"""What must hold in every store, checked over all of its records.

`problems` reads everything in one transaction: run it on a store that nobody writes much to, or on
a copy.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from typing import Final

from dialerd.core.records import (
    IN_HAND,
    Campaign,
    CampaignState,
    Direction,
    LeadState,
    Outcome,
)
from dialerd.store import (
    agents,
    answers,
    audience,
    campaigns,
    caps,
    dialogs,
    ended,
    lists,
    met,
    over,
    scripts,
    sims,
)
from dialerd.store.claims import LEASES_FROM, NEXT_ATTEMPT
from dialerd.store.engine import Table
from dialerd.store.limits import EVENT_INDEX_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    CONTACT,
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
    split_event,
    unseal,
)
from dialerd.store.unit import OUTCOME_INDEX, Books, Unit

END = b"\xff" * 32
NUMBER_MAX: Final = 1 << 62  # no counter gets there by counting


def problems(unit: Unit) -> Iterator[str]:
    """One line for each thing that does not hold; nothing when all is well."""
    all_lists, all_campaigns = lists.all_lists(unit), campaigns.all_campaigns(unit)
    numbers = 0
    for people in all_lists:
        numbers += yield from _list_problems(unit, people.list_id, people.size)
    if unit.t.phones.count() != numbers:
        yield f"{unit.t.phones.count()} numbers of lists are indexed, there are {numbers}"
    rows = sum(people.size for people in all_lists)
    if unit.t.contacts.count() != rows:
        yield f"{unit.t.contacts.count()} rows of lists, {rows} counted"
    yield from _name_problems(
        "list", unit.t.list_names, {people.name: people.list_id for people in all_lists}
    )
    for campaign in all_campaigns:
        if campaign.state is not CampaignState.DRAFT:
            yield from _campaign_problems(unit, campaign)
    yield from _name_problems(
        "campaign", unit.t.names, {one.settings.name: one.campaign_id for one in all_campaigns}
    )
    yield from _open_problems(unit)
    yield from _event_problems(unit)
    yield from _counter_problems(unit)
    if unit.counter(b"format") != 1:  # the file of an older program knows neither
        yield from dialogs.problems(unit)
        yield from ended.problems(unit)
        yield from agents.problems(unit)
        yield from met.problems(unit)
        yield from scripts.SCRIPTS.problems(unit)
        yield from scripts.FLOWS.problems(unit)
        yield from answers.problems(unit)
        yield from over.problems(unit)
        yield from sims.problems(unit)


def claimed_problems(unit: Unit, live: Sequence[Campaign]) -> Iterator[str]:
    """As `problems`, of what may be claimed and rung for these campaigns, and of all counters."""
    wanted = {part.list_id for one in live for part in audience.parts_of(unit, one)}
    for people in lists.all_lists(unit):
        if people.list_id in wanted:
            yield from _list_problems(unit, people.list_id, people.size)
    names = {one.settings.name: one.campaign_id for one in campaigns.all_campaigns(unit)}
    yield from _name_problems("campaign", unit.t.names, names)
    for campaign in live:
        yield from _campaign_problems(unit, campaign)
    yield from _open_problems(unit)
    yield from _counter_problems(unit)
    yield from dialogs.problems(unit)


def _name_problems(what: str, table: Table, names: dict[str, int]) -> Iterator[str]:
    found = {key: read_u32(value) for key, value in scan_all(table, b"", END)}
    if found != {name.encode("utf-8", "replace"): number for name, number in names.items()}:
        yield f"{what} names lead to {sorted(found.values())}, there are {sorted(names.values())}"


def _event_problems(unit: Unit) -> Iterator[str]:
    """Every piece of a history belongs to an attempt, and lies where it can be read."""
    known = b""
    for key, _ in scan_all(unit.t.events, b"", END):
        campaign_id, lead_id, attempt_id, index = split_event(key)
        of = attempt_key(campaign_id, lead_id, attempt_id)
        if of != known and unit.t.attempts.get(of) is None:
            yield f"campaign {campaign_id}: events of attempt {attempt_id}, which is not there"
        known = of
        if index >= EVENT_INDEX_MAX:
            yield f"attempt {attempt_id}: event {index} is out of range"


def _counter_problems(unit: Unit) -> Iterator[str]:
    """A counter that was set back would give out a number twice."""
    given = {
        b"next_list": _greatest(unit.t.lists, 0),
        b"next_campaign": _greatest(unit.t.campaigns, 0),
        b"next_move": _greatest(unit.t.moves, 4),
        NEXT_ATTEMPT: max(_greatest(unit.t.open, 0), _greatest(unit.t.attempts, 8)),
    }
    for name, last in given.items():
        if not last <= unit.counter(name) <= NUMBER_MAX:
            yield f"counter {name.decode()} is {unit.counter(name)}, {last} is in use"
    leases = [
        held.lease_ms
        for key, raw in scan_all(unit.t.open, b"", END)
        for held in [OPEN.unpack(raw)]
        if unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, read_u64(key))) is None
    ]
    floor = unit.counter(LEASES_FROM)
    if leases and not 0 < floor <= min(leases):
        yield f"claims are looked at from {floor} ms on, one runs out at {min(leases)}"


def _greatest(table: Table, at: int) -> int:
    """The greatest number that ends a key, from byte `at` on; 0 when there is none."""
    return max((int.from_bytes(key[at:], "big") for key, _ in scan_all(table, b"", END)), default=0)


def _list_problems(unit: Unit, list_id: int, size: int) -> Generator[str, None, int]:
    """Every row is there and found by its number; how many have one."""
    rows = numbers = 0
    for key, raw in scan_all(unit.t.contacts, list_key(list_id), list_key(list_id + 1)):
        rows += 1
        if key != contact_key(list_id, rows):
            yield f"list {list_id}: row {rows} is missing"
            return numbers
        contact = CONTACT.unpack(raw)
        if not contact.phone:  # erased
            continue
        for phone in (contact.phone, *(one.phone for one in contact.others)):
            numbers += 1
            index = unit.t.phones.get(phone_list_key(phone, list_id))
            if index is None or read_u32(index) != rows:
                yield f"list {list_id}: row {rows} is not found by its number"
    if rows != size:
        yield f"list {list_id}: {rows} rows, {size} counted"
    return numbers


def _campaign_problems(unit: Unit, campaign: Campaign) -> Iterator[str]:
    campaign_id = campaign.campaign_id
    name = f"campaign {campaign_id}"
    first, stop = campaign_key(campaign_id), campaign_key(campaign_id + 1)
    states: Counter[LeadState] = Counter()
    yield from _lead_problems(unit, campaign_id, states)
    waiting = states.total() - sum(states[state] for state in IN_HAND)
    # Every waiting lead has been found by its own entry: as many entries are those and no others.
    indexed = sum(1 for _ in scan_all(unit.t.due, first, stop))
    if indexed != waiting:
        yield f"{name}: {indexed} index entries for {waiting} leads"
    if campaign.parts and sum(part.people for part in campaign.parts) != campaign.audience:
        yield f"{name}: its lists do not add up to {campaign.audience} leads"
    if states.total() != campaign.audience:
        yield f"{name}: {states.total()} leads, {campaign.audience} frozen at approval"
    books = unit.books(campaign_id)
    counted = [states[state] for state in LeadState]
    if books.leads != counted:
        yield f"{name}: books say {books.leads}, the leads are {counted}"
    yield from _attempt_problems(unit, campaign_id, books)


def _attempt_problems(unit: Unit, campaign_id: int, books: Books) -> Iterator[str]:
    name = f"campaign {campaign_id}"
    outcomes: Counter[Outcome] = Counter()
    first, stop = campaign_key(campaign_id), campaign_key(campaign_id + 1)
    for _, raw in scan_all(unit.t.attempts, first, stop):
        attempt = ATTEMPT.unpack(raw)
        attempt_id, entries = attempt.attempt_id, caps.load(unit, attempt.phone)
        ours = attempt.phone and attempt.direction is Direction.OUT
        kept = ours and attempt.begun_ms and len(entries) < caps.KEPT_MIN
        if kept and all(of != attempt_id for _, _, of in entries):
            yield f"{name}: attempt {attempt_id} is not counted for its number"
        if attempt.outcome is not None and attempt.direction is not Direction.OVER:
            outcomes[attempt.outcome] += 1
        elif attempt.outcome is None and unit.t.open.get(open_key(attempt_id)) is None:
            yield f"{name}: attempt {attempt_id} has no outcome and is not open"
    over = [outcomes[outcome] for outcome in OUTCOME_INDEX]
    if books.outcomes != over:
        yield f"{name}: books say {books.outcomes}, the attempts are {over}"


def _lead_problems(unit: Unit, campaign_id: int, states: Counter[LeadState]) -> Iterator[str]:
    """Every lead lies where it belongs; counts them by state."""
    name = f"campaign {campaign_id}"
    first, stop = campaign_key(campaign_id), campaign_key(campaign_id + 1)
    for key, raw in scan_all(unit.t.leads, first, stop):
        lead = LEAD.unpack(raw)
        states[lead.state] += 1
        if key != lead_key(campaign_id, lead.lead_id):
            yield f"{name}: lead {lead.lead_id} lies under another key"
        if lead.numbers and lead.phone not in {one.phone for one in lead.numbers}:
            yield f"{name}: lead {lead.lead_id} is dialed at a number that is not among its own"
        if lead.state in IN_HAND:
            if unit.t.open.get(open_key(lead.attempt_id)) is None:
                yield f"{name}: lead {lead.lead_id} is {lead.state.name} and in nobody's hands"
            continue
        index = due_key(campaign_id, lead.state, lead.due_s, lead.lead_id)
        if unit.t.due.get(index) is None:
            yield f"{name}: lead {lead.lead_id} is {lead.state.name} without its index entry"


def _open_problems(unit: Unit) -> Iterator[str]:
    held: dict[int, set[int]] = defaultdict(set)  # phone -> attempts
    for key, raw in scan_all(unit.t.open, b"", END):
        attempt_id, found = read_u64(key), OPEN.unpack(raw)
        if found.direction is Direction.OVER:  # beside its person's
            continue
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
    if unit.counter(caps.HIDDEN) != max(0, unit.t.hidden.count() - 1):
        yield f"{unit.counter(caps.HIDDEN)} numbers are hidden, {unit.t.hidden.count() - 1} kept"
    if reserved != held:
        yield f"{len(reserved)} numbers are reserved, {len(held)} are in flight, or others"
