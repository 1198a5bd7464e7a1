"""Facts of a port as the core's events: each leg's story, and what every end of a call means."""

from __future__ import annotations

import pytest

from dialerd.core.effects import Dial
from dialerd.core.events import Answered, Released, Ringing
from dialerd.core.line_spec import Trouble
from dialerd.core.records import Outcome
from dialerd.lines.gsm_line import CAUSES, GsmLines, outcome_of
from fastpath.numbers import Number
from gsm import events as gsm
from gsm.events import Cause
from tests.core.world import NUMBERING

NUMBER: Number = NUMBERING.number("0912345678")


def dialed(lines: GsmLines, leg: int = 1, number_format: str = "e164") -> str:
    effect = Dial(1, leg, "sims", NUMBER, "call", "", "slot00")
    return lines.dial(effect, number_format).text


@pytest.mark.parametrize(
    ("number_format", "text"),
    [("e164", "+84912345678"), ("digits", "84912345678"), ("national", "0912345678")],
)
def test_how_a_number_is_dialed(number_format: str, text: str) -> None:
    assert dialed(GsmLines(), number_format=number_format) == text


def test_a_call_that_is_answered() -> None:
    lines = GsmLines()
    dialed(lines)
    assert len(lines) == 1
    assert lines.known(1)
    assert lines.translate(gsm.Dialing(1)) is None
    assert lines.translate(gsm.Alerting(1)) == Ringing(1)
    assert lines.translate(gsm.Alerting(1)) is None
    assert lines.translate(gsm.Answered(1, sure=False)) == Answered(1)
    assert lines.translate(gsm.Answered(1)) is None
    assert lines.translate(gsm.Alerting(1)) is None
    ended = gsm.Ended(1, Cause.ANSWERED, 16, "peer", talk_ms=900)
    assert lines.translate(ended) == Released(1, Outcome.ANSWERED, 0, 16, "them")
    assert lines.translate(ended) is None
    assert not len(lines)


def test_every_cause_has_its_reading() -> None:
    assert set(CAUSES) == set(Cause)
    assert outcome_of(Cause.REJECTED) is Outcome.DECLINED


@pytest.mark.parametrize("cause", [c for c in Cause if c is not Cause.ANSWERED])
def test_another_line_is_tried_only_where_nobody_was_alerted(cause: Cause) -> None:
    lines = GsmLines()
    dialed(lines)
    plain = lines.translate(gsm.Ended(1, cause))
    assert isinstance(plain, Released)
    assert (plain.outcome, plain.advance, plain.trouble) == CAUSES[cause]
    assert plain.advance == (plain.outcome is Outcome.FAILED)
    assert plain.advance == (plain.trouble is not Trouble.NONE)
    dialed(lines)
    lines.translate(gsm.Alerting(1))
    alerted = lines.translate(gsm.Ended(1, cause))
    assert isinstance(alerted, Released)
    assert (alerted.outcome, alerted.advance) == (plain.outcome, False)
    assert alerted.trouble is Trouble.NONE


def test_an_answered_call_is_answered_however_it_ends() -> None:
    for cause in Cause:
        lines = GsmLines()
        dialed(lines)
        lines.translate(gsm.Answered(1))
        ended = lines.translate(gsm.Ended(1, cause, by="port"))
        assert isinstance(ended, Released)
        assert (ended.outcome, ended.advance, ended.by) == (Outcome.ANSWERED, False, "us")


@pytest.mark.parametrize(
    ("cause", "verdict", "outcome"),
    [
        (Cause.NETWORK, "unreachable", Outcome.UNREACHABLE),
        (Cause.NO_ANSWER, "unreachable", Outcome.UNREACHABLE),
        (Cause.NETWORK, "rejected", Outcome.DECLINED),
        (Cause.NO_ANSWER, "reachable", Outcome.NO_ANSWER),
        (Cause.BUSY, "unreachable", Outcome.BUSY),  # the network said it itself
        (Cause.LOCAL, "unreachable", Outcome.FAILED),  # of which nobody knows anything
    ],
)
def test_a_carrier_s_rule_speaks_where_the_network_is_silent(
    cause: Cause, verdict: str, outcome: Outcome
) -> None:
    lines = GsmLines()
    dialed(lines)
    assert lines.translate(gsm.Reached(1, verdict, "rule")) is None  # type: ignore[arg-type]
    ended = lines.translate(gsm.Ended(1, cause))
    assert isinstance(ended, Released)
    assert ended.outcome is outcome
    assert ended.advance == (outcome is Outcome.FAILED)


def test_a_phone_that_rang_late_was_reached() -> None:
    lines = GsmLines()
    dialed(lines)
    lines.translate(gsm.Reached(1, "unreachable", "no ringing in 10 s"))
    assert isinstance(lines.translate(gsm.Alerting(1)), Ringing)
    ended = lines.translate(gsm.Ended(1, Cause.NO_ANSWER))
    assert isinstance(ended, Released)
    assert (ended.outcome, ended.advance) == (Outcome.NO_ANSWER, False)


def test_a_port_that_refuses_hands_the_call_on() -> None:
    lines = GsmLines()
    dialed(lines)
    refused = lines.refused(1)
    assert (refused.outcome, refused.advance, refused.trouble) == (
        Outcome.FAILED,
        True,
        Trouble.FULL,
    )
    assert lines.translate(gsm.Ended(1, Cause.LOCAL)) is None
    assert lines.refused(9, fault=True).trouble is Trouble.FAULT


def test_what_is_no_call_of_ours() -> None:
    lines = GsmLines()
    assert lines.translate(gsm.Alerting(-1)) is None
    assert lines.translate(gsm.PortState("ready", ready=True)) is None
    assert lines.translate(gsm.Incoming(-1, "+84912345678")) is None
