"""`dialerd leads`, `dialerd why` and `dialerd campaign check` against a daemon on a real socket."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from dialerd.cli import main
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import LeadState, Outcome
from dialerd.store import wait
from tests.control.desk import NOW_MS, Booth

CREATE = ("campaign", "create", "c", "--list", "people", "--prompt", "hello", "--cap", "1/0s")


def started(command, *more: str) -> None:
    assert command(*CREATE, "--regime", "loopback", *more).code == 0
    for action in ("approve", "start"):
        assert command("campaign", action, "c").code == 0


def switched_off(daemon: Booth, state: LeadState, due_s: int) -> None:
    """Of the first person."""
    (one,) = wait(daemon.store.claim(1, 1, NOW_MS, 60)).claims
    begin = BeginDial(one.attempt_id, "t", "id", "any", NOW_MS)
    finish = Finish(one.attempt_id, Outcome.UNREACHABLE, state, due_s, NOW_MS + 5)
    assert wait(daemon.store.apply([begin, finish])) == ()


def test_the_waiting_list_is_listed_with_its_times(daemon: Booth, command) -> None:
    started(command)
    due_s = NOW_MS // 1000 + 7_200
    switched_off(daemon, LeadState.RECHECK, due_s)
    done = command("leads", "c", "--state", "waiting")
    assert done.code == 0, done.err
    assert done.out.count("+849") == 1
    assert "+84912000000" in done.out
    (one,) = json.loads(command("leads", "c", "--state", "waiting", "--json").out)
    assert (one["state"], one["outcome"], one["attempts"]) == ("waiting", "unreachable", 1)
    assert one["due_at"]
    everybody = json.loads(command("leads", "c", "--json").out)
    assert [x["state"] for x in everybody] == ["ready", "ready", "waiting"]


def test_unreachable_numbers_are_exported(daemon: Booth, command, tmp_path: Path) -> None:
    started(command)
    switched_off(daemon, LeadState.UNREACHABLE, 0)
    file = tmp_path / "off.csv"
    assert command("leads", "c", "--state", "unreachable", "--file", str(file)).code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    titles, row = csv.reader(file.read_text("utf-8-sig").splitlines())
    assert titles[:2] == ["number", "state"]
    assert row[:2] == ["+84912000000", "unreachable"]


def test_an_unknown_state_names_the_known_ones(daemon: Booth, command) -> None:
    started(command)
    done = command("leads", "c", "--state", "dead")
    assert done.code == main.USAGE
    assert "unreachable" in done.err


def test_why_says_one_sentence(daemon: Booth, command) -> None:
    started(command)
    switched_off(daemon, LeadState.RECHECK, NOW_MS // 1000 + 7_200)
    done = command("why", "c", "0912 000 000")
    assert done.code == 0, done.err
    assert done.out.count("\n") == 1
    assert "switched off: on the waiting list until" in done.out
    told = json.loads(command("why", "c", "0912 000 000", "--json").out)
    assert (told["rule"], told["state"]) == ("retry_gap", "waiting")
    assert "whole campaign waits: no trunk is up" in command("why", "c", "0912000001").out
    assert command("why", "c", "0999999999").code == main.FAILED
    assert command("why", "c").code == main.USAGE


def test_why_of_the_lines(daemon: Booth, command) -> None:
    assert "no campaign is running" in command("why").out
    assert json.loads(command("why", "--json").out)[0]["port"] == "01"


def test_the_check_counts_who_will_be_skipped_and_approval_shows_it(daemon: Booth, command) -> None:
    assert command(*CREATE, "--regime", "loopback").code == 0
    daemon.desk.unrouted.add(84_912_000_001)
    done = command("campaign", "check", "c")
    assert done.code == 0, done.err
    assert done.out.startswith("1 of 3 people will be skipped")
    assert "no_route" in done.out
    assert json.loads(command("campaign", "check", "c", "--json").out)["callable"] == 2
    assert "1 of 3 people will be skipped" in command("campaign", "approve", "c").err
