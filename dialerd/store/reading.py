"""Reading a campaign's history in chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from dialerd.core.ports import ReportRow
from dialerd.core.records import Attempt, CallEvent, Campaign, Contact, Lead
from dialerd.store import audience
from dialerd.store.engine import Pair, Table
from dialerd.store.limits import EVENT_INDEX_MAX, SCAN_PAGE
from dialerd.store.schema import (
    ATTEMPT,
    CONTACT,
    EVENTS,
    LEAD,
    ROW_MAX,
    attempt_key,
    contact_key,
    event_key,
    lead_key,
    split_event,
)
from dialerd.store.unit import Unit

Tried = tuple[tuple[Attempt, tuple[CallEvent, ...]], ...]


def scan_all(table: Table, start: bytes, stop: bytes) -> Iterator[Pair]:
    """Every pair of a range, page by page."""
    while True:
        page = table.scan(start, stop, SCAN_PAGE)
        yield from page
        if len(page) < SCAN_PAGE:
            return
        start = page[-1][0] + b"\0"


def report_chunk(unit: Unit, campaign_id: int, after: int, limit: int) -> list[ReportRow]:
    """The next `limit` leads after lead `after`, with everything that happened to them.

    Leads, attempts and events lie in the same order, so that each is one range.
    """
    campaign = unit.campaign(campaign_id)
    stop = lead_key(campaign_id + 1, 0)
    found = unit.t.leads.scan(lead_key(campaign_id, after) + b"\0", stop, limit)
    leads = [LEAD.unpack(raw) for _, raw in found]
    if not leads:
        return []
    tried = _tried(unit, campaign_id, leads[0].lead_id, leads[-1].lead_id)
    people = _contacts(unit, campaign, leads)
    parts = audience.parts_of(unit, campaign)
    return [
        ReportRow(
            lead, person, tried.get(lead.lead_id, ()), audience.part_of(parts, lead.lead_id).list_id
        )
        for lead, person in zip(leads, people, strict=True)
    ]


def find_lead(unit: Unit, campaign_id: int, lead_id: int) -> ReportRow | None:
    """One lead with everything that happened to it."""
    if not 0 < lead_id <= ROW_MAX:
        return None
    rows = report_chunk(unit, campaign_id, lead_id - 1, 1)
    return rows[0] if rows and rows[0].lead.lead_id == lead_id else None


def _contacts(unit: Unit, campaign: Campaign, leads: list[Lead]) -> list[Contact]:
    """Of each lead. They nearly always lie one behind the other: then they are one range."""
    first, last = leads[0].contact, leads[-1].contact
    parts = audience.parts_of(unit, campaign)
    part = audience.part_of(parts, leads[0].lead_id)
    alike = part is audience.part_of(parts, leads[-1].lead_id)
    if alike and last - first == len(leads) - 1 and last < ROW_MAX:
        start, stop = contact_key(part.list_id, first), contact_key(part.list_id, last + 1)
        found = unit.t.contacts.scan(start, stop, len(leads))
        if len(found) == len(leads):
            return [CONTACT.unpack(raw) for _, raw in found]
    return [audience.shown(unit, campaign, lead) for lead in leads]


def _tried(unit: Unit, campaign_id: int, first: int, last: int) -> dict[int, Tried]:
    stop_campaign, stop_lead = (campaign_id, last + 1) if last < ROW_MAX else (campaign_id + 1, 0)
    history: dict[int, dict[int, CallEvent]] = defaultdict(dict)
    for key, raw in scan_all(
        unit.t.events,
        event_key(campaign_id, first, 0, 0),
        event_key(stop_campaign, stop_lead, 0, 0),
    ):
        _, _, attempt_id, index = split_event(key)
        for position, event in enumerate(EVENTS.unpack(raw), index):
            if position < EVENT_INDEX_MAX:
                history[attempt_id].setdefault(position, event)
    tried: dict[int, list[tuple[Attempt, tuple[CallEvent, ...]]]] = defaultdict(list)
    for _, raw in scan_all(
        unit.t.attempts,
        attempt_key(campaign_id, first, 0),
        attempt_key(stop_campaign, stop_lead, 0),
    ):
        attempt = ATTEMPT.unpack(raw)
        events = history.get(attempt.attempt_id, {})
        tried[attempt.lead_id].append((attempt, tuple(events[i] for i in sorted(events))))
    return {lead_id: tuple(attempts) for lead_id, attempts in tried.items()}
