"""Settings of the whole suite."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from fastpath.rtp import MediaEngine
from tests import compiled, tree
from tests.sip.authority import Authority

# A run says the same every time it is made: examples follow from the test's name. New ones are
# looked for with HYPOTHESIS_PROFILE=search.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
# Where the same tests run a second time, over slow code: that they say the same is asked there.
settings.register_profile("few", derandomize=True, deadline=None, max_examples=15)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_configure(config: pytest.Config) -> None:
    """Old code under new tests would be a riddle: say it at once."""
    if stale := compiled.stale():
        pytest.exit("\n".join(stale), returncode=3)


class OneWorkerForAFixture(LoadScopeScheduling):
    """A file with a fixture of its own for all its tests, or marked so, is one worker's work.

    Workers that share such a file would each make what the fixture makes.
    """

    def __init__(self, config: pytest.Config, log: object) -> None:
        """Look at the files once."""
        super().__init__(config, log)
        whole = re.compile(r'scope="module"|^pytestmark.*xdist_group', re.MULTILINE)
        self._whole = {
            str(path.relative_to(tree.ROOT))
            for path in (tree.ROOT / "tests").rglob("test_*.py")
            if whole.search(path.read_text())
        }

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in self._whole else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    """In place of `loadgroup` (xdist 3.8 writes groups where pytest 9.2 no longer looks)."""
    return OneWorkerForAFixture(config, log) if config.getvalue("dist") == "loadgroup" else None


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
        sock.settimeout(100)
        yield sock


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs certificates; a name that is issued again replaces the one before."""
    return Authority(tmp_path_factory.mktemp("authority"))
