"""Reading a campaign's people: by state, one of them by the rules of now, all as they will be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dialerd.core.ports import Judged, LeadRow, NotFoundError
from dialerd.core.records import (
    IN_HAND,
    WAITING,
    Campaign,
    CampaignState,
    Contact,
    Lead,
    LeadState,
)
from dialerd.core.rules import Rule, Rules
from dialerd.store.claims import person_of
from dialerd.store.reading import scan_all
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

MAYBE = frozenset({*WAITING, *IN_HAND})


def page(
    unit: Unit, campaign_id: int, states: Iterable[LeadState], after: bytes, limit: int
) -> tuple[list[LeadRow], bytes]:
    """The next leads in some states, by state and due time, and where the next page begins."""
    list_id = unit.campaign(campaign_id).settings.list_id
    found: list[LeadRow] = []
    for state in sorted(states):
        if state in IN_HAND:
            if not after:  # few, and gone in a moment: on the first page only
                held = _in_hand(unit, campaign_id, state)
                found += [_row(unit, list_id, lead) for lead in held]
            continue
        first, stop = due_key(campaign_id, state, 0, 0), due_key(campaign_id, state + 1, 0, 0)
        if after >= stop:
            continue
        for key, _ in unit.t.due.scan(max(first, after), stop, limit - len(found)):
            lead_id = split_due(key)[3]
            raw = unit.t.leads.get(lead_key(campaign_id, lead_id))
            found.append(_row(unit, list_id, LEAD.unpack(raw or b"")))
            if len(found) >= limit:
                return found, key + b"\0"
    return found, b""


def _in_hand(unit: Unit, campaign_id: int, state: LeadState) -> Iterator[Lead]:
    for _, raw in scan_all(unit.t.open, b"", b"\xff" * 9):
        held = OPEN.unpack(raw)
        if held.campaign_id == campaign_id:
            kept = unit.t.leads.get(lead_key(campaign_id, held.lead_id))
            lead = LEAD.unpack(kept or b"")
            if lead.state is state:
                yield lead


def _row(unit: Unit, list_id: int, lead: Lead) -> LeadRow:
    raw = unit.t.contacts.get(contact_key(list_id, lead.contact))
    return LeadRow(lead, Contact(lead.phone, "") if raw is None else CONTACT.unpack(raw))


def judged(unit: Unit, campaign_id: int, phone: int, now_ms: int) -> Judged:
    """One number of a campaign at a moment.

    Raises:
        NotFoundError: it is not in the campaign.
    """
    campaign = unit.campaign(campaign_id)
    row = unit.t.phones.get(phone_list_key(phone, campaign.settings.list_id))
    lead_id = 0 if row is None else read_u32(row)
    raw = unit.t.leads.get(lead_key(campaign_id, lead_id))
    if row is None:
        raise NotFoundError(f"+{phone} is not in the list of campaign {campaign.settings.name!r}")
    if raw is not None:
        lead = LEAD.unpack(raw)
    elif campaign.state is CampaignState.DRAFT:
        lead = Lead(campaign_id, lead_id, lead_id, phone)
    else:
        name = campaign.settings.name
        raise NotFoundError(f"+{phone} came into the list after {name!r} was approved")
    rules = Rules(campaign_id, campaign.settings, now_ms)
    return _judge(unit, campaign, lead, rules)


def _judge(unit: Unit, campaign: Campaign, lead: Lead, rules: Rules) -> Judged:
    found = _row(unit, campaign.settings.list_id, lead)
    person = person_of(unit, campaign, lead, rules)
    person = person._replace(due_ms=lead.due_s * 1000 if lead.state in WAITING else 0)
    if lead.state in IN_HAND:  # its own reservation is no reason
        own = [call for call in person.calls if call[2] != lead.attempt_id]
        person = person._replace(calls=own)
    return Judged(lead, found.contact, rules.first(person))


def ahead(
    unit: Unit, campaign_id: int, at_ms: int, after: int, limit: int
) -> tuple[list[Judged], int]:
    """The next people of a campaign as they will be judged at `at_ms`; where to go on, 0: nowhere.

    Of a draft they are the people of its list. Hours that open later are not counted against
    anybody: the rules behind them are asked.
    """
    campaign = unit.campaign(campaign_id)
    rules = Rules(campaign_id, campaign.settings, at_ms)
    if campaign.state is CampaignState.DRAFT:
        list_id = campaign.settings.list_id
        first, stop = contact_key(list_id, after) + b"\0", contact_key(list_id, ROW_MAX)
        rows = unit.t.contacts.scan(first, stop, limit)
        contacts = [(read_u32(key[4:]), CONTACT.unpack(raw)) for key, raw in rows]
        leads = [Lead(campaign_id, row, row, contact.phone) for row, contact in contacts]
    else:
        first, stop = lead_key(campaign_id, after) + b"\0", lead_key(campaign_id, ROW_MAX)
        leads = [LEAD.unpack(raw) for _, raw in unit.t.leads.scan(first, stop, limit)]
    found = [_ahead(unit, campaign, lead, rules) for lead in leads]
    return found, leads[-1].lead_id if len(leads) == limit else 0


def _ahead(unit: Unit, campaign: Campaign, lead: Lead, rules: Rules) -> Judged:
    contact = _row(unit, campaign.settings.list_id, lead).contact
    if lead.state not in MAYBE or not lead.phone:
        return Judged(lead, contact, None)
    person = person_of(unit, campaign, lead, rules)
    verdict = rules.first(person)
    if verdict is not None and verdict.rule is Rule.HOURS and verdict.until_ms:
        verdict = rules.first(person, after=Rule.HOURS)
    return Judged(lead, contact, verdict)
