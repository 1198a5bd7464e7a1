"""Placing calls: pace, channels, fairness, trunk advance, and the figures."""

import itertools
from collections import Counter

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.limits import ADVANCE_S_MAX, CATCH_UP_NS, DIALS_PER_STEP, FAULTS_IN_A_ROW
from dialerd.core.ops import BeginDial
from dialerd.core.records import CampaignState, Outcome
from dialerd.core.statistics import figures
from tests.core.build import Desk, finishes, only, ops, trunk
from tests.core.test_pacing import busiest
from tests.core.world import NS

MS = 1_000_000


def keep_fed(desk, seconds, step_s=0.05, campaigns=(1,)):
    """Answer every request at once for a time; when each call was dialed, and by whom."""
    starts = []
    answered = len(desk.wants()) if desk.seen else 0
    for want in desk.wants():
        desk.claims(want.n, want.campaign_id)
    for _ in range(round(seconds / step_s)):
        got = desk.run(step_s)
        starts += [(at, e.call) for at, e in got if isinstance(e, fx.Dial)]
        wants = desk.wants()
        for want in wants[answered:]:
            fed = desk.claims(want.n, want.campaign_id)
            starts += [(desk.now_ns, e.call) for e in fed if isinstance(e, fx.Dial)]
        answered = len(wants)
    return starts


def test_a_campaigns_pace_is_kept_and_even():
    desk = Desk(trunk("a", 10_000, 1000), calls_per_s_max=40)
    starts = [at for at, _ in keep_fed(desk, 5)]
    assert busiest(starts) == 40
    assert len(starts) >= 195
    gaps = Counter(later - at for at, later in itertools.pairwise(starts))
    assert gaps.most_common(1)[0][0] == 25 * MS


def test_the_pace_seen_goes_to_nothing_when_nothing_is_dialed():
    desk = Desk(trunk("a", 10_000, 1000), calls_per_s_max=40)
    keep_fed(desk, 5)
    (now,) = figures(desk.dialer.floor, 0, desk.now_ns).campaigns
    (later,) = figures(desk.dialer.floor, 0, desk.now_ns + 600 * NS).campaigns
    assert now.calls_per_s > 30
    assert later.calls_per_s < 0.1


def test_a_stall_is_not_followed_by_a_burst():
    desk = Desk(trunk("a", 10_000, 1000), calls_per_s_max=100)
    keep_fed(desk, 1)
    before = len(desk.dials())
    desk.now_ns += 3 * NS
    desk.dialer.tick(desk.now_ns)
    desk.take()
    assert len(desk.dials()) - before <= CATCH_UP_NS * 100 // NS + 1


def test_confirmed_dials_pace_what_leaves():
    """Commits stall for half a second: no more calls are decided than may leave at once."""
    desk = Desk(trunk("a", 10_000, 20), confirms_dials=True)
    desk.claims(60)
    desk.run(5)
    assert len(desk.dials()) == 20
    assert desk.dialer.deadline_ns() > desk.now_ns
    for dial in desk.dials():
        desk.tell(ev.Dialed(dial.leg))
    assert len(desk.dials()) == 20
    desk.run(0.9)
    assert len(desk.dials()) == 20
    got = desk.run(0.3)
    assert len(only([e for _, e in got], fx.Dial)) > 1


@pytest.mark.parametrize("told", ["ringing", "released", "refused", "failed", "nothing"])
def test_a_start_is_closed_by_whatever_tells_of_it(told):
    desk = Desk(trunk("a", 100, 1), confirms_dials=True)
    desk.claims(2)
    (first,) = desk.dials()
    event = {
        "ringing": ev.Ringing(first.leg),
        "released": ev.Released(first.leg, Outcome.BUSY, 486),
        "refused": ev.DialRefused(first.call),
        "failed": ev.WriteFailed(first.call),
    }.get(told)
    if event is not None:
        desk.tell(event)
        desk.tell(ev.StoreRecovered())
    desk.run(1.5)
    assert len(desk.dials()) == (1 if told == "nothing" else 2)


def test_a_start_of_which_nobody_ever_tells_is_closed_by_the_watchdog():
    desk = Desk(trunk("a", 100, 1), confirms_dials=True, attempts_max=1)
    desk.claims(1)
    desk.run(100)  # ring limit, then the release that is never confirmed
    assert len(finishes(desk.seen)) == 1
    desk.claims(1)
    desk.dialer.floor.runs[1].asked_ns = desk.now_ns
    desk.claims(1)
    desk.run(2)
    assert len(desk.dials()) == 2


def test_channels_are_never_exceeded_and_refilled_at_once():
    desk = Desk(trunk("a", 7, 1000))
    desk.claims(20)
    desk.run(1)
    assert len(desk.dials()) == 7
    for count in range(8, 12):
        desk.tell(ev.Released(desk.dials()[count - 8].leg, Outcome.BUSY, 486))
        desk.run(0.01)
        assert len(desk.dials()) == count
        assert desk.dialer.statistics(desk.now_ns).trunks[0].in_use == 7


