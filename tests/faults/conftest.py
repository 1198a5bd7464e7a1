"""Where the fault tests work: in memory when there is room, so that they wait for no disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FAST = Path("/dev/shm")
ROOM = 256 << 20


def fast_folder() -> Path:
    """A new folder; the caller removes it."""
    room = 0
    if FAST.is_dir() and os.access(FAST, os.W_OK):
        space = os.statvfs(FAST)
        room = space.f_bavail * space.f_frsize
    return Path(tempfile.mkdtemp(prefix="dialerd-faults-", dir=FAST if room > ROOM else None))


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder whose files are written to no disk, for states of files that are built by us."""
    folder = fast_folder()
    yield folder
    shutil.rmtree(folder)
