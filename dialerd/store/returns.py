"""Customers who call back: whose they are, and the attempt of their call from its beginning.

Such a caller is known by the number, and by the number, the port of a modem bank or the trunk that
is called: it belongs to the campaign that called last from there. The lead is in our hands while
they talk, so nobody dials it meanwhile; then it is served, or stands again where it stood. A call
back uses up no try.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from dialerd.core.ops import Claim, Finish, ReturnCall, Returned
from dialerd.core.records import (
    IN_HAND,
    Attempt,
    Campaign,
    CampaignState,
    Direction,
    Lead,
    LeadState,
)
from dialerd.core.return_records import ReturnAnswer
from dialerd.store import answers, audience, callbacks, caps, dialogs, people
from dialerd.store.claims import NEXT_ATTEMPT, give_back, let_return_go, put_back
from dialerd.store.lead_numbers import carrier_of
from dialerd.store.limits import RETURN_LEADS_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    LEAD,
    OPEN,
    OpenAttempt,
    attempt_key,
    due_key,
    lead_key,
    open_key,
)
from dialerd.store.unit import Unit

EVIDENCE: Final = "the customer called back"
DAY_MS: Final = 86_400_000
_STAY: Final = (LeadState.BLOCKED, LeadState.RESTING)  # not to be called, whatever was heard
DIGITS_ALIKE: Final = 7  # what two ways to write a number must have in common at their ends


class _Match(NamedTuple):
    """A lead that may be the caller's; the greatest is."""

    by_number: bool  # of ours, or by the port, that was called: surer than by the trunk
    at_ms: int
    campaign: Campaign
    lead: Lead


def take(unit: Unit, call: ReturnCall) -> Returned:
    """Whose customer calls, with the attempt of this call begun; see `Store.take_return`."""
    found = max(_matches(unit, call), key=lambda one: one[:2], default=None)
    if found is None:
        return Returned()
    if not _free(unit, call.phone, found.lead):
        return Returned(busy=True)
    campaign = found.campaign
    raw = unit.t.leads.get(lead_key(campaign.campaign_id, found.lead.lead_id))
    return Returned(_begin(unit, call, campaign, LEAD.unpack(raw or b"")), campaign)


def _matches(unit: Unit, call: ReturnCall) -> Iterator[_Match]:
    """Leads of the number whose campaign called it from there, not too long ago."""
    looked = 0
    for listed, row in people.rows(unit, call.phone):
        users = [one for one in people.approved_with(unit, listed.list_id) if _wants(one)]
        for campaign, lead in people.leads_of(unit, (listed.list_id, row), reversed(users)):
            looked += 1
            if looked > RETURN_LEADS_MAX:
                return
            if not _has(lead, call.phone):
                continue
            last = _last_dialed(unit, lead) if lead.attempts and lead.phone else None
            if last is None:
                continue
            recent = call.at_ms - last.begun_ms <= campaign.settings.returns.days * DAY_MS
            by_trunk = last.trunk == call.trunk
            if call.port:  # a SIM shows its own number, whatever the campaign's is
                by_number = by_trunk and last.port == call.port
            else:
                by_number = _alike(campaign.settings.caller_id, call.called)
                by_trunk = by_trunk and not campaign.settings.caller_id
            if recent and (by_number or by_trunk):
                yield _Match(by_number, last.begun_ms, campaign, lead)


def _has(lead: Lead, phone: int) -> bool:
    """Not every number of a row is its lead's: one may belong to somebody in a list before."""
    return phone == lead.phone or any(one.phone == phone for one in lead.numbers)


def _wants(campaign: Campaign) -> bool:
    answers_them = campaign.settings.returns.answer is not ReturnAnswer.REFUSE
    return answers_them and campaign.state is not CampaignState.APPROVED


def _alike(ours: str, called: str) -> bool:
    """Whether two ways to write a number mean the same one: +84 28…, 028…, 28…."""
    a, b = (text.lstrip("+").lstrip("0") for text in (ours, called))
    if a == b:
        return bool(a)
    short, long = sorted((a, b), key=len)
    return len(short) >= DIGITS_ALIKE and long.endswith(short)


