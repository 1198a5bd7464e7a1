"""Cards that no line takes, and callbacks that were given back."""

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import DialMode
from tests.core.test_desk import Spy


def no_line(spy):
    """Every trunk is unplugged."""
    spy.office.world.feed(ev.LinesChanged(()))


def test_a_card_that_no_line_takes_goes_back_after_a_minute():
    spy = Spy()
    campaign = spy.office.campaign(DialMode.PREVIEW, people=3, preview_s=5)
    no_line(spy)
    spy.office.login("an", campaign)
    first = spy.office.card("an").claim
    spy.office.run(60)
    assert spy.office.card("an").claim.attempt_id == first.attempt_id
    spy.office.run(10)
    second = spy.office.card("an").claim
    assert second.phone != first.phone  # somebody else meanwhile
    told = [e.data for e in spy.of(fx.Notify) if e.topic == "card"]
    assert [data["agent"] for data in told if data.get("no_line")] == ["an"]
    assert spy.office.lead(campaign, first.phone).lead.due_s >= spy.office.wall_s + 100


def test_a_callback_that_was_given_back_is_its_agents_again():
    """After a break, and after a minute without a line: the promise is not forgotten."""
    spy = Spy()
    campaign = spy.talking(people=1, overdue_s=0)
    spy.office.hang_up("an")
    spy.office.run(0.5)
    due_s = spy.office.wall_s + 60
    assert not spy.office.do(ev.AgentDisposed, "an", callback_s=due_s)
    no_line(spy)
    spy.office.run(70)
    assert spy.office.card("an").claim.callback is not None
    spy.office.do(ev.AgentPaused, "an", "coffee")
    spy.office.run(60)  # the card went back with its minute, or with the break
    spy.office.world.feed(ev.LinesChanged(spy.office.world.trunks))
    spy.office.do(ev.AgentReady, "an")
    spy.office.until(lambda: spy.office.state("an") == "talking", 200)
    assert spy.outcome(campaign) is None  # of the second call, which is up
