"""One press is one key, by however many ways it is told, and two presses are two."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.core.keys import KEYS_MAX, TOLD_MAX, WINDOW_NS, Dtmf, Keys

MS = 1_000_000
WAYS = ("rfc4733", "inband", "info")
SURE = ("rfc4733", "info")


def row(keys: Keys, presses: list[tuple[str, str, int]]) -> str:
    """What counts of (digit, way, ms)."""
    return "".join(d for d, way, at in presses if keys.press(d, way, at * MS) == "key")


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_the_same_press_by_another_way_is_the_same_key(first: str, second: str) -> None:
    heard = row(Keys(), [("5", first, 0), ("5", second, 300)])
    assert heard == ("55" if first == second else "5")


def test_the_first_way_wins_whichever_it_is() -> None:
    keys = Keys()
    assert keys.press("1", "inband", 40 * MS) == "key"
    assert keys.press("1", "rfc4733", 0) == "again"
    assert keys.press("1", "info", 900 * MS) == "again"
    assert keys.press("2", "rfc4733", 2000 * MS) == "key"
    assert keys.press("2", "inband", 2030 * MS) == "again"
    assert keys.press("2", "info", 3500 * MS) == "again"
    assert keys.told == 2


def test_the_same_key_twice_is_two_keys_by_all_ways() -> None:
    presses = [("7", way, at) for at in (0, 200) for way in WAYS]
    assert row(Keys(), presses) == "77"
    presses.sort(key=lambda p: p[1])  # one way after the other
    assert row(Keys(), presses) == "77"


def test_outside_of_the_window_it_is_another_press() -> None:
    late = WINDOW_NS // MS
    assert row(Keys(), [("5", "rfc4733", 0), ("5", "info", late)]) == "5"
    assert row(Keys(), [("5", "rfc4733", 0), ("5", "info", late + 1)]) == "55"
    assert row(Keys(), [("5", "rfc4733", late + 1), ("5", "info", 0)]) == "55"


def test_what_sounds_like_a_key_is_none_where_keys_are_told() -> None:
    keys = Keys(Dtmf.ALL)
    assert keys.press("3", "inband", 0) == "key"
    assert keys.press("4", "info", 100 * MS) == "key"
    assert keys.press("8", "inband", 200 * MS) == "doubted"
    assert keys.press("4", "inband", 210 * MS) == "again"
    assert keys.press("8", "rfc4733", 10_000 * MS) == "key"


@pytest.mark.parametrize("dtmf", ["rfc4733", "inband", "info"])
def test_a_call_hears_only_the_way_it_is_told(dtmf: str) -> None:
    keys = Keys(Dtmf(dtmf))
    for i, way in enumerate(WAYS):
        verdict = keys.press(str(i), way, 0)
        assert verdict == ("key" if way == dtmf else "unwanted")


@pytest.mark.parametrize("dtmf", Dtmf)
def test_when_the_audio_is_searched(dtmf: Dtmf) -> None:
    expected = {"auto": (True, False), "inband": (True, True), "all": (True, True)}
    found = (dtmf.hears_tones(events=False), dtmf.hears_tones(events=True))
    assert found == expected.get(dtmf.value, (False, False))
    assert dtmf.offers_events == (dtmf.value in {"auto", "rfc4733", "all"})


def test_a_flood_ends() -> None:
    keys = Keys()
    verdicts = [keys.press("1", "info", i * MS) for i in range(KEYS_MAX + 50)]
    assert verdicts == ["key"] * KEYS_MAX + ["flood"] * 50
    assert len(keys._lately) == TOLD_MAX


pressed = st.lists(
    st.tuples(st.sampled_from("0123456789*#"), st.integers(80, 3_000)), min_size=1, max_size=12
)


@settings(deadline=None)
@given(
    pressed,
    st.sets(st.sampled_from(WAYS), min_size=1),
    st.randoms(use_true_random=False),
    st.floats(0, 0.7),
)
def test_any_ways_with_any_delays_make_one_row(
    presses: list[tuple[str, int]], ways: set[str], chance: random.Random, loss: float
) -> None:
    """Each way keeps its own order, is late by its own time, and loses presses that another has."""
    late = {way: chance.randrange(0, 400) for way in ways}
    leader = chance.choice(sorted(ways & set(SURE) or ways))
    told: list[tuple[int, str, str, int]] = []
    at = 0
    for digit, wait in presses:
        at += wait
        for way in ways:
            if way == leader or chance.random() > loss:
                jitter = chance.randrange(0, 40)
                told.append((at + late[way] + jitter, digit, way, at + jitter))
    told.sort()
    keys = Keys()
    heard = [d for _, d, way, when in told if keys.press(d, way, when * MS) == "key"]
    assert sorted(heard) == sorted(d for d, _ in presses)
