"""Several numbers of one lead, as the store moves between them (`dialerd.core.lead_numbers`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from dialerd.core.lead_numbers import following, without
from dialerd.core.records import Contact, Lead, LeadState, Outcome
from dialerd.core.rules import Person, Rule, Verdict

Judged = tuple[Person, Verdict | None]
_FOR_GOOD: Final = frozenset({Rule.NUMBER, Rule.DO_NOT_CALL})


def choose(
    lead: Lead, judge: Callable[[Lead], Judged], now_ms: int
) -> tuple[Lead, Person, Verdict | None]:
    """The number of a lead that may be dialed, with what the rules say of it.

    One that never may be is passed over. A callback was promised for its number, and for no other.
    """
    person, verdict = judge(lead)
    while verdict is not None and not verdict.until_ms and verdict.rule in _FOR_GOOD:
        if lead.state is LeadState.CALLBACK:
            break
        numbers = without(lead.numbers, lead.phone)
        phone, due_s = following(numbers, lead.phone, 0)
        if not phone:
            return msgspec.structs.replace(lead, numbers=numbers), person, verdict
        lead = msgspec.structs.replace(lead, phone=phone, numbers=numbers)
        if due_s * 1000 > now_ms:
            return lead, person, Verdict(Rule.RETRY_GAP, due_s * 1000, "not due")
        person, verdict = judge(lead)
    return lead, person, verdict


def passed_over(lead: Lead, due_s: int) -> Lead | None:
    """With the next number in place of its present one; None: there is no other."""
    numbers = without(lead.numbers, lead.phone)
    phone, due_s = following(numbers, lead.phone, due_s)
    if not phone:  # also where it has no others at all
        return None
    return msgspec.structs.replace(lead, phone=phone, numbers=numbers, due_s=due_s)


def outcome_of(lead: Lead) -> Outcome | None:
    """How the tries of its present number ended; None: it was not tried."""
    for one in lead.numbers:
        if one.phone == lead.phone:
            return lead.outcome if lead.outcome in one.tries else next(iter(one.tries), None)
    return lead.outcome


def number_of(lead: Lead, contact: Contact) -> int:
    """The number that a person goes by: the first of several; 0: erased."""
    return contact.phone if lead.numbers else lead.phone


def carrier_of(contact: Contact, phone: int) -> str:
    """Of one of a person's numbers."""
    if phone != contact.phone:
        for one in contact.others:
            if one.phone == phone:
                return one.carrier
    return contact.carrier
