"""When the dialer may dial at all: gate, hours, clock, drain, the store's health."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.dialer import Dialer
from dialerd.core.limits import BACK_OFF_S_MAX, CAMPAIGNS_MAX, FINISHED_KEPT, STEPS_MAX
from dialerd.core.ops import Finish, ReleaseClaim
from dialerd.core.records import (
    Campaign,
    CampaignState,
    Flow,
    FlowStep,
    Hours,
    LeadState,
    Outcome,
)
from tests.core.build import T0, Desk, finishes, only, ops, trunk
from tests.core.world import MONDAY_0830, NS, NUMBERING, settings

HOUR = 3600
MIDNIGHT_S = MONDAY_0830 - 8 * HOUR - 1800


def test_a_running_campaign_asks_then_dials():
    desk = Desk()
    (want,) = desk.wants()
    assert want.campaign_id == 1
    desk.claims(3)
    desk.run(1)
    assert len(desk.dials()) == 3
    assert desk.begun() == {1, 2, 3}
    assert len({dial.leg for dial in desk.dials()}) == 3


@pytest.mark.parametrize(
    "state", [s for s in CampaignState if s is not CampaignState.RUNNING], ids=str
)
def test_nothing_is_asked_for_or_dialed_in_any_other_state(state):
    desk = Desk()
    desk.move(state)
    assert only(desk.claims(3), fx.Dial) == []
    desk.run(60)
    assert desk.dials() == []
    assert desk.released_claims() == {1, 2, 3}


def test_nothing_is_dialed_before_the_clock_is_known():
    dialer = Dialer(NUMBERING)
    dialer.handle(ev.LinesChanged((trunk("a"),)), T0)
    dialer.handle(ev.CampaignChanged(Campaign(1, settings(), CampaignState.RUNNING)), T0)
    assert only(dialer.drain(), fx.WantLeads) == []
    dialer.handle(ev.ClockStepped(MONDAY_0830 * NS - T0), T0)
    assert only(dialer.drain(), fx.WantLeads)


def test_nothing_is_asked_for_without_trunks():
    desk = Desk(trunk("a", up=False))
    assert desk.wants() == []
    desk.tell(ev.LinesChanged((trunk("a"),)))
    assert desk.wants()


def test_pause_gives_claimed_leads_back_and_lets_calls_go_on():
    desk = Desk(trunk("a", 2))
    desk.claims(5)
    desk.run(1)
    assert len(desk.dials()) == 2
    paused = desk.move(CampaignState.PAUSED)
    assert {op.attempt_id for op in ops(paused, ReleaseClaim)} == {3, 4, 5}
    assert only(paused, fx.Release) == []
    desk.tell(ev.Answered(desk.dials()[0].leg))
    assert only(desk.seen, fx.Play)
    desk.tell(ev.Released(desk.dials()[1].leg, Outcome.BUSY, 486))
    desk.run(100)
    assert len(desk.dials()) == 2
    before = len(desk.wants())
    desk.move(CampaignState.RUNNING)
    assert len(desk.wants()) == before + 1


def test_finish_lets_live_calls_end_by_themselves():
    desk = Desk(trunk("a", 1))
    desk.claims(3)
    desk.run(0.1)
    desk.move(CampaignState.FINISHED)
    assert desk.released_claims() == {2, 3}
    assert only(desk.seen, fx.Release) == []
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    assert len(finishes(desk.seen)) == 1
    assert len(desk.dials()) == 1


def test_claims_that_arrive_after_a_pause_go_back():
    desk = Desk()
    desk.move(CampaignState.PAUSED)
    desk.claims(4)
    assert desk.released_claims() == {1, 2, 3, 4}
    assert desk.dialer.idle


def test_hours_close_and_open_again():
    desk = Desk(trunk("a", 1), hours=(Hours(8 * 60, 9 * 60),))
    desk.run(29 * 60)
    desk.move(CampaignState.RUNNING)  # told again
    desk.now_ns = desk.dialer.floor.runs[1].asked_ns = T0 + 1740 * NS
    desk.claims(3)
    desk.run(0.5)
    assert len(desk.dials()) == 1
    held = desk.dialer.statistics(desk.now_ns).campaigns[0].held
    assert held == 2
    got = desk.run(61)  # over the closing: what is held goes back
    assert {op.attempt_id for op in ops([e for _, e in got], ReleaseClaim)} == {2, 3}
    assert desk.why() == "outside hours until 2026-11-24 08:00"
    wants = len(desk.wants())
    got = desk.run(24 * HOUR)
    opened = [at for at, e in got if isinstance(e, fx.WantLeads)]
    assert len(desk.wants()) == wants + 1
    assert (opened[0] - T0) // NS == 23 * HOUR + 1800  # 08:00 next morning


def test_a_start_in_the_future_is_waited_for_to_the_nanosecond():
    start_ms = (MONDAY_0830 + 90) * 1000
    desk = Desk(start_ms=start_ms)
    assert desk.wants() == []
    assert desk.why() == "starts 08:31"
    got = desk.run(100)
    assert [at for at, e in got if isinstance(e, fx.WantLeads)] == [T0 + 90 * NS]


def test_end_time_finishes_the_campaign_once_its_calls_are_over():
    desk = Desk(trunk("a", 1), end_ms=(MONDAY_0830 + 10) * 1000)
    desk.claims(3)
    got = [e for _, e in desk.run(11)]
    assert only(got, fx.MoveCampaign) == []  # one call lives
    assert {op.attempt_id for op in ops(got, ReleaseClaim)} == {2, 3}
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    got = [e for _, e in desk.run(1)]
    assert only(got, fx.MoveCampaign) == [
        fx.MoveCampaign(1, CampaignState.FINISHED, "end time reached")
    ]
    assert len(only([e for _, e in desk.run(9.5)], fx.MoveCampaign)) == 1  # asked again
    desk.move(CampaignState.FINISHED)
    assert only([e for _, e in desk.run(60)], fx.MoveCampaign) == []
    assert len(desk.dials()) == 1


@pytest.mark.parametrize("state", [CampaignState.APPROVED, CampaignState.PAUSED])
def test_end_time_finishes_a_campaign_that_does_not_run(state):
    desk = Desk(end_ms=(MONDAY_0830 + 10) * 1000)
    desk.move(state)
    got = only([e for _, e in desk.run(10)], fx.MoveCampaign)
    assert got == [fx.MoveCampaign(1, CampaignState.FINISHED, "end time reached")]


def test_a_clock_step_out_of_hours_stops_and_a_step_back_goes_on():
    desk = Desk(trunk("a", 1), hours=(Hours(8 * 60, 9 * 60),))
    desk.claims(3)
    night = (MIDNIGHT_S + 2 * HOUR) * NS - desk.now_ns
    desk.tell(ev.ClockStepped(night))
    assert desk.released_claims() == {2, 3}
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    assert len(desk.dials()) == 1
    wants = len(desk.wants())
    desk.tell(ev.ClockStepped(MONDAY_0830 * NS - desk.now_ns))
    assert len(desk.wants()) == wants + 1


def test_drain_stops_dialing_and_leaves_calls_alone():
    desk = Desk(trunk("a", 1))
    desk.claims(3)
    drained = desk.tell(ev.Drain())
    assert {op.attempt_id for op in ops(drained, ReleaseClaim)} == {2, 3}
    assert only(drained, fx.Release) == []
    assert not desk.dialer.idle
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    desk.run(100)
    assert desk.dialer.idle
    assert len(desk.dials()) == 1
    assert desk.why() == "the daemon is draining"
    wants = len(desk.wants())
    desk.tell(ev.Resume())
    assert len(desk.wants()) == wants + 1


def test_a_drain_that_hangs_up_ends_every_call_once():
    desk = Desk(trunk("a", 3))
    desk.claims(3)
    desk.run(1)
    one, two, three = [dial.leg for dial in desk.dials()]
    desk.tell(ev.Ringing(two))
    desk.tell(ev.Answered(three))
    drained = desk.tell(ev.Drain(hang_up=True))
    assert sorted(e.leg for e in only(drained, fx.Release)) == [one, two, three]
    for leg, outcome in (
        (one, Outcome.FAILED),
        (two, Outcome.NO_ANSWER),
        (three, Outcome.ANSWERED),
    ):
        desk.tell(ev.Released(leg, outcome, by="us"))
    ended = finishes(desk.seen)
    assert [f.outcome for f in ended] == [Outcome.CANCELLED, Outcome.CANCELLED, Outcome.ANSWERED]
    assert [f.lead_state for f in ended] == [LeadState.RETRY, LeadState.RETRY, LeadState.DONE]
    assert desk.dialer.idle


# -- the store ---------------------------------------------------------------------------------


def test_a_failed_commit_stops_dialing_until_the_store_recovers():
    desk = Desk(trunk("a", 2))
    desk.claims(5)
    desk.run(0.1)
    one, two = desk.dials()
    desk.tell(ev.Ringing(one.leg))
    desk.tell(ev.WriteFailed(two.call))
    assert finishes(desk.seen) == []
    assert desk.why() == "the store refuses writes"
    figures = desk.dialer.statistics(desk.now_ns)
    assert (figures.in_flight, figures.placed, figures.trunks[0].in_use) == (1, 1, 1)
    desk.run(5)
    assert len(desk.dials()) == 2
    assert desk.released_claims() == set()
    desk.tell(ev.StoreRecovered())
    assert two.call in desk.released_claims()
    desk.run(0.1)
    assert len(desk.dials()) == 3


def test_a_failed_commit_of_facts_keeps_the_call():
    desk = Desk(trunk("a", 1))
    desk.claims(1)
    leg = desk.dials()[0].leg
    desk.tell(ev.Answered(leg))
    desk.tell(ev.WriteFailed(0))
    desk.tell(ev.WriteFailed(desk.dials()[0].call))
    desk.tell(ev.Digit(leg, "9"))
    desk.tell(ev.Released(leg, Outcome.ANSWERED, by="us"))
    assert [f.keys for f in finishes(desk.seen)] == ["9"]


def test_without_word_of_recovery_the_store_is_tried_again():
    desk = Desk(trunk("a", 1))
    desk.tell(ev.WriteFailed(0))
    desk.claims(0)  # a claim that works shows that commits do
    assert desk.why() != "the store refuses writes"
    desk.tell(ev.WriteFailed(0))
    desk.run(BACK_OFF_S_MAX - 1)
    assert desk.why() == "the store refuses writes"
    desk.run(1)
    assert desk.why() != "the store refuses writes"


def test_claims_that_fail_are_asked_for_ever_later():
    desk = Desk()
    gaps = []
    for _ in range(8):
        before = desk.now_ns
        desk.tell(ev.ClaimFailed(1))
        got = desk.run(BACK_OFF_S_MAX)
        (asked,) = [at for at, e in got if isinstance(e, fx.WantLeads)]
        gaps.append((asked - before) // NS)
    assert gaps == [1, 2, 4, 8, 16, 30, 30, 30]
    assert desk.why() == ""
    assert desk.tell(ev.ClaimFailed(99)) == []  # of nobody


def test_a_refused_dial_frees_its_channel_and_is_not_given_back():
    desk = Desk(trunk("a", 1))
    desk.claims(2)
    (first,) = desk.dials()
    refused = desk.tell(ev.DialRefused(first.call))
    assert ops(refused, Finish | ReleaseClaim) == []
    desk.run(0.1)
    assert [dial.call for dial in desk.dials()] == [1, 2]
    desk.tell(ev.DialRefused(4711))
    assert desk.dialer.statistics(desk.now_ns).placed == 1


# -- campaigns -----------------------------------------------------------------------------------


def test_settings_that_cannot_run_never_dial_and_say_why():
    broken = Flow((FlowStep("a", "p", otherwise="nowhere"),))
    for changes, text in (
        ({"regime": "mars"}, "unknown regime"),
        ({"flow": broken}, "there is no step 'nowhere'"),
        ({"flow": Flow(())}, f"must be 1 to {STEPS_MAX} steps"),
    ):
        desk = Desk(**changes)
        desk.run(100)
        assert desk.wants() == []
        assert text in desk.why()


def test_too_many_campaigns_are_told():
    desk = Desk()
    for campaign_id in range(2, CAMPAIGNS_MAX + 1):
        desk.campaign(campaign_id, CampaignState.APPROVED)
    told = desk.campaign(CAMPAIGNS_MAX + 1)
    assert [e.topic for e in only(told, fx.Notify)] == ["error"]
    desk.move(CampaignState.PAUSED, CAMPAIGNS_MAX + 1)
    assert len(desk.dialer.floor.runs) == CAMPAIGNS_MAX


def test_finished_campaigns_are_forgotten_in_time():
    desk = Desk()
    for campaign_id in range(2, 2 * FINISHED_KEPT):
        desk.campaign(campaign_id, CampaignState.APPROVED)
        desk.move(CampaignState.FINISHED, campaign_id)
    kept = desk.dialer.floor.runs
    assert len(kept) == FINISHED_KEPT + 1
    assert 1 in kept


def test_moves_are_told_to_listeners():
    desk = Desk()
    told = only(desk.move(CampaignState.PAUSED), fx.Notify)
    assert told == [fx.Notify("campaign", {"campaign_id": 1, "name": "c1", "state": "paused"})]
