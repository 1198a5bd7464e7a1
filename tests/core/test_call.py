"""One attempt: the table exhaustively, the races by hand, and any order of events."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.call import (
    ADVANCING,
    DIALING,
    ENDED,
    MOVES,
    NEW,
    RELEASING,
    RINGING,
    UP,
    CallState,
)
from dialerd.core.clock import NEVER
from dialerd.core.ids import attempt_of
from dialerd.core.limits import (
    ADVANCE_S_MAX,
    ADVANCES_MAX,
    CALL_S_MAX,
    EVENTS_MAX,
    KEYS_MAX,
    RELEASE_S_MAX,
)
from dialerd.core.ops import AppendEvents, BeginDial
from dialerd.core.records import Answerer, EventKind, LeadState, Outcome
from tests.core.build import LEG, T0, call, call_in, finishes, only, ops
from tests.core.world import NS

STATES = [state for state in CallState if state is not NEW]
EVENTS = {
    "Ringing": [ev.Ringing(LEG), ev.Ringing(LEG, early_media=True)],
    "Answered": [ev.Answered(LEG)],
    "Released": [
        ev.Released(LEG, outcome, by=by, advance=advance)
        for outcome in Outcome
        for by in ("us", "them", "timeout")
        for advance in (False, True)
    ],
    "Digit": [ev.Digit(LEG, key) for key in "19*"],
    "PlayEnded": [ev.PlayEnded(LEG, token) for token in (1, 2)],
    "Recorded": [ev.Recorded(LEG, "d/x.wav", 1.0, 32_044, 2)],
    "MediaLost": [ev.MediaLost(LEG)],
    "Verdict": [ev.Verdict(LEG, Answerer.MACHINE)],
    "Sound": [
        ev.Sound(LEG, "tone", outcome=outcome) for outcome in (None, Outcome.BUSY, Outcome.MACHINE)
    ],
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
@pytest.mark.parametrize("trigger", list(EVENTS))
def test_every_event_in_every_state(state, trigger):
    for event in EVENTS[trigger]:
        out = []
        one = call_in(state, out)
        one.handle(event, T0 + NS)
        if (state, trigger) in MOVES:
            assert one.state in MOVES[state, trigger][1], event
            assert one.strays == 0
        else:
            assert one.state is state
            assert not out
            assert one.strays == 1
        assert len(finishes(out)) == (one.state is ENDED and state is not ENDED)
        assert (one.deadline_ns == NEVER) == (one.state is ENDED)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_time_in_every_state(state):
    out = []
    one = call_in(state, out)
    if state is ENDED:
        assert one.deadline_ns == NEVER
        return
    one.tick(one.deadline_ns - 1)
    assert one.state is state
    assert not out
    one.tick(max(one.deadline_ns, T0 + CALL_S_MAX * NS))
    assert one.state in MOVES[state, "time"][1]


def test_every_move_of_the_table_is_seen():
    seen = {}
    for state, trigger in MOVES:
        for event in EVENTS.get(trigger, [None]):
            for wait_s in (6, CALL_S_MAX):
                one = call_in(state, [])
                if event is None:
                    if state is UP and wait_s == 6:
                        one.handle(ev.PlayEnded(LEG, 1), T0)  # now it waits for a key
                    one.tick(T0 + wait_s * NS if state is UP else one.deadline_ns)
                else:
                    one.handle(event, T0)
                seen.setdefault((state, trigger), set()).add(one.state)
    expected = {key: set(after) for key, (_, after) in MOVES.items()}
    expected[UP, "time"] = {RELEASING}  # with this flow nothing follows a missing key
    expected[UP, "PlayEnded"] = {UP}
    expected[UP, "Verdict"] = {UP}  # all the same where it was not asked for
    assert seen == expected


def test_a_dial_is_recorded_in_the_batch_that_rings():
    out = []
    one = call(out)
    one.dial("viettel", "prefix 8498", LEG, T0)
    write, dial = out
    (begin,) = write.ops
    assert isinstance(begin, BeginDial)
    assert (begin.trunk, begin.rule, begin.call_id) == ("viettel", "prefix 8498", dial.call_id)
    assert attempt_of(dial.call_id) == one.claim.attempt_id
    assert (dial.trunk, dial.leg, dial.number.value) == ("viettel", LEG, one.claim.phone)


def test_a_recording_is_in_the_history():
    out = []
    one = call(out, record=True)
    one.dial("a", "any", LEG, T0)
    assert out[-1].record
    one.handle(ev.Ringing(LEG), T0 + 1 * NS)
    one.handle(ev.Answered(LEG), T0 + 3 * NS)
    one.handle(ev.Recorded(LEG, "2026-11-22/x.wav", 6.25, 200_044, 2), T0 + 9 * NS)
    one.handle(ev.Released(LEG, Outcome.ANSWERED, 200, by="them"), T0 + 9 * NS)
    (finish,) = finishes(out)
    told = [e.detail for e in finish.events if e.kind is EventKind.RECORDED]
    assert told == ["2026-11-22/x.wav 6.25 s, 200044 bytes, 2 channels"]
    assert finish.events[-1].kind is EventKind.RELEASED


def test_a_whole_answered_call():
    out = []
    one = call(out)
    one.dial("a", "any", LEG, T0)
    one.handle(ev.Ringing(LEG), T0 + 1 * NS)
    one.handle(ev.Ringing(LEG), T0 + 2 * NS)  # again: told once
    one.handle(ev.Ringing(LEG, early_media=True), T0 + 2 * NS)
    one.handle(ev.Answered(LEG), T0 + 3 * NS)
    one.handle(ev.Digit(LEG, "1"), T0 + 4 * NS)
    one.handle(ev.PlayEnded(LEG, 2), T0 + 9 * NS)
    one.handle(ev.Digit(LEG, "*"), T0 + 10 * NS)
    assert one.state is RELEASING
    one.handle(ev.Digit(LEG, "1"), T0 + 10 * NS)  # after the release: nothing
    one.handle(ev.Released(LEG, Outcome.ANSWERED, 200, by="us"), T0 + 11 * NS)
    (finish,) = finishes(out)
    assert finish.outcome is Outcome.ANSWERED
    assert finish.lead_state is LeadState.DONE
    assert (finish.keys, finish.heard, finish.released_by, finish.code) == ("1*", True, "us", 200)
    assert [(e.kind, e.detail, e.at_ms - finish.events[0].at_ms) for e in finish.events] == [
        (EventKind.DIALED, "a", 0),
        (EventKind.RINGING, "", 1000),
        (EventKind.EARLY_MEDIA, "", 2000),
        (EventKind.ANSWERED, "", 3000),
        (EventKind.PROMPT_STARTED, "greeting", 3000),
        (EventKind.DIGIT, "1 rfc4733", 4000),
        (EventKind.PROMPT_CUT, "greeting: 1000 ms", 4000),
        (EventKind.PROMPT_STARTED, "offer", 4000),
        (EventKind.PROMPT_ENDED, "offer", 9000),
        (EventKind.DIGIT, "* rfc4733", 10000),
        (EventKind.RELEASED, "by us", 11000),
    ]
    assert finish.answered_ms == finish.events[3].at_ms
    appends = ops(out, AppendEvents)  # a pressed key is durable before the call ends
    keys = [e.detail for a in appends for e in a.events if e.kind is EventKind.DIGIT]
    assert keys == ["1 rfc4733", "* rfc4733"]
    assert [a.first for a in appends] == [0, 6]
    assert len(only(out, fx.StopPlay)) == 1
    assert len(only(out, fx.Release)) == 1


def test_ring_limit_counts_from_the_ringing_and_ends_as_no_answer():
    out = []
    one = call(out, ring_s_max=20, attempts_max=1)
    one.dial("a", "any", LEG, T0)
    one.handle(ev.Ringing(LEG), T0 + 5 * NS)
    one.tick(T0 + 24 * NS)
    assert one.state is RINGING
    one.tick(T0 + 25 * NS)
    assert one.state is RELEASING
    one.handle(ev.Released(LEG, Outcome.CANCELLED, 487, by="us"), T0 + 26 * NS)
    (finish,) = finishes(out)
    assert (finish.outcome, finish.lead_state) == (Outcome.NO_ANSWER, LeadState.EXHAUSTED)
    assert not finish.heard


def at_ring_limit(out):
    one = call_in(RINGING, out)
    one.tick(one.deadline_ns)
    assert one.state is RELEASING
    return one


def test_release_that_crosses_an_answer_is_answered_and_unheard():
    for events in (
        [ev.Answered(LEG), ev.Released(LEG, Outcome.ANSWERED, 200, by="us")],
        [ev.Released(LEG, Outcome.ANSWERED, 200, by="us")],
        [ev.Answered(LEG), ev.Released(LEG, Outcome.NO_ANSWER, 487, by="us")],
    ):
        out = []
        one = at_ring_limit(out)
        for event in events:
            one.handle(event, T0 + 26 * NS)
        (finish,) = finishes(out)
        assert finish.outcome is Outcome.ANSWERED
        assert finish.answered_ms
        assert not finish.heard
        assert not only(out, fx.Play)


@pytest.mark.parametrize(
    ("line", "by", "told"),
    [
        (Outcome.CANCELLED, "us", Outcome.NO_ANSWER),
        (Outcome.NO_ANSWER, "them", Outcome.NO_ANSWER),
        (Outcome.FAILED, "us", Outcome.NO_ANSWER),
        (Outcome.BUSY, "them", Outcome.BUSY),
        (Outcome.DECLINED, "them", Outcome.DECLINED),
        (Outcome.FAILED, "timeout", Outcome.FAILED),
    ],
)
def test_what_crosses_our_release_keeps_its_word(line, by, told):
    out = []
    one = at_ring_limit(out)
    one.handle(ev.Released(LEG, line, by=by), T0 + 26 * NS)
    assert finishes(out)[0].outcome is told


def test_a_line_that_never_answers_anything_ends():
    out = []
    one = call(out, ring_s_max=30)
    one.dial("a", "any", LEG, T0)
    assert one.deadline_ns == T0 + 30 * NS
    one.tick(T0 + 30 * NS)
    assert len(only(out, fx.Release)) == 1
    one.tick(T0 + (30 + RELEASE_S_MAX) * NS)
    (finish,) = finishes(out)
    assert finish.outcome is Outcome.FAILED
    assert finish.released_by == "timeout"


def test_a_release_that_is_never_confirmed_keeps_what_is_known():
    for state, outcome in ((RINGING, Outcome.CANCELLED), (UP, Outcome.ANSWERED)):
        out = []
        one = call_in(state, out)
        one.hang_up(T0)
        one.tick(one.deadline_ns)
        assert finishes(out)[0].outcome is outcome


def test_longest_call_is_hung_up():
    out = []
    one = call_in(UP, out)
    one.tick(T0 + CALL_S_MAX * NS)
    assert one.state is RELEASING
    assert only(out, fx.Release)


@pytest.mark.parametrize("state", [DIALING, RINGING, UP, RELEASING, ADVANCING])
def test_hang_up_in_any_state_ends_once(state):
    out = []
    one = call_in(state, out)
    one.hang_up(T0)
    one.hang_up(T0)
    assert len(only(out, fx.Release)) == (state in (DIALING, RINGING, UP))
    if one.state is not ENDED:
        one.handle(ev.Released(LEG, Outcome.NO_ANSWER, 487, by="us"), T0)
    (finish,) = finishes(out)
    expected = Outcome.ANSWERED if state is UP else Outcome.CANCELLED
    assert finish.outcome is expected


def test_trunk_advance_is_one_attempt_with_two_call_ids():
    out = []
    one = call(out)
    one.dial("a", "carrier viettel", 1, T0)
    one.handle(ev.Released(1, Outcome.FAILED, 503, advance=True), T0)
    assert one.state is ADVANCING
    assert one.tried == {"a"}
    assert not finishes(out)
    one.dial("b", "any", 2, T0)
    one.handle(ev.Ringing(1), T0)  # of the leg that is gone
    assert one.state is DIALING
    one.handle(ev.Released(2, Outcome.BUSY, 486), T0)
    begins = ops(out, BeginDial)
    assert [b.trunk for b in begins] == ["a", "b"]
    assert len({b.call_id for b in begins}) == 2
    assert len({attempt_of(b.call_id) for b in begins}) == 1
    (finish,) = finishes(out)
    assert finish.outcome is Outcome.BUSY
    kinds = [(e.kind, e.detail) for e in finish.events]
    assert kinds == [
        (EventKind.DIALED, "a"),
        (EventKind.ADVANCED, "b"),
        (EventKind.RELEASED, "by them"),
    ]


def test_no_advance_after_ringing_nor_after_our_release():
    for state in (RINGING, UP, RELEASING):
        one = call_in(state, [])
        one.handle(ev.Released(LEG, Outcome.FAILED, 503, advance=True), T0)
        assert one.state is ENDED


def test_advances_are_bounded():
    out = []
    one = call(out)
    for leg in range(1, ADVANCES_MAX + 2):
        one.dial(f"t{leg}", "any", leg, T0)
        one.handle(ev.Released(leg, Outcome.FAILED, 503, advance=True), T0)
    assert one.state is ENDED
    (finish,) = finishes(out)
    assert (finish.outcome, finish.code) == (Outcome.FAILED, 503)


def test_an_advance_that_finds_no_trunk_has_failed():
    out = []
    one = call_in(ADVANCING, out)
    assert one.deadline_ns == T0 + ADVANCE_S_MAX * NS
    one.tick(one.deadline_ns)
    assert finishes(out)[0].outcome is Outcome.FAILED


def test_a_refused_dial_was_never_dialed():
    for state in (DIALING, RELEASING):
        out = []
        one = call_in(state, out)
        assert one.dial_refused(T0) is True
        assert one.state is ENDED
        assert not out
    for state in (RINGING, UP, ADVANCING, ENDED):
        out = []
        one = call_in(state, out)
        assert one.dial_refused(T0) is False
        assert one.state is state
        assert not out


def test_a_refused_second_leg_has_failed():
    out = []
    one = call_in(ADVANCING, out)
    one.dial("b", "any", 8, T0)
    assert one.dial_refused(T0) is False
    assert finishes(out)[0].outcome is Outcome.FAILED


def test_retry_is_due_after_its_gap():
    out = []
    one = call(out, attempts_max=2, retry_gap_s=900)
    one.dial("a", "any", LEG, T0)
    one.handle(ev.Released(LEG, Outcome.BUSY, 486), T0 + NS)
    (finish,) = finishes(out)
    assert finish.lead_state is LeadState.RETRY
    assert finish.due_s == finish.at_ms // 1000 + 900


def test_history_and_keys_are_bounded():
    out = []
    one = call_in(UP, out)
    for _ in range(EVENTS_MAX * 2):
        one.handle(ev.Digit(LEG, "7"), T0)
    one.handle(ev.Released(LEG, Outcome.ANSWERED), T0)
    (finish,) = finishes(out)
    assert len(finish.keys) == KEYS_MAX
    assert len(finish.events) <= EVENTS_MAX + 1
    assert finish.events[-1].kind is EventKind.RELEASED
    assert one.dropped == EVENTS_MAX * 2 - KEYS_MAX
    assert len(ops(out, AppendEvents)) == KEYS_MAX


def test_dialing_twice_is_our_bug():
    one = call_in(UP, [])
    with pytest.raises(AssertionError, match="UP"):
        one.dial("a", "any", 9, T0)


def test_a_leg_carries_the_ring_limit_of_its_campaign():
    out = []
    call(out, ring_s_max=120).dial("a", "any", LEG, T0)
    assert [dial.ring_s_max for dial in only(out, fx.Dial)] == [120]
