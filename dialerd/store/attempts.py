"""The operations of the dialing path: begin, events, finish, release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from dialerd.core.ops import (
    AppendEvents,
    Ban,
    BeginDial,
    DialOp,
    Dispose,
    Finish,
    KeepAgent,
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
    Direction,
    Lead,
    LeadState,
    Outcome,
)
from dialerd.store import (
    agents,
    answers,
    callbacks,
    caps,
    dialogs,
    donotcall,
    ended,
    met,
    over,
    returns,
    usage,
)
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

# An enumeration's member costs twenty times a global.
DIALING: Final = LeadState.DIALING
RUNNING: Final = CampaignState.RUNNING
ABANDONED, ANSWERED, INTERRUPTED = Outcome.ABANDONED, Outcome.ANSWERED, Outcome.INTERRUPTED


def apply(unit: Unit, ops: Sequence[DialOp]) -> tuple[int, ...]:
    """All of them in order; the attempts whose dialing was refused. See `Store.apply`."""
    refused: list[int] = []
    if not ops:
        unit.next_number(b"probes")  # who asks for nothing asks whether the disk takes commits
    op: Any  # of the kind that its work takes
    for op in ops:
        work = _OF_CALLS.get(type(op))
        if work is None:  # it may come after the call
            _OF_ANY_TIME[type(op)](unit, op)
            continue
        raw = unit.t.open.get(open_key(op.attempt_id))
        if raw is None:  # finished, released or expired: only a dial must be told
            if work is _begin:
                refused.append(op.attempt_id)
            elif work is _keep_line:
                dialogs.keep_phone(unit, op.attempt_id, op.line)
        elif work(unit, op, OPEN.unpack(raw)) is False:
            refused.append(op.attempt_id)
    return tuple(refused)


def _keep_line(unit: Unit, op: KeepLine, held: OpenAttempt) -> None:  # noqa: ARG001
    dialogs.replace(unit, op.attempt_id, op.line)


def _ban(unit: Unit, op: Ban) -> None:
    if op.entry.phone:  # else erased meanwhile
        donotcall.keep(unit, op.entry)


def _begin(unit: Unit, op: BeginDial, held: OpenAttempt) -> bool:
    """Mark the attempt as dialed. The second time it moves to another trunk."""
    t = unit.t
    kept_at = attempt_key(held.campaign_id, held.lead_id, op.attempt_id)
    raw = t.attempts.get(kept_at)
    if held.direction is Direction.OVER and raw is None:
        return over.begin(unit, op, held)
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
    running = unit.campaign(held.campaign_id).state is RUNNING
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
    done = msgspec.structs.replace(
        _never_begun(op, held) if raw is None else ATTEMPT.unpack(raw),
        answered_ms=op.answered_ms, ended_ms=op.at_ms, outcome=op.outcome, code=op.code,
        q850=op.q850, released_by=op.released_by, keys=op.keys, agent=op.agent,
        human_ms=op.human_ms, connected_ms=op.connected_ms, fields=op.fields,
        answerer=op.answerer, verdict_ms=op.verdict_ms, verdict_sure=op.verdict_sure,
        revised=op.revised, revised_ms=op.revised_ms,
    )  # fmt: skip
    t.attempts.put(kept_at, ATTEMPT.pack(done))
    ends = agents.wraps if op.wraps else ended.record
    ends(unit, held.campaign_id, held.lead_id, op.attempt_id)
    if op.used is not None:
        usage.add(unit, op.used)
    _append(unit, held, op.attempt_id, op.first, op.events)
    if held.direction is Direction.OVER:
        return
    unit.books(held.campaign_id).outcomes[OUTCOME_INDEX[op.outcome]] += 1
    met.count(unit, done)
    if held.direction is Direction.IN:
        returns.finish(unit, op, held, _lead(unit, held), _level(op))
        return
    caps.settle(unit, held.phone, op.attempt_id, _level(op) if raw is not None else None, op.at_ms)
    lead = _lead(unit, held)
    tries = {**lead.tries, op.outcome: lead.tries.get(op.outcome, 0) + 1}
    state, due_s = op.lead_state, op.due_s
    if held.callback is not None and state in AGAIN:  # still promised
        state, due_s = LeadState.CALLBACK, callbacks.again(unit, held.callback, due_s)
    changed: dict[str, Any] = {"attempts": held.number, "outcome": op.outcome, "tries": tries}
    if op.numbers:
        changed |= {"numbers": op.numbers, "phone": op.phone or lead.phone}
    put_back(unit, lead, state, due_s, **changed)


def _never_begun(op: Finish, held: OpenAttempt) -> Attempt:
    """What is kept of a claim that ended without a dial."""
    return Attempt(
        op.attempt_id, held.campaign_id, held.lead_id, held.phone, held.number, held.claimed_ms
    )


def _level(op: Finish) -> int:
    """How far a dialed attempt got, for the caps."""
    outcome = op.outcome
    if outcome is ABANDONED:  # its message may have been heard: a lock-out all the same
        return (caps.HEARD if op.heard else caps.ANSWERED) | caps.ABANDONED
    if op.heard or outcome is INTERRUPTED:
        return caps.HEARD
    if op.answered_ms or outcome is ANSWERED:
        return caps.ANSWERED
    return caps.ATTEMPTED


def _release(unit: Unit, op: ReleaseClaim, held: OpenAttempt) -> None:
    kept_at = attempt_key(held.campaign_id, held.lead_id, op.attempt_id)
    if unit.t.attempts.get(kept_at) is not None:
        raise ConflictError(f"attempt {op.attempt_id} was dialed and can only be finished")
    give_back(unit, op.attempt_id, held, None, op.due_s)


_OF_CALLS: Final[dict[type, Callable[[Unit, Any, OpenAttempt], bool | None]]] = {
    BeginDial: _begin,
    AppendEvents: _append_open,
    Finish: _finish,
    KeepLine: _keep_line,
    ReleaseClaim: _release,
}
_OF_ANY_TIME: Final[dict[type, Callable[[Unit, Any], None]]] = {
    Ban: _ban,
    Dispose: agents.apply,
    KeepAgent: agents.apply,
    KeepNote: agents.apply,
    LogAgent: agents.apply,
    SaveAnswer: answers.save,
}
