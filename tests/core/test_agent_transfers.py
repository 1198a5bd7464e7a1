"""An agent puts the customer through: to other agents, who take it or not, and to numbers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import dialerd.core.events as ev
from dialerd.core.agent_transfers import NOT_ALLOWED
from dialerd.core.flow_records import TargetKind
from dialerd.core.records import DialMode, Direction, EventKind, Outcome
from tests.acceptance.office import ONE, Office
from tests.core.agents import Habits
from tests.core.people import Faults
from tests.core.together import Together

QUEUE, AGENT, NUMBER = TargetKind.QUEUE, TargetKind.AGENT, TargetKind.NUMBER
OTHER = "0912 999 888"


class Through(Office):
    """An office in a world in which numbers can be put through to."""

    def __post_init__(self) -> None:
        self.world = Together(1, ONE, Faults(0, 0))
        self.world.staff.habits = Habits(talk_s=1e9, silent=1.0, answer_s=(0.2, 0.2))
        self.world.people.dial = self._dial
        self.world.staff.card = self._card
        self.told: list[str] = []
        self.world.staff.told = lambda notice: self.told.append(notice.data.get("refused", ""))
        carry_out = self.world.carry_out
        self.world.carry_out = lambda effect: self._told(effect) or carry_out(effect)
        self.world.boot()


def talking() -> Through:
    """One agent talks with the only customer; another one, of the queue care, is ready."""
    office = Through()
    campaign = office.campaign(
        DialMode.PROGRESSIVE, 1, settings={"attempts_max": 1}, hold_prompt="music",
        left_prompt="sorry",
    )  # fmt: skip
    office.login("an", campaign)
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentLoggedIn, "binh", "phone-binh", (), True, queues=("care",))
    office.do(ev.AgentReady, "binh")
    office.run(1)
    return office


def events(office: Through, direction: Direction = Direction.OUT) -> list[EventKind]:
    found = office.store.lead(1, 1).attempts
    return [e.kind for one, them in found if one.direction is direction for e in them]


@pytest.mark.parametrize(("kind", "target"), [(QUEUE, "care"), (AGENT, "binh")])
def test_another_agent_takes_the_customer_and_the_first_is_free(kind, target) -> None:
    office = talking()
    assert office.do(ev.AgentTransferred, "an", kind, target) == ""
    office.until(lambda: office.state("binh") == "talking")
    assert office.state("an") == "wrap_up"
    assert office.do(ev.AgentDisposed, "an", "sold") == ""
    assert office.world.music[-1].prompt == "music"
    office.hang_up("binh")
    office.until(lambda: office.state("binh") == "wrap_up")
    assert office.do(ev.AgentDisposed, "binh", "sold") == ""
    office.run(1)
    attempt = office.store.lead(1, 1).attempts[0][0]
    assert (attempt.outcome, attempt.agent) == (Outcome.ANSWERED, "binh")
    assert EventKind.TRANSFER in events(office)


def test_a_customer_whom_nobody_takes_is_told_so_and_hung_up_on() -> None:
    office = talking()
    office.do(ev.AgentPaused, "binh")
    assert office.do(ev.AgentTransferred, "an", QUEUE, "care", 5) == ""
    office.run(4)
    assert office.world.dialer.floor.calls
    office.run(60)
    assert not office.world.dialer.floor.calls
    assert EventKind.TRANSFER_FAILED in events(office)
    assert office.store.lead(1, 1).attempts[0][0].outcome is Outcome.ANSWERED


def test_a_number_that_answers_has_the_customer_and_the_agent_is_free() -> None:
    office = talking()
    assert office.do(ev.AgentTransferred, "an", NUMBER, OTHER) == ""
    again = office.do(ev.AgentTransferred, "an", NUMBER, OTHER)
    assert again == "the customer is being put through already"
    office.until(lambda: office.state("an") == "wrap_up", 30)
    assert office.world.joined
    assert office.do(ev.AgentDisposed, "an", "sold") == ""
    office.run(60)  # the two talk, and one of them hangs up
    assert not office.world.dialer.floor.calls
    assert office.store.attempts_open() == 0
    assert EventKind.TRANSFERRED in events(office)
    assert EventKind.ANSWERED in events(office, Direction.OVER)
    assert office.store.lead(1, 1).attempts[0][0].disposition == "sold"


def test_a_number_that_does_not_answer_leaves_the_customer_with_the_agent() -> None:
    office = talking()
    office.world.fate = "busy"
    assert office.do(ev.AgentTransferred, "an", NUMBER, OTHER) == ""
    office.until(lambda: any(office.told))
    assert [text for text in office.told if text] == ["transfer: busy"]
    assert office.state("an") == "talking"
    assert office.do(ev.AgentResumed, "an") == ""
    assert office.do(ev.AgentKeyed, "an", "1") == ""


@pytest.mark.parametrize("away", [ev.AgentResumed, ev.AgentHangUp])
def test_an_agent_who_thinks_better_of_it_ends_the_dialing(away) -> None:
    office = talking()
    assert office.do(ev.AgentTransferred, "an", NUMBER, OTHER) == ""
    office.until(lambda: bool(office.world.over_dials))
    assert office.do(away, "an") == ""
    office.run(10)
    assert not office.world.joined
    assert all(leg.released for leg in office.world.over_dials)
    assert office.state("an") == ("talking" if away is ev.AgentResumed else "wrap_up")


def test_a_customer_who_hangs_up_meanwhile_takes_the_other_along() -> None:
    office = talking()
    office.do(ev.AgentTransferred, "an", NUMBER, OTHER)
    office.until(lambda: bool(office.world.over_dials))
    office.hang_up("an")
    office.run(10)
    assert not office.world.dialer.floor.calls
    assert office.state("an") == "wrap_up"


@pytest.mark.parametrize(
    ("kind", "target", "why"),
    [
        (AGENT, "an", "that is you"),
        (AGENT, "nobody", "nobody else is at work there: agent nobody"),
        (QUEUE, "sales", "nobody else is at work there: queue sales"),
        (NUMBER, "113", ""),
        (NUMBER, "not a number", ""),
    ],
)
def test_a_target_that_cannot_be_is_refused_and_the_talk_goes_on(kind, target, why) -> None:
    office = talking()
    refusal = office.do(ev.AgentTransferred, "an", kind, target)
    assert refusal if kind is NUMBER else refusal == why
    assert office.do(ev.AgentTransferred, "binh", QUEUE, "care") == "you talk with nobody"
    assert office.do(ev.AgentKeyed, "an", "1") == ""  # nobody waits


def passed_on(*, queues: tuple[str, ...] = ("care",), **agents) -> Through:
    """One who is of the queue care, too, talks; the other one there is not ready."""
    office = Through()
    campaign = office.campaign(
        DialMode.PROGRESSIVE, 1, settings={"attempts_max": 1}, left_prompt="sorry", **agents
    )
    office.do(ev.AgentLoggedIn, "an", "phone-an", (campaign,), True, queues=queues)
    office.do(ev.AgentReady, "an")
    office.until(lambda: office.state("an") == "talking")
    office.do(ev.AgentLoggedIn, "binh", "phone-binh", (), True, queues=("care",))
    office.run(1)
    return office


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_put_a_customer_through_is_not_given_it_again(when) -> None:
    """Be it that what came of it was said before, so that they are ready at once."""
    office = passed_on()
    call = office.world.dialer.desk.team.agents["an"].call
    if when == "before":
        assert office.do(ev.AgentDisposed, "an", "sold") == ""
    assert office.do(ev.AgentTransferred, "an", QUEUE, "care", 60) == ""
    if when == "after":
        assert office.do(ev.AgentDisposed, "an", "sold") == ""
    office.run(5)
    assert (office.state("an"), call.talk.waits) == ("ready", True)
    assert office.do(ev.AgentReady, "binh") == ""
    office.until(lambda: office.state("binh") == "talking")
    assert (call.agent_name, office.state("an")) == ("binh", "ready")


def test_who_put_one_through_is_given_the_next_one_who_waits() -> None:
    office = passed_on()
    team = office.world.dialer.desk.team
    an, binh = team.agents["an"], team.agents["binh"]
    mine = an.call
    assert office.do(ev.AgentTransferred, "an", QUEUE, "care", 60) == ""
    later = SimpleNamespace(passed_by=binh, place="queue care", human_ns=mine.human_ns + 1)
    team.wait(later)
    assert [team.longest_waiting(one) for one in (an, an, binh, binh)] == [later, None, mine, None]


def test_an_agent_of_whom_the_telephone_rings_may_go_and_the_customer_waits_on() -> None:
    office = passed_on()
    office.world.staff.habits.deaf = 1.0
    assert office.do(ev.AgentLoggedIn, "binh", "phone-2", (), False, queues=("care",)) == ""
    assert office.do(ev.AgentReady, "binh") == ""
    call = office.world.dialer.desk.team.agents["an"].call
    assert office.do(ev.AgentTransferred, "an", QUEUE, "care", 15) == ""
    assert office.state("binh") == "reserved"
    assert office.do(ev.AgentLoggedOut, "binh") == ""
    assert (office.state("binh"), call.talk.waits, call.agent) == ("offline", True, None)
    office.run(60)
    assert call.over
    assert not office.world.staff.legs.keys() - {office.world.dialer.desk.team.agents["an"].leg}
    assert EventKind.TRANSFER_FAILED in events(office)


def test_the_sound_of_a_fax_is_nothing_to_one_whom_an_agent_has_met() -> None:
    office = passed_on()
    call = office.world.dialer.desk.team.agents["an"].call
    assert office.do(ev.AgentTransferred, "an", QUEUE, "care", 30) == ""
    call.no_person(office.world.now_ns)
    assert (call.talk.waits, call.spoken) == (True, Outcome.ANSWERED)


@pytest.mark.parametrize(
    ("allowed", "done"),
    [
        (("*",), True),
        (("+84912*",), True),
        (("+84288", "+84912999888"), True),
        ((), False),
        (("+8491299988",), False),
        (("+849129998880*", "+84913*"), False),
    ],
)
def test_the_campaign_says_to_which_numbers(allowed, done) -> None:
    office = passed_on(transfer_numbers=allowed)
    call = office.world.dialer.desk.team.agents["an"].call
    refusal = office.do(ev.AgentTransferred, "an", NUMBER, OTHER)
    assert refusal == ("" if done else NOT_ALLOWED)
    if done:
        office.until(lambda: bool(office.world.over_dials), 5)
        return
    assert office.do(ev.AgentKeyed, "an", "1") == "", "nobody waits"
    failed = [e.detail for e in call.events if e.kind is EventKind.TRANSFER_FAILED]
    assert failed == ["not allowed: +84912999888"]
    office.run(10)
    assert not office.world.over_dials


def test_while_no_call_may_begin_the_customer_is_not_let_wait() -> None:
    office = passed_on()
    office.world.feed(ev.Drain())
    assert office.do(ev.AgentTransferred, "an", NUMBER, OTHER) == "no call may be begun now"
    assert office.do(ev.AgentKeyed, "an", "1") == ""
