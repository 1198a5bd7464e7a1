"""`make bench-day` in small: the same command, five seconds of it."""

from __future__ import annotations

import json
import subprocess

from bench import whole_daemon
from tests import tree
from tests.waiting import Stalls


def commands(*arguments: str) -> str:
    asked = ["make", "--dry-run", "--always-make", "bench-day", *arguments]
    done = subprocess.run(asked, cwd=tree.ROOT, capture_output=True, text=True, check=True)
    # The last line may be one of make's own, when these tests are run by make.
    return next(line for line in done.stdout.splitlines() if "bench.whole_daemon" in line)


def test_the_day_is_100_000_calls() -> None:
    words = commands().split()
    rate, seconds = (int(words[words.index(flag) + 1]) for flag in ("--rate", "--seconds"))
    assert rate * seconds >= 100_000
    assert seconds <= 240
    assert "bench.whole_daemon" in words


def test_five_seconds_of_it_lose_and_double_nothing(capsys) -> None:
    with Stalls() as stalls:
        code = whole_daemon.main(["--rate", "20", "--calls", "100", "--json"])
    found = json.loads(capsys.readouterr().out)
    # calls are even in time: those of a time that stood still are not made up for
    assert found["calls placed"] >= 95 - 20 * stalls.all_s()
    assert code == (found["calls placed"] < 95), found
    assert not any(found[name] for name in (*whole_daemon.TRUTH, "not answered"))
    assert found["CPU ms per call, 2 s prompt"] > 0
