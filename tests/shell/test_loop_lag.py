"""How late the loop is: what is counted, and that a held loop shows."""

import asyncio
import time

from dialerd.shell.loop_lag import EDGES_US, PERIOD_S, LoopLag


def test_a_turn_counts_in_every_bin_that_it_fits_into():
    lag = LoopLag()
    for late_s in (0.0, 0.001, 0.0011, 0.3, 7.0):
        lag.count(late_s)
    found = lag.figures()
    assert [
        found[f"lag_le_{edge}_us"] for edge in (700, 1_000, 1_400, 200_000, 500_000, 1_000_000)
    ] == [1, 2, 3, 3, 4, 4]
    assert found["lag_count"] == 5
    assert found["lag_s_max"] == 7.0
    assert abs(found["lag_s_sum"] - 7.3021) < 1e-9


def test_figures_never_fall_from_bin_to_bin():
    lag = LoopLag()
    for late_ms in range(0, 3_000, 7):
        lag.count(late_ms / 1000)
    found = lag.figures()
    counts = [found[f"lag_le_{edge}_us"] for edge in EDGES_US] + [found["lag_count"]]
    assert counts == sorted(counts)


def test_a_loop_that_is_held_up_is_late_by_that():
    async def held():
        lag = LoopLag()
        lag.start()
        end = time.monotonic() + 3 * PERIOD_S
        while time.monotonic() < end:  # what must never be done on the loop
            pass
        await asyncio.sleep(0.001)  # a timer behind ours, which is overdue
        found = lag.figures()
        lag.close()
        count = lag.figures()["lag_count"]
        await asyncio.sleep(2 * PERIOD_S)  # in which a timer that was left would count
        assert lag.figures()["lag_count"] == count
        return found

    found = asyncio.run(held())
    assert found["lag_s_max"] >= 2 * PERIOD_S - 0.001
    assert found["lag_count"] - found["lag_le_20000_us"] >= 1  # more, where the machine stalls
