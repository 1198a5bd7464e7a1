"""What SIP statuses and Q.850 causes mean to the dialer."""

import pytest

from dialerd.core.records import Outcome
from dialerd.lines.outcome_map import ADVANCE_Q850, Q850, STATUS, may_advance, outcome_of


@pytest.mark.parametrize(
    ("code", "q850", "outcome"),
    [
        (486, 0, Outcome.BUSY),
        (486, 17, Outcome.BUSY),
        (600, 0, Outcome.BUSY),
        (603, 0, Outcome.DECLINED),
        (603, 21, Outcome.DECLINED),
        (480, 0, Outcome.UNREACHABLE),
        (480, 20, Outcome.UNREACHABLE),
        (480, 19, Outcome.NO_ANSWER),
        (480, 18, Outcome.NO_ANSWER),
        (404, 1, Outcome.INVALID),
        (484, 28, Outcome.INVALID),
        (487, 0, Outcome.NO_ANSWER),
        (503, 34, Outcome.FAILED),
        (503, 0, Outcome.FAILED),
        (500, 17, Outcome.BUSY),  # the cause says more than the status
        (480, 16, Outcome.UNREACHABLE),  # "normal clearing" before an answer says nothing
        (480, 31, Outcome.UNREACHABLE),
        (404, 127, Outcome.INVALID),
        (0, 0, Outcome.FAILED),  # the trunk never replied
        (200, 0, Outcome.NO_ANSWER),  # it crossed our giving up, as after a pause of the machine
        (200, 38, Outcome.NO_ANSWER),
        (302, 0, Outcome.FAILED),
        (499, 0, Outcome.FAILED),
    ],
)
def test_outcome(code, q850, outcome):
    assert outcome_of(code, q850, answered=False) is outcome


@pytest.mark.parametrize("q850", [0, 16, 17, 31, 102])
def test_an_answered_call_is_answered_however_it_ends(q850):
    assert outcome_of(200, q850, answered=True) is Outcome.ANSWERED


@pytest.mark.parametrize("code", [*range(300, 700)])
def test_every_failure_has_an_outcome_that_is_not_an_answer(code):
    assert outcome_of(code, 0, answered=False) is not Outcome.ANSWERED


def test_another_trunk_is_tried_only_when_the_line_failed_before_alerting():
    assert may_advance(503, 0, alerted=False, answered=False)
    assert may_advance(0, 0, alerted=False, answered=False)
    assert may_advance(480, 34, alerted=False, answered=False)
    assert not may_advance(503, 0, alerted=True, answered=False)
    assert not may_advance(503, 0, alerted=False, answered=True)
    assert not may_advance(503, 17, alerted=False, answered=False)  # the person is busy
    assert not may_advance(486, 0, alerted=False, answered=False)
    assert not may_advance(404, 1, alerted=False, answered=False)
    assert not may_advance(200, 38, alerted=False, answered=False)  # somebody did pick up


def test_the_tables_agree_with_each_other():
    assert all(Q850[cause] is Outcome.FAILED for cause in ADVANCE_Q850)
    assert all(300 <= code < 700 for code in STATUS)
