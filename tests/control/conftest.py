"""Test functions here may be coroutines; `path` is where the socket goes."""

from pathlib import Path

import pytest

from tests.control.aio import pytest_pyfunc_call

__all__ = ["path", "pytest_pyfunc_call"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"
