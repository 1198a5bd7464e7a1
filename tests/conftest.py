"""Settings of the whole suite."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import settings

from fastpath.rtp import MediaEngine
from tests import compiled
from tests.sip.authority import Authority

# A run says the same every time it is made: examples follow from the test's name. New ones are
# looked for with HYPOTHESIS_PROFILE=search.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_configure(config: pytest.Config) -> None:
    """Old code under new tests would be a riddle: say it at once."""
    if stale := compiled.stale():
        pytest.exit("\n".join(stale), returncode=3)


@pytest.fixture
def engine() -> Iterator[MediaEngine]:
    """A media engine that runs; packets leave it every 20 ms."""
    engine = MediaEngine(streams_max=64)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    """The far end of a stream, spoken for by the test."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        yield sock


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs certificates; a name that is issued again replaces the one before."""
    return Authority(tmp_path_factory.mktemp("authority"))
