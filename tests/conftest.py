"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# A run says the same every time it is made: examples follow from the test's name. New ones are
# looked for with HYPOTHESIS_PROFILE=search.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
