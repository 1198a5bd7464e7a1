"""Callbacks: calls that were promised, to whom and when.

A lead whose callback is booked is in the state CALLBACK. In `due` it stands by the second from
which anybody may make it; an agent's own callbacks are found in `own_due` as well, by that agent
and their time. Both go when the lead is claimed, and come back when the claim does.
"""

from __future__ import annotations

from typing import Final

import msgspec

from dialerd.core.agent_records import Callback
from dialerd.store.limits import AGENT_BYTES_MAX
from dialerd.store.schema import CALLBACK, DUE_MAX, lead_key, own_key, split_own
from dialerd.store.unit import Unit

NEVER_S: Final = DUE_MAX - 1


def agent_bytes(agent: str) -> bytes:
    """An agent's name as part of a key."""
    return agent.encode("utf-8", "replace")[:AGENT_BYTES_MAX]


def book(unit: Unit, booked: Callback) -> int:
    """Remember a promise in place of an earlier one; from which second anybody may keep it."""
    drop(unit, booked.campaign_id, booked.lead_id)
    unit.t.callbacks.put(lead_key(booked.campaign_id, booked.lead_id), CALLBACK.pack(booked))
    if not booked.agent:
        return booked.due_s
    unit.t.own_due.put(_own(booked), b"")
    return max(booked.open_s, booked.due_s) if booked.open_s else NEVER_S


def drop(unit: Unit, campaign_id: int, lead_id: int) -> Callback | None:
    """Forget the promise of a lead; what it was."""
    key = lead_key(campaign_id, lead_id)
    raw = unit.t.callbacks.get(key)
    if raw is None:
        return None
    booked = CALLBACK.unpack(raw)
    unit.t.callbacks.delete(key)
    if booked.agent:
        unit.t.own_due.delete(_own(booked))
    return booked


def of_lead(unit: Unit, campaign_id: int, lead_id: int) -> Callback | None:
    """What was promised to a lead."""
    raw = unit.t.callbacks.get(lead_key(campaign_id, lead_id))
    return None if raw is None else CALLBACK.unpack(raw)


def again(unit: Unit, booked: Callback, due_s: int) -> int:
    """A promise that was not kept yet is due again, not before `due_s`; as `book`."""
    due_s = max(booked.due_s, due_s)
    open_s = booked.open_s and booked.open_s - booked.due_s + due_s
    return book(unit, msgspec.structs.replace(booked, due_s=due_s, open_s=open_s))


def _own(booked: Callback) -> bytes:
    agent = agent_bytes(booked.agent)
    return own_key(agent, booked.campaign_id, booked.due_s, booked.lead_id)


def own_due(unit: Unit, agent: str, campaign_id: int, now_s: int, limit: int) -> list[int]:
    """The leads that an agent has promised to call by now, earliest first."""
    name = agent_bytes(agent)
    first, stop = own_key(name, campaign_id, 0, 0), own_key(name, campaign_id, now_s + 1, 0)
    return [split_own(key)[2] for key, _ in unit.t.own_due.scan(first, stop, limit)]


def next_own_s(unit: Unit, agent: str, campaign_id: int) -> int | None:
    """When an agent's next callback of a campaign is due."""
    name = agent_bytes(agent)
    first, stop = own_key(name, campaign_id, 0, 0), own_key(name, campaign_id + 1, 0, 0)
    found = unit.t.own_due.scan(first, stop, 1)
    return split_own(found[0][0])[1] if found else None


def page(unit: Unit, campaign_id: int, after: int, limit: int) -> list[Callback]:
    """The next promises of a campaign behind a lead."""
    first, stop = lead_key(campaign_id, after) + b"\0", lead_key(campaign_id + 1, 0)
    return [CALLBACK.unpack(raw) for _, raw in unit.t.callbacks.scan(first, stop, limit)]
