"""Leads claimed ahead: how many, when again, leases, routes, and the end of a list."""

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.limits import ASK_AGAIN_S, CLAIM_MAX, CLAIM_MIN, LEASE_MARGIN_S, LEASE_S
from dialerd.core.ops import Finish, ReleaseClaim
from dialerd.core.records import CampaignState, LeadState, Outcome
from tests.core.build import Desk, finishes, only, ops, trunk
from tests.core.world import MONDAY_0830, NS

VIETTEL = [84_981_000_000 + i for i in range(50)]
MOBIFONE = [84_903_000_000 + i for i in range(50)]


def test_one_request_at_a_time_sized_by_pace_and_capacity():
    for trunks, changes, n in (
        ((trunk("a", 1000, 1000),), {}, CLAIM_MAX),
        ((trunk("a", 1000, 1000),), {"calls_per_s_max": 20}, 60),
        ((trunk("a", 16, 100),), {}, 16),
        ((trunk("a", 1, 100),), {}, CLAIM_MIN),
        ((trunk("a", 100, 1),), {}, CLAIM_MIN),
    ):
        desk = Desk(*trunks, **changes)
        desk.run(100)
        assert [want.n for want in desk.wants()] == [n]


def test_more_is_asked_for_before_the_leads_run_out():
    desk = Desk(trunk("a", 1000, 10))
    asked = desk.wants()[0].n
    assert asked == 30
    desk.claims(asked)
    while len(desk.wants()) == 1:
        got = desk.run(0.1)
    assert desk.dialer.statistics(desk.now_ns).campaigns[0].held == asked // 2
    assert desk.wants()[1].n == asked // 2
    assert only([e for _, e in got], fx.WantLeads)


def test_leads_are_given_back_before_their_lease_ends():
    desk = Desk(trunk("a", 1))
    desk.claims(4)
    got = desk.run(LEASE_S)
    gone = [(at, op.attempt_id) for at, e in got for op in ops([e], ReleaseClaim)]
    assert [attempt for _, attempt in gone] == [2, 3, 4]
    asked_ns = desk.now_ns - LEASE_S * NS
    assert {at - asked_ns for at, _ in gone} == {(LEASE_S - LEASE_MARGIN_S) * NS}
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    assert len(desk.dials()) == 1  # none of them is dialed late


def test_a_lease_counts_from_the_question_not_from_the_answer():
    desk = Desk(trunk("a", 1))
    desk.run(0)
    desk.now_ns += (LEASE_S - LEASE_MARGIN_S - 1) * NS  # a slow store
    desk.claims(3)
    assert len(desk.dials()) == 1
    got = [e for _, e in desk.run(1)]
    assert {op.attempt_id for op in ops(got, ReleaseClaim)} == {2, 3}


def test_leads_older_than_their_lease_are_not_dialed_on_arrival():
    desk = Desk(trunk("a", 5))
    desk.now_ns += LEASE_S * NS
    desk.claims(3)
    assert desk.dials() == []
    assert desk.released_claims() == {1, 2, 3}


def test_a_stalled_process_does_not_dial_expired_leads():
    desk = Desk(trunk("a", 100, 1))
    desk.claims(8)
    assert len(desk.dials()) == 1
    desk.now_ns += 120 * NS  # stopped for two minutes
    desk.dialer.tick(desk.now_ns)
    desk.take()
    assert len(desk.dials()) == 1
    assert desk.released_claims() == set(range(2, 9))


def test_when_nothing_is_due_the_next_due_second_is_waited_for():
    desk = Desk(trunk("a", 1))
    due_s = MONDAY_0830 + 40
    desk.claims(0, next_due_s=due_s)
    assert desk.why() == "next lead is due 08:30"
    got = desk.run(45)
    assert [(at - desk.now_ns) // NS for at, e in got if isinstance(e, fx.WantLeads)] == [-5]


def test_a_long_wait_is_looked_at_now_and_then():
    desk = Desk(trunk("a", 1))
    desk.claims(0, next_due_s=MONDAY_0830 + 10**6)
    got = desk.run(ASK_AGAIN_S + 1)
    assert len(only([e for _, e in got], fx.WantLeads)) == 1
    assert desk.why() == ""  # it is asking


def test_a_retry_that_comes_due_earlier_is_asked_for_earlier():
    desk = Desk(trunk("a", 1), attempts_max=2, retry_gap_s=20)
    desk.claims(1, next_due_s=MONDAY_0830 + 10**6)
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486))
    got = desk.run(30)
    asked = [(at - desk.now_ns) / NS for at, e in got if isinstance(e, fx.WantLeads)]
    assert -10.5 < asked[0] <= -9 or asked[0] < -29  # at its due time, or at once for the last lead


