"""Listening in on a call: every order and every event against a dialer, without a telephone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.flow_records import FlowStep, TargetKind
from dialerd.core.limits import SUPERVISORS_MAX
from dialerd.core.records import DialMode, EventKind, Flow, Outcome
from dialerd.core.supervise_records import Supervise, SuperviseMode
from dialerd.core.supervising import RING_S
from tests.acceptance.office import Office
from tests.core.build import Desk, finishes, only
from tests.core.test_agent_transfers import OTHER, Through

LISTEN, WHISPER, BARGE = SuperviseMode
WAITS = Flow((FlowStep("a", "hello", {"1": "end"}, wait_ms=120_000),))


class Board:
    """One broadcast call that is answered, and those who listen in on it."""

    def __init__(self, **changes) -> None:
        self.desk = Desk(flow=WAITS, **changes)
        self.desk.claims(1)
        self.desk.run(1)
        (dial,) = self.desk.dials()
        self.leg, self.attempt = dial.leg, dial.call
        self.desk.tell(ev.Answered(self.leg))
        (self.call,) = self.desk.dialer.floor.calls.values()

    @property
    def supervisors(self):
        return self.desk.dialer.supervisors

    def why(self, who="lan", mode=LISTEN, phone="9001"):
        return self.supervisors.why_not(self.call, Supervise(who, mode, phone))

    def order(self, who="lan", mode=LISTEN, phone="9001"):
        return self.desk.tell(ev.CallOrdered(self.attempt, Supervise(who, mode, phone)))

    def join(self, who="lan", mode=LISTEN):
        """Rung and there; its leg."""
        (ring,) = only(self.order(who, mode), fx.RingAgent)
        assert only(self.desk.tell(ev.Answered(ring.leg)), fx.ListenIn)[0].mode is mode
        return ring.leg

    def history(self):
        kinds = (EventKind.SUPERVISED, EventKind.UNSUPERVISED)
        return [(e.kind.value, e.detail) for e in self.call.events if e.kind in kinds]


def test_a_telephone_is_rung_and_hears_the_call():
    board = Board()
    (ring,) = only(board.order(), fx.RingAgent)
    assert (ring.call, ring.agent, ring.phone) == (board.attempt, "lan", "9001")
    (one,) = board.supervisors.of(board.attempt)
    assert (one.ringing, one.mode) == (True, LISTEN)
    assert board.history() == []  # nobody has heard anything yet
    (heard,) = only(board.desk.tell(ev.Answered(ring.leg)), fx.ListenIn)
    assert heard == fx.ListenIn(board.attempt, ring.leg, board.leg, LISTEN)
    assert not board.supervisors.of(board.attempt)[0].ringing
    assert board.history() == [("supervised", "listen lan")]
    assert board.desk.dialer.statistics(board.desk.now_ns).strays == 0


def test_orders_and_keys_change_who_hears_the_supervisor():
    board = Board()
    leg = board.join()
    modes = [only(board.order(mode=BARGE), fx.ListenIn)]
    modes += [only(board.desk.tell(ev.Digit(leg, key)), fx.ListenIn) for key in "4569"]
    assert [[one.mode for one in step] for step in modes] == [[BARGE], [LISTEN], [], [BARGE], []]
    assert only(board.order(mode=BARGE), fx.ListenIn) == []  # it is that already
    told = ["listen", "barge", "listen", "barge"]
    assert board.history() == [("supervised", f"{mode} lan") for mode in told]
    assert not only(board.desk.seen, fx.Release)


def test_an_order_while_it_rings_is_how_it_begins():
    board = Board()
    (ring,) = only(board.order(), fx.RingAgent)
    assert only(board.order(mode=BARGE), fx.RingAgent) == []
    (heard,) = only(board.desk.tell(ev.Answered(ring.leg)), fx.ListenIn)
    assert heard.mode is BARGE


@pytest.mark.parametrize("how", ["leaves", "hangs up", "lost", "call ends", "not answered"])
def test_each_end(how: str):
    board = Board()
    if how == "not answered":
        (ring,) = only(board.order(), fx.RingAgent)
        leg, late = ring.leg, board.desk.run(RING_S + 1)
        assert fx.Release(board.attempt, leg) in [effect for _, effect in late]
    else:
        leg = board.join()
    match how:
        case "leaves":
            assert only(board.order(mode=None), fx.Release) == [fx.Release(board.attempt, leg)]
        case "hangs up":
            board.desk.tell(ev.Released(leg, Outcome.ANSWERED))
        case "lost":
            assert only(board.desk.tell(ev.MediaLost(leg)), fx.Release)
        case "call ends":
            ended = board.desk.tell(ev.Released(board.leg, Outcome.ANSWERED))
            assert fx.Release(board.attempt, leg) in ended
            assert len(finishes(ended)) == 1
    assert board.supervisors.of(board.attempt) == ()
    if how != "hangs up":
        board.desk.tell(ev.Released(leg, Outcome.ANSWERED, by="us"))
    left = [("unsupervised", "lan")] if how in {"leaves", "hangs up", "lost"} else []
    assert (
        board.history() == ([] if how == "not answered" else [("supervised", "listen lan")]) + left
    )
    assert not board.supervisors.owns(leg)
    assert (board.call.outcome is None) == (how != "call ends")  # the call goes on as it was


@pytest.mark.parametrize("answers", [False, True], ids=["rings", "answers in that moment"])
def test_a_call_that_ends_while_the_telephone_rings_takes_it_along(answers: bool):
    board = Board()
    (ring,) = only(board.order(), fx.RingAgent)
    board.desk.tell(ev.CallOrdered(board.attempt))  # hung up, and its leg is still there
    if answers:
        told = board.desk.tell(ev.Answered(ring.leg))
        assert only(told, fx.ListenIn) == [], "nobody to hear"
        assert only(told, fx.Release) == [fx.Release(board.attempt, ring.leg)]
    ended = board.desk.tell(ev.Released(board.leg, Outcome.ANSWERED, by="us"))
    assert (fx.Release(board.attempt, ring.leg) in ended) != answers
    assert board.history() == []
    assert board.supervisors.of(board.attempt) == ()
    board.desk.tell(ev.Released(ring.leg, Outcome.NO_ANSWER, by="us"))
    assert not board.supervisors.owns(ring.leg)


def supervised(mode=WHISPER):
    """An agent talks with the only customer, a second one is of the queue care; somebody hears."""
    office = Through()
    campaign = office.campaign(DialMode.PROGRESSIVE, 1, settings={"attempts_max": 1})
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentLoggedIn, "binh", "phone-binh", (), True, queues=("care",))
    office.do(ev.AgentReady, "binh")
    call = office.world.dialer.desk.team.agents["an"].call
    office.world.feed(ev.CallOrdered(call.claim.attempt_id, Supervise("lan", mode, "9001")))
    office.run(2)
    (one,) = office.world.dialer.supervisors.of(call.claim.attempt_id)
    assert (one.mode, one.ringing) == (mode, False)
    return office, call, one


@pytest.mark.parametrize("to", [TargetKind.QUEUE, TargetKind.NUMBER])
def test_a_supervisor_stays_while_the_customer_is_put_through_and_whispers_to_agents_only(to):
    office, call, one = supervised()
    target = "care" if to is TargetKind.QUEUE else OTHER
    assert office.do(ev.AgentTransferred, "an", to, target) == ""
    supervisors = office.world.dialer.supervisors
    if to is TargetKind.QUEUE:
        office.until(lambda: office.state("binh") == "talking")
    else:
        office.until(lambda: bool(office.world.joined))
    order = Supervise("lan", WHISPER, "9001")
    assert (supervisors.why_not(call, order) == "") == (to is TargetKind.QUEUE)
    assert supervisors.of(call.claim.attempt_id) == (one,)
    if to is TargetKind.QUEUE:
        office.hang_up("binh")
    office.until(lambda: call.over, 90)
    office.run(2)
    assert supervisors.of(call.claim.attempt_id) == ()
    assert not supervisors.owns(one.leg)
    assert not office.world.dialer.floor.calls


def test_a_supervisor_stays_while_the_customer_is_held():
    office, call, one = supervised(BARGE)
    assert office.do(ev.AgentHeld, "an") == ""
    office.run(30)
    assert office.do(ev.AgentResumed, "an") == ""
    assert office.world.dialer.supervisors.of(call.claim.attempt_id) == (one,)
    assert one.mode is BARGE
    office.hang_up("an")
    office.run(2)
    assert not office.world.dialer.supervisors.owns(one.leg)


def test_what_is_refused_says_why_and_changes_nothing():
    board = Board()
    assert "nobody to whisper to" in board.why(mode=WHISPER)
    assert "which telephone" in board.why(phone="")
    assert "does not listen in" in board.why(mode=None)
    for n in range(SUPERVISORS_MAX):
        board.join(f"s{n}")
    assert f"{SUPERVISORS_MAX} listen in" in board.why()
    assert board.order() == []
    assert board.why("s0", BARGE) == ""
    board.desk.tell(ev.Released(board.leg, Outcome.ANSWERED))
    assert "nobody to hear" in board.why()


def test_before_the_answer_there_is_nobody_to_hear():
    desk = Desk(flow=WAITS)
    desk.claims(1)
    desk.run(1)
    (call,) = desk.dialer.floor.calls.values()
    why = desk.dialer.supervisors.why_not(call, Supervise("lan", LISTEN, "9001"))
    assert why == "the call is dialing: nobody to hear"


def test_it_is_written_down_whatever_else_is_not():
    board = Board(log=("digit",))
    board.join()
    assert board.history() == [("supervised", "listen lan")]


def test_an_agent_is_whispered_to_while_there_is_one():
    office = Office()
    office.login("an", office.campaign(DialMode.PROGRESSIVE, hold_prompt="wait"))
    office.until(lambda: office.state("an") == "talking")
    world = office.world
    call = world.dialer.desk.team.agents["an"].call
    order = Supervise("lan", WHISPER, "9001")
    assert world.dialer.supervisors.why_not(call, order) == ""
    office.do(ev.AgentHeld, "an")
    assert "nobody to whisper to" in world.dialer.supervisors.why_not(call, order)
    office.do(ev.AgentResumed, "an")
    world.feed(ev.CallOrdered(call.claim.attempt_id, order))
    office.run(2)  # the telephone is answered as an agent's is
    (one,) = world.dialer.supervisors.of(call.claim.attempt_id)
    assert (one.mode, one.ringing) == (WHISPER, False)
    assert office.state("an") == "talking"
    world.feed(ev.Digit(one.leg, "6"))
    assert one.mode is BARGE
    office.hang_up("an")
    office.run(2)
    assert world.dialer.supervisors.of(call.claim.attempt_id) == ()
    assert not world.dialer.supervisors.owns(one.leg)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "leave", "up", "gone", "key", "lost", "wait", "end"]),
        st.integers(0, 5),
        st.sampled_from([LISTEN, BARGE, WHISPER]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_in_any_order_each_leg_is_released_once_at_most_and_none_is_left(steps):
    board = Board()
    legs: list[int] = []
    alive: set[int] = set()
    for what, n, mode in steps:
        leg = legs[n % len(legs)] if legs else 0
        match what:
            case "order":
                rung = only(board.order(f"s{n}", mode), fx.RingAgent)
                legs += [one.leg for one in rung]
                alive |= {one.leg for one in rung}
            case "leave":
                board.order(f"s{n}", None)
            case "wait":
                board.desk.run(n * 5)
            case "end":
                board.desk.tell(ev.Released(board.leg, Outcome.ANSWERED))
            case _ if leg in alive:
                if what == "gone":
                    alive.discard(leg)
                board.desk.tell({
                    "up": ev.Answered(leg), "gone": ev.Released(leg, Outcome.ANSWERED),
                    "key": ev.Digit(leg, str(n)), "lost": ev.MediaLost(leg),
                }[what])  # fmt: skip
        assert len(board.supervisors.of(board.attempt)) <= SUPERVISORS_MAX
    board.desk.tell(ev.Released(board.leg, Outcome.ANSWERED))
    released = [one.leg for one in only(board.desk.seen, fx.Release)]
    assert len(released) == len(set(released))
    assert set(released) >= alive  # nobody hears a call that is over
    for leg in alive:
        board.desk.tell(ev.Released(leg, Outcome.ANSWERED, by="us"))
    assert not any(board.supervisors.owns(leg) for leg in legs)
    assert board.supervisors.of(board.attempt) == ()
    assert len(finishes(board.desk.seen)) == 1
