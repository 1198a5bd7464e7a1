"""Days with faults of every kind, each examined by the checkers. `make sim` runs 2,000 of them."""

import pytest

from tests.sim.days import simulation

STORM = simulation("storm")


@pytest.mark.timeout(600)  # four days of storm are 5 s of a core
@pytest.mark.parametrize("first", range(1, 13, 4))
def test_nothing_is_wrong_after_a_day_of_storm(first):
    for seed in range(first, first + 4):
        day = STORM.day(seed)
        day.run()
        faults = STORM.examine(day)
        assert not faults, f"dialerd simulate conf/scenarios/storm.toml --seed {seed}: {faults[0]}"
        assert day.over
        assert len(day.carriers.ledger) > 800
        assert sum(day.faults.counts.values()) > 20
        assert len(day.crashes) > 2


def test_nothing_is_wrong_after_a_day_without_faults():
    figures = simulation("day").run(1)
    assert not figures.faults
    assert figures.calls > 4_000
    (campaign,) = figures.campaigns
    assert campaign.state == "finished"  # hours before the day is over: then it ends
    assert figures.hours < 4
    assert campaign.penetration > 0.97
    assert campaign.attempts == sum(campaign.outcomes.values())
    assert sum(campaign.leads.values()) == campaign.audience == 2_000
    assert sum(line.placed for line in figures.lines) == figures.calls
