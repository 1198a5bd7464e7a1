"""What a simulated day does: the same again for the same seed, faults as they are in the world."""

import os
import subprocess
import sys

import msgspec
import pytest

from dialerd.core.records import LeadState, Outcome
from dialerd.sim.day_clock import NS
from tests.sim.days import SCENARIOS, simulation, small

ODD = """[[campaign]]
name = "odd"
list = "odd"
regime = "loopback"
steps = [{ prompt = "hello" }]
"""
FAULT = '[[fault]]\nkind = "{}"\nat = "08:20"\nfor_s = 300\n'


def day_of(made, seed=1):
    day = made.day(seed)
    day.run()
    assert not made.examine(day)
    return day


def outcomes(day):
    return {str(k): v for k, v in day.store.progress(1).outcomes.items() if v}


def at_minute(day, minute):
    """The world's time of 08:MM on that day."""
    return day.clock.steps[0][0] + minute * 60 * NS


def test_the_same_seed_gives_the_same_bytes():
    storm = simulation("storm")
    said = [msgspec.json.encode(storm.run(seed)) for seed in (4, 4, 5)]
    assert said[0] == said[1] != said[2]


def test_the_order_of_sets_and_hashes_changes_nothing():
    """Another PYTHONHASHSEED is another order of every set and of nothing else."""
    command = [sys.executable, "-m", "dialerd", "simulate", str(SCENARIOS / "storm.toml"), "--json"]
    said = set()
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(command, env=env, capture_output=True, check=True)
        said.add(done.stdout)
    assert len(said) == 1


def test_calls_go_on_where_a_crash_left_them(tmp_path):
    """They are on the lines until the next process ends them, and nobody is called again."""
    made = small(tmp_path, '[[fault]]\nkind = "crash"\nevery_s = 200\nfor_s = 5\n')
    day = made.day(3)
    day.run()
    assert not made.examine(day)
    assert len(day.crashes) > 5
    left = [leg for leg in day.carriers.ledger if leg.process is None]
    assert left
    assert all(leg.ended_ns > min(day.crashes) for leg in left)
    told = [day.store.progress(c.campaign_id).outcomes for c in day.store.campaigns()]
    interrupted = sum(books[Outcome.INTERRUPTED] for books in told)
    assert interrupted >= len({leg.attempt for leg in left})
    assert day.processes == len(day.crashes) + 1


@pytest.mark.parametrize("kind", ["trunk_down", "trunk_refuses"])
def test_a_trunk_in_trouble_rests(tmp_path, kind):
    """Its breaker lets only now and then a call find out; it takes all again afterwards."""
    made = small(tmp_path, FAULT.format(kind) + 'trunk = "any"\n')
    day = day_of(made)
    window = at_minute(day, 20), at_minute(day, 25)
    during = [
        x for x in day.carriers.ledger if x.trunk == "any" and window[0] < x.at_ns < window[1]
    ]
    later = [x for x in day.carriers.ledger if x.trunk == "any" and x.at_ns > window[1] + 40 * NS]
    assert not any(leg.answered_ns for leg in during)
    assert len(during) < 40
    assert any(leg.answered_ns for leg in later)


def test_a_port_that_hangs_is_given_up(tmp_path):
    early = FAULT.format("port_hang").replace("08:20", "08:09")
    made = small(tmp_path, early + 'trunk = "bank"\nport = "2"\n')
    day = day_of(made)
    hung = [x for x in day.carriers.ledger if x.port == "2" and x.silent]
    assert hung
    assert all(leg.by == "timeout" and not leg.rang_ns for leg in hung)


def test_nothing_is_dialed_that_a_full_disk_did_not_record(tmp_path):
    made = small(tmp_path, FAULT.format("disk_full"))
    day = day_of(made)
    window = at_minute(day, 20) + NS, at_minute(day, 25)
    assert not [leg for leg in day.carriers.ledger if window[0] < leg.at_ns < window[1]]
    assert [leg for leg in day.carriers.ledger if leg.at_ns > window[1]]


def test_hours_are_those_of_the_clock_that_the_daemon_sees(tmp_path):
    """Half an hour fast from 08:20 on: the first window closes at 08:20 already."""
    made = small(tmp_path, FAULT.format("clock_step") + "step_s = 1800\n")
    day = day_of(made)
    window = at_minute(day, 20) + 5 * NS, at_minute(day, 25)
    first = {a.attempt_id for rows in day.store.report(1) for r in rows for a, _ in r.attempts}
    during = [x for x in day.carriers.ledger if window[0] < x.at_ns < window[1]]
    assert not [leg for leg in during if leg.attempt in first]
    assert len(day.clock.steps) == 3


def test_a_slow_disk_delays_calls_and_breaks_no_limit(tmp_path):
    made = small(tmp_path, FAULT.format("slow_disk") + "commit_ms = [500.0, 4000.0]\n")
    day = day_of(made)
    assert outcomes(day)["answered"] > 10


def test_machines_answer_and_press_nothing(tmp_path):
    made = small(tmp_path, "[answers]\nmachines = 1.0\nmachine_s = 9.0\n")
    day = day_of(made)
    answered = [leg for leg in day.carriers.ledger if leg.answered_ns]
    assert answered
    assert not any(leg.keys for leg in answered)


def test_the_hour_decides_who_answers(tmp_path):
    answered = {}
    for hour in (8, 9):
        day = day_of(small(tmp_path, f"[answers]\nby_hour = {{ {hour} = 0.0 }}\n"))
        answered[hour] = [leg for leg in day.carriers.ledger if leg.answered_ns]
    assert not [leg for leg in answered[8] if leg.at_ns < at_minute(day, 60)]
    assert len(answered[9]) > 20
    assert all(leg.at_ns < at_minute(day, 60) for leg in answered[9])


def test_people_do_the_same_however_they_are_dialed(tmp_path):
    """Two ways of dialing one list meet the same people: what a comparison rests on."""
    few = small(tmp_path)
    scenario = msgspec.structs.replace(few.scenario, calls_per_s_max=0.5)
    first = day_of(few)
    few.scenario = scenario
    second = day_of(few)

    def fates(day):
        found = {}
        for leg in day.carriers.ledger:
            if leg.person is not None:
                found.setdefault((leg.phone, leg.trunk), leg.person.fate)
        return found

    both = fates(first).keys() & fates(second).keys()
    same = sum(fates(first)[key] == fates(second)[key] for key in both)
    assert len(both) > 50
    assert same > 0.8 * len(both)  # their second try may be by another trunk


def test_forbidden_numbers_are_never_dialed(tmp_path):
    made = small(tmp_path, '[[list]]\nname = "odd"\npeople = 9\nforbidden = 1.0\n' + ODD)
    day = day_of(made)
    (odd,) = [c.campaign_id for c in day.store.campaigns() if c.settings.name == "odd"]
    assert day.store.progress(odd).leads[LeadState.BLOCKED] == 9
    assert not [leg for leg in day.carriers.ledger if leg.phone in (84113, 841_900_000_006)]
