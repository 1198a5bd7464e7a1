"""The daemon's own limits, over all campaigns and trunks: calls a second, calls in progress."""

import itertools

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.limits import STALE_TIMERS_MAX
from dialerd.core.numbering import load_numbering
from dialerd.core.ops import Finish
from dialerd.core.records import LeadState, Outcome
from tests.core.build import Desk, only, trunk
from tests.core.world import NS, PLAN


def starts(got):
    return [at for at, effect in got if isinstance(effect, fx.Dial)]


def test_no_second_has_more_calls_than_the_rate():
    desk = Desk(trunk("a", 500), trunk("b", 500), limits={"calls_per_s_max": 7.0})
    desk.campaign(2)
    desk.claims(60, 1)
    desk.claims(60, 2)
    found = starts(desk.run(5))
    for i, at in enumerate(found):
        assert sum(1 for other in found[i:] if other < at + NS) <= 7
    assert len(desk.dials()) >= 7 * 4


def test_both_campaigns_get_their_turn_under_the_rate():
    desk = Desk(trunk("a", 500), limits={"calls_per_s_max": 10.0})
    desk.campaign(2)
    desk.claims(40, 1)
    desk.claims(40, 2)
    desk.run(4)
    campaigns = [1 if dial.call <= 40 else 2 for dial in desk.dials()]
    assert abs(campaigns.count(1) - campaigns.count(2)) <= 1


def test_calls_in_progress_are_bounded_and_room_is_used_at_once():
    desk = Desk(trunk("a", 500), trunk("b", 500), limits={"calls_max": 3})
    desk.claims(8)
    desk.run(2)
    assert len(desk.dials()) == 3
    (campaign,) = desk.dialer.statistics(desk.now_ns).campaigns
    assert campaign.why == "the daemon has its 3 calls in progress"
    for n in (3, 4, 5):
        leg = desk.dials()[n - 3].leg
        assert len(only(desk.tell(ev.Released(leg, Outcome.BUSY, 486)), fx.Dial)) <= 1
        desk.run(0.5)
        assert len(desk.dials()) == n + 1
        assert len(desk.dialer.floor.calls) == 3


def test_an_answered_call_keeps_its_place():
    desk = Desk(trunk("a", 500), limits={"calls_max": 1})
    desk.claims(2)
    desk.run(1)
    (dial,) = desk.dials()
    desk.tell(ev.Ringing(dial.leg))
    desk.tell(ev.Answered(dial.leg))
    desk.run(0.2)
    assert len(desk.dials()) == 1


def test_zero_binds_nothing():
    desk = Desk(trunk("a", 500, 1000.0), calls_per_s_max=0.0)
    desk.claims(50)
    desk.run(2)
    assert len(desk.dials()) == 50


def test_timers_of_calls_that_are_gone_are_forgotten():
    desk = Desk(trunk("a", 500), limits={"calls_max": 3})
    desk.claims(60)
    desk.run(2)
    for n in range(57):  # long before the ring limit for which each of them had a timer
        desk.tell(ev.Released(desk.dials()[n].leg, Outcome.BUSY, 486))
        desk.run(0.1)
    assert len(desk.dials()) == 60
    assert len(desk.dialer.floor.calls) == 3
    assert len(desk.dialer._placing._timers) <= 2 * 3 + STALE_TIMERS_MAX
    desk.run(60)  # the last three still have theirs
    assert len(only(desk.seen, fx.Release)) == 3


def test_what_the_media_threads_carry_bounds_the_calls_before_they_ring():
    desk = Desk(trunk("a", 500), limits={"calls_max": 10})
    desk.claims(12)
    desk.tell(ev.MediaRoom(4, "the media threads carry 4 calls in time"))
    desk.run(2)
    assert len(desk.dials()) == 4
    (campaign,) = desk.dialer.statistics(desk.now_ns).campaigns
    assert campaign.why == "the media threads carry 4 calls in time"
    desk.tell(ev.MediaRoom(2, "less"))  # calls that are up stay
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    desk.run(1)
    assert len(desk.dials()) == 4
    assert len(desk.dialer.floor.calls) == 3
    desk.tell(ev.MediaRoom(6))
    desk.run(1)
    assert len(desk.dialer.floor.calls) == 6
    desk.tell(ev.MediaRoom(0))
    desk.run(2)
    assert len(desk.dialer.floor.calls) == 10, "calls_max binds again"


def test_other_limits_hold_at_once_and_what_is_up_stays():
    desk = Desk(trunk("a", 500), limits={"calls_max": 4})
    desk.claims(20)
    desk.run(2)
    assert len(desk.dials()) == 4
    desk.tell(ev.LimitsChanged(5.0, 8, 486))
    found = starts(desk.run(2))  # the first of the four began at once
    assert (len(desk.dials()), len(found)) == (8, 3)
    assert all(later - at >= NS // 5 - 1 for at, later in itertools.pairwise(found))
    desk.tell(ev.LimitsChanged(0.0, 2, 486))
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    desk.run(1)
    assert len(desk.dialer.floor.calls) == 7  # more than there may be: none begins, none is cut
    (refused,) = only(desk.tell(ev.Incoming(-1, "a", "1900")), fx.Refuse)
    assert refused.code == 503
    desk.tell(ev.LimitsChanged(0.0, 0, 486))
    (refused,) = only(desk.tell(ev.Incoming(-2, "a", "1900")), fx.Refuse)
    assert refused.code == 486


def test_another_plan_judges_the_leads_that_are_held():
    desk = Desk(trunk("a", 1))
    desk.claims(3)
    desk.run(1)
    assert len(desk.dials()) == 1
    desk.tell(ev.NumberingChanged(load_numbering(PLAN.read_text(encoding="utf-8"), ("1",))))
    blocked = [
        op for write in only(desk.seen, fx.Write) for op in write.ops if isinstance(op, Finish)
    ]
    assert [op.lead_state for op in blocked] == [LeadState.BLOCKED] * 2
    assert len(desk.dialer.floor.calls) == 1
    desk.claims(1)
    desk.run(1)
    assert len(desk.dials()) == 1
