"""A trunk's own outcome map: what fits first wins, what fits nowhere falls to the usual tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.line_spec import Trouble
from dialerd.core.records import Outcome
from dialerd.lines.outcome_map import OutcomeMap, Reading, Rule, may_advance, outcome_of

FULL, FAULT, TOO_FAST, NONE = Trouble.FULL, Trouble.FAULT, Trouble.TOO_FAST, Trouble.NONE


def read(rules=(), kind="sip", code=503, q850=0, phrase="", **how):
    how = {"alerted": False, "early": False, "by": "them"} | how
    return OutcomeMap(rules, kind).read(code, q850, phrase, **how)


@pytest.mark.parametrize(
    ("kind", "code", "q850", "trouble"),
    [
        ("sip", 503, 0, FAULT),
        ("mobile_sip", 503, 0, FAULT),
        ("gsm_gateway", 503, 0, FULL),
        ("fxo_gateway", 503, 0, FULL),
        ("gsm_gateway", 503, 38, FAULT),  # network out of order
        ("gsm_gateway", 500, 0, FAULT),
        ("sip", 503, 34, FULL),
        ("sip", 480, 44, FULL),
        ("sip", 429, 0, TOO_FAST),
        ("sip", 0, 0, FAULT),
    ],
)
def test_what_the_usual_answers_say_of_a_trunk(kind, code, q850, trouble):
    by = "them" if code else "timeout"
    assert read(kind=kind, code=code, q850=q850, by=by) == Reading(Outcome.FAILED, True, trouble)


@pytest.mark.parametrize("code", [486, 480, 404, 603, 408, 600])
def test_what_speaks_of_the_person_says_nothing_of_the_trunk(code):
    found = read(code=code)
    assert found == Reading(outcome_of(code, 0, answered=False), False, NONE)


def test_one_503_is_too_fast_another_is_out_of_order():
    rules = (
        Rule(Outcome.FAILED, 503, phrase="CPS", trouble=TOO_FAST),
        Rule(Outcome.FAILED, 503, phrase="no channel", trouble=FULL),
    )
    assert read(rules, phrase="cps limit exceeded").trouble is TOO_FAST
    assert read(rules, phrase="No Channel Available").trouble is FULL
    assert read(rules, phrase="Service Unavailable").trouble is FAULT
    assert all(read(rules, phrase=p).advance for p in ("cps", "no channel", ""))


def test_early_media_tells_a_switched_off_phone_from_a_lazy_gateway():
    rules = (
        Rule(Outcome.UNREACHABLE, 480, early=True),
        Rule(Outcome.NO_ANSWER, 480, early=False),
    )
    assert read(rules, code=480, early=True, alerted=True).outcome is Outcome.UNREACHABLE
    assert read(rules, code=480, alerted=True).outcome is Outcome.NO_ANSWER


def test_the_first_rule_that_fits_wins_and_causes_may_be_asked_for():
    rules = (
        Rule(Outcome.BUSY, q850=17),
        Rule(Outcome.DECLINED, 486),
        Rule(Outcome.INVALID, 486),
    )
    assert read(rules, code=480, q850=17).outcome is Outcome.BUSY
    assert read(rules, code=486).outcome is Outcome.DECLINED
    assert read(rules, code=486, q850=17).outcome is Outcome.BUSY
    assert read(rules, code=404).outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("trouble", "another", "advance"),
    [(NONE, None, False), (NONE, True, True), (FULL, None, True), (FULL, False, False)],
)
def test_whether_another_trunk_is_tried(trouble, another, advance):
    rule = Rule(Outcome.NO_ANSWER, 480, trouble=trouble, another=another)
    assert read((rule,), code=480) == Reading(Outcome.NO_ANSWER, advance, trouble)
    assert not read((rule,), code=480, alerted=True).advance  # somebody's phone rang


@pytest.mark.parametrize(("by", "code"), [("us", 487), ("us", 0), ("timeout", 0)])
def test_rules_are_for_answers_of_the_carrier(by, code):
    rule = Rule(Outcome.BUSY, early=False, trouble=TOO_FAST)
    found = read((rule,), code=code, by=by)
    assert found.outcome is not Outcome.BUSY
    assert found.trouble is (FAULT if by == "timeout" else NONE)
    assert found.advance == (by == "timeout")


RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from([Outcome.BUSY, Outcome.FAILED, Outcome.INVALID]),
        st.sampled_from([0, 480, 503]),
        st.sampled_from([0, 17, 34]),
        st.sampled_from(["", "Full"]),
        st.sampled_from([None, True, False]),
        st.sampled_from(list(Trouble)),
        st.sampled_from([None, True, False]),
    ),
    max_size=4,
)


@given(
    RULES,
    st.sampled_from([0, 404, 480, 486, 500, 503, 699]),
    st.sampled_from([0, 16, 17, 34, 99]),
    st.sampled_from(["", "FULL house", "x"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["us", "them", "timeout"]),
)
def test_every_answer_has_one_reading(rules, code, q850, phrase, alerted, early, by):
    found = read(rules, "sip", code, q850, phrase, alerted=alerted, early=early, by=by)
    fitting = [
        r for r in rules
        if by == "them" and code
        and r.code in (0, code) and r.q850 in (0, q850) and r.early in (None, early)
        and r.phrase.lower() in phrase.lower()
    ]  # fmt: skip
    assert not (alerted and found.advance)
    if fitting:
        assert (found.outcome, found.trouble) == (fitting[0].outcome, fitting[0].trouble)
    else:
        assert found.outcome is outcome_of(code, q850, answered=False)
        usual = may_advance(code, q850, alerted=alerted, answered=False) and by != "us"
        assert found.advance == usual
