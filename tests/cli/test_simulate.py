"""`dialerd simulate` as a person runs it."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from dialerd.cli.main import CONFIG, FAILED, OK
from dialerd.cli.main import run as run_main
from dialerd.cli.simulate import _days, simulate
from dialerd.core import metering
from tests.sim.days import small


@pytest.fixture
def scenario(tmp_path):
    small(tmp_path)
    return str(tmp_path / "small.toml")


def said(*arguments):
    return CliRunner().invoke(simulate, arguments, standalone_mode=False, catch_exceptions=False)


def test_a_day_as_text_and_as_json(scenario):
    text = said(scenario, "--seed", "3")
    assert text.return_value == OK
    assert "all is well" in text.output
    assert "first" in text.output
    one = said(scenario, "--seed", "3", "--json").stdout
    assert one == said(scenario, "--seed", "3", "--json").stdout
    figures = msgspec.json.decode(one)
    assert figures["seed"] == 3
    assert figures["faults_found"] == 0
    assert {c["name"] for c in figures["campaigns"]} == {"first", "second"}


def test_many_days_by_many_processes_are_the_same_days(scenario):
    alone = said(scenario, "--seeds", "4", "--json")
    together = said(scenario, "--seeds", "4", "--jobs", "2", "--json")
    assert alone.stdout == together.stdout
    assert [day["seed"] for day in msgspec.json.decode(alone.stdout)] == [1, 2, 3, 4]
    assert "4 days, 0 with faults" in said(scenario, "--seeds", "4").output


def test_an_interrupt_ends_its_processes_at_once(scenario):
    days = _days(Path(scenario), range(1, 100_000), 2)
    assert next(days).seed == 1
    workers = [one.pid or 0 for one in multiprocessing.active_children()]
    assert len(workers) == 2
    with pytest.raises(KeyboardInterrupt):
        days.throw(KeyboardInterrupt)
    for pid in workers:  # whoever has reaped them: the pool looks after them, too
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_two_scenarios_side_by_side(scenario, tmp_path):
    slow = tmp_path / "slow.toml"
    text = (tmp_path / "small.toml").read_text()
    slow.write_text(text.replace("calls_per_s_max = 3", "calls_per_s_max = 0.05"))
    found = said("--compare", scenario, str(slow), "--seeds", "2")
    assert found.return_value == OK
    (calls,) = [line for line in found.stdout.splitlines() if line.startswith("calls  ")]
    assert " -" in calls
    assert "small.toml" in found.output
    assert "slow.toml" in found.output


def test_a_day_with_faults_says_how_to_see_it_again(scenario, tmp_path, monkeypatch):
    small(tmp_path, calls_day=20)
    monkeypatch.setattr(metering.Meter, "_judge", lambda self: None)
    found = said(scenario, "--seed", "2")
    assert found.return_value == FAILED
    assert f"dialerd simulate {scenario} --seed 2" in found.stderr
    assert "over_quota" in found.stderr


def test_a_scenario_that_cannot_be_is_shown_with_its_line(scenario, tmp_path, capsys):
    path = tmp_path / "small.toml"
    path.write_text(path.read_text().replace("channels = 6", "chanels = 6"))
    assert run_main(["simulate", scenario]) == CONFIG
    assert "did you mean 'channels'?" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [[], ["a", "b"], ["--compare", "a"], ["a", "--seeds", "0"]])
def test_wrong_usage(wrong, capsys):
    assert run_main(["simulate", *wrong]) == 2
    assert "Error" in capsys.readouterr().err
