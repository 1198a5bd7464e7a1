"""What is heard of a call before its answer, and of a broadcast's machine after it."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.agent_records import OnMachine
from dialerd.core.call import ENDED, RELEASING, UP
from dialerd.core.clock import WallClock
from dialerd.core.detection_records import Detection
from dialerd.core.greeted import MOVES, Greeted
from dialerd.core.limits import SOUNDS_MAX
from dialerd.core.over_call import OverCall
from dialerd.core.records import Answerer, EventKind, Outcome
from tests.core.build import (
    LEG,
    MONDAY_0830,
    NUMBERING,
    PHONE,
    T0,
    call,
    claim,
    finishes,
    only,
    settings,
)
from tests.core.world import NS

HUMAN, MACHINE, UNKNOWN = Answerer
HANG_UP, LEAVE, CONNECT = OnMachine


def ringing(out, **changes):
    one = call(out, **changes)
    one.dial("a", "any", LEG, T0)
    one.handle(ev.Ringing(LEG, early_media=True), T0)
    return one


def answered(out, **detection):
    one = ringing(out, detection=Detection(machines=True, **detection))
    one.handle(ev.Answered(LEG), T0 + NS)
    return one


def sound(one, kind, value="", outcome=None, at_s=2.0):
    one.handle(ev.Sound(LEG, kind, value, outcome, 0.9), T0 + round(at_s * NS))


def gone(one, out, outcome=Outcome.ANSWERED, by="us"):
    one.handle(ev.Released(LEG, outcome, 487, by=by), T0 + 60 * NS)
    (finish,) = finishes(out)
    return finish


def kinds(finish):
    return [event.kind for event in finish.events]


def prompts(out):
    return [play.prompts for play in only(out, fx.Play)]


# -- before the answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcome", [Outcome.UNREACHABLE, Outcome.INVALID, Outcome.BUSY, Outcome.FAILED]
)
@pytest.mark.parametrize(
    ("last", "by"), [(Outcome.NO_ANSWER, "us"), (Outcome.BUSY, "them"), (Outcome.FAILED, "them")]
)
def test_what_an_announcement_says_ends_the_call_at_once(outcome, last, by):
    """Whatever status the far end still sends: it was heard what became of the call."""
    out = []
    one = ringing(out)
    sound(one, "announcement", "switched_off:viettel:off", outcome)
    assert one.state is RELEASING
    assert len(only(out, fx.Release)) == 1
    finish = gone(one, out, last, by)
    assert finish.outcome is outcome
    heard = next(event for event in finish.events if event.kind is EventKind.HEARD)
    assert heard.detail == "announcement switched_off:viettel:off 0.90"
    assert finish.answerer is None


def test_an_answer_that_crosses_it_is_an_answer():
    out = []
    one = ringing(out)
    sound(one, "busy", "", Outcome.BUSY)
    one.handle(ev.Answered(LEG), T0 + 3 * NS)
    assert gone(one, out).outcome is Outcome.ANSWERED


def test_what_means_nothing_is_written_down():
    out = []
    one = ringing(out)
    sound(one, "ringback")
    sound(one, "music")
    assert not only(out, fx.Release)
    finish = gone(one, out, Outcome.NO_ANSWER, "them")
    assert finish.outcome is Outcome.NO_ANSWER
    assert kinds(finish).count(EventKind.HEARD) == 2


def test_nobody_releases_it_and_it_still_is_what_was_heard():
    out = []
    one = ringing(out)
    sound(one, "sit", "vacant", Outcome.INVALID)
    one.tick(one.deadline_ns)
    assert one.state is ENDED
    assert finishes(out)[0].outcome is Outcome.INVALID


# -- a broadcast, answered -----------------------------------------------------------------------


def test_the_dial_says_that_it_is_to_be_found_out():
    out = []
    answered(out, detector="vn")
    (dial,) = only(out, fx.Dial)
    assert dial.detection == Detection(machines=True, detector="vn")
    out.clear()
    ringing(out)
    assert only(out, fx.Dial)[0].detection is None


def test_the_flow_waits_for_a_person():
    out = []
    one = answered(out, verdict_s=2.0, on_machine=HANG_UP)
    assert not prompts(out)
    one.handle(ev.Verdict(LEG, HUMAN, 0.8), T0 + 2 * NS)
    assert len(prompts(out)) == 1
    one.handle(ev.Verdict(LEG, MACHINE), T0 + 3 * NS)  # too late for what it was told
    finish = gone(one, out)
    assert (finish.answerer, finish.verdict_ms, finish.verdict_sure) == (HUMAN, 1_000, 0.8)


@pytest.mark.parametrize("why", ["time", "unknown", "key"])
def test_who_is_in_doubt_is_a_person(why):
    out = []
    one = answered(out, verdict_s=2.0, on_machine=HANG_UP)
    if why == "time":
        assert one.deadline_ns == T0 + 3 * NS
        one.tick(T0 + 3 * NS)
    elif why == "key":
        one.handle(ev.Digit(LEG, "1"), T0 + 2 * NS)
    else:
        one.handle(ev.Verdict(LEG, UNKNOWN), T0 + 2 * NS)
    assert len(prompts(out)) == 1
    assert gone(one, out).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("verdict_s", [0.0, 2.0])
def test_a_machine_is_hung_up_on(verdict_s):
    out = []
    one = answered(out, verdict_s=verdict_s, on_machine=HANG_UP)
    assert len(prompts(out)) == (verdict_s == 0)
    one.handle(ev.Verdict(LEG, MACHINE), T0 + 2 * NS)
    assert one.state is RELEASING
    assert len(only(out, fx.StopPlay)) == (verdict_s == 0)
    finish = gone(one, out)
    assert (finish.outcome, finish.answerer) == (Outcome.MACHINE, MACHINE)


@pytest.mark.parametrize("verdict_s", [0.0, 2.0])
@pytest.mark.parametrize("end", ["beep", "silence", "time"])
def test_a_machine_is_told_something_behind_its_greeting(verdict_s, end):
    out = []
    one = answered(out, verdict_s=verdict_s, on_machine=LEAVE, machine_prompt="call-us")
    one.handle(ev.Verdict(LEG, MACHINE), T0 + 2 * NS)
    before = len(prompts(out))
    sound(one, "music", at_s=3)
    assert len(prompts(out)) == before
    if end == "time":
        assert one.deadline_ns == T0 + 32 * NS
        one.tick(T0 + 32 * NS)
    else:
        sound(one, end, at_s=5)
    assert prompts(out)[-1] == ("call-us",)
    sound(one, "beep", at_s=33)
    assert len(prompts(out)) == before + 1 + (end != "beep")
    token = only(out, fx.Play)[-1].token
    one.handle(ev.PlayEnded(LEG, token), T0 + 40 * NS)
    assert one.state is RELEASING
    assert gone(one, out).outcome is Outcome.MACHINE


def test_a_machine_may_be_played_the_flow_like_a_person():
    out = []
    one = answered(out, on_machine=CONNECT)
    one.handle(ev.Verdict(LEG, MACHINE, 0.97), T0 + 2 * NS)
    assert one.state is UP
    assert not only(out, fx.StopPlay)
    finish = gone(one, out)
    assert (finish.outcome, finish.answerer) == (Outcome.ANSWERED, MACHINE)


def test_a_machine_that_hangs_up_is_one():
    out = []
    one = answered(out, on_machine=LEAVE, machine_prompt="call-us")
    one.handle(ev.Verdict(LEG, MACHINE), T0 + 2 * NS)
    assert gone(one, out, by="them").outcome is Outcome.MACHINE


def test_a_fax_is_hung_up_on_and_a_busy_tone_means_nobody_is_there():
    out = []
    one = answered(out)
    sound(one, "fax", "ced", Outcome.MACHINE)
    assert gone(one, out).outcome is Outcome.MACHINE
    out = []
    one = answered(out)
    sound(one, "busy", "", Outcome.BUSY)
    assert one.state is RELEASING
    assert gone(one, out).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("verdict_s", [0.0, 3.0])
@pytest.mark.parametrize("who", [MACHINE, UNKNOWN])
def test_who_pressed_a_key_is_hung_up_on_by_no_verdict(verdict_s, who):
    out = []
    one = answered(out, verdict_s=verdict_s, on_machine=HANG_UP, on_unknown=HANG_UP)
    one.handle(ev.Digit(LEG, "1"), T0 + round(1.5 * NS))
    one.handle(ev.Verdict(LEG, who, 0.8), T0 + 3 * NS)
    assert not only(out, fx.Release)
    finish = gone(one, out)
    assert (finish.outcome, finish.answerer) == (Outcome.ANSWERED, who)


@pytest.mark.parametrize(("verdict_s", "ends"), [(0.0, True), (2.0, False)])
def test_doubt_that_was_over_when_the_flow_began_stays_so(verdict_s, ends):
    out = []
    one = answered(out, verdict_s=verdict_s, on_unknown=HANG_UP)
    one.tick(T0 + 3 * NS)
    one.handle(ev.Verdict(LEG, UNKNOWN), T0 + 9 * NS)
    assert bool(only(out, fx.Release)) is ends


@pytest.mark.parametrize("only_sign", [False, True])
@pytest.mark.parametrize("known", ["verdict", "key"])
def test_a_busy_tone_ends_a_persons_call_only_where_nothing_else_tells_it(known, only_sign):
    out = []
    one = answered(out)
    said = ev.Verdict(LEG, HUMAN) if known == "verdict" else ev.Digit(LEG, "1")
    one.handle(said, T0 + 2 * NS)
    one.handle(ev.Sound(LEG, "busy", "us", Outcome.BUSY, 0.9, only_sign), T0 + 4 * NS)
    assert bool(only(out, fx.Release)) is only_sign


@pytest.mark.parametrize("verdict_s", [0.0, 3.0])
def test_a_machine_that_beeped_just_before_the_verdict_gets_its_message(verdict_s):
    out = []
    one = answered(out, verdict_s=verdict_s, on_machine=LEAVE, machine_prompt="call-us")
    sound(one, "beep", at_s=1.9)
    one.handle(ev.Verdict(LEG, MACHINE), T0 + round(2.1 * NS))
    assert prompts(out)[-1] == ("call-us",)


def test_sounds_leave_room_for_keys_in_the_history():
    out = []
    one = answered(out)
    for number in range(600):
        sound(one, "music" if number % 2 else "ringback", at_s=2 + number)
    one.handle(ev.Digit(LEG, "1"), T0 + 700 * NS)
    finish = gone(one, out)
    assert kinds(finish).count(EventKind.HEARD) == SOUNDS_MAX
    assert EventKind.DIGIT in kinds(finish)
    assert one.dropped == 600 - SOUNDS_MAX


def test_every_move_of_a_greeted_call_is_one_of_the_table():
    """All words in every state, in any order: a state changes as the table says, or not at all."""
    words = {
        "verdict": lambda side, at: side.verdict(MACHINE, at),
        "beep": lambda side, at: side.beep(at),
        "played": lambda side, at: side.played(-1, at),
        "key": lambda side, at: side.key("1", at),
        "time": lambda side, at: side.tick(side.deadline_ns),
    }
    seen = set()
    for first in words:
        for second in words:
            for third in words:
                one = answered([], verdict_s=2.0, on_machine=LEAVE, machine_prompt="x")
                side = one._flow
                assert isinstance(side, Greeted)
                for word in (first, second, third):
                    before = side.state
                    words[word](side, T0 + 2 * NS)
                    if side.state is not before:
                        assert side.state in MOVES[before, word]
                        seen.add((before, word))
    assert seen == {move for move, to in MOVES.items() if move[0] not in to}


class Person:
    """Whose call is put through."""

    wants_over = True

    def over_joined(self, _other, _now_ns):
        """The two hear each other."""


def test_a_number_that_a_person_is_put_through_to_is_not_found_out():
    """Only a tone where nothing else tells that it is gone ends it."""
    out = []
    plan = settings(detection=Detection(machines=True))
    one = OverCall(
        claim(), NUMBERING.from_value(PHONE), plan, WallClock(MONDAY_0830 * NS - T0), out,
        Person(), host="dialerd",
    )  # fmt: skip
    one.dial("a", "any", LEG, T0)
    assert only(out, fx.Dial)[0].detection is None
    one.handle(ev.Answered(LEG), T0 + NS)
    assert one.through
    sound(one, "fax", "ced", Outcome.MACHINE)
    sound(one, "busy", "us", Outcome.BUSY)
    assert not only(out, fx.Release)
    one.handle(ev.Sound(LEG, "busy", "us", Outcome.BUSY, 0.9, only_sign=True), T0 + 4 * NS)
    assert len(only(out, fx.Release)) == 1


# -- a verdict that is revised -------------------------------------------------------------------


def taken_for_a_person(out, **detection):
    one = answered(out, verdict_s=2.0, **detection)
    one.handle(ev.Verdict(LEG, HUMAN, 0.8), T0 + 2 * NS)
    assert len(prompts(out)) == 1
    one.handle(ev.Verdict(LEG, MACHINE, 0.9), T0 + 4 * NS)
    return one


def test_a_message_begun_into_a_greeting_is_stopped_and_left_behind_the_beep():
    out = []
    one = taken_for_a_person(out, on_machine=LEAVE, machine_prompt="call-us")
    assert len(only(out, fx.StopPlay)) == 1
    assert len(prompts(out)) == 1, "the greeting goes on"
    sound(one, "beep", at_s=9.0)
    assert prompts(out)[1:] == [("call-us",)]
    finish = gone(one, out)
    assert (finish.answerer, finish.verdict_ms, finish.verdict_sure) == (HUMAN, 1_000, 0.8)
    assert (finish.revised, finish.revised_ms, finish.outcome) == (MACHINE, 3_000, Outcome.MACHINE)


def test_a_machine_taken_for_a_person_is_hung_up_on_where_machines_are():
    out = []
    one = taken_for_a_person(out, on_machine=HANG_UP)
    assert one.state is RELEASING
    finish = gone(one, out)
    assert (finish.outcome, finish.answerer, finish.revised) == (Outcome.MACHINE, HUMAN, MACHINE)


def test_a_machine_that_is_played_to_as_well_is_only_noted():
    out = []
    one = taken_for_a_person(out, on_machine=CONNECT)
    assert (one.state, one.revised) == (UP, MACHINE)
    assert not only(out, fx.StopPlay)
    one.handle(ev.Verdict(LEG, UNKNOWN), T0 + 5 * NS)
    one.handle(ev.Verdict(LEG, MACHINE), T0 + 6 * NS)
    assert (one.revised, one.revised_ms) == (MACHINE, 3_000), "what is said again changes nothing"


def test_who_pressed_a_key_is_a_person_whatever_turns_out():
    out = []
    one = answered(out, verdict_s=2.0, on_machine=HANG_UP)
    one.handle(ev.Verdict(LEG, HUMAN, 0.8), T0 + 2 * NS)
    one.handle(ev.Digit(LEG, "1"), T0 + 3 * NS)
    one.handle(ev.Verdict(LEG, MACHINE, 0.9), T0 + 4 * NS)
    assert one.state is UP
    assert one.revised is MACHINE


@pytest.mark.parametrize(("verdict_s", "outcome"), [(2.0, Outcome.ABANDONED), (0.0, None)])
def test_who_is_hung_up_on_in_doubt_is_no_machine(verdict_s, outcome):
    """Of a message that played already it is another matter: something was heard."""
    out = []
    one = answered(out, verdict_s=verdict_s, on_unknown=HANG_UP)
    one.handle(ev.Verdict(LEG, UNKNOWN), T0 + 2 * NS)
    assert one.state is RELEASING
    finish = gone(one, out)
    assert finish.answerer is UNKNOWN
    assert finish.outcome is (outcome or Outcome.MACHINE)
