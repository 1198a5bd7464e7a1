"""Folders that cannot be used: full, read-only, another user's, something else in their place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dialerd.core.ports import StoreError
from dialerd.sim.io_world import environment
from dialerd.store import copies, open_store, wait
from tests.faults.conftest import fast_folder
from tests.store.kit import NOW, filled_list, people

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
BEGIN = """
import sys
from dialerd.core.ports import StoreError
from dialerd.store import open_store, wait
try:
    store = open_store(sys.argv[1], daemon=True)
    wait(store.recover(1))
    wait(store.set_outbox(0))
    wait(store.create_list("a", 1))
    store.close()
except StoreError as error:
    print(error)
    sys.exit(1)
"""

Disk = Callable[[str], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk with the options of its mount; asked for again, these are its options now."""
    where = tmp_path / "disk"
    mounted = []

    def mount(options: str) -> Path:
        where.mkdir(exist_ok=True)
        again = ["-o", f"remount,{options}"] if mounted else ["-t", "tmpfs", "-o", options]
        command = ["mount", *again, "tmpfs", str(where)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, f"this test mounts a tmpfs and must run as root: {done.stderr}"
        mounted.append(options)
        return where

    yield mount
    if mounted:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that other users reach, unlike those of pytest."""
    folder = fast_folder()
    yield folder
    shutil.rmtree(folder)


def begin(folder: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """The steps of a start, in a process of its own: a full disk may end one by a signal."""
    command = [*before, sys.executable, "-c", BEGIN, str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment(), timeout=200
    )


@pytest.mark.parametrize("kib", [0, 4, 8, 12, 16, 24, 64, 68, 72, 76, 80, 96, 112, 128])
def test_a_disk_that_is_full_at_any_step_of_the_start_is_told_and_gets_over_it(disk: Disk, kib):
    """Where the start gets to depends on the room; no signal ends it, and nothing bars the next."""
    where = disk(f"size={max(kib, 4)}k,nr_inodes={3 if not kib else 100}")
    first = begin(where / "data")
    assert first.returncode in {0, 1}, first.returncode
    assert first.stderr == ""
    if first.returncode:
        assert "full" in first.stdout or "No space left" in first.stdout
        assert first.stdout.count("\n") == 1
    disk("size=8m,nr_inodes=100")
    store = open_store(where / "data", daemon=True)
    assert store.problems() == []
    filled_list(store, "later", people(10))
    store.close()


def test_a_folder_that_nobody_may_write_is_read_and_told(disk: Disk, tmp_path):
    where = disk("size=8m")
    store = open_store(where / "data", linger_s=0.0)
    filled_list(store, "a", people(10))
    store.close()
    disk("ro")
    with pytest.raises(StoreError, match=r"cannot use data folder .*Read-only file system"):
        open_store(where / "data", daemon=True)
    with pytest.raises(StoreError, match="Read-only file system"):
        open_store(where / "data")
    assert copies.check(where / "data").sound
    made = copies.backup(where / "data", tmp_path / "b.mdb")
    assert copies.verify(made.file).sound
    again = open_store(where / "data", readonly=True)
    assert [found.size for found in again.lists()] == [10]
    again.close()


def test_a_folder_of_another_user_is_told_with_the_name(scratch: Path):
    scratch.chmod(0o755)
    open_store(scratch / "data").close()
    (scratch / "data").chmod(0o755)
    done = begin(scratch / "data", *NOBODY)
    assert done.returncode == 1
    assert "Permission denied; it belongs to root: run this as that user" in done.stdout


@pytest.mark.parametrize("what", ["pipe", "folder", "device", "loop"])
def test_something_else_in_the_place_of_the_file_is_refused_in_time(tmp_path, what):
    data = tmp_path / "data" / "store" / "data.mdb"
    data.parent.mkdir(parents=True)
    if what == "pipe":
        os.mkfifo(data)
    elif what == "folder":
        data.mkdir()
    elif what == "device":
        data.symlink_to("/dev/zero")
    else:
        data.symlink_to(data)
    done = begin(tmp_path / "data")
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert os.path.lexists(data), "nothing of somebody else's is removed"


def test_a_file_that_lies_elsewhere_by_a_link_is_used_and_restored(tmp_path):
    """Who keeps the file on another disk has a link in the folder; a restore leaves that disk."""
    data = tmp_path / "data"
    store = open_store(data, linger_s=0.0)
    wait(store.create_list("a", NOW))
    store.close()
    made = copies.backup(data, tmp_path / "b.mdb").file
    real = tmp_path / "real.mdb"
    (data / "store" / "data.mdb").rename(real)
    (data / "store" / "data.mdb").symlink_to(real)
    store = open_store(data, linger_s=0.0)
    wait(store.create_list("b", NOW))
    store.close()
    aside = copies.restore(made, data)
    assert aside is not None
    kept = open_store(data, readonly=True)
    assert [found.name for found in kept.lists()] == ["a"]
    kept.close()
    assert aside.resolve() == real
    assert copies.verify(real).sound
