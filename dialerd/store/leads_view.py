"""Reading a campaign's people: by state, one of them by the rules of now, all as they will be."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dialerd.core.ports import Judged, LeadRow, NotFoundError
from dialerd.core.records import (
    IN_HAND,
    WAITING,
    Campaign,
    CampaignState,
    Lead,
    LeadState,
)
from dialerd.core.rules import Person, Rule, Rules, Verdict
from dialerd.store import audience, lead_numbers
from dialerd.store.claims import person_of
from dialerd.store.schema import (
    LEAD,
    ROW_MAX,
    due_key,
    lead_key,
    split_due,
)
from dialerd.store.unit import Unit

MAYBE = frozenset({*WAITING, *IN_HAND})


def page(
    unit: Unit, campaign_id: int, states: Iterable[LeadState], after: bytes, limit: int
) -> tuple[list[LeadRow], bytes]:
    """The next leads in some states, by state and due time, and where the next page begins."""
    campaign = unit.campaign(campaign_id)
    found: list[LeadRow] = []
    for state in sorted(states):
        if state in IN_HAND:
            if not after:  # few, and gone in a moment: on the first page only
                held = audience.in_hand(unit, campaign_id)
                found += [_row(unit, campaign, lead) for lead in held if lead.state is state]
            continue
        first, stop = due_key(campaign_id, state, 0, 0), due_key(campaign_id, state + 1, 0, 0)
        if after >= stop:
            continue
        for key, _ in unit.t.due.scan(max(first, after), stop, limit - len(found)):
            lead_id = split_due(key)[3]
            raw = unit.t.leads.get(lead_key(campaign_id, lead_id))
            found.append(_row(unit, campaign, LEAD.unpack(raw or b"")))
            if len(found) >= limit:
                return found, key + b"\0"
    return found, b""


def _row(unit: Unit, campaign: Campaign, lead: Lead) -> LeadRow:
    contact = audience.shown(unit, campaign, lead)
    return LeadRow(lead, contact, audience.list_of(unit, campaign, lead.lead_id))


def judged(unit: Unit, campaign_id: int, phone: int, now_ms: int) -> Judged:
    """One number of a campaign at a moment.

    Raises:
        NotFoundError: it is not in the campaign.
    """
    campaign = unit.campaign(campaign_id)
    name = campaign.settings.name
    parts = audience.parts_of(unit, campaign)
    stands = audience.standing(unit, parts, phone)
    lead = audience.find(unit, campaign, phone)
    if lead is None and stands is not None and campaign.state is CampaignState.DRAFT:
        part, row = stands
        contact = audience.people(unit, part, row - 1, 1)[0]
        lead = audience.make_lead(unit, campaign_id, parts, parts.index(part), contact)
    if lead is None and not audience.listed(unit, parts, phone):
        raise NotFoundError(f"+{phone} is not in the list of campaign {name!r}")
    if lead is None:
        raise NotFoundError(f"+{phone} came into the list after {name!r} was approved")
    rules = Rules(campaign_id, campaign.settings, now_ms)
    return _judge(unit, campaign, lead, rules)


def _judge(unit: Unit, campaign: Campaign, lead: Lead, rules: Rules) -> Judged:
    found = _row(unit, campaign, lead)

    def ask(lead: Lead) -> tuple[Person, Verdict | None]:
        person = person_of(unit, campaign, lead, rules)
        due_ms = lead.due_s * 1000 if lead.state in WAITING else 0
        person = msgspec.structs.replace(person, due_ms=due_ms)
        if lead.state in IN_HAND:  # its own reservation is no reason
            own = [call for call in person.calls if call[2] != lead.attempt_id]
            person = msgspec.structs.replace(person, calls=own)
        return person, rules.first(person)

    if lead.numbers and lead.state in MAYBE:
        lead, _, verdict = lead_numbers.choose(lead, ask, rules.now_ms)
    else:
        verdict = ask(lead)[1]
    return Judged(lead, found.contact, verdict, found.list_id)


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
        return _draft_ahead(unit, campaign, rules, after, limit)
    first, stop = lead_key(campaign_id, after) + b"\0", lead_key(campaign_id, ROW_MAX)
    leads = [LEAD.unpack(raw) for _, raw in unit.t.leads.scan(first, stop, limit)]
    found = [_ahead(unit, campaign, lead, rules) for lead in leads]
    return found, leads[-1].lead_id if len(leads) == limit else 0


def _draft_ahead(
    unit: Unit, campaign: Campaign, rules: Rules, after: int, limit: int
) -> tuple[list[Judged], int]:
    """The people of the lists, who are no leads yet; those who stand in a list before: nobody."""
    parts = audience.parts_of(unit, campaign)
    part = audience.part_of(parts, after + 1)
    rows = audience.people(unit, part, after - part.before, limit)
    made = [
        audience.make_lead(unit, campaign.campaign_id, parts, parts.index(part), row)
        for row in rows
    ]
    found = [_ahead(unit, campaign, lead, rules) for lead in made if lead is not None]
    if len(rows) == limit:
        return found, part.before + rows[-1][0]
    behind = part.before + part.size
    return found, behind if any(later.before >= behind and later.size for later in parts) else 0


def _ahead(unit: Unit, campaign: Campaign, lead: Lead, rules: Rules) -> Judged:
    found = _row(unit, campaign, lead)
    if lead.state not in MAYBE or not lead.phone:
        return Judged(lead, found.contact, None, found.list_id)

    def ask(lead: Lead) -> tuple[Person, Verdict | None]:
        person = person_of(unit, campaign, lead, rules)
        verdict = rules.first(person)
        if verdict is not None and verdict.rule is Rule.HOURS and verdict.until_ms:
            verdict = rules.first(person, after=Rule.HOURS)
        return person, verdict

    if lead.numbers:
        lead, _, verdict = lead_numbers.choose(lead, ask, rules.now_ms)
    else:
        verdict = ask(lead)[1]
    return Judged(lead, found.contact, verdict, found.list_id)
