"""The estimate of how a call sounded, against figures that ITU-T publishes."""

from __future__ import annotations

import itertools

import pytest

from fastpath.rtp_quality import mos


@pytest.mark.parametrize(
    ("r", "expected"),
    [(93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)],
)
def test_mos_of_r_is_that_of_g107_annex_b(r: float, expected: float) -> None:
    """Table B.1 and figure B.2: delay alone brings R down without any loss."""
    delay = (93.2 - r) / 0.024
    if delay > 177.3:
        delay = (93.2 - r + 0.11 * 177.3) / (0.024 + 0.11)
    assert mos(0.0, delay_ms=delay) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("percent", "ie"), [(0, 0), (1, 3.64), (2, 7.01), (3, 10.14), (5, 15.78), (10, 27.07)]
)
def test_chance_loss_costs_what_g107_says(percent: float, ie: float) -> None:
    """Equation 7-29 with Bpl 25.1 and BurstR 1; the same R by delay must sound the same."""
    same = ie / 0.024
    if same > 177.3:
        same = (ie + 0.11 * 177.3) / (0.024 + 0.11)
    assert mos(percent / 100, delay_ms=0.0) == pytest.approx(mos(0.0, delay_ms=same), abs=0.005)


def test_worse_is_never_better() -> None:
    for values in (
        [mos(loss / 100) for loss in range(101)],
        [mos(0.05, run) for run in range(1, 50)],
        [mos(0.01, delay_ms=d) for d in range(0, 3000, 10)],
    ):
        assert all(a >= b for a, b in itertools.pairwise(values))
        assert all(1.0 <= value <= 4.42 for value in values)


@pytest.mark.parametrize("loss", [-1.0, 0.0, 1.0, 2.0, float("inf")])
def test_no_number_leaves_the_scale(loss: float) -> None:
    assert 1.0 <= mos(loss, 1e9, 1e9) <= 4.42
    assert 1.0 <= mos(loss, 0.0, 0.0) <= 4.42
