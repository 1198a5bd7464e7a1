"""Call-IDs begin with their attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.call import Call
from dialerd.core.clock import WallClock
from dialerd.core.effects import Dial
from dialerd.core.flow import FlowPlan
from dialerd.core.ids import attempt_of, call_id_for
from tests.core.build import LEG, PHONE, T0, claim
from tests.core.world import NUMBERING, settings


@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**63 - 1),
    st.from_regex(r"\A[a-z0-9.-]{1,40}\Z"),
)
def test_the_attempt_comes_back(attempt, leg, host):
    call_id = call_id_for(attempt, leg, host)
    assert attempt_of(call_id) == attempt
    assert call_id.isascii()
    assert not set(call_id) & set(" \r\n\t<>\"';:\\")


def test_legs_of_one_attempt_share_a_prefix_and_differ():
    one, two = call_id_for(1234, 17), call_id_for(1234, 18)
    assert one == "00000000000004d2.17@dialerd"
    assert one != two
    assert one.partition(".")[0] == two.partition(".")[0]
    assert call_id_for(1235, 17).partition(".")[0] != one.partition(".")[0]


@pytest.mark.parametrize(
    "foreign",
    [
        "", "a@b", "04d2.17@dialerd", "00000000000004D2.17@dialerd", "00000000000004d2.17@",
        "00000000000004d2@dialerd", "00000000000004d2.17@dialerd\n", " 00000000000004d2.17@d",
        "00000000000004d2.x@dialerd", "000000000000004d2.17@dialerd", "00000000000004d2.17@a b",
    ],
)  # fmt: skip
def test_foreign_call_ids_are_nobodys(foreign):
    assert attempt_of(foreign) is None


@given(st.text(max_size=60))
def test_any_text_is_ours_or_not(text):
    found = attempt_of(text)
    assert found is None or text.startswith(f"{found:016x}.")


def test_two_dialers_give_the_same_attempt_different_call_ids():
    out: list = []
    for host in ("1f2e3d4c.192.0.2.1", "5b6a7988.192.0.2.1"):
        plan = settings()
        number = NUMBERING.from_value(PHONE)
        made = Call(claim(), number, plan, FlowPlan(plan.flow), WallClock(0), out, host=host)
        made.dial("a", "any", LEG, T0)
    told = [effect.call_id for effect in out if isinstance(effect, Dial)]
    assert told == [
        "0000000000000001.7@1f2e3d4c.192.0.2.1",
        "0000000000000001.7@5b6a7988.192.0.2.1",
    ]
    assert {attempt_of(call_id) for call_id in told} == {1}
