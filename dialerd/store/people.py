"""All that is kept about one number: shown, and erased.

An erasure leaves what books and reports count and takes away what says whom: the contact's row
stays, empty; its leads stand without a number, those that waited are BLOCKED; attempts keep times
and outcome, not number or keys; interactions, answers, texts to SIMs of ours and recordings go. The
do-not-call list keeps the number, because it protects who is on it. Frequency caps must still hold,
so the number's calls stay under a keyed digest (`caps.hide`), which tells only somebody who has the
number already.
Calls of other people who were put through to it lose the number wherever they tell it, and nothing
else. An audit line says what was done, by whom and when, and not to which number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from dialerd.core.agent_records import Callback, Note
from dialerd.core.modem_records import SimText
from dialerd.core.ports import ConflictError
from dialerd.core.records import (
    IN_HAND,
    WAITING,
    Attempt,
    CallEvent,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    Direction,
    DoNotCall,
    Lead,
    LeadState,
)
from dialerd.store import (
    answers,
    audience,
    callbacks,
    campaigns,
    caps,
    donotcall,
    lists,
    notes,
    over,
    sims,
)
from dialerd.store.claims import put_back
from dialerd.store.ended import events_of
from dialerd.store.limits import EVENT_INDEX_MAX, LISTED_MAX
from dialerd.store.reading import scan_all
from dialerd.store.recording_files import names_of
from dialerd.store.schema import (
    ATTEMPT,
    AUDIT,
    CONTACT,
    LEAD,
    AuditLine,
    attempt_key,
    contact_key,
    due_key,
    event_key,
    lead_key,
    number64,
    open_key,
    phone_list_key,
    read_u32,
)
from dialerd.store.unit import Unit

ERASED: Final = Contact(0, "")
CALLED: Final = "the number is being called just now: try again when that is over"
NOT_ENDED: Final = (  # its line names the number, and nobody could hang it up without that
    "a call of before to the number is not ended yet: try again when `dialerd run` has ended it"
)
LAST_AUDIT: Final = b"last_audit"


class Tried(msgspec.Struct, frozen=True):
    """One lead of a number with everything that happened to it."""

    campaign: Campaign
    lead: Lead
    attempts: tuple[tuple[Attempt, tuple[CallEvent, ...]], ...]
    answered: tuple[answers.Answered, ...] = ()


class PutThrough(msgspec.Struct, frozen=True):
    """A call to a number that somebody of a campaign was put through to."""

    campaign: Campaign
    attempt: Attempt
    events: tuple[CallEvent, ...]


class About(msgspec.Struct, frozen=True):
    """Everything that is kept about a number."""

    phone: int
    listed: tuple[tuple[ContactList, Contact], ...]
    tried: tuple[Tried, ...]
    caps: tuple[caps.Entry, ...]
    dnc: DoNotCall | None
    notes: tuple[Note, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    old_calls: tuple[int, ...] = ()  # attempts of an earlier run whose calls are not ended yet
    put_through: tuple[PutThrough, ...] = ()
    talks: bool = False  # who was put through to it is in that call still
    texts: tuple[SimText, ...] = ()  # that it wrote to SIMs of ours

    @property
    def busy(self) -> str:
        """Why it cannot be erased just now; empty when it can."""
        if self.talks or any(tried.lead.state in IN_HAND for tried in self.tried):
            return CALLED
        return NOT_ENDED if self.old_calls else ""

    @property
    def recordings(self) -> list[str]:
        """Paths below the folder of recordings."""
        calls = [call for tried in self.tried for call in tried.attempts]
        calls += [(one.attempt, one.events) for one in self.put_through]
        return [path for attempt, events in calls for path in names_of(attempt, events)]


class Row(NamedTuple):
    """Where a number stands in a list."""

    people: ContactList
    row: int


def rows(unit: Unit, phone: int) -> list[Row]:
    """Every list that holds a number."""
    first, stop = phone_list_key(phone, 0), phone_list_key(phone + 1, 0)
    found = unit.t.phones.scan(first, stop, LISTED_MAX)
    return [
        Row(lists.get_list(unit, int.from_bytes(key[8:], "big")), read_u32(raw))
        for key, raw in found
    ]


def about(unit: Unit, phone: int) -> About:
    """Everything that is kept about a number."""
    listed, tried = [], []
    for people, row in rows(unit, phone):
        raw = unit.t.contacts.get(contact_key(people.list_id, row))
        listed.append((people, CONTACT.unpack(raw or b"")))
        tried += [
            Tried(
                campaign,
                lead,
                tuple(attempts_of(unit, lead)),
                tuple(answers.of_lead(unit, lead.campaign_id, lead.lead_id)),
            )
            for campaign, lead in leads_of(
                unit, (people.list_id, row), approved_with(unit, people.list_id)
            )
        ]
    entries = tuple(caps.load(unit, phone))
    promised = [callbacks.of_lead(unit, one.lead.campaign_id, one.lead.lead_id) for one in tried]
    tries = [attempt.attempt_id for one in tried for attempt, _ in one.attempts]
    through = over.to(unit, phone)
    tries += [one.attempt_id for one in through if one.attempt_id not in tries]
    return About(
        phone,
        tuple(listed),
        tuple(tried),
        entries,
        donotcall.find(unit, phone),
        tuple(notes.of(unit, phone)),
        tuple(one for one in promised if one is not None),
        tuple(one for one in tries if unit.t.old_calls.get(open_key(one)) is not None),
        tuple(_put_through(unit, one) for one in through),
        any(_talks(unit, one) for one in through),
        tuple(sims.texts_from(unit, phone)),
    )


def _put_through(unit: Unit, attempt: Attempt) -> PutThrough:
    of = attempt.campaign_id, attempt.lead_id, attempt.attempt_id
    campaign = unit.campaign(attempt.campaign_id)
    return PutThrough(campaign, attempt, tuple(events_of(unit, *of)))


def _talks(unit: Unit, attempt: Attempt) -> bool:
    both = attempt.attempt_id, attempt.of  # what is left of a person's call can name the number
    return any(unit.t.open.get(open_key(one)) is not None for one in both)


def approved_with(unit: Unit, list_id: int) -> list[Campaign]:
    """The campaigns that have leads of a list."""
    return [
        campaign
        for campaign in campaigns.all_campaigns(unit)
        if campaign.state is not CampaignState.DRAFT
        and list_id in audience.list_ids(campaign.settings)
    ]


def leads_of(
    unit: Unit, at: tuple[int, int], users: Iterable[Campaign]
) -> Iterator[tuple[Campaign, Lead]]:
    """The leads of a row (list, row): one at most in each campaign that was approved with it."""
    for campaign in users:
        lead = audience.lead_of_row(unit, campaign, *at)
        if lead is not None:
            yield campaign, lead


def leads_of_number(unit: Unit, phone: int) -> list[tuple[Campaign, Lead]]:
    """The leads of a number, one at most in each campaign and list, by campaign."""
    found = [
        one
        for people, row in rows(unit, phone)
        for one in leads_of(unit, (people.list_id, row), approved_with(unit, people.list_id))
    ]
    return sorted(found, key=lambda one: (one[1].campaign_id, one[1].lead_id))


def attempts_of(unit: Unit, lead: Lead) -> Iterator[tuple[Attempt, tuple[CallEvent, ...]]]:
    """Every attempt of a lead, with what happened in it."""
    campaign_id, lead_id = lead.campaign_id, lead.lead_id
    first = attempt_key(campaign_id, lead_id, 0)
    stop = attempt_key(campaign_id, lead_id, (1 << 64) - 1)
    for _, raw in scan_all(unit.t.attempts, first, stop):
        attempt = ATTEMPT.unpack(raw)
        yield attempt, tuple(events_of(unit, campaign_id, lead_id, attempt.attempt_id))


def erase(unit: Unit, phone: int, secret: bytes, who: str, at_ms: int) -> dict[str, int]:
    """Erase a number with its people; how much of what. `secret` keys the digests if none does yet.

    A person goes as a whole, with all numbers.

    Raises:
        ConflictError: it is in the dialer's hands just now; nothing was erased.
    """
    counts = dict.fromkeys(("contacts", "leads", "attempts", "events", "notes"), 0)
    phones = {phone}
    for people, row in rows(unit, phone):
        phones |= erase_row(unit, people.list_id, row, counts, approved_with(unit, people.list_id))
    for one in sorted(phones):
        _erase_put_through(unit, one, counts)
        if gone := sims.drop_texts_from(unit, one):
            counts["texts"] = counts.get("texts", 0) + gone
    counts["calls under caps"] = sum(caps.hide(unit, one, secret) for one in sorted(phones))
    if any(counts.values()):
        audit(unit, AuditLine(at_ms, who, "a number was erased", counts))
    return counts


def erase_row(
    unit: Unit, list_id: int, row: int, counts: dict[str, int], users: Iterable[Campaign]
) -> set[int]:
    """Erase one row of a list with its leads; ConflictError while one is in the dialer's hands.

    Returns the numbers that it had. `users` are the campaigns that were approved with the list.
    One whose approval is under way learns of it by the count of erasures, and begins again.
    """
    unit.next_number(campaigns.ERASURES)
    key = contact_key(list_id, row)
    contact = CONTACT.unpack(unit.t.contacts.get(key) or b"")
    for _, lead in leads_of(unit, (list_id, row), users):
        _erase_lead(unit, lead, counts)
    unit.t.contacts.put(key, CONTACT.pack(ERASED))
    phones = {contact.phone, *(one.phone for one in contact.others)}
    for phone in phones:
        unit.t.phones.delete(phone_list_key(phone, list_id))
    counts["contacts"] += 1
    return phones


def _erase_lead(unit: Unit, lead: Lead, counts: dict[str, int]) -> None:
    if lead.state in IN_HAND:
        raise ConflictError(CALLED)
    campaign_id, lead_id = lead.campaign_id, lead.lead_id
    callbacks.drop(unit, campaign_id, lead_id)
    phones = {lead.phone, *(one.phone for one in lead.numbers)}
    gone = sum(notes.drop(unit, phone, campaign_id) for phone in phones)
    counts["notes"] = counts.get("notes", 0) + gone
    counts["answers"] = counts.get("answers", 0) + answers.drop(unit, lead)
    nobody = msgspec.structs.replace(lead, phone=0, numbers=())
    if lead.state in WAITING:
        unit.t.due.delete(due_key(campaign_id, lead.state, lead.due_s, lead_id))
        put_back(unit, nobody, LeadState.BLOCKED, 0)
    else:
        unit.t.leads.put(lead_key(campaign_id, lead_id), LEAD.pack(nobody))
    counts["leads"] += 1
    first = attempt_key(campaign_id, lead_id, 0)
    stop = attempt_key(campaign_id, lead_id, (1 << 64) - 1)
    for key, raw in list(scan_all(unit.t.attempts, first, stop)):
        attempt = ATTEMPT.unpack(raw)
        if unit.t.old_calls.get(open_key(attempt.attempt_id)) is not None:
            raise ConflictError(NOT_ENDED)
        _erase_attempt(unit, key, attempt, counts)


def _erase_attempt(unit: Unit, key: bytes, attempt: Attempt, counts: dict[str, int]) -> None:
    counts["events"] += drop_events(unit, attempt)
    if attempt.direction is Direction.OVER:
        over.forget(unit, attempt)
    left = msgspec.structs.replace(attempt, phone=0, keys="", fields={})
    unit.t.attempts.put(key, ATTEMPT.pack(left))
    counts["attempts"] += 1


def _erase_put_through(unit: Unit, phone: int, counts: dict[str, int]) -> None:
    """Calls to a number under other people's leads, and where these people's calls name it."""
    for attempt in over.to(unit, phone):
        if _talks(unit, attempt):
            raise ConflictError(CALLED)
        if unit.t.old_calls.get(open_key(attempt.attempt_id)) is not None:
            raise ConflictError(NOT_ENDED)
        of = attempt.campaign_id, attempt.lead_id
        _erase_attempt(unit, attempt_key(*of, attempt.attempt_id), attempt, counts)
        over.hide(unit, phone, (*of, attempt.of))


def drop_events(unit: Unit, attempt: Attempt) -> int:
    """Remove the history of an attempt; how many pieces it had."""
    of = attempt.campaign_id, attempt.lead_id, attempt.attempt_id
    found = list(scan_all(unit.t.events, event_key(*of, 0), event_key(*of, EVENT_INDEX_MAX)))
    for key, _ in found:
        unit.t.events.delete(key)
    return len(found)


def audit(unit: Unit, line: AuditLine) -> None:
    """Append a line."""
    unit.t.audit.put(number64(unit.next_number(LAST_AUDIT)), AUDIT.pack(line))


def audit_lines(unit: Unit) -> list[AuditLine]:
    """All of them, oldest first."""
    return [AUDIT.unpack(raw) for _, raw in scan_all(unit.t.audit, b"", b"\xff" * 9)]
