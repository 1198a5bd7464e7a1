"""Attempts beside a person's: calls to numbers that the person is put through to.

Such an attempt stands under the lead of its person and ends as any other does, with its record
among what ended. Lead, caps and books are not its own: it changes none of them.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.ops import BeginDial, Claim, Returned
from dialerd.core.records import Attempt, Direction
from dialerd.store import dialogs
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


def begin(unit: Unit, op: BeginDial, held: OpenAttempt) -> bool:
    """It is dialed; False: its lease is over."""
    if op.at_ms > held.lease_ms:
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
