"""Every benchmark runs at its smallest size, so that none of them rots."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import tree

FILES = sorted((tree.ROOT / "bench").glob("test_bench_*.py"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_benchmarks_run(path: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--benchmark-disable", str(path)],
        cwd=tree.ROOT, env=os.environ | {"BENCH_SMOKE": "1"}, timeout=110, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
