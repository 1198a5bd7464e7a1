"""`dialerd list add`, and what is no input of the verbs about calls and agents."""

from __future__ import annotations

import json

import pytest

from tests.control.desk import Booth

NUMBER = "0912345678"


def test_people_come_into_a_list_once(command, daemon: Booth) -> None:
    assert command("list", "add", "people", NUMBER, "--field", "a=b").out.startswith("1 added, 0 ")
    again = json.loads(command("list", "add", "people", NUMBER, "-o", "json").out)
    assert (again["added"], len(again["duplicates"])) == (0, 1)
    for words, says in (
        (("people", "12"), "'12' may not be dialed: too_short"),
        (("none", NUMBER), "there is no list 'none'"),
    ):
        done = command("list", "add", *words)
        assert (done.code, done.out) == (1, "")
        assert says in done.err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"list add people {NUMBER} --field x", "--field is COLUMN=TEXT, not 'x'"),
        ("list add people", "NUMBERS"),
        ("calls listen x", "'x' is not a valid integer"),
        ("calls whisper -- -1", "-1 is not in the range"),
        ("calls barge", "ATTEMPT"),
        ("calls leave 7 --phone x", "--phone"),
        ("agent digits lan 12x", "keys are 1 to"),
        ("agent transfer lan moon x", "'moon' is not one of"),
        ("agent transfer lan number x --ring 0", "0 is not in the range"),
        ("agent answer", "NAME"),
    ],
)
def test_what_is_no_input_is_told_before_a_daemon_is_asked(command, line: str, says: str) -> None:
    done = command(*line.split())
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "no daemon" not in done.err


@pytest.mark.parametrize("line", ["calls listen 7", "calls whisper 7", "calls barge 7 --phone x",
                                  "calls leave 7", "agent digits lan 1", "agent answer lan",
                                  "agent transfer lan queue q"])  # fmt: skip
def test_without_a_daemon_that_is_said(command, line: str) -> None:
    done = command(*line.split())
    assert (done.code, done.out) == (4, "")
    assert "no daemon is running" in done.err
