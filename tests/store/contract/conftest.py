"""The engines that the contract holds for. A further one is a line in `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dialerd.store import MemoryStore, open_store
from dialerd.store.base import BaseStore

ENGINES: dict[str, Callable[[Path], BaseStore]] = {
    "lmdb": lambda folder: open_store(folder, linger_s=0.0),
    "memory": lambda _: MemoryStore(),
}


@pytest.fixture(params=sorted(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStore]:
    """An empty store; sound at the end, whatever a test did."""
    made = ENGINES[request.param](tmp_path)
    yield made
    assert made.problems() == []
    made.close()