def test_an_exhausted_list_finishes_the_campaign():
    desk = Desk(trunk("a", 1))
    desk.claims(1)
    assert only([e for _, e in desk.run(5)], fx.MoveCampaign) == []
    desk.claims(0)
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.ANSWERED))
    asked = [e for _, e in desk.run(2)]
    assert only(asked, fx.WantLeads)
    assert only(asked, fx.MoveCampaign) == []
    told = desk.claims(0, exhausted=True)
    assert only(told, fx.MoveCampaign) == [
        fx.MoveCampaign(1, CampaignState.FINISHED, "list exhausted")
    ]
    assert desk.why() == "list exhausted"
    desk.run(9)
    assert len(only(desk.seen, fx.MoveCampaign)) == 1
    desk.run(2)
    assert len(only(desk.seen, fx.MoveCampaign)) == 2  # the store did not: again
    desk.move(CampaignState.FINISHED)
    desk.run(60)
    assert len(only(desk.seen, fx.MoveCampaign)) == 2


def test_a_full_carrier_holds_up_only_its_own_numbers():
    desk = Desk(trunk("v", 1, carriers=("viettel",)), trunk("m", 20, carriers=("mobifone",)))
    desk.claims(20, phones=VIETTEL[:10] + MOBIFONE[:10])
    desk.run(5)
    assert sorted(dial.trunk for dial in desk.dials()) == ["m"] * 10 + ["v"]
    assert desk.why() == "no free channel"


def test_a_number_without_a_trunk_waits():
    desk = Desk(trunk("m", 20, carriers=("mobifone",)))
    desk.claims(2, phones=VIETTEL[:2])
    desk.run(10)
    assert desk.dials() == []
    assert desk.released_claims() == set()
    assert desk.why() == "no trunk for viettel"
    desk.tell(ev.LinesChanged((trunk("any"),)))
    desk.run(1)
    assert [dial.trunk for dial in desk.dials()] == ["any", "any"]


def test_a_trunk_that_goes_down_is_not_dialed_on():
    desk = Desk(trunk("a", 1), trunk("b", 1))
    desk.claims(8)
    desk.tell(ev.LinesChanged((trunk("a", 50, up=False), trunk("b", 2))))
    desk.run(10)
    assert sorted(dial.trunk for dial in desk.dials()) == ["a", "b", "b"]
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.FAILED, 503))
    desk.run(10)
    assert len(desk.dials()) == 3


def test_loopback_campaigns_never_leave_the_machine():
    desk = Desk(trunk("real", 50, loopback=False))
    desk.claims(3)
    desk.run(10)
    assert desk.dials() == []
    assert desk.why() == "no loopback trunk is up"
    desk.tell(ev.LinesChanged((trunk("real", 50, loopback=False), trunk("sim", 2))))
    desk.claims(3)
    desk.run(10)
    assert {dial.trunk for dial in desk.dials()} == {"sim"}


def test_a_number_that_may_not_be_dialed_any_more_is_set_aside():
    desk = Desk(trunk("a", 5))
    desk.claims(3, phones=[84_113, 84_1900_1234, VIETTEL[0]])  # police, premium
    desk.run(1)
    assert [dial.number.value for dial in desk.dials()] == [VIETTEL[0]]
    aside = ops(desk.seen, Finish)
    assert [(f.attempt_id, f.outcome, f.lead_state) for f in aside] == [
        (1, Outcome.FAILED, LeadState.BLOCKED),
        (2, Outcome.FAILED, LeadState.BLOCKED),
    ]


def test_claims_of_unknown_campaigns_go_back():
    desk = Desk()
    desk.claims(2, campaign_id=77)
    assert desk.released_claims() == {1, 2}
    assert finishes(desk.seen) == []