def test_campaigns_share_a_trunk_in_turns():
    desk = Desk(trunk("a", 10_000, 30))
    desk.campaign(2)
    desk.campaign(3, calls_per_s_max=2)
    campaign_of = {}
    real = desk.claims

    def claims(n, campaign_id):
        first = desk.attempt
        told = real(n, campaign_id)
        campaign_of.update(dict.fromkeys(range(first + 1, desk.attempt + 1), campaign_id))
        return told

    desk.claims = claims
    starts = keep_fed(desk, 10)
    shares = Counter(campaign_of[call] for _, call in starts)
    assert abs(shares[1] - shares[2]) <= 2
    assert 18 <= shares[3] <= 22
    assert sum(shares.values()) >= 280


def test_a_step_places_a_bounded_number_of_calls():
    desk = Desk(trunk("a", 1000, 0))
    placed = only(desk.claims(500), fx.Dial)
    assert len(placed) == DIALS_PER_STEP
    assert desk.dialer.deadline_ns() == desk.now_ns  # the driver comes back at once
    desk.run(0)
    assert len(desk.dials()) == 500


def test_every_dial_is_recorded_first():
    desk = Desk(trunk("a", 50, 0), trunk("b", 50, 0))
    effects = desk.claims(60)
    begun = set()
    for effect in effects:
        begun |= {op.call_id for op in ops([effect], BeginDial)}
        if isinstance(effect, fx.Dial):
            assert effect.call_id in begun


def test_a_failing_trunk_is_left_for_another_one_within_the_attempt():
    desk = Desk(trunk("a", 5), trunk("b", 5))
    desk.claims(1)
    first = desk.dials()[0]
    desk.tell(ev.Released(first.leg, Outcome.FAILED, 503, advance=True))
    second = desk.dials()[1]
    assert (second.call, {first.trunk, second.trunk}) == (first.call, {"a", "b"})
    assert second.leg != first.leg
    figures = {t.name: t.in_use for t in desk.dialer.statistics(desk.now_ns).trunks}
    assert figures == {first.trunk: 0, second.trunk: 1}
    desk.tell(ev.Released(second.leg, Outcome.FAILED, 503, advance=True))
    assert [f.outcome for f in finishes(desk.seen)] == [Outcome.FAILED]
    assert desk.dialer.statistics(desk.now_ns).placed == 1


def test_an_advance_waits_a_little_for_a_free_trunk():
    for frees in (True, False):
        desk = Desk(trunk("a", 1), trunk("b", 1))
        desk.claims(2)
        desk.run(0.1)
        one, two = desk.dials()
        desk.tell(ev.Ringing(two.leg))
        desk.tell(ev.Released(one.leg, Outcome.FAILED, 503, advance=True))
        assert len(desk.dials()) == 2
        if frees:
            desk.tell(ev.Released(two.leg, Outcome.BUSY, 486), after_s=1)
            desk.run(0.2)
            assert [(d.call, d.trunk) for d in desk.dials()[2:]] == [(one.call, two.trunk)]
        else:
            desk.run(ADVANCE_S_MAX)
            assert [f.attempt_id for f in finishes(desk.seen)] == [one.call]


def test_an_advance_that_waits_for_calls_per_second_goes_on_in_time():
    desk = Desk(trunk("a", 5, 1000), trunk("b", 5, 1))
    desk.claims(2)
    desk.run(0.01)
    on = {dial.trunk: dial for dial in desk.dials()}
    desk.tell(ev.Ringing(on["b"].leg))
    desk.tell(ev.Released(on["a"].leg, Outcome.FAILED, 503, advance=True))
    assert len(desk.dials()) == 2
    got = desk.run(2)
    assert [e.trunk for _, e in got if isinstance(e, fx.Dial)] == ["b"]


@pytest.mark.parametrize("stop", ["pause", "drain", "hang_up"])
def test_no_advance_once_dialing_stopped(stop):
    desk = Desk(trunk("a", 5), trunk("b", 5))
    desk.claims(1)
    leg = desk.dials()[0].leg
    if stop == "pause":
        desk.move(CampaignState.PAUSED)
    else:
        desk.tell(ev.Drain(hang_up=stop == "hang_up"))
    desk.tell(ev.Released(leg, Outcome.FAILED, 503, advance=True))
    desk.run(ADVANCE_S_MAX + 1)
    assert len(desk.dials()) == 1
    assert len(finishes(desk.seen)) == 1
    assert not desk.dialer.floor.calls


def test_hang_up_of_a_call_that_waits_for_another_trunk():
    desk = Desk(trunk("a", 1), trunk("b", 1))
    desk.claims(2)
    desk.run(0.1)
    one, two = desk.dials()
    desk.tell(ev.Ringing(two.leg))
    desk.tell(ev.Released(one.leg, Outcome.FAILED, 503, advance=True))
    desk.tell(ev.Drain(hang_up=True))
    assert [f.outcome for f in finishes(desk.seen)] == [Outcome.CANCELLED]
    desk.tell(ev.Released(two.leg, Outcome.NO_ANSWER, 487, by="us"))
    desk.run(100)
    assert desk.dialer.idle
    assert all(t.in_use == 0 for t in desk.dialer.statistics(desk.now_ns).trunks)


