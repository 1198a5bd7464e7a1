"""The state machines of the core as Mermaid diagrams, made from the tables that they run by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from dialerd.core import agent, call, call_moves, campaign, flow, supervising, talk
from dialerd.core.agent_records import AgentState
from dialerd.core.records import CampaignState

Edges = Mapping[tuple[str, str], list[str]]  # (before, after) -> what leads there


class Machine(NamedTuple):
    """One diagram of the page."""

    title: str
    module: str
    text: str
    first: str
    last: str
    edges: Edges


def machines() -> tuple[Machine, ...]:
    """Every machine of the core that has a table."""
    gate = [(before, action, (after,)) for (before, after), action in campaign.MOVES.items()]
    calls = [(state, what, after) for (state, what), (_, after) in call_moves.MOVES.items()]
    calls += [
        (call.NEW, "dial", (call.DIALING,)),
        (call.ADVANCING, "dial", (call.DIALING,)),
        *((state, "hang_up", (call.RELEASING,)) for state in (call.DIALING, call.RINGING, call.UP)),
        (call.ADVANCING, "hang_up", (call.ENDED,)),
        (call.DIALING, "dial_refused", (call.ENDED,)),
        (call.RELEASING, "dial_refused", (call.ENDED,)),
    ]
    agents = [(state, what, after) for (state, what), (_, after) in agent.MOVES.items()]
    talks = [(state, what, after) for (state, what), after in talk.MOVES.items()]
    flows = [(state, what, after) for (state, what), after in flow.MOVES.items()]
    return (
        Machine(
            "Campaign",
            "dialerd.core.campaign",
            "The gate: the arrows are what a person asks for. The dialer itself finishes a "
            "campaign whose list is exhausted or whose end time is reached.",
            _name(CampaignState.DRAFT),
            _name(CampaignState.FINISHED),
            _edges(gate),
        ),
        Machine(
            "Call",
            "dialerd.core.call",
            "One attempt. `time` is the state's deadline: ring limit, wait for a key or longest "
            "call, wait for another trunk, a release that is never confirmed. "
            "`dial_refused`: the store did not record the dial, so there was none.",
            _name(call.NEW),
            _name(call.ENDED),
            _edges(calls),
        ),
        Machine(
            "Agent",
            "dialerd.core.agent",
            "One agent. `login`, `ready`, `pause`, `logout`, `lost`, `back` are the agent's; `up` "
            "and `gone` are the leg at its telephone, `reserve` to `over` its customer, `free` the "
            "end of a reservation or wrap-up, `time` the end of a wrap-up, a rest or a grace.",
            _name(AgentState.OFFLINE),
            _name(AgentState.OFFLINE),
            _edges(agents),
        ),
        Machine(
            "Talk",
            "dialerd.core.talk",
            "What an answered customer goes through where agents talk. `verdict` says who picked "
            "up, `agent` that one is given, `up` and `gone` are the agent's telephone, `time` is "
            "the customer's patience by the rules.",
            _name(talk.IDLE),
            _name(talk.OVER),
            _edges(talks),
        ),
        Machine(
            "Flow",
            "dialerd.core.flow",
            "What an answered call hears and does. `played` is a prompt that ran to its end, "
            "`time` a key that nobody pressed, or the end of what has a limit; `connected`, "
            "`failed` and `parted` tell of a transfer.",
            _name(flow.IDLE),
            _name(flow.OVER),
            _edges(flows),
        ),
        _supervisor(),
    )


def _supervisor() -> Machine:
    above = [(state, what, after) for (state, what), after in supervising.MOVES.items()]
    return Machine(
        "Supervisor",
        "dialerd.core.supervising",
        "One who listens in on a call. `up` and `gone` are the telephone, `listen`, `whisper` "
        "and `barge` what is asked for or pressed, `leave` an order, `ended` the end of the "
        "call, `time` that of the ringing.",
        _name(supervising.RINGING),
        _name(supervising.OVER),
        _edges(above),
    )


def page() -> str:
    """The reference page, as Markdown."""
    parts = ["# State machines", "", "Generated from the tables in the code by `docs/generate.py`."]
    for machine in machines():
        parts += ["", f"## {machine.title}", "", f"`{machine.module}`. {machine.text}", ""]
        parts += ["```mermaid", *diagram(machine), "```"]
    return "\n".join(parts) + "\n"


def diagram(machine: Machine) -> list[str]:
    """The lines of one Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.first}"]
    for (before, after), triggers in machine.edges.items():
        lines.append(f"    {before} --> {after}: {' / '.join(triggers)}")
    lines.append(f"    {machine.last} --> [*]")
    return lines


def _edges(moves: Iterable[tuple[Enum, str, Iterable[Enum]]]) -> Edges:
    """One arrow for each pair of states, with all that leads along it."""
    edges: dict[tuple[str, str], list[str]] = {}
    for before, trigger, afters in moves:
        for after in afters:
            found = edges.setdefault((_name(before), _name(after)), [])
            if trigger not in found:
                found.append(trigger)
    return edges


def _name(state: Enum) -> str:
    return state.name.lower()
