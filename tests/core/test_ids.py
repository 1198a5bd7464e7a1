"""Call-IDs begin with their attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.ids import attempt_of, call_id_for


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
