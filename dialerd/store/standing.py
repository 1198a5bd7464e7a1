"""Where agents stand, for a daemon that takes over from one that is gone.

`standing` has one record for each agent who is logged in. A daemon that knows agents recovers with
them: the card that an agent was looking at stays that agent's, and a call that an agent had yet to
say something of, or that ended with its daemon, waits for that word. Without them all that ends as
it is, and nobody is logged in.
"""

from __future__ import annotations

from typing import Final

import msgspec

from dialerd.core.agent_records import AgentState, Standing
from dialerd.core.limits import AGENT_LEASE_S
from dialerd.core.ops import AtWork, Claim, KeepAgent
from dialerd.core.ports import NotFoundError
from dialerd.core.records import Attempt, Outcome
from dialerd.store import audience, lead_numbers
from dialerd.store.callbacks import agent_bytes
from dialerd.store.claims import LEASES_FROM
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    LEAD,
    OPEN,
    STANDING,
    OpenAttempt,
    attempt_key,
    lead_key,
    open_key,
    split_lead,
    unseal,
)
from dialerd.store.unit import Unit

_END: Final = b"\xff" * 9
_TALKED: Final = (AgentState.TALKING, AgentState.WRAP_UP)


def keep(unit: Unit, op: KeepAgent) -> None:
    """This is where the agent stands now, unless that was written before what is there."""
    key = agent_bytes(op.standing.agent)
    raw = unit.t.standing.get(key)
    if raw is None or STANDING.unpack(raw).seq <= op.standing.seq:
        unit.t.standing.put(key, STANDING.pack(op.standing))


def everybody(unit: Unit) -> list[Standing]:
    """Who is logged in, by name."""
    rows = (STANDING.unpack(raw) for _, raw in scan_all(unit.t.standing, b"", _END * 8))
    return [one for one in rows if one.state is not AgentState.OFFLINE]


def forget_all(unit: Unit) -> None:
    """Nobody is."""
    for key, _ in list(scan_all(unit.t.standing, b"", _END * 8)):
        unit.t.standing.delete(key)


def sort_out(unit: Unit, now_ms: int) -> tuple[frozenset[int], dict[int, Standing]]:
    """What recovery leaves to agents: the claims of their cards, and the calls that they talked in.

    The leases of the claims begin anew.
    """
    known = everybody(unit)
    forget_all(unit)
    for one in known:  # the next daemon counts anew
        keep(unit, KeepAgent(msgspec.structs.replace(one, seq=0)))
    cards: set[int] = set()
    talked: dict[int, Standing] = {}
    for one in known:
        if not one.attempt_id:
            continue
        raw = unit.t.open.get(open_key(one.attempt_id))
        held = None if raw is None else OPEN.unpack(raw)
        state = one.was if one.state is AgentState.LOST else one.state
        if held is not None and _begun(unit, held, one.attempt_id) is None:
            lease_ms = now_ms + AGENT_LEASE_S * 1000
            again = msgspec.structs.replace(held, lease_ms=lease_ms)
            unit.t.open.put(open_key(one.attempt_id), OPEN.pack(again))
            unit.set_counter(LEASES_FROM, min(unit.counter(LEASES_FROM) or lease_ms, lease_ms))
            cards.add(one.attempt_id)
        elif state in _TALKED:
            talked[one.attempt_id] = one
    return frozenset(cards), talked


def cut_off(cut: Attempt, talked: Standing) -> Attempt:
    """An attempt that ended with its daemon, in the middle of a conversation."""
    since_ms = talked.since_ms if cut.outcome is Outcome.INTERRUPTED else 0
    return msgspec.structs.replace(cut, agent=talked.agent, connected_ms=since_ms)


def at_work(unit: Unit) -> list[AtWork]:
    """Who was logged in when the last daemon ended, each with the customer that is theirs still."""
    return [AtWork(one, _customer(unit, one.attempt_id)) for one in everybody(unit)]


def _begun(unit: Unit, held: OpenAttempt, attempt_id: int) -> bytes | None:
    return unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, attempt_id))


def _customer(unit: Unit, attempt_id: int) -> Claim | None:
    """Whom a card shows, or of whom something is to be said; None: neither any more."""
    raw = unit.t.open.get(open_key(attempt_id)) if attempt_id else None
    if raw is not None:
        held = OPEN.unpack(raw)
        if _begun(unit, held, attempt_id) is not None:
            return None
        number, booked = held.number, held.callback
        phone, direction = held.phone, held.direction
        campaign_id, lead_id = held.campaign_id, held.lead_id
    else:
        where = unit.t.wrapping.get(open_key(attempt_id)) if attempt_id else None
        if where is None:
            return None
        campaign_id, lead_id = split_lead(unseal(where))
        kept = unit.t.attempts.get(attempt_key(campaign_id, lead_id, attempt_id))
        attempt, booked = ATTEMPT.unpack(kept or b""), None
        number, phone, direction = attempt.number, attempt.phone, attempt.direction
    lead = LEAD.unpack(unit.t.leads.get(lead_key(campaign_id, lead_id)) or b"")
    try:
        contact = audience.contact_of(unit, unit.campaign(campaign_id), lead)
    except NotFoundError:
        return None
    return Claim(
        attempt_id,
        campaign_id,
        lead_id,
        phone,
        number,
        lead_numbers.carrier_of(contact, phone),
        contact.fields,
        callback=booked,
        tries=lead.tries,
        numbers=lead.numbers,
        direction=direction,
    )
