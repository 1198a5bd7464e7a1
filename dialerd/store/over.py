"""Attempts beside a person's: calls to numbers that the person is put through to.

Such an attempt stands under the lead of its person and ends as any other does, with its record
among what ended. Lead, caps and books are not its own: it changes none of them.

Do-not-call lists bind it, when it is asked for and again when it is dialed; and a number is not
dialed that we call or talk with, the person's own first of all. Caps do not bind it: the customer
asked for it. The same number may be dialed for several people at once: it may be a switchboard.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.frequency import in_flight
from dialerd.core.ops import BeginDial, Claim, Returned
from dialerd.core.records import Attempt, Direction
from dialerd.store import caps, dialogs, donotcall
from dialerd.store.claims import LEASES_FROM, NEXT_ATTEMPT
from dialerd.store.schema import ATTEMPT, OPEN, OpenAttempt, attempt_key, open_key
from dialerd.store.unit import Unit

EVIDENCE: Final = "a person was put through"


def claim(unit: Unit, attempt_id: int, phone: int, now_ms: int, lease_s: int) -> Returned:
    """See `Store.claim_over`."""
    raw = unit.t.open.get(open_key(attempt_id))
    if raw is None:
        return Returned()
    person = OPEN.unpack(raw)
    why = "it is the person's own number" if phone == person.phone else ""
    if why := why or _why_not(unit, person.campaign_id, phone, now_ms):
        return Returned(why=why)
    number = unit.next_number(NEXT_ATTEMPT)
    lease_ms = now_ms + lease_s * 1000
    opened = OpenAttempt(
        person.campaign_id, person.lead_id, phone, person.number, now_ms, lease_ms,
        evidence=EVIDENCE, direction=Direction.OVER, of=attempt_id,
    )  # fmt: skip
    unit.t.open.put(open_key(number), OPEN.pack(opened))
    floor = unit.counter(LEASES_FROM)
    unit.set_counter(LEASES_FROM, min(floor or lease_ms, lease_ms))
    given = Claim(
        number, person.campaign_id, person.lead_id, phone, person.number, "", {},
        direction=Direction.OVER,
    )  # fmt: skip
    return Returned(given)


def _why_not(unit: Unit, campaign_id: int, phone: int, now_ms: int) -> str:
    """Why a number is left alone now; empty when it may be dialed."""
    entry = donotcall.heeded(unit, campaign_id, phone, now_ms)
    if entry is not None:
        donotcall.hit(unit, entry)
        return f"the number is on the list {entry.kind} of those not to be called"
    if in_flight(dialogs.with_old_calls(unit, caps.load(unit, phone))):
        return "the number is being called just now"
    return ""


def begin(unit: Unit, op: BeginDial, held: OpenAttempt) -> bool:
    """It is dialed; False: its lease is over, or the number is to be left alone by now."""
    if op.at_ms > held.lease_ms or _why_not(unit, held.campaign_id, held.phone, op.at_ms):
        unit.t.open.delete(open_key(op.attempt_id))
        return False
    attempt = Attempt(
        op.attempt_id, held.campaign_id, held.lead_id, held.phone, held.number, held.claimed_ms,
        op.trunk, op.call_id, op.at_ms, rule=op.rule, port=op.port, minute_milli=op.minute_milli,
        usage_day=op.usage_day, evidence=held.evidence, direction=Direction.OVER, of=held.of,
    )  # fmt: skip
    key = attempt_key(held.campaign_id, held.lead_id, op.attempt_id)
    unit.t.attempts.put(key, ATTEMPT.pack(attempt))
    dialogs.keep(unit, op.attempt_id, op.line)
    return True
