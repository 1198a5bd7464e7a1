"""An agent presses keys towards the customer, and answers a telephone that rings."""

from __future__ import annotations

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import DialMode, EventKind
from tests.acceptance.office import Office


class Rung(Office):
    """An office that remembers how telephones were rung, and what was hung up."""

    def __post_init__(self) -> None:
        self.rings: list[fx.RingAgent] = []
        self.released: list[int] = []
        super().__post_init__()

    def _told(self, effect) -> None:
        super()._told(effect)
        if isinstance(effect, fx.RingAgent):
            self.rings.append(effect)
        if isinstance(effect, fx.Release):
            self.released.append(effect.leg)


def working(*, nailed_up: bool = True, deaf: float = 0.0, **agents) -> Rung:
    office = Rung()
    office.world.staff.habits.deaf = deaf
    campaign = office.campaign(DialMode.PROGRESSIVE, **agents)
    office.login("an", campaign, nailed_up=nailed_up)
    return office


def test_keys_reach_the_customers_leg_and_how_many_is_kept() -> None:
    office = working()
    office.until(lambda: office.state("an") == "talking")
    assert office.do(ev.AgentKeyed, "an", "12a#") == ""
    office.run(0.5)
    call = office.world.dialer.desk.team.agents["an"].call
    (sent,) = office.world.keys_sent
    assert (sent.call, sent.leg, sent.keys) == (call.claim.attempt_id, call.leg, "12A#")
    assert (call.events[-1].kind, call.events[-1].detail) == (EventKind.SENT_KEYS, "an 4")
    assert call.keys == ""  # those are the customer's


@pytest.mark.parametrize("keys", ["", "E", "1 2", "12\r\n", "٣", "1" * 33])
def test_what_is_no_row_of_keys_is_refused(keys: str) -> None:
    office = working()
    office.until(lambda: office.state("an") == "talking")
    assert office.do(ev.AgentKeyed, "an", keys) == "keys are 1 to 32 of 0-9 * # A-D"
    assert office.world.keys_sent == []


def test_keys_need_somebody_who_hears_them() -> None:
    office = working()
    office.do(ev.AgentPaused, "an")
    assert office.do(ev.AgentKeyed, "an", "1") == "you talk with nobody"
    office.do(ev.AgentReady, "an")
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentHeld, "an")
    assert office.do(ev.AgentKeyed, "an", "1") == "the customer waits: resume first"


def test_a_telephone_that_rings_is_called_anew_and_answers_by_itself() -> None:
    office = working(nailed_up=False, deaf=1.0)
    office.until(lambda: bool(office.rings))
    first = office.rings[0]
    assert not first.answers
    office.world.staff.habits.deaf = 0.0
    agent = office.world.dialer.desk.team.agents["an"]
    until_ns = agent.ring_ns
    assert office.do(ev.AgentPickedUp, "an") == ""
    assert agent.ring_ns == until_ns  # it does not ring longer for that
    office.until(lambda: office.state("an") == "talking")
    again = office.rings[1]
    assert (again.answers, again.phone, len(office.rings)) == (True, first.phone, 2)
    assert again.leg != first.leg
    assert first.leg in office.released
    assert office.do(ev.AgentPickedUp, "an") == "your telephone is up already"


def test_a_telephone_that_does_not_ring_cannot_be_answered() -> None:
    office = Rung()
    office.do(ev.AgentLoggedIn, "an", "1001", (office.campaign(DialMode.PROGRESSIVE),))
    assert office.do(ev.AgentPickedUp, "an") == "your telephone does not ring"
    assert "log" in office.do(ev.AgentPickedUp, "binh")


def test_a_telephone_that_answers_neither_way_is_given_up_in_its_time() -> None:
    office = working(nailed_up=False, deaf=1.0, ring_agent_s=10)
    office.until(lambda: bool(office.rings))
    for _ in range(5):
        office.do(ev.AgentPickedUp, "an")
    office.run(11)
    assert office.state("an") == "paused"
    assert len(office.rings) == 6
