"""Compiled tone plans: bounds, and no plan, however odd, does harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.tone_audio import PLAN, Line, made
from fastpath.tones_book import KINDS, RULES_MAX, ToneBook
from fastpath.tones_detector import STATE_BYTES, ToneDetector

BUSY: dict[str, Any] = {"name": "b", "kind": "busy", "hertz": [425], "cadence_ms": [500, 500]}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sit"}, {"kind": ""}, {"hertz": []}, {"hertz": [400] * 4}, {"hertz": [10]},
        {"hertz": [3700]}, {"hertz": [float("nan")]}, {"cadence_ms": [500]},
        {"cadence_ms": [10, 500]}, {"cadence_ms": [500, 30_000]}, {"cadence_ms": [500, 500] * 7},
        {"off": 0.5}, {"off": -0.1}, {"slack": 0.9}, {"sideband": 200}, {"bursts": 0},
        {"bursts": 9}, {"lasting_ms": 0},
    ],
)  # fmt: skip
def test_rules_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"from|kind|steps"):
        ToneBook([BUSY | change])


def test_size_and_names() -> None:
    book = ToneBook([BUSY] * RULES_MAX)
    assert len(book) == RULES_MAX
    assert book.names == ("b",) * RULES_MAX + ("cng", "ced", "bell")
    with pytest.raises(ValueError, match="at most"):
        ToneBook([BUSY] * (RULES_MAX + 1))
    with pytest.raises(KeyError):
        ToneBook([{"kind": "busy"}])
    assert STATE_BYTES < 4_096, "of every call"


RULE = st.fixed_dictionaries(
    {
        "name": st.text(max_size=5),
        "kind": st.sampled_from(KINDS[:5]),
        "hertz": st.lists(st.floats(200, 3600), min_size=1, max_size=3),
        "cadence_ms": st.lists(st.integers(80, 20_000), max_size=6).map(lambda one: one + one),
        "off": st.floats(0, 0.1),
        "slack": st.floats(0, 0.5),
        "sideband": st.floats(0, 100),
        "bursts": st.integers(1, 8),
        "lasting_ms": st.integers(1, 20_000),
    }
)


@given(
    rules=st.lists(RULE, max_size=RULES_MAX),
    names=st.lists(st.sampled_from(list(PLAN)), min_size=1, max_size=3),
    gaps=st.integers(2, 40),
)
@settings(max_examples=25, deadline=None)
def test_any_plan_tells_begins_and_ends_in_order(
    rules: list[dict[str, Any]], names: list[str], gaps: int
) -> None:
    detector = ToneDetector(ToneBook(rules))
    told = []
    for name in names:
        audio = made(PLAN[name][2], Line(), np.random.default_rng(1))
        for at in range(len(audio) // 160):
            frame = audio[160 * at : 160 * at + 160]
            told += detector.gap() if at % gaps == 1 else detector.hear(frame)
    told += detector.end()
    open_now = set()
    for one in told:
        assert 0 <= one.confidence <= 1
        assert 0 <= one.begin <= one.end
        if one.phase == "begins":
            open_now.add(one.number)
        else:
            open_now.discard(one.number)
    assert not open_now
