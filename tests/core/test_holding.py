"""An agent lets the customer wait, and what may happen meanwhile."""

from __future__ import annotations

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import DialMode, EventKind
from tests.acceptance.office import Office


class Held(Office):
    """An office that remembers what was done to the customers' legs."""

    def __post_init__(self) -> None:
        self.done: list[object] = []
        super().__post_init__()

    def _told(self, effect) -> None:
        super()._told(effect)
        if isinstance(effect, fx.Bridge | fx.Unbridge | fx.Hold):
            self.done.append(effect)

    @property
    def kinds(self) -> list[str]:
        return [type(effect).__name__ for effect in self.done]


def talking(**agents) -> Held:
    office = Held()
    campaign = office.campaign(DialMode.PROGRESSIVE, hold_prompt="wait", **agents)
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    return office


def test_the_customer_waits_and_is_talked_with_again():
    office = talking()
    assert office.do(ev.AgentHeld, "an") == ""
    assert office.kinds == ["Bridge", "Unbridge", "Hold"]
    bridge, unbridge, hold = office.done
    assert (hold.leg, hold.prompt) == (bridge.leg, "wait") == (unbridge.leg, "wait")
    office.run(300)  # it lasts as long as the agent wants
    assert office.state("an") == "talking"
    assert office.do(ev.AgentResumed, "an") == ""
    assert office.kinds == ["Bridge", "Unbridge", "Hold", "Bridge"]
    assert (office.done[-1].leg, office.done[-1].other) == (bridge.leg, bridge.other)
    call = office.world.dialer.desk.team.agents["an"].call
    kinds = [event.kind for event in call.events]
    assert kinds[-3:] == [EventKind.CONNECTED, EventKind.HELD, EventKind.CONNECTED]
    assert office.world.dialer.desk.team.agents["an"].calls == 1  # one conversation, not two


def test_what_is_not_possible_is_refused_with_words():
    office = talking()
    assert office.do(ev.AgentResumed, "an") == "the customer does not wait"
    office.do(ev.AgentHeld, "an")
    assert office.do(ev.AgentHeld, "an") == "the customer waits already"
    office.hang_up("an")
    office.run(1)
    assert office.do(ev.AgentHeld, "an") == "you talk with nobody"
    assert office.do(ev.AgentResumed, "an") == "you talk with nobody"


def test_a_customer_who_hangs_up_while_waiting_is_disposed_of_as_ever():
    office = talking()
    office.do(ev.AgentHeld, "an")
    office.hang_up("an")
    office.until(lambda: office.state("an") == "wrap_up")
    assert office.do(ev.AgentDisposed, "an", "sold") == ""
    office.until(lambda: office.state("an") != "wrap_up")


def test_the_agent_may_end_it_while_the_customer_waits():
    office = talking()
    office.do(ev.AgentHeld, "an")
    assert office.do(ev.AgentHangUp, "an") == ""
    office.until(lambda: office.state("an") == "wrap_up")
    assert office.kinds == ["Bridge", "Unbridge", "Hold"]  # there is nothing to part any more


def test_a_lost_page_leaves_the_customer_waiting_until_it_is_back():
    office = talking(lost_s=30)
    office.do(ev.AgentHeld, "an")
    office.do(ev.AgentLost, "an")
    office.run(10)
    office.do(ev.AgentBack, "an")
    assert office.state("an") == "talking"
    assert office.do(ev.AgentResumed, "an") == ""
    assert office.kinds[-1] == "Bridge"


def test_a_telephone_that_vanishes_while_the_customer_waits_is_as_ever():
    office = talking(hand_over=False)
    office.do(ev.AgentHeld, "an")
    agent = office.world.dialer.desk.team.agents["an"]
    office.world.feed(ev.MediaLost(agent.leg))
    office.run(5)
    assert office.state("an") == "paused"
    assert agent.call is None
