"""The file of the model: what comes with dialerd, and every way to get one wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import amd_boost, amd_train
from dialerd.detect.model import DEFAULT, load_model, question
from dialerd.toml_load import TomlError
from fastpath.amd_forest import FEATURE_NAMES


def test_the_one_that_comes_with_dialerd_is_readable_and_small() -> None:
    assert load_model() is load_model()
    assert DEFAULT.stat().st_size < 64 << 10


def test_it_is_what_the_trainer_writes_for_the_detectors_of_today() -> None:
    """Else: run `python -m bench.amd_train` again; policy and settings are never edited alone."""
    text = DEFAULT.read_text()
    assert f'made_for = "{amd_train.made_for()}"\n' in text
    lines = "".join(f"{name} = {value}\n" for name, value in amd_train.POLICY.items())
    assert f"first voice, spans of what was said\n{lines}\n[[tree]]" in text
    assert text.count("[[tree]]") == amd_train.TREES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("silence > 240", ("silence", 240.0)),
        ("fall > -1.25", ("fall", -1.25)),
        ("-", ("silence", 1e9)),
        ("silence >= 240", None),
        ("loudness > 3", None),
        ("silence > 1e9", None),
        ("", None),
    ],
)
def test_questions(text: str, found: tuple[str, float] | None) -> None:
    assert question(text) == found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"silence > ', '"silense > ', "is no question"),
        ("machine_above = 4.0", "machine_above = -9.0", "must hold"),
        ("word_ms = 1000", "word_ms = -3", "must be 0 or more"),
        ("word_ms = 1000", "words_ms = 1000", "words_ms"),
        ("bias =", "x =", "bias"),
        ("leaf = [", "leaf = [1.0, ", "leaf"),
        ("bias = ", "bias = nan #", "'bias' must be -1000000.0 or more, got nan"),
        ("bias = ", "bias = -inf #", "'bias' must be -1000000.0 or more, got -inf"),
        ("bias = ", "bias = 1e308 #", "'bias' must be 1000000.0 or less"),
        ("machine_above = 4.0", "machine_above = nan", "'machine_above' must be"),
    ],
)
def test_what_is_wrong_in_it_is_said_with_its_place(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = DEFAULT.read_text()
    assert old in text
    file = tmp_path / "model.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(TomlError) as caught:
        load_model(file)
    assert says in str(caught.value)
    assert "model.toml:" in str(caught.value)


def test_what_training_writes_says_the_same_when_it_is_read(tmp_path: Path) -> None:
    import numpy as np

    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=(4_000, len(amd_train.ASKED))) * 300)
    y = ((x[:, 0] > 60) & (x[:, 10] < 100) | (x[:, 3] > 400)).astype(float)
    bias, trees = amd_boost.boost(x, y, np.ones(len(y)), 12)
    predicted = amd_boost.predict(x, bias, trees)
    assert ((predicted > 0) == (y > 0)).mean() > 0.97
    file = tmp_path / "model.toml"
    file.write_text(amd_train.written((bias, trees), (bias, trees)))
    model = load_model(file)
    columns = [amd_train.ASKED.index(n) if n in amd_train.ASKED else None for n in FEATURE_NAMES]
    for row, odds in zip(x[:300], predicted[:300], strict=True):
        full = [0.0 if column is None else float(row[column]) for column in columns]
        assert model.odds(full) == pytest.approx(odds, abs=0.05)
