"""`make bench-day` in small: the same command, five seconds of it."""

from __future__ import annotations

import json
import subprocess

from bench import whole_daemon
from tests import tree


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
    code = whole_daemon.main(["--rate", "20", "--calls", "100", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0, found
    assert found["calls placed"] >= 95
    assert found["doubled"] == found["lost"] == found["not answered"] == 0
    assert found["CPU ms per call, 2 s prompt"] > 0
