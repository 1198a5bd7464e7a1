"""Capacity and size, as a supervisor sees them: rows 51 and 52."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dialerd.cli.main import CONFIG, OK, USAGE, run

BANK = """
[[trunk]]
name = "bank{n}"
host = "127.0.0.1"
port = {port}
channels = {ports}
kind = "gsm_gateway"
loopback = true
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One box of 16 ports in a folder of its own; no daemon runs."""
    path = tmp_path / "dialerd.toml"
    path.write_text(
        '[store]\npath = "data"\n[control]\nsocket = "control.sock"\n'
        + BANK.format(n=1, port=5070, ports=16)
    )
    monkeypatch.setenv("DIALERD_CONFIG", str(path))
    monkeypatch.delenv("DIALERD_SOCKET", raising=False)
    return path


def said(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["plan", *options]) == OK
    return capsys.readouterr().out


def figures(capsys: pytest.CaptureFixture[str], *options: str) -> dict:
    return json.loads(said(capsys, "--json", *options))


def test_row_51_capacity_from_lines_to_calls(home, capsys):
    """16 SIMs for 8 h on 30 days, a minute a call: 230,400; 64 carry 921,600."""
    found = figures(capsys, "--lines", "16", "--call-s", "60")["carried"]
    assert (found["calls_day"], found["calls_month"]) == (7_680, 230_400)
    found = figures(capsys, "--lines", "64", "--call-s", "60")["carried"]
    assert (found["calls_day"], found["calls_month"]) == (30_720, 921_600)
    text = said(capsys, "--lines", "16")
    assert "16 lines carry 7,680 calls in 8 h, 230,400 in 30 days." in text


def test_row_51_capacity_from_calls_to_lines(home, capsys):
    """A million a month is 5 boxes of 16; 100,000 in 8 h are 3.47 calls/s on 209 lines."""
    found = figures(capsys, "--per-month", "1000000")["needed"]
    assert found["boxes"]["16"] == 5
    found = figures(capsys, "--per-day", "100000")["needed"]
    assert found["lines"] == 209
    assert found["boxes"]["64"] == 4
    assert round(found["calls_per_s"], 2) == 3.47
    text = said(capsys, "--per-day", "100000")
    assert "3.47 calls/s: 209 lines" in text
    assert "4 boxes of 64 ports or trunk channels" in text


def test_row_51_capacity_from_what_a_call_is_like(home, capsys):
    """7 s dialing, 25 s ringing, 3 of 10 unreachable: a minute with 40 s of talk."""
    options = ("--dial-s", "7", "--ring-s", "25", "--unreachable", "0.3", "--talk-s", "40")
    assert figures(capsys, *options)["call_s"] == 60
    assert figures(capsys, *options, "--unreachable", "1")["call_s"] == 32
    assert figures(capsys, *options, "--talk-s", "90")["call_s"] == 95
    text = said(capsys, *options)
    assert "60 s: 7 s dialing + 25 s ringing + 40 s talk of 70%." in text


def test_row_51_capacity_there_and_back(home, capsys):
    """The lines that so many calls need carry them, and one line less does not."""
    for calls in (1, 999, 5_000, 10_000, 123_457):
        options = ("--talk-s", "33", "--unreachable", "0.17", "--hours", "7.5", "--days", "26")
        lines = figures(capsys, "--per-day", str(calls), *options)["needed"]["lines"]
        assert figures(capsys, "--lines", str(lines), *options)["carried"]["calls_day"] >= calls
        fewer = figures(capsys, "--lines", str(lines - 1), *options)["carried"]["calls_day"]
        assert fewer < calls


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--hours", "0"), "hours"),
        (("--hours", "25"), "hours"),
        (("--unreachable", "30"), "unreachable"),
        (("--talk-s", "nan"), "talk_s"),
        (("--days", "32"), "days"),
        (("--per-day", "-1"), "calls"),
        (("--per-day", "inf"), "calls"),
        (("--lines", "-1"), "lines"),
        (("--dial-s", "0", "--ring-s", "0", "--talk-s", "0"), "a call takes no time"),
    ],
)
def test_row_51_capacity_refuses_what_cannot_be(home, capsys, options, field):
    assert run(["plan", *options]) == USAGE
    assert field in capsys.readouterr().err


def test_row_52_size_of_the_lines_that_are_there(home, capsys):
    """5,000 a day fit on one box, 10,000 do not, and it says how many lines are missing."""
    assert "bank1: 16 lines, 7,680 calls a day" in said(capsys)
    assert said(capsys, "--per-day", "5000").endswith("230,400 in 30 days: enough.\n")
    text = said(capsys, "--per-day", "10000")
    assert text.endswith("230,400 in 30 days: 2,320 too few, it takes 5 lines more.\n")
    with home.open("a") as file:
        file.write(BANK.format(n=2, port=5071, ports=200))
    assert "103,680 calls a day" in said(capsys, "--per-day", "100000")
    assert said(capsys, "--per-day", "100000").endswith("enough.\n")


def test_row_52_size_by_pace_plan_and_pause(home, capsys):
    """What binds is named: calls a second, the SIMs' plan, their pause."""
    text = home.read_text().replace(
        'kind = "gsm_gateway"', 'kind = "gsm_gateway"\ncalls_per_s_max = 0.1'
    )
    home.write_text(text)
    (found,) = figures(capsys)["configured"]
    assert (found["calls_day"], found["because"]) == (2_880, "0.1 calls a second")
    home.write_text(text.replace("calls_per_s_max = 0.1", "plan = { calls_day = 700 }"))
    (found,) = figures(capsys)["configured"]
    assert (found["calls_day"], found["because"]) == (1_000, "the calls a day of its plan")
    ports = 'ports = [{ numbers = "1-16", gap_s = 20 }]'
    home.write_text(text.replace("calls_per_s_max = 0.1", ports))
    (found,) = figures(capsys)["configured"]
    assert (found["calls_day"], found["because"]) == (5_760, "its ports are busy all day")


def test_row_52_size_without_a_configuration(tmp_path, monkeypatch, capsys):
    """The arithmetic needs none."""
    monkeypatch.delenv("DIALERD_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert figures(capsys, "--lines", "16")["configured"] is None


def test_row_52_size_by_a_wrong_configuration(home, capsys):
    home.write_text("[[trunk]]\nnames = 1\n")
    assert run(["plan"]) == CONFIG
    assert "names" in capsys.readouterr().err
