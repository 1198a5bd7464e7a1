"""Calls that we cut: no audio came, none can come, or they are too long."""

from __future__ import annotations

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.call import DIALING, RINGING, UP
from dialerd.core.limits import CALL_S_MAX
from dialerd.core.records import EventKind, LeadState, Outcome
from tests.core.build import LEG, T0, call_in, finishes, only
from tests.core.world import NS


@pytest.mark.parametrize("by", ["us", "timeout"])
def test_a_call_whose_media_died_ends_as_that_and_is_tried_again(by):
    out = []
    one = call_in(UP, out)
    one.handle(ev.MediaLost(LEG), T0 + 20 * NS)
    assert only(out, fx.Release)
    if by == "us":
        one.handle(ev.Released(LEG, Outcome.ANSWERED, 200, by="us"), T0 + 21 * NS)
    else:
        one.tick(one.deadline_ns)
    (finish,) = finishes(out)
    assert (finish.outcome, finish.lead_state) == (Outcome.MEDIA_TIMEOUT, LeadState.RETRY)
    assert finish.answered_ms
    assert EventKind.MEDIA_LOST in [e.kind for e in finish.events]


@pytest.mark.parametrize("state", [DIALING, RINGING])
def test_an_answer_without_audio_is_no_success_and_says_why(state):
    out = []
    one = call_in(state, out)
    one.handle(ev.MediaLost(LEG, "no usable audio in the answer"), T0 + NS)
    assert only(out, fx.Release)
    one.handle(ev.Released(LEG, Outcome.ANSWERED, 200, by="us"), T0 + 2 * NS)
    (finish,) = finishes(out)
    assert (finish.outcome, finish.lead_state) == (Outcome.MEDIA_TIMEOUT, LeadState.RETRY)
    assert not finish.heard
    details = {event.kind: event.detail for event in finish.events}
    assert details[EventKind.MEDIA_LOST] == "no usable audio in the answer"


def test_a_call_cut_at_its_longest_says_so_and_its_lead_is_done():
    out = []
    one = call_in(UP, out)
    one.tick(T0 + (CALL_S_MAX + 60) * NS)
    one.handle(ev.Released(LEG, Outcome.ANSWERED, 200, by="us"), T0 + (CALL_S_MAX + 61) * NS)
    (finish,) = finishes(out)
    assert (finish.outcome, finish.lead_state) == (Outcome.TOO_LONG, LeadState.DONE)
