"""Settings of the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import compiled

# A run says the same every time it is made: examples follow from the test's name. New ones are
# looked for with HYPOTHESIS_PROFILE=search.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_configure(config: pytest.Config) -> None:
    """Old code under new tests would be a riddle: say it at once."""
    if stale := compiled.stale():
        pytest.exit("\n".join(stale), returncode=3)
