"""Every test of the contract runs on both engines."""

from __future__ import annotations

import pytest

from dialerd.store import MemoryStore, open_store
from tests.store.killing import Kills


@pytest.fixture(params=["lmdb", "memory"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else open_store(tmp_path, linger_s=0.0)
    yield made
    assert made.problems() == []
    made.close()


@pytest.fixture
def lmdb_store(tmp_path):
    made = open_store(tmp_path / "data", linger_s=0.0)
    yield made
    made.close()


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Kills:
    return Kills(monkeypatch)
