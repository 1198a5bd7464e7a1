"""The page of state machines says what the tables say, and is not stale."""

import re

from dialerd.core import agent, call, campaign, flow, supervising, talk
from dialerd.core.agent_records import AgentState
from dialerd.core.diagrams import diagram, machines, page
from tests import tree

ARROW = re.compile(r"^    (\w+) --> (\w+): (.+)$", re.MULTILINE)


def arrows(title):
    (machine,) = [m for m in machines() if m.title == title]
    found = ARROW.findall("\n".join(diagram(machine)))
    return {(a, trigger, b) for a, b, text in found for trigger in text.split(" / ")}


def test_the_page_is_not_stale():
    kept = tree.ROOT / "docs" / "reference" / "state-machines.md"
    assert kept.read_text(encoding="utf-8") == page(), "run python docs/generate.py"


def test_every_move_of_every_table_is_an_arrow():
    gate = {(a.value, action, b.value) for (a, b), action in campaign.MOVES.items()}
    assert arrows("Campaign") == gate
    calls = {
        (state.name.lower(), trigger, after.name.lower())
        for (state, trigger), (_, afters) in call.MOVES.items()
        for after in afters
    }
    assert calls < arrows("Call")
    flows = {
        (state.name.lower(), trigger, after.name.lower())
        for (state, trigger), afters in flow.MOVES.items()
        for after in afters
    }
    assert flows == arrows("Flow")
    agents = {
        (state.name.lower(), trigger, after.name.lower())
        for (state, trigger), (_, afters) in agent.MOVES.items()
        for after in afters
    }
    assert agents == arrows("Agent")
    talks = {
        (state.name.lower(), trigger, after.name.lower())
        for (state, trigger), afters in talk.MOVES.items()
        for after in afters
    }
    assert talks == arrows("Talk")
    above = {
        (state.value, trigger, after.value)
        for (state, trigger), afters in supervising.MOVES.items()
        for after in afters
    }
    assert above == arrows("Supervisor")


def test_every_state_is_drawn_and_can_end():
    for title, states in (
        ("Campaign", {s.value for s in campaign.CampaignState}),
        ("Call", {s.name.lower() for s in call.CallState}),
        ("Flow", {s.name.lower() for s in flow.FlowState}),
        ("Agent", {s.name.lower() for s in AgentState}),
        ("Talk", {s.name.lower() for s in talk.TalkState}),
        ("Supervisor", {s.value for s in supervising.State}),
    ):
        drawn = arrows(title)
        assert {a for a, _, _ in drawn} | {b for _, _, b in drawn} == states
        (machine,) = [m for m in machines() if m.title == title]
        ends = {machine.last}
        while True:
            more = {a for a, _, b in drawn if b in ends} - ends
            if not more:
                break
            ends |= more
        assert ends == states