def _last_dialed(unit: Unit, lead: Lead) -> Attempt | None:
    """The last call of ours to it: most often that which had the lead last."""
    raw = unit.t.attempts.get(attempt_key(lead.campaign_id, lead.lead_id, lead.attempt_id))
    had = None if raw is None else ATTEMPT.unpack(raw)
    if had is not None and had.direction is Direction.OUT and had.begun_ms:
        return had
    first = attempt_key(lead.campaign_id, lead.lead_id, 0)
    stop = attempt_key(lead.campaign_id, lead.lead_id, (1 << 64) - 1)
    found = [ATTEMPT.unpack(raw) for _, raw in scan_all(unit.t.attempts, first, stop)]
    ours = [one for one in found if one.direction is Direction.OUT and one.begun_ms]
    return ours[-1] if ours else None


def _free(unit: Unit, phone: int, lead: Lead) -> bool:
    """Take number and lead from whoever has claimed and not dialed; False: there is a call now."""
    reserved = {of for _, level, of in caps.load(unit, phone) if level == caps.RESERVED}
    if lead.state in IN_HAND:  # at another number of the same person, perhaps
        reserved.add(lead.attempt_id)
    for attempt_id in sorted(reserved):
        raw = unit.t.open.get(open_key(attempt_id))
        if raw is None:
            continue
        held = OPEN.unpack(raw)
        if unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, attempt_id)) is not None:
            return False
        give_back(unit, attempt_id, held, None, held.claimed_ms // 1000)
    return True


def _begin(unit: Unit, call: ReturnCall, campaign: Campaign, lead: Lead) -> Claim:
    campaign_id, lead_id, phone = lead.campaign_id, lead.lead_id, call.phone
    promised = None
    if lead.state is LeadState.CALLBACK:
        promised = callbacks.drop(unit, campaign_id, lead_id)
    unit.t.due.delete(due_key(campaign_id, lead.state, lead.due_s, lead_id))
    attempt_id = unit.next_number(NEXT_ATTEMPT)
    caps.save(unit, phone, [*caps.load(unit, phone), (call.at_ms, caps.RESERVED, attempt_id)])
    opened = OpenAttempt(
        campaign_id, lead_id, phone, lead.attempts, call.at_ms, call.at_ms,
        evidence=EVIDENCE, callback=promised,
        direction=Direction.IN, before=lead.state, due_s=lead.due_s,
        after=lead.attempt_id,
    )  # fmt: skip
    unit.t.open.put(open_key(attempt_id), OPEN.pack(opened))
    attempt = Attempt(
        attempt_id, campaign_id, lead_id, phone, lead.attempts, call.at_ms,
        call.trunk, call.call_id, call.at_ms,
        evidence=EVIDENCE, direction=Direction.IN, called=call.called, port=call.port,
    )  # fmt: skip
    unit.t.attempts.put(attempt_key(campaign_id, lead_id, attempt_id), ATTEMPT.pack(attempt))
    answers.begin(unit, campaign_id, lead_id, attempt_id, call.at_ms)
    dialogs.keep(unit, attempt_id, call.line)
    unit.books(campaign_id).move(lead.state, LeadState.DIALING)
    talks = msgspec.structs.replace(lead, state=LeadState.DIALING, due_s=0, attempt_id=attempt_id)
    unit.t.leads.put(lead_key(campaign_id, lead_id), LEAD.pack(talks))
    contact = audience.contact_of(unit, campaign, lead)
    return Claim(
        attempt_id, campaign_id, lead_id, phone, lead.attempts,
        carrier_of(contact, phone), contact.fields, tries=lead.tries, direction=Direction.IN,
    )  # fmt: skip


def finish(unit: Unit, op: Finish, held: OpenAttempt, lead: Lead, level: int) -> None:
    """The call is over: the lead is served, or stands where it stood before it."""
    counts = unit.campaign(held.campaign_id).settings.returns.counts
    caps.settle(unit, held.phone, op.attempt_id, level if counts else None, op.at_ms)
    if op.heard and counts and held.before not in _STAY:
        lead = msgspec.structs.replace(lead, outcome=op.outcome)
        put_back(unit, lead, LeadState.DONE, 0)
    else:
        let_return_go(unit, held, lead)
