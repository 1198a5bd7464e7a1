"""How the threshold of a voice is chosen, by counts alone."""

from __future__ import annotations

import pytest

from bench import amd_choose
from dialerd.detect.model import load_model
from fastpath.amd_forest import FEATURE_NAMES


def test_the_highest_that_loses_few_is_chosen() -> None:
    people = {-2.0: 990, -1.0: 991, -0.5: 989, 0.0: 988}
    assert amd_choose.chosen(people, 500) == -0.5
    assert amd_choose.chosen(people, 1_000) == 0.0
    assert amd_choose.chosen({-2.0: 990, -1.0: 900}, 1_000) == -2.0


def test_another_threshold_is_another_model() -> None:
    looks = [20.0] * len(FEATURE_NAMES)
    assert amd_choose.model_with(-0.5).odds(looks) == load_model().odds(looks)
    with pytest.raises(Exception, match="voice_above"):
        amd_choose.model_with(float("nan"))
