"""Attempts beside a person's: calls to numbers that the person is put through to.

Such an attempt stands under the lead of its person and ends as any other does, with its record
among what ended. Lead, caps and books are not its own: it changes none of them. `over` finds it by
its number, until that is erased.

Do-not-call lists bind it, when it is asked for and again when it is dialed; and a number is not
dialed that we call or talk with, the person's own first of all. Caps do not bind it: the customer
asked for it. The same number may be dialed for several people at once: it may be a switchboard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from dialerd.core.frequency import in_flight
from dialerd.core.ops import BeginDial, Claim, Returned
from dialerd.core.records import Attempt, Direction, EventKind
from dialerd.store import caps, dialogs, donotcall
from dialerd.store.claims import LEASES_FROM, NEXT_ATTEMPT
from dialerd.store.limits import EVENT_INDEX_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    EVENTS,
    OPEN,
    OpenAttempt,
    attempt_key,
    event_key,
    open_key,
    over_key,
    split_over,
)
from dialerd.store.unit import Unit

EVIDENCE: Final = "a person was put through"
ALIKE: Final = 6  # what two ways to write a number have in common at their ends
_END: Final = b"\xff" * 32


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
    unit.t.over.put(_index(attempt), b"")
    dialogs.keep(unit, op.attempt_id, op.line)
    return True


def _index(attempt: Attempt) -> bytes:
    of = attempt.campaign_id, attempt.lead_id, attempt.attempt_id
    return over_key(attempt.phone, *of)


def to(unit: Unit, phone: int) -> list[Attempt]:
    """Those to a number, under whoever they were."""
    found = scan_all(unit.t.over, over_key(phone, 0, 0, 0), over_key(phone + 1, 0, 0, 0))
    kept_at = [attempt_key(*split_over(key)[1:]) for key, _ in found]
    return [ATTEMPT.unpack(unit.t.attempts.get(at) or b"") for at in kept_at]


def forget(unit: Unit, attempt: Attempt) -> None:
    """Its number is erased."""
    unit.t.over.delete(_index(attempt))


def hide(unit: Unit, phone: int, attempt_id: tuple[int, int, int]) -> None:
    """Write x for a number wherever a person's call (campaign, lead, attempt) tells it.

    The keys too, when the person keyed it.
    """
    written = _written(phone)
    kept_at = attempt_key(*attempt_id)
    raw = unit.t.attempts.get(kept_at)
    if raw is None:
        return
    attempt = ATTEMPT.unpack(raw)
    fields = {name: written.sub(_crossed, text) for name, text in attempt.fields.items()}
    keys = written.sub(_crossed, attempt.keys)
    left = msgspec.structs.replace(attempt, keys=keys, fields=fields)
    unit.t.attempts.put(kept_at, ATTEMPT.pack(left))
    first, stop = event_key(*attempt_id, 0), event_key(*attempt_id, EVENT_INDEX_MAX)
    pieces = [(key, EVENTS.unpack(raw)) for key, raw in scan_all(unit.t.events, first, stop)]
    pressed = [e.detail[:1] for _, piece in pieces for e in piece if e.kind is EventKind.DIGIT]
    keyed = written.search("".join(pressed)) is not None
    for key, piece in pieces:
        crossed = []
        for event in piece:
            detail = written.sub(_crossed, event.detail)
            if keyed and event.kind is EventKind.DIGIT:
                detail = "x" + event.detail[1:]
            crossed.append(msgspec.structs.replace(event, detail=detail))
        unit.t.events.put(key, EVENTS.pack(tuple(crossed)))


def _written(phone: int) -> re.Pattern[str]:
    """A number however it is written, with what stands before it: +84 987-654-321, 0987654321."""
    end = r"[ .()-]*".join(str(phone)[-ALIKE:])
    return re.compile(rf"(?:\+?[0-9][0-9 .()-]*?)?{end}")


def _crossed(found: re.Match[str]) -> str:
    return "x" * len(found[0])


def problems(unit: Unit) -> Iterator[str]:
    """Each of them is found by its number, and nothing else is."""
    count = 0
    for _, raw in scan_all(unit.t.attempts, b"", _END):
        attempt = ATTEMPT.unpack(raw)
        if attempt.direction is Direction.OVER and attempt.phone:
            count += 1
            if unit.t.over.get(_index(attempt)) is None:
                yield f"attempt {attempt.attempt_id} beside a person's is not found by its number"
    if count != unit.t.over.count():
        yield f"{unit.t.over.count()} attempts beside a person's are indexed, there are {count}"
