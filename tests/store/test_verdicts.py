"""Verdicts beside what agents said and people did."""

from __future__ import annotations

import msgspec
import pytest

from dialerd.core.records import Answerer, Attempt
from dialerd.store.verdicts import Figures, advice, count, interval, quantile_ms, truth


def tried(who: Answerer | None, *, talked_s: float = 0, said: str = "", keys: str = "",
          trunk: str = "a", at_ms: int = 10_000) -> Attempt:  # fmt: skip
    connected = at_ms + 900 if talked_s else 0
    return Attempt(
        1, 1, 1, 84_900_000_001, 1, 0, trunk=trunk, answered_ms=at_ms, keys=keys,
        connected_ms=connected, ended_ms=round(connected + talked_s * 1000) or at_ms,
        disposition=said, answerer=who, verdict_ms=800,
    )  # fmt: skip


def test_what_tells_who_it_was() -> None:
    assert truth(tried(Answerer.HUMAN, talked_s=60)) == "human"
    assert truth(tried(Answerer.HUMAN, talked_s=60, said="Voice mail")) == "machine"
    assert truth(tried(Answerer.MACHINE, said="answering_machine")) == "machine"
    assert truth(tried(Answerer.MACHINE, keys="1")) == "human"
    assert truth(tried(Answerer.HUMAN, talked_s=1)) is None
    assert truth(tried(Answerer.UNKNOWN)) is None


def test_both_errors_are_counted_by_trunk() -> None:
    [a, b] = count("c", [
        tried(Answerer.HUMAN, talked_s=60), tried(Answerer.HUMAN, talked_s=1),
        tried(Answerer.HUMAN, said="machine"), tried(Answerer.MACHINE, keys="1"), tried(None),
        tried(Answerer.MACHINE, said="machine", trunk="b"), tried(Answerer.UNKNOWN, trunk="b"),
        tried(Answerer.UNKNOWN, trunk="b", at_ms=1_000),
    ], since_ms=5_000)  # fmt: skip
    assert (a.human, a.machine, a.unknown) == (3, 1, 0)
    assert (a.known_humans, a.known_machines) == (2, 1)
    assert (a.wrong_machine, a.wrong_human, a.left_at_once) == (1, 1, 1)
    assert (b.machine, b.unknown, b.wrong_human, b.known_machines) == (1, 1, 0, 1)
    assert quantile_ms(a.waits_ms, 0.5) == 800


def test_of_two_verdicts_the_later_one_counts() -> None:
    late = tried(Answerer.HUMAN, said="machine")
    back = tried(Answerer.MACHINE, keys="1")
    [row] = count("c", [
        msgspec.structs.replace(late, revised=Answerer.MACHINE, revised_ms=4_000),
        msgspec.structs.replace(back, revised=Answerer.HUMAN, revised_ms=4_000),
        late,
    ])  # fmt: skip
    assert (row.human, row.machine, row.revised) == (2, 1, 2)
    assert (row.wrong_human, row.wrong_machine) == (1, 0)
    assert row.waits_ms == [800] * 3


def test_intervals_are_those_of_wilson() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(0, 100) == pytest.approx((0.0, 0.0370), abs=2e-4)
    assert interval(5, 100) == pytest.approx((0.0215, 0.1118), abs=2e-4)
    assert quantile_ms([], 0.5) == 0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Figures("c", "t", known_humans=5), "too few"),
        (Figures("c", "t", known_humans=200, wrong_machine=9), "raise machine_above"),
        (Figures("c", "t", known_machines=200, wrong_human=30), "machines reach agents"),
        (Figures("c", "t", known_humans=100, left_at_once=30), "hang up at once"),
        (Figures("c", "t", known_humans=100), "no reason"),
    ],
)
def test_what_to_change_is_said(row: Figures, says: str) -> None:
    assert says in advice(row)
