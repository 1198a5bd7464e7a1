"""A trunk under trouble: what each kind of answer makes of it, and of the attempt that got it."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.limits import FULL_S_MAX, RETURNS_MAX
from dialerd.core.line_spec import PlanSpec, PortSpec, Trouble
from dialerd.core.records import LeadState, Outcome, Usage
from tests.core.build import Desk, finishes, only, ops, trunk
from tests.core.world import MONDAY_0830, NS

TODAY = (MONDAY_0830 + 7 * 3600) // 86_400
VIETTEL = [84_981_000_000 + i for i in range(50)]
MOBIFONE = [84_901_000_000 + i for i in range(50)]


def refuse(desk, dial, code=503, trouble=None, **said):
    outcome = Outcome.FAILED
    event = ev.Released(dial.leg, outcome, code, advance=True, trouble=trouble, **said)
    return desk.tell(event)


def state(desk, name="a"):
    return next(t for t in desk.dialer.statistics(desk.now_ns).trunks if t.name == name)


def told(desk):
    return [e.data for e in only(desk.seen, fx.Notify) if e.topic == "trunk"]


def test_a_fault_moves_the_attempt_to_the_other_trunk():
    desk = Desk(trunk("a", 1), trunk("b", 1))
    desk.claims(1)
    (first,) = desk.dials()
    refuse(desk, first)
    second = desk.dials()[-1]
    assert (second.call, second.trunk != first.trunk) == (first.call, True)
    desk.tell(ev.Answered(second.leg))
    desk.tell(ev.Released(second.leg, Outcome.ANSWERED, 200), after_s=5)
    (done,) = finishes(desk.seen)
    assert (done.outcome, done.lead_state) == (Outcome.ANSWERED, LeadState.DONE)
    assert done.used == Usage(second.trunk, "", TODAY, 1, 5, 0)


def test_retry_after_rests_the_trunk_for_its_time():
    desk = Desk(trunk("a", 5))
    desk.claims(3)
    refuse(desk, desk.dials()[0], retry_after_s=30)
    assert state(desk).breaker == "open"
    assert state(desk).reason == "503, asked to wait 30 s"
    assert desk.why().startswith("a: rests after failures (503, asked")
    for dial in desk.dials()[1:]:
        desk.tell(ev.Released(dial.leg, Outcome.BUSY, 486, by="us"))
    desk.claims(5)
    placed = len(desk.dials())
    desk.run(29.9)
    assert len(desk.dials()) == placed
    desk.run(0.3)
    assert len(desk.dials()) == placed + 1  # one call finds out
    assert state(desk).breaker == "probing"
    assert [data["breaker"] for data in told(desk)] == ["open"]
    desk.tell(ev.Ringing(desk.dials()[-1].leg))
    desk.run(0.3)
    assert len(desk.dials()) > placed + 1
    assert [data["breaker"] for data in told(desk)] == ["open", "closed"]


def test_too_fast_lowers_the_rate_and_keeps_the_attempt():
    desk = Desk(trunk("a", 50, 20))
    desk.claims(60)
    desk.run(0.5)
    refused = desk.dials()[-1]
    refuse(desk, refused, 503, Trouble.TOO_FAST)
    assert state(desk).cps == 10
    assert state(desk).breaker == "closed"
    placed = len(desk.dials())
    desk.run(0.99)
    assert len(desk.dials()) == placed  # its second passes first
    desk.run(0.1)
    assert [d.trunk for d in desk.dials() if d.call == refused.call] == ["a", "a"]
    assert not finishes(desk.seen)
    before = len(desk.dials())
    desk.run(1)
    assert 9 <= len(desk.dials()) - before <= 10
    desk.claims(300)
    for _ in range(120):
        desk.run(0.5)
        for dial in desk.dials()[before:]:
            desk.tell(ev.Released(dial.leg, Outcome.BUSY, 486))
        before = len(desk.dials())
        desk.claims(10)
    assert (state(desk).cps, state(desk).slowed) == (20, 1)


def test_full_waits_a_moment_or_for_a_channel_of_its_own():
    desk = Desk(trunk("a", 50, 100))
    desk.claims(3)
    desk.run(0.1)
    one, two, three = desk.dials()
    desk.tell(ev.Ringing(one.leg))
    refuse(desk, three, 503, Trouble.FULL)
    desk.claims(1)
    assert desk.why() == "a: says it is full"
    desk.run(0.9)
    assert len(desk.dials()) == 3
    desk.tell(ev.Released(one.leg, Outcome.NO_ANSWER, 480))  # a port of the gateway is free
    desk.run(0.1)
    assert len(desk.dials()) >= 4
    assert desk.dials()[3].call == three.call  # whoever was refused goes first
    refuse(desk, desk.dials()[3], 503, Trouble.FULL)
    assert state(desk).why == "says it is full"
    assert state(desk).breaker == "closed"
    desk.tell(ev.Released(two.leg, Outcome.BUSY, 486))
    assert state(desk).why == ""


def test_full_everywhere_fails_the_attempt_after_a_while_and_the_lead_comes_back():
    desk = Desk(trunk("a", 50, 100), attempts_max=1)
    desk.claims(1)
    for _ in range(RETURNS_MAX):
        refuse(desk, desk.dials()[-1], 503, Trouble.FULL)
        desk.run(FULL_S_MAX)
        if finishes(desk.seen):
            break
    (done,) = finishes(desk.seen)
    assert (done.outcome, done.lead_state, done.code) == (Outcome.FAILED, LeadState.RETRY, 503)


def test_what_speaks_of_the_person_is_a_good_sign_of_the_trunk():
    desk = Desk(trunk("a", 50, 100))
    desk.claims(9)
    desk.run(0.2)
    for dial in desk.dials()[:4]:
        refuse(desk, dial)
    assert state(desk).why == ""
    desk.tell(ev.Released(desk.dials()[4].leg, Outcome.BUSY, 486))
    for dial in desk.dials()[5:9]:
        refuse(desk, dial)
    assert state(desk).breaker == "closed"  # never five in a row


@pytest.mark.parametrize("by", ["us", "timeout"])
def test_our_own_release_says_nothing(by):
    desk = Desk(trunk("a", 50, 100))
    desk.claims(5)
    desk.run(0.2)
    for dial in desk.dials()[:4]:
        refuse(desk, dial)
    desk.tell(ev.Released(desk.dials()[4].leg, Outcome.CANCELLED, 487, by=by))
    desk.claims(1)
    desk.run(0.1)
    refuse(desk, desk.dials()[-1])
    assert state(desk).breaker == "open"


def test_options_and_registration_take_a_trunk_out_and_bring_it_back():
    desk = Desk(trunk("a", 5, registers=True), trunk("b", 5, prefixes=("8498",)))
    desk.claims(2, phones=MOBIFONE[:2])
    desk.run(0.1)
    assert not desk.dials()
    assert state(desk).why == "down"
    desk.tell(ev.LineHealth("a", registered=True))
    desk.run(0.1)
    assert len(desk.dials()) == 2
    desk.tell(ev.LineHealth("a", registered=False, why="403 Forbidden"))
    assert state(desk).registration == "not registered: 403 Forbidden"
    assert (state(desk).up, state(desk).why) == (False, "403 Forbidden")
    desk.claims(1, phones=VIETTEL[:1])
    desk.run(0.1)
    assert desk.dials()[-1].trunk == "b"
    desk.tell(ev.LineHealth("b", alive=False))
    assert state(desk, "b").why == "no answer to OPTIONS"
    desk.tell(ev.LineHealth("b", alive=True))
    assert state(desk, "b").up
    desk.tell(ev.LineHealth("nobody", alive=False))
    assert [(d["name"], d["up"]) for d in told(desk)] == [
        ("a", True), ("a", False), ("b", False), ("b", True)
    ]  # fmt: skip


def test_a_trunk_that_was_silent_is_probed_when_it_answers_options():
    desk = Desk(trunk("a", 50, 100))
    desk.claims(6)
    desk.run(0.2)
    for dial in desk.dials()[:5]:
        refuse(desk, dial, 0, by="timeout")
    assert state(desk).reason == "no answer"
    desk.claims(5)
    before = len(desk.dials())
    desk.tell(ev.LineHealth("a", alive=True))
    desk.run(0.1)
    assert len(desk.dials()) == before + 1


# -- ports of a gateway ---------------------------------------------------------------------------


def ports(*names, **changes):
    return tuple(PortSpec(name, **changes) for name in names)


def test_every_call_takes_a_port_of_its_own_and_the_record_names_it():
    desk = Desk(trunk("g", 30, 100, ports=ports("1", "2", "3")))
    desk.claims(5)
    desk.run(1)
    assert sorted(d.port for d in desk.dials()) == ["1", "2", "3"]  # channels: its ports
    assert [op.port for op in ops(desk.seen) if hasattr(op, "rule")] == [
        d.port for d in desk.dials()
    ]
    first = desk.dials()[0]
    desk.tell(ev.Answered(first.leg))
    desk.tell(ev.Released(first.leg, Outcome.ANSWERED, 200), after_s=61)
    (done,) = [f for f in finishes(desk.seen) if f.used]
    assert done.used == Usage("g", first.port, TODAY, 1, 61, 0)
    desk.claims(1)
    desk.run(0.1)
    assert desk.dials()[-1].port == first.port
    figures = {p.name: p for p in state(desk, "g").ports}
    assert figures[first.port].use.seconds_day == 61
    assert (figures[first.port].placed, figures[first.port].answered) == (2, 1)


def test_numbers_go_to_the_ports_of_their_carrier():
    gateway = trunk(
        "g", 30, 100,
        ports=ports("1", "2", carriers=("viettel",)) + ports("5", "6", prefixes=("8490",)),
    )  # fmt: skip
    desk = Desk(gateway)
    desk.claims(6, phones=VIETTEL[:3] + MOBIFONE[:3])
    desk.run(0.2)
    by_phone = {d.number.value: d.port for d in desk.dials()}
    assert sorted(by_phone[p] for p in VIETTEL[:3] if p in by_phone) == ["1", "2"]
    assert sorted(by_phone[p] for p in MOBIFONE[:3] if p in by_phone) == ["5", "6"]
    rules = {op.port: op.rule for op in ops(desk.seen) if hasattr(op, "rule")}
    assert rules == {"1": "carrier viettel", "2": "carrier viettel"} | dict.fromkeys(
        "56", "prefix 8490"
    )
    assert desk.why() == "no free channel" or "busy" in desk.why()


def test_the_port_that_talked_least_is_next():
    desk = Desk(trunk("g", 30, 100, ports=ports("1", "2", "3")))
    history = [Usage("g", "1", TODAY, 3, 300, 0), Usage("g", "3", TODAY, 1, 10, 0)]
    desk.tell(ev.UsageKnown(tuple(history)))
    desk.claims(3)
    desk.run(1)
    assert [d.port for d in desk.dials()] == ["2", "3", "1"]


def test_a_port_that_fails_rests_and_the_gateway_goes_on():
    desk = Desk(trunk("g", 30, 100, ports=ports("1", "2")), attempts_max=1)
    desk.tell(ev.UsageKnown((Usage("g", "2", TODAY, 1, 10, 0),)))  # so that 1 is taken first
    for i in range(3):
        desk.claims(1)
        desk.run(1)
        dial = desk.dials()[-1]
        assert dial.port == "1", i
        refuse(desk, dial, 500)
        desk.run(7)
    desk.claims(1)
    desk.run(1)
    assert desk.dials()[-1].port == "2"
    figures = state(desk, "g")
    assert figures.breaker == "closed"
    assert figures.ports[0].why == "rests after 500"
    desk.tell(ev.Released(desk.dials()[-1].leg, Outcome.BUSY, 486))
    desk.run(31)
    desk.claims(1)
    desk.run(1)
    assert desk.dials()[-1].port == "1"


def test_a_port_in_use_by_somebody_else_is_passed_over_at_once():
    desk = Desk(trunk("g", 30, 100, ports=ports("1", "2")))
    desk.claims(1)
    first = desk.dials()[0]
    refuse(desk, first, 503, Trouble.FULL)
    desk.run(0.1)
    second = desk.dials()[-1]
    assert (second.call, second.port != first.port) == (first.call, True)


def test_silence_is_the_gateway_s_not_the_port_s():
    desk = Desk(trunk("g", 30, 100, ports=ports(*"12345678")))
    desk.claims(5)
    desk.run(0.2)
    for dial in desk.dials():
        refuse(desk, dial, 0, by="timeout")
    assert state(desk, "g").breaker == "open"


def test_a_pause_of_each_port():
    desk = Desk(trunk("g", 30, 100, ports=ports("1", gap_s=10)))
    desk.claims(2)
    desk.tell(ev.Released(desk.dials()[0].leg, Outcome.BUSY, 486), after_s=1)
    desk.run(9.9)
    assert len(desk.dials()) == 1
    assert state(desk, "g").ports[0].why == "pauses after a call"
    desk.run(0.2)
    assert len(desk.dials()) == 2


# -- plans ----------------------------------------------------------------------------------------


def answered(desk, seconds):
    """The next call is answered and talks."""
    desk.claims(1)
    desk.run(1)
    dial = desk.dials()[-1]
    desk.tell(ev.Answered(dial.leg))
    desk.tell(ev.Released(dial.leg, Outcome.ANSWERED, 200), after_s=seconds)
    return dial


def test_a_sim_s_minutes_are_used_up_and_come_back_the_next_day():
    plan = PlanSpec(seconds_day=100)
    desk = Desk(trunk("g", 30, 100, ports=ports("1", plan=plan)))
    answered(desk, 60)
    answered(desk, 40)
    desk.claims(1)
    desk.run(1)
    assert len(desk.dials()) == 2
    assert desk.why() == "ports of g: its minutes of the day are used up"
    desk.run(16 * 3600)  # midnight is fifteen and a half hours away
    desk.claims(0)
    desk.run(1)
    desk.claims(1)
    desk.run(1)
    assert len(desk.dials()) == 3


def test_what_earlier_runs_used_counts():
    plan = PlanSpec(milli_day=1_000_000, minute_milli=600_000)
    desk = Desk(trunk("a", 30, 100, plan=plan))
    desk.tell(ev.UsageKnown((Usage("a", "", TODAY, 9, 0, 940_000),)))
    answered(desk, 6)
    desk.claims(1)
    desk.run(1)
    assert len(desk.dials()) == 1
    assert desk.why() == "a: its costs of the day are used up"
    assert finishes(desk.seen)[0].used.milli == 60_000
    assert state(desk).use.left.milli_day == 0


@pytest.mark.parametrize(
    ("plan", "ends_s"),
    [
        (PlanSpec(call_s_max=7), 7),
        (PlanSpec(free_s=600, cut_before_paid=True), 595),
        (PlanSpec(seconds_period=45), 45),
    ],
)
def test_calls_end_at_their_longest(plan, ends_s):
    desk = Desk(trunk("g", 1, 100, ports=ports("1", plan=plan)))
    desk.claims(1)
    dial = desk.dials()[0]
    desk.tell(ev.Answered(dial.leg))
    start_ns = desk.now_ns
    for _ in range(ends_s):  # its prompt runs again and again
        desk.run(1)
        for play in only(desk.seen, fx.Play)[-1:]:
            desk.tell(ev.PlayEnded(dial.leg, play.token))
            desk.tell(ev.Digit(dial.leg, "1"))
            desk.tell(ev.Digit(dial.leg, "2"))
        if only(desk.seen, fx.Release):
            break
    assert only(desk.seen, fx.Release)
    assert (desk.now_ns - start_ns) / NS <= ends_s + 1


def test_a_new_configuration_keeps_what_is_known():
    plan = PlanSpec(seconds_day=100)
    spec = trunk("g", 30, 100, ports=ports("1", "2", plan=plan))
    desk = Desk(spec)
    dial = answered(desk, 100)
    other = trunk("g", 30, 100, ports=ports("2", "1", "3", plan=plan))
    desk.tell(ev.LinesChanged((other,)))
    figures = {p.name: p for p in state(desk, "g").ports}
    assert figures[dial.port].why == "its minutes of the day are used up"
    assert set(figures) == {"1", "2", "3"}
    desk.claims(3)
    desk.run(1)
    assert {d.port for d in desk.dials()[1:]} == {"1", "2", "3"} - {dial.port}
