"""The length of a thread's turns: asked of the kernel, kept by children, taken back."""

import platform
import subprocess
import sys

import pytest

from dialerd import turns

SAID = "from dialerd.turns import SHORT_NS, USUAL_NS, take_turns; print({})"


def said(*calls: str) -> list[bool]:
    """In a process of its own: what is asked for stays."""
    told = subprocess.run(
        [sys.executable, "-c", SAID.format(", ".join(calls))],
        capture_output=True,
        text=True,
        check=True,
    )
    return [word == "True" for word in told.stdout.split()]


def test_a_kernel_that_knows_turns_gives_short_ones_and_takes_them_back() -> None:
    release = tuple(int(part) for part in platform.release().split(".")[:2])
    known = platform.machine() in {"x86_64", "aarch64"} and release >= (6, 12)
    found = said("take_turns(SHORT_NS)", "take_turns(USUAL_NS)", "take_turns(SHORT_NS)")
    assert found[::2] == [known, known]
    assert found[1] or not known


def test_another_machine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialerd.turns.platform.machine", lambda: "mips")
    assert not turns.take_turns(turns.SHORT_NS)


def test_who_computes_aside_runs_where_nobody_else_wants_to() -> None:
    told = "import os; from dialerd.turns import compute_aside; compute_aside();"
    told += "print(os.sched_getscheduler(0) == os.SCHED_IDLE)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
