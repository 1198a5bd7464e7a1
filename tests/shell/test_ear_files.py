"""The files of detection: what is wrong with them is a fault of the configuration."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dialerd.cli.main import CONFIG, OK, run
from dialerd.config import ConfigError, load
from dialerd.detect import bank as bank_module
from dialerd.detect.bank_file import Kind, write_announcement
from dialerd.detect.bank_prints import prints_of
from dialerd.detect.model import DEFAULT
from dialerd.detect.tone_plan import FOLDER, load_book
from dialerd.shell.ear_files import EarFiles, read_ear_files
from dialerd.shell.reloading import read_again

TRUNK = '[[trunk]]\nname = "a"\nhost = "192.0.2.1"\n'


def config(folder: Path, text: str) -> Path:
    path = folder / "d.toml"
    path.write_text(f"# a configuration\n{text}")
    return path


def files(folder: Path, text: str) -> EarFiles:
    path = config(folder, text)
    return read_ear_files(load(path), path)


def put(folder: Path, kind: Kind, seed: int) -> Path:
    noise = np.random.default_rng(seed).normal(0, 3_000, 40_000).astype(np.int16)
    return write_announcement(folder, prints_of(noise), label=f"n{seed}", kind=kind, carrier="x")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (TRUNK + 'tones = "vn uss"', 5, "no tone plan 'uss'"),
        (TRUNK + 'tones = "vn my.toml"', 5, "no tone plan 'my.toml'"),
        ('[detection]\nannouncements = "nowhere"', 3, "there is no folder"),
        ('[detection]\nmodels = "nowhere"', 3, "there is no folder"),
        (TRUNK + '[[trunk.sound]]\nkind = "announcement"\nvalue = "bussy"', 7, "mean 'busy'"),
        (
            TRUNK + '[[trunk.sound]]\nkind = "announcement"\nanswered = true',
            7,
            "before the answer only",
        ),
        (TRUNK + '[[trunk.sound]]\nkind = "sit"\nvalue = "vaccant"', 7, "mean 'vacant'"),
    ],
)
def test_what_is_misspelt_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, text)
    running = load(config(tmp_path, ""))
    config(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        read_again(path, running)
    assert [one.line for one in raised.value.findings] == [line]
    assert said in str(raised.value)
    assert run(["check-config", "-c", str(path)]) == CONFIG
    assert f"{path}:{line}:" in capsys.readouterr().err


def test_plans_count_from_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_bytes((FOLDER / "us.toml").read_bytes())
    monkeypatch.chdir("/")
    found = files(tmp_path, TRUNK + 'tones = "vn mine.toml"')
    assert len(found.books["vn mine.toml"]) == len(load_book("vn us"))


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e308"])
def test_a_model_of_no_numbers_is_refused(tmp_path: Path, number: str) -> None:
    text = DEFAULT.read_text()
    line = next(one for one in text.splitlines() if one.startswith("bias = "))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "bad.toml").write_text(text.replace(line, f"bias = {number}"))
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        files(tmp_path, '[detection]\nmodels = "models"')


def test_a_torn_file_costs_only_its_announcement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn, _ = put(tmp_path / "bank", Kind.BUSY, 1), put(tmp_path / "bank", Kind.INVALID, 2)
    torn.with_suffix(".prints").write_bytes(b"DLPRINT\x01")
    text = '[detection]\nannouncements = "bank"'
    found = files(tmp_path, text)
    assert found.bank is not None
    assert [one.label for one in found.bank.entries] == ["n2"]
    assert [one.startswith(f"{torn}:") for one in found.left_out] == [True]
    assert run(["check-config", "-c", str(config(tmp_path, text))]) == OK
    assert str(torn) in capsys.readouterr().err


def test_pipes_do_not_hold_it_up(tmp_path: Path) -> None:
    whole = put(tmp_path / "bank", Kind.BUSY, 1)
    prints = whole.with_suffix(".prints")
    prints.unlink()
    os.mkfifo(prints)
    os.mkfifo(tmp_path / "bank" / "x" / "y.toml")
    found = files(tmp_path, '[detection]\nannouncements = "bank"')
    assert found.bank is None
    assert ["regular" in one for one in found.left_out] == [True, True]


def test_an_unchanged_bank_is_kept_and_only_new_recordings_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, compared = tmp_path / "bank", []
    kinds = (Kind.BUSY, Kind.INVALID, Kind.OTHER)
    paths = [put(folder, kind, seed) for seed, kind in enumerate(kinds)]
    common = bank_module.common
    monkeypatch.setattr(bank_module, "common", lambda *rows: compared.append(rows) or common(*rows))

    def read() -> int:
        compared.clear()
        files(tmp_path, '[detection]\nannouncements = "bank"')
        return len(compared)

    assert read() == 3
    assert read() == 0, "nothing changed"
    paths.append(put(folder, Kind.BLOCKED, 9))
    assert read() == 3, "the new one with each of the others"
    kept = bank_module.read_bank(folder)[0]
    bank_module._kept.clear()
    assert bank_module.read_bank(folder)[0].flags == kept.flags, "as if composed at once"
    paths[0].unlink()
    assert read() == 3, "all anew: the others may have shared with it"
