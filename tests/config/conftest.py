"""A configuration file that is written for one test."""

from __future__ import annotations

from pathlib import Path

import pytest

PLAN = 'numbering = { plan = "plan.toml" }\n'


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "plan.toml").write_text("")

    def one(text: str, name: str = "dialerd.toml") -> Path:
        path = tmp_path / name
        path.write_text(PLAN + text)
        path.chmod(0o600)
        return path

    return one
