"""The state machines of SIP as Mermaid diagrams, made from the tables that they run by."""

from __future__ import annotations

from types import ModuleType

from sip.accounts import asking, registrant
from sip.calls import incoming, modify, negotiation, orphan, outgoing, refer, referred
from sip.transactions import client_invite, client_other, server_invite, server_other
from sip.transport import ping

MACHINES: tuple[tuple[ModuleType, str], ...] = (
    (outgoing, "A call of ours"),
    (incoming, "A call to us"),
    (orphan, "A call that an earlier process left behind"),
    (modify, "A change of the session that we ask for"),
    (negotiation, "Offer and answer"),
    (refer, "A transfer that we ask for"),
    (referred, "A transfer that the peer asks for"),
    (client_invite, "INVITE client transaction"),
    (server_invite, "INVITE server transaction"),
    (client_other, "Client transaction of other requests"),
    (server_other, "Server transaction of other requests"),
    (asking, "A request outside of calls"),
    (registrant, "An account that is kept registered"),
    (ping, "A target that is asked whether it lives"),
)


def moves(module: ModuleType) -> dict[tuple[str, str], list[str]]:
    """(before, after) -> the events that lead there, of a module with STATES, EVENTS and TABLE."""
    found: dict[tuple[str, str], list[str]] = {}
    for (state, event), entry in module.TABLE.items():
        after = entry[0] if isinstance(entry, tuple) else entry
        edge = module.STATES[state], module.STATES[after]
        found.setdefault(edge, []).append(module.EVENTS[event])
    return found


def diagram(module: ModuleType) -> list[str]:
    """The lines of one Mermaid state diagram; a state that nothing leaves is an end."""
    edges = moves(module)
    left = {before for before, after in edges if before != after}
    lines = ["stateDiagram-v2", f"    [*] --> {_name(module.STATES[0])}"]
    lines += [f"    {_name(a)} --> {_name(b)}: {' / '.join(why)}" for (a, b), why in edges.items()]
    ends = [s for s in module.STATES if s not in left and any(s in edge for edge in edges)]
    return [*lines, *(f"    {_name(state)} --> [*]" for state in ends)]


def _name(state: str) -> str:
    return state.replace(" ", "_")


def page() -> str:
    """The reference page, as Markdown."""
    parts = [
        "# State machines of SIP",
        "",
        "Generated from the tables in the code by `docs/generate.py`. What is no arrow changes",
        "nothing. `release` is our own hanging up, `no reply` a time that ran out.",
    ]
    for module, title in MACHINES:
        first = (module.__doc__ or "").partition("\n")[0]
        parts += ["", f"## {title}", "", f"`{module.__name__}`. {first}", ""]
        parts += ["```mermaid", *diagram(module), "```"]
    return "\n".join(parts) + "\n"
