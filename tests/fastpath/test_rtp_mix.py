"""Who hears whom, against the table as text, and the sums against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastpath.rtp_mix import ROLES, RtpMix

TABLE = """
customer      customer agent barging
agent         customer agent whispering barging
listening     customer agent whispering barging played
whispering    customer agent whispering barging played
barging       customer agent whispering barging played
played
"""
HEARS = {line.split()[0]: set(line.split()[1:]) for line in TABLE.split("\n") if line}

changes = st.lists(
    st.tuples(st.integers(0, 63), st.sampled_from([*ROLES, "gone"])), min_size=1, max_size=80
)


@given(changes)
def test_who_hears_whom_is_by_the_table(script) -> None:
    table, roles = RtpMix(), {}
    for party, role in script:
        if role == "gone":
            table.leave(party)
            roles.pop(party, None)
        else:
            table.enter(party, role)
            roles[party] = role
    for party in range(64):
        expected = {
            other
            for other, role in roles.items()
            if other != party and party in roles and role in HEARS[roles[party]]
        }
        assert table.hears(party) == expected


@settings(max_examples=50, deadline=None)
@given(changes, st.integers(0, 2**64 - 1), st.integers(0, 2**32))
def test_sums_are_cut_to_16_bits(script, speaking: int, seed: int) -> None:
    table = RtpMix()
    for party, role in script:
        (table.leave(party) if role == "gone" else table.enter(party, role))
    frames = np.random.default_rng(seed).integers(-32_768, 32_768, (64, 160)).astype(np.int16)
    for party in (0, 1, 5, 63):
        heard = [i for i in table.hears(party) if speaking >> i & 1]
        expected = np.clip(frames[heard].astype(int).sum(axis=0), -32_768, 32_767)
        assert (table.mix(frames, speaking, party) == expected).all()


def test_parties_can_be_let_hear_each_other_whatever_their_roles() -> None:
    table = RtpMix()
    table.enter(3, "customer")
    table.enter(4, "listening")
    table.let(3, 4, True)
    table.let(4, 3, False)
    table.let(3, 3, True)
    assert (table.hears(3), table.hears(4)) == ({4}, set())
    with pytest.raises(ValueError, match="not a party"):
        table.enter(64, "agent")
    with pytest.raises(ValueError, match="64 x 160"):
        table.mix(np.zeros((2, 160), np.int16), 1, 0)
