"""Trees are the same on every processor: numpy's last bits are not."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

GROWN = """
import numpy as np
from bench.amd_boost import boost
rng = np.random.default_rng(5)
x = np.round(rng.normal(size=(2_000, 6)), 1)
x[:, 3] = -x[:, 0]  # cuts that gain the same
y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=2_000) > 0).astype(float)
print(boost(x, y, rng.uniform(0.5, 2, 2_000), 40))
"""


def grown(**settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GROWN],
        check=True, capture_output=True, text=True, env={**os.environ, **settings},
    )  # fmt: skip
    return done.stdout


def test_trees_are_the_same_with_and_without_wide_vectors() -> None:
    """Every vector that this numpy chose for this processor is left out the second time."""
    wide = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    trees = grown()
    assert trees.count("Tree(") == 40
    assert grown(NPY_DISABLE_CPU_FEATURES=" ".join(wide)) == trees
