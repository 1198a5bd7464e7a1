"""The operations of the dialing path: begin, events, finish, release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from dialerd.core.ops import (
    AppendEvents,
    Ban,
    BeginDial,
    DialOp,
    Dispose,
    Finish,
    KeepLine,
    KeepNote,
    LogAgent,
    ReleaseClaim,
    SaveAnswer,
)
from dialerd.core.outcome import AGAIN
from dialerd.core.ports import ConflictError, StoreError
from dialerd.core.records import (
    IN_HAND,
    Attempt,
    CallEvent,
    CampaignState,
    Lead,
    LeadState,
    Outcome,
)
from dialerd.store import agents, answers, callbacks, caps, dialogs, donotcall, ended, usage
from dialerd.store.claims import give_back, put_back
from dialerd.store.limits import EVENT_INDEX_MAX, EVENTS_PER_OP_MAX
from dialerd.store.schema import (
    ATTEMPT,
    EVENTS,
    LEAD,
    OPEN,
    OpenAttempt,
    attempt_key,
    event_key,
    lead_key,
    open_key,
)
from dialerd.store.unit import OUTCOME_INDEX, Unit

DIALING: Final = LeadState.DIALING


def apply(unit: Unit, ops: Sequence[DialOp]) -> tuple[int, ...]:
    """All of them in order; the attempts whose dialing was refused. See `Store.apply`."""
    refused: list[int] = []
    if not ops:
        unit.next_number(b"probes")  # who asks for nothing asks whether the disk takes commits
    for op in ops:
        if isinstance(op, Dispose | KeepNote | LogAgent | SaveAnswer | Ban):
            _say(unit, op)
            continue
        raw = unit.t.open.get(open_key(op.attempt_id))
        if raw is None:  # finished, released or expired: only a dial must be told
            if type(op) is BeginDial:
                refused.append(op.attempt_id)
            continue
        held = OPEN.unpack(raw)
        if isinstance(op, BeginDial):
            if not _begin(unit, op, held):
                refused.append(op.attempt_id)
        elif isinstance(op, AppendEvents):
            _append_open(unit, op, held)
        elif isinstance(op, Finish):
            _finish(unit, op, held)
        elif isinstance(op, KeepLine):
            if unit.t.dialogs.get(open_key(op.attempt_id)) is not None:
                dialogs.keep(unit, op.attempt_id, op.line)
        else:
            _release(unit, op, held)
    return tuple(refused)


def _say(unit: Unit, op: Dispose | KeepNote | LogAgent | SaveAnswer | Ban) -> None:
    """What agents say may come after the call."""
    if isinstance(op, Ban):
        if op.entry.phone:  # else erased meanwhile
            donotcall.keep(unit, op.entry)
        return
    if isinstance(op, SaveAnswer):
        answers.save(unit, op)
    else:
        agents.apply(unit, op)


def _begin(unit: Unit, op: BeginDial, held: OpenAttempt) -> bool:
    """Mark the attempt as dialed. The second time it moves to another trunk."""
    t = unit.t
    kept_at = attempt_key(held.campaign_id, held.lead_id, op.attempt_id)
    raw = t.attempts.get(kept_at)
    blocked = donotcall.heeded(unit, held.campaign_id, held.phone, op.at_ms)
    if raw is not None:
        if blocked is not None:
            return False
        moved = msgspec.structs.replace(
            ATTEMPT.unpack(raw), trunk=op.trunk, call_id=op.call_id, rule=op.rule,
            port=op.port, minute_milli=op.minute_milli, usage_day=op.usage_day,
        )  # fmt: skip
        t.attempts.put(kept_at, ATTEMPT.pack(moved))
        dialogs.keep(unit, op.attempt_id, op.line)
        return True
    if blocked is not None:
        state = LeadState.RESTING if blocked.until_ms else LeadState.BLOCKED
        until_s = -(-blocked.until_ms // 1000)
        give_back(unit, op.attempt_id, held, state, until_s, next_number=not until_s)
        return False
    running = unit.campaign(held.campaign_id).state is CampaignState.RUNNING
    if not running or op.at_ms > held.lease_ms:
        give_back(unit, op.attempt_id, held, None, 0)
        return False
    attempt = Attempt(
        op.attempt_id,
        held.campaign_id,
        held.lead_id,
        held.phone,
        held.number,
        held.claimed_ms,
        op.trunk,
        op.call_id,
        op.at_ms,
        rule=op.rule,
        port=op.port,
        minute_milli=op.minute_milli,
        usage_day=op.usage_day,
        evidence=held.evidence,
    )
    t.attempts.put(kept_at, ATTEMPT.pack(attempt))
    answers.begin(unit, held.campaign_id, held.lead_id, op.attempt_id, op.at_ms)
    dialogs.keep(unit, op.attempt_id, op.line)
    lead = _lead(unit, held)
    books = unit.books(held.campaign_id)
    books.leads[lead.state] -= 1
    books.leads[DIALING] += 1
    dialing = msgspec.structs.replace(
        lead, state=DIALING, attempts=held.number, due_s=0, attempt_id=op.attempt_id
    )
    t.leads.put(lead_key(lead.campaign_id, lead.lead_id), LEAD.pack(dialing))
    return True


def _lead(unit: Unit, held: OpenAttempt) -> Lead:
    raw = unit.t.leads.get(lead_key(held.campaign_id, held.lead_id))
    return LEAD.unpack(raw or b"")


def _append_open(unit: Unit, op: AppendEvents, held: OpenAttempt) -> None:
    """Nothing has happened in an attempt that was never begun: its claim may be given back."""
    if unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, op.attempt_id)):
        _append(unit, held, op.attempt_id, op.first, op.events)


def _append(
    unit: Unit, held: OpenAttempt, attempt_id: int, first: int, events: Sequence[CallEvent]
) -> None:
    """Keep events under the index of the first: the same operation again replaces itself."""
    if not events or not 0 <= first < EVENT_INDEX_MAX:
        return
    key = event_key(held.campaign_id, held.lead_id, attempt_id, first)
    unit.t.events.put(key, EVENTS.pack(tuple(events[:EVENTS_PER_OP_MAX])))


def _finish(unit: Unit, op: Finish, held: OpenAttempt) -> None:
    if op.lead_state in IN_HAND:
        raise StoreError(f"attempt {op.attempt_id} cannot end with its lead {op.lead_state.name}")
    t = unit.t
    t.open.delete(open_key(op.attempt_id))
    dialogs.drop(unit, op.attempt_id)
    kept_at = attempt_key(held.campaign_id, held.lead_id, op.attempt_id)
    raw = t.attempts.get(kept_at)
    begun = None if raw is None else ATTEMPT.unpack(raw)
    done = Attempt(
        op.attempt_id,
        held.campaign_id,
        held.lead_id,
        held.phone,
        held.number,
        held.claimed_ms,
        begun.trunk if begun else "",
        begun.call_id if begun else "",
        begun.begun_ms if begun else 0,
        op.answered_ms,
        op.at_ms,
        op.outcome,
        op.code,
        op.q850,
        op.released_by,
        op.keys,
        begun.rule if begun else "",
        begun.port if begun else "",
        begun.minute_milli if begun else 0,
        begun.usage_day if begun else 0,
        begun.evidence if begun else "",
        op.agent,
        op.human_ms,
        op.connected_ms,
        fields=op.fields,
    )
    t.attempts.put(kept_at, ATTEMPT.pack(done))
    ends = agents.wraps if op.wraps else ended.record
    ends(unit, held.campaign_id, held.lead_id, op.attempt_id)
    if op.used is not None:
        usage.add(unit, op.used)
    _append(unit, held, op.attempt_id, op.first, op.events)
    caps.settle(unit, held.phone, op.attempt_id, _level(op) if begun else None, op.at_ms)
    unit.books(held.campaign_id).outcomes[OUTCOME_INDEX[op.outcome]] += 1
    lead = _lead(unit, held)
    tries = {**lead.tries, op.outcome: lead.tries.get(op.outcome, 0) + 1}
    lead = msgspec.structs.replace(lead, attempts=held.number, outcome=op.outcome, tries=tries)
    if op.numbers:
        phone = op.phone or lead.phone
        lead = msgspec.structs.replace(lead, numbers=op.numbers, phone=phone)
    if held.callback is not None and op.lead_state in AGAIN:  # still promised
        due_s = callbacks.again(unit, held.callback, op.due_s)
        put_back(unit, lead, LeadState.CALLBACK, due_s)
    else:
        put_back(unit, lead, op.lead_state, op.due_s)


def _level(op: Finish) -> int:
    """How far a dialed attempt got, for the caps."""
    if op.outcome is Outcome.ABANDONED:  # its message may have been heard: a lock-out all the same
        return (caps.HEARD if op.heard else caps.ANSWERED) | caps.ABANDONED
    if op.heard or op.outcome is Outcome.INTERRUPTED:
        return caps.HEARD
    if op.answered_ms or op.outcome is Outcome.ANSWERED:
        return caps.ANSWERED
    return caps.ATTEMPTED


def _release(unit: Unit, op: ReleaseClaim, held: OpenAttempt) -> None:
    kept_at = attempt_key(held.campaign_id, held.lead_id, op.attempt_id)
    if unit.t.attempts.get(kept_at) is not None:
        raise ConflictError(f"attempt {op.attempt_id} was dialed and can only be finished")
    give_back(unit, op.attempt_id, held, None, op.due_s)
