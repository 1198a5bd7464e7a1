"""What agents say and write: what came of calls, notes, their day; and what the next one sees.

A call that an agent talked in ends in two steps. `Finish` writes the attempt; it is in `wrapping`
and not yet among what ended. `Dispose` adds what the agent said and moves the lead; then it has
ended. What a daemon left in `wrapping` ends as it stands when the next one starts, unless its agent
is logged in still (`standing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import msgspec

from dialerd.core.agent_records import AgentMove
from dialerd.core.ops import Dispose, KeepAgent, KeepNote, LogAgent
from dialerd.core.ports import Past
from dialerd.core.records import IN_HAND, Campaign, Direction, DoNotCall, Lead, LeadState
from dialerd.store import (
    callbacks,
    claims,
    dialogs,
    donotcall,
    ended,
    lead_numbers,
    notes,
    people,
    standing,
)
from dialerd.store.callbacks import agent_bytes
from dialerd.store.claims import give_back, put_back
from dialerd.store.limits import PAST_ATTEMPTS_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    AGENT_MOVE,
    ATTEMPT,
    CALLBACK,
    LEAD,
    OPEN,
    OpenAttempt,
    attempt_key,
    due_key,
    lead_key,
    log_key,
    open_key,
    own_key,
    read_u64,
    seal,
    split_lead,
    unseal,
)
from dialerd.store.unit import More, Unit

_END: Final = b"\xff" * 9


def apply(unit: Unit, op: Dispose | KeepNote | LogAgent | KeepAgent) -> None:
    """One operation of an agent."""
    if isinstance(op, Dispose):
        dispose(unit, op)
    elif isinstance(op, KeepNote):
        notes.keep(unit, op)
    elif isinstance(op, KeepAgent):
        standing.keep(unit, op)
    else:
        log(unit, op)


def wraps(unit: Unit, campaign_id: int, lead_id: int, attempt_id: int) -> None:
    """An attempt has ended but for what its agent says of it."""
    unit.t.wrapping.put(open_key(attempt_id), seal(lead_key(campaign_id, lead_id)))


def dispose(unit: Unit, op: Dispose) -> None:
    """What an agent said; nothing where that was said, or is over, already."""
    raw = unit.t.open.get(open_key(op.attempt_id))
    if raw is not None:
        _dispose_card(unit, op, OPEN.unpack(raw))
        return
    where = unit.t.wrapping.get(open_key(op.attempt_id))
    if where is None:
        return
    campaign_id, lead_id = split_lead(unseal(where))
    unit.t.wrapping.delete(open_key(op.attempt_id))
    kept_at = attempt_key(campaign_id, lead_id, op.attempt_id)
    attempt = ATTEMPT.unpack(unit.t.attempts.get(kept_at) or b"")
    said = msgspec.structs.replace(
        attempt, disposition=op.disposition, disposed_ms=op.at_ms, agent=op.agent
    )
    unit.t.attempts.put(kept_at, ATTEMPT.pack(said))
    ended.record(unit, campaign_id, lead_id, op.attempt_id)
    lead = LEAD.unpack(unit.t.leads.get(lead_key(campaign_id, lead_id)) or b"")
    _mark(unit, op, attempt.phone)
    if op.lead_state is None or not lead.phone:
        return
    if lead.state in IN_HAND:
        _move_later(unit, op, lead, attempt.phone)
        return
    if lead.attempt_id != op.attempt_id:
        return
    unit.t.due.delete(due_key(campaign_id, lead.state, lead.due_s, lead_id))
    callbacks.drop(unit, campaign_id, lead_id)
    lead = msgspec.structs.replace(lead, phone=attempt.phone)  # what was said is said of that one
    _move(unit, op, lead)


def _dispose_card(unit: Unit, op: Dispose, held: OpenAttempt) -> None:
    """Of a customer who was never dialed: the claim ends."""
    if unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, op.attempt_id)) is not None:
        return  # under way: it is disposed of after its end
    _mark(unit, op, held.phone)
    state = LeadState.DONE if op.lead_state is None else op.lead_state
    give_back(unit, op.attempt_id, held, state, _due_s(unit, op), next_number=op.wrong)


def _move(unit: Unit, op: Dispose, lead: Lead) -> None:
    """Let a lead stand where its agent wants it."""
    other = lead_numbers.passed_over(lead, op.due_s) if op.wrong else None
    if other is not None:
        put_back(unit, other, LeadState.RETRY, other.due_s)
    else:
        put_back(unit, lead, op.lead_state or lead.state, _due_s(unit, op))


def _move_later(unit: Unit, op: Dispose, lead: Lead, phone: int) -> None:
    """The customer calls back while the agent speaks of the call before.

    It is as if that had been said before the telephone rang.
    """
    raw = unit.t.open.get(open_key(lead.attempt_id))
    held = None if raw is None else OPEN.unpack(raw)
    if held is None or held.direction is not Direction.IN or held.after != op.attempt_id:
        return  # it was claimed or dialed anew
    lead = msgspec.structs.replace(lead, phone=phone)
    other = lead_numbers.passed_over(lead, op.due_s) if op.wrong else None
    lead = other or lead
    state, due_s = (op.lead_state, op.due_s) if other is None else (LeadState.RETRY, other.due_s)
    lead = msgspec.structs.replace(lead, due_s=0)
    unit.t.leads.put(lead_key(lead.campaign_id, lead.lead_id), LEAD.pack(lead))
    later = msgspec.structs.replace(
        held, before=state or held.before, due_s=due_s, callback=op.callback
    )
    unit.t.open.put(open_key(lead.attempt_id), OPEN.pack(later))


def _due_s(unit: Unit, op: Dispose) -> int:
    return op.due_s if op.callback is None else callbacks.book(unit, op.callback)


def _mark(unit: Unit, op: Dispose, phone: int) -> None:
    if op.do_not_call and phone:
        donotcall.add(unit, [DoNotCall(phone, op.at_ms, f"agent {op.agent}")])


def recover(unit: Unit, now_ms: int, node: str | None, *, staff: bool) -> int | More:
    """`claims.recover`, and the end of what waits for an agent who is not logged in any more."""
    if node is not None:
        return claims.recover(unit, now_ms, node)
    if not staff:
        standing.forget_all(unit)
    dialogs.leave_phones_behind(unit)
    cards, talked = standing.sort_out(unit, now_ms)
    for key, where in list(scan_all(unit.t.wrapping, b"", _END)):
        if read_u64(key) in talked:
            continue
        campaign_id, lead_id = split_lead(unseal(where))
        unit.t.wrapping.delete(key)
        ended.record(unit, campaign_id, lead_id, read_u64(key))
    said_by = {n: partial(standing.cut_off, talked=one) for n, one in talked.items()}
    return claims.recover(unit, now_ms, node, leave=(cards, said_by))


# The agents' day, and what was before.


def log(unit: Unit, op: LogAgent) -> None:
    """One line of an agent's day."""
    move = op.move
    key = log_key(move.at_ms, move.seq) + agent_bytes(move.agent)
    unit.t.agent_log.put(key, AGENT_MOVE.pack(move))