def test_a_dead_trunk_does_not_burn_the_list():
    desk = Desk(trunk("a", 50, 50))
    placed = 0
    desk.claims(100)
    for _ in range(200):
        desk.run(0.1)
        for dial in desk.dials()[placed:]:
            desk.tell(ev.Released(dial.leg, Outcome.FAILED, 503, advance=True))
        placed = len(desk.dials())
    assert FAULTS_IN_A_ROW <= placed <= 10  # of a thousand that 50 calls a second would have been
    assert desk.dialer.statistics(desk.now_ns).trunks[0].breaker != "closed"


def test_a_trunk_back_from_its_rest_is_tried_with_one_call():
    desk = Desk(trunk("a", 50, 50))
    desk.claims(100)
    desk.run(0.2)
    bad = len(desk.dials())
    for dial in desk.dials():
        desk.tell(ev.Released(dial.leg, Outcome.FAILED, 503, advance=True))
    assert desk.why() == "a: rests after failures (503)"
    desk.run(1.5)
    assert len(desk.dials()) == bad + 1
    assert desk.why() == "a: tried with one call after failures"
    desk.tell(ev.Ringing(desk.dials()[-1].leg))  # it works again
    desk.run(0.2)
    assert len(desk.dials()) > bad + 5


def test_ring_limit_runs_in_the_dialer():
    desk = Desk(trunk("a", 1), ring_s_max=20, attempts_max=1)
    desk.claims(1)
    leg = desk.dials()[0].leg
    desk.tell(ev.Ringing(leg), after_s=2)
    got = desk.run(30)
    assert [(at - desk.now_ns) // NS for at, e in got if isinstance(e, fx.Release)] == [-10]
    desk.tell(ev.Released(leg, Outcome.NO_ANSWER, 487, by="us"))
    assert [f.outcome for f in finishes(desk.seen)] == [Outcome.NO_ANSWER]


def test_the_wait_for_a_key_runs_in_the_dialer():
    desk = Desk(trunk("a", 1))
    desk.claims(1)
    leg = desk.dials()[0].leg
    desk.tell(ev.Answered(leg))
    desk.tell(ev.PlayEnded(leg, 1), after_s=4)
    got = desk.run(5)
    assert [(at - desk.now_ns) for at, e in got if isinstance(e, fx.Release)] == [0]


def test_events_of_legs_that_are_gone_are_counted():
    desk = Desk(trunk("a", 1))
    desk.claims(1)
    leg = desk.dials()[0].leg
    desk.tell(ev.Released(leg, Outcome.BUSY, 486))
    for event in (ev.Ringing(leg), ev.Answered(leg), ev.Digit(leg, "1"), ev.PlayEnded(leg, 1),
                  ev.Released(leg, Outcome.BUSY), ev.Ringing(10**9)):  # fmt: skip
        assert desk.tell(event) == []
    assert desk.dialer.statistics(desk.now_ns).strays == 6


def test_calls_are_told_only_while_somebody_watches():
    desk = Desk(trunk("a", 2))
    desk.claims(2)
    desk.run(0.1)
    one, two = [dial.leg for dial in desk.dials()]
    assert [e.topic for e in only(desk.tell(ev.Ringing(one)), fx.Notify)] == []
    desk.dialer.watch_calls(on=True)
    (told,) = only(desk.tell(ev.Answered(one)), fx.Notify)
    assert (told.topic, told.data["state"], told.data["trunk"]) == ("call", "up", "a")
    (told,) = only(desk.tell(ev.Released(two, Outcome.BUSY, 486)), fx.Notify)
    assert (told.data["state"], told.data["outcome"]) == ("ended", "busy")
    desk.dialer.watch_calls(on=False)
    assert only(desk.tell(ev.Digit(one, "1")), fx.Notify) == []


def test_figures_add_up():
    desk = Desk(trunk("a", 2), trunk("b", 3))
    desk.claims(6)
    desk.run(1)
    legs = [dial.leg for dial in desk.dials()]
    desk.tell(ev.Ringing(legs[0]))
    desk.tell(ev.Answered(legs[1]))
    desk.tell(ev.Released(legs[2], Outcome.BUSY, 486))
    desk.run(1)
    figures = desk.dialer.statistics(desk.now_ns)
    assert (figures.dialing, figures.ringing, figures.talking, figures.releasing) == (3, 1, 1, 0)
    assert figures.in_flight == 5 == sum(t.in_use for t in figures.trunks)
    assert figures.placed == 6 == sum(t.placed for t in figures.trunks)
    assert figures.outcomes == {"busy": 1}
    (campaign,) = figures.campaigns
    assert (campaign.live, campaign.placed, campaign.held) == (5, 6, 0)
    assert [t.outcomes for t in figures.trunks if t.outcomes] == [{"busy": 1}]
