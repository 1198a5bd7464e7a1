"""One sentence for a person that is not dialed, and for a line that is idle."""

from __future__ import annotations

import pytest

import dialerd.core.events as ev
from dialerd.core.line_spec import PortSpec
from dialerd.core.records import CampaignState, Lead, LeadState
from dialerd.core.regime_data import VIETNAM
from dialerd.core.rules import Rule, Verdict
from dialerd.core.why import idle_lines, why_lead, why_no_line, why_no_route
from tests.core.build import Desk, trunk
from tests.core.world import MONDAY_0830, NUMBERING

RUNNING = CampaignState.RUNNING
UNTIL_MS = MONDAY_0830 * 1000
VIETTEL = NUMBERING.from_value(84_981_234_567)
MOBIFONE = NUMBERING.from_value(84_901_234_567)


def lead(state=LeadState.READY):
    return Lead(1, 1, 1, 84_981_234_567, state)


def sentence(state=LeadState.READY, verdict=None, of=RUNNING, halted="", line=""):
    return why_lead(lead(state), verdict, of, halted, line, VIETNAM).text


@pytest.mark.parametrize("state", list(LeadState))
def test_every_state_has_a_sentence(state):
    assert sentence(state)


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_a_sentence_with_its_time(rule):
    said = why_lead(lead(), Verdict(rule, UNTIL_MS, "no"), RUNNING, "", "", VIETNAM)
    assert said.text == "no until 2026-11-23 08:30"
    assert (said.rule, said.until_ms) == (rule.name.lower(), UNTIL_MS)
    assert "until" not in sentence(verdict=Verdict(rule, 0, "never"))


def test_what_is_nearest_to_the_person_is_said_first():
    banned = Verdict(Rule.DO_NOT_CALL, 0, "on the list")
    assert sentence(LeadState.DONE, banned).startswith("it was reached")
    assert sentence(verdict=banned, of=CampaignState.PAUSED) == "on the list"
    assert sentence(of=CampaignState.PAUSED, halted="x", line="y") == "the campaign is paused"
    assert sentence(halted="drains", line="y") == "the whole campaign waits: drains"
    assert sentence(line="no line for viettel") == "no line for viettel"
    assert sentence(LeadState.BLOCKED).startswith("it was blocked")
    waits = Verdict(Rule.RETRY_GAP, UNTIL_MS, "x")
    assert "callback is booked" in sentence(LeadState.CALLBACK, waits)
    assert "switched off" in sentence(LeadState.RECHECK, waits)


def no_line(desk, number, **more):
    return why_no_line(
        desk.dialer.floor, number, "", loopback=True, now_ns=desk.now_ns, **more
    )  # fmt: skip


def test_a_number_has_a_sentence_about_its_lines():
    desk = Desk(trunk("a", 1, carriers=("viettel",)))
    assert no_line(desk, VIETTEL) == ""
    assert no_line(desk, MOBIFONE) == "no line for mobifone: none that is up carries it"
    desk.claims(2, phones=[84_981_000_001, 84_981_000_002])
    desk.run(1)
    assert no_line(desk, VIETTEL).startswith("no free line for viettel: all channels")
    down = Desk(trunk("a", up=False, carriers=("viettel",)))
    assert no_line(down, VIETTEL).startswith("no line for viettel")


def test_a_route_that_is_down_is_a_route_all_the_same():
    floor = Desk(trunk("a", up=False, carriers=("viettel",))).dialer.floor
    assert why_no_route(floor, VIETTEL, "", loopback=True) == ""
    assert why_no_route(floor, MOBIFONE, "", loopback=True) == "no line carries mobifone"
    ports = (PortSpec("1", prefixes=("8490",)),)
    floor = Desk(trunk("a", carriers=("viettel",), ports=ports)).dialer.floor
    assert why_no_route(floor, MOBIFONE, "", loopback=True) == ""
    real = Desk(trunk("a", loopback=False)).dialer.floor
    assert why_no_route(real, VIETTEL, "", loopback=True)


def idle(desk):
    return list(idle_lines(desk.dialer.floor, desk.now_ns))


def test_idle_lines_say_why():
    desk = Desk(trunk("a", 2), trunk("b", up=False))
    desk.move(CampaignState.PAUSED)
    (first, second) = idle(desk)
    assert first == ("a", "", "no campaign is running")
    assert second[0] == "b"
    assert second[2]
    desk.move(RUNNING)
    desk.claims(0, exhausted=True)
    assert "list exhausted" in idle(desk)[0][2]


def test_a_line_that_nobody_in_hand_fits_says_what_it_carries():
    desk = Desk(trunk("a", 1, carriers=("viettel",)), trunk("b", 1, carriers=("mobifone",)))
    desk.claims(3, phones=[84_981_000_001, 84_981_000_002, 84_981_000_003])
    desk.run(1)
    found = idle(desk)
    assert [name for name, _, _ in found] == ["b"]
    assert "mobifone" in found[0][2] or "no free channel" in found[0][2]


def test_ports_speak_for_themselves():
    ports = (PortSpec("1"), PortSpec("2"))
    desk = Desk(trunk("a", 2, ports=ports))
    desk.tell(ev.Drain())
    assert [(name, port) for name, port, _ in idle(desk)] == [("a", "1"), ("a", "2")]
    assert all("draining" in why for _, _, why in idle(desk))