def moves(unit: Unit, since_ms: int, until_ms: int, limit: int) -> list[AgentMove]:
    """What agents did from one moment up to another, oldest first."""
    rows = unit.t.agent_log.scan(log_key(max(0, since_ms), 0), log_key(until_ms, 0), limit)
    return [AGENT_MOVE.unpack(raw) for _, raw in rows]


def log_page(unit: Unit, at: bytes, until_ms: int, limit: int) -> tuple[list[bytes], bytes | None]:
    """Keys of the next lines of the agents' days before a moment, and where to go on; None: end."""
    rows = unit.t.agent_log.scan(at, log_key(max(0, until_ms), 0), limit)
    keys = [key for key, _ in rows]
    return keys, keys[-1] + b"\0" if len(keys) == limit else None


def log_drop(unit: Unit, keys: Sequence[bytes]) -> None:
    """Forget lines."""
    for key in keys:
        unit.t.agent_log.delete(key)


def past(unit: Unit, phone: int, limit: int) -> list[Past]:
    """The last calls to a number in all campaigns, newest first.

    `PAST_ATTEMPTS_MAX` are looked at, of the leads that were called last.
    """
    written = {note.attempt_id: note.text for note in notes.of(unit, phone)}
    leads: list[tuple[Campaign, Lead]] = []
    for people_list, row in people.rows(unit, phone):
        list_id = people_list.list_id
        users = people.approved_with(unit, list_id)
        leads += [one for one in people.leads_of(unit, (list_id, row), users) if one[1].attempts]
    leads.sort(key=lambda one: one[1].attempt_id, reverse=True)
    found: list[Past] = []
    room = PAST_ATTEMPTS_MAX
    for campaign, lead in leads:
        first = attempt_key(campaign.campaign_id, lead.lead_id, 0)
        stop = attempt_key(campaign.campaign_id, lead.lead_id, (1 << 64) - 1)
        rows = unit.t.attempts.scan(first, stop, room)
        room -= len(rows)
        for _, raw in rows:
            attempt = ATTEMPT.unpack(raw)
            if attempt.direction is Direction.OVER:  # a call to somebody else
                continue
            note = written.get(attempt.attempt_id, "")
            found.append(Past(campaign.settings.name, attempt, note))
        if not room:
            break
    found.sort(key=lambda one: one.attempt.attempt_id, reverse=True)
    return found[:limit]


def problems(unit: Unit) -> Iterator[str]:
    """Every promise belongs to a lead that waits for it; what waits for an agent has ended."""
    own = 0
    for key, raw in scan_all(unit.t.callbacks, b"", _END):
        booked = CALLBACK.unpack(raw)
        where = f"campaign {booked.campaign_id}, lead {booked.lead_id}"
        if key != lead_key(booked.campaign_id, booked.lead_id):
            yield f"{where}: its callback lies under another key"
        lead_raw = unit.t.leads.get(key)
        lead: Lead | None = None if lead_raw is None else LEAD.unpack(lead_raw)
        if lead is None or lead.state is not LeadState.CALLBACK:
            yield f"{where}: a callback, and the lead waits for none"
        if booked.agent:
            own += 1
            agent = agent_bytes(booked.agent)
            mine = own_key(agent, booked.campaign_id, booked.due_s, booked.lead_id)
            if unit.t.own_due.get(mine) is None:
                yield f"{where}: its callback is not found by its agent"
    if own != unit.t.own_due.count():
        yield f"{unit.t.own_due.count()} callbacks of agents are indexed, there are {own}"
    for key, lead_at in scan_all(unit.t.wrapping, b"", _END):
        campaign_id, lead_id = split_lead(unseal(lead_at))
        attempt_raw = unit.t.attempts.get(attempt_key(campaign_id, lead_id, read_u64(key)))
        if attempt_raw is None or ATTEMPT.unpack(attempt_raw).outcome is None:
            yield f"attempt {read_u64(key)} waits for its agent and has not ended"
