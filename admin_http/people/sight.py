"""What of the live events, and of the present state, somebody sees who does not see everything."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import structs

from admin_http.people.asker import Asker
from admin_http.people.roles import Role
from dialerd.control.hub import ALWAYS
from dialerd.core.control import LiveEvent

# What else there is is for staff alone.
TOPICS: Final[dict[Role, frozenset[str]]] = {
    Role.VIEWER: frozenset({"campaign", "pacing", "call"}),
    Role.AGENT: frozenset({"agent", "card"}),
}
STATES: Final[dict[Role, frozenset[str]]] = {
    Role.VIEWER: frozenset({"campaigns"}),
    Role.AGENT: frozenset({"agents"}),
}


def of_event(asker: Asker, event: LiveEvent) -> LiveEvent | None:
    """The event as this one sees it; None when it is not for it."""
    if asker.is_staff or event.topic in ALWAYS:
        return event
    if event.topic not in TOPICS[asker.role] or not _own(asker, event.data):
        return None
    if "who" not in event.data:
        return event
    return structs.replace(event, data={k: v for k, v in event.data.items() if k != "who"})


def states(asker: Asker, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which parts of the present state this one sees at all."""
    if asker.is_staff:
        return names
    return tuple(name for name in names if name in STATES[asker.role])


def of_state(asker: Asker, state: bytes) -> bytes:
    """A part of the present state, a JSON object with `items`: those that this one sees."""
    if asker.is_staff:
        return state
    found: dict[str, Any] = msgspec.json.decode(state)
    found["items"] = [item for item in found["items"] if _own(asker, item)]
    return msgspec.json.encode(found)


def _own(asker: Asker, data: dict[str, Any]) -> bool:
    """Whether it is about a campaign of a viewer, or about the agent itself."""
    if asker.role is Role.VIEWER:
        campaign = data.get("campaign_id", data.get("id"))
        return isinstance(campaign, int) and asker.sees_campaign(campaign)
    name = data.get("agent", data.get("name"))
    return isinstance(name, str) and asker.sees_agent(name)
