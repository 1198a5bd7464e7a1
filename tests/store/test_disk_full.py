"""A disk that is full: refused, nothing half-written, readable, and going on when there is room."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess

import lmdb
import pytest

from dialerd.core.ports import StoreFailedError
from dialerd.core.records import LeadState
from dialerd.store import open_store, wait
from tests.store.kit import begin, filled_list, finish, people, running, take


@pytest.fixture
def small_disk(tmp_path):
    """6 MiB of tmpfs."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.fail(f"this test mounts a tmpfs and must run as root: {made.stderr}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(store, list_id: int, first: int) -> int:
    """Add people until the disk refuses; how many were acknowledged."""
    for batch in range(1_000):
        refusal = store.add_contacts(list_id, people(500, first + 500 * batch)).exception(30)
        if refusal is not None:
            assert isinstance(refusal, StoreFailedError)
            assert "is full" in str(refusal)
            return 500 * batch
    raise AssertionError("the disk never filled")


def test_full_and_emptied(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    store = open_store(small_disk, linger_s=0.0)
    list_id = filled_list(store, "a", people(2_000))
    running(store, list_id)
    claims = take(store, n=5)
    added = fill(store, list_id, 85_000_000_000)

    assert added > 1_000
    assert store.find_list("a").size == 2_000 + added
    assert store.problems() == []
    assert store.progress(1).leads[LeadState.CLAIMED] == 5
    assert store.figures()["failures"] >= 1

    ballast.unlink()
    wait(store.apply([begin(claims[0].attempt_id), finish(claims[0].attempt_id)]))
    assert fill(store, list_id, 86_000_000_000) > 0
    assert store.problems() == []
    size = store.find_list("a").size
    store.close()
    again = open_store(small_disk)
    assert again.find_list("a").size == size
    assert again.progress(1).leads[LeadState.DONE] == 1
    assert again.problems() == []
    again.close()


def test_every_request_of_the_failed_group_is_told(small_disk):
    store = open_store(small_disk, linger_s=0.0)
    list_id = filled_list(store, "a", [])
    fill(store, list_id, 85_000_000_000)
    assert subprocess.run(
        ["dd", "if=/dev/zero", f"of={small_disk}/ballast", "bs=4k"],
        capture_output=True,
        check=False,
    ).returncode

    async def work():
        store._writer._linger_s = 1.0
        asked = [store.create_list(f"list {i}", 1) for i in range(60)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        kinds = {type(one) for one in found}
        assert len(kinds) == 1
        return kinds.pop()

    outcome = asyncio.run(work())
    assert len(store.lists()) == (1 if outcome is StoreFailedError else 61)
    assert store.problems() == []
    store.close()


def test_a_disk_that_fails_otherwise_is_not_tried_again(lmdb_store, monkeypatch):
    """After a failed flush the kernel may have dropped what it once took."""
    engine = lmdb_store._engine

    def failing(*, write):
        del write
        raise lmdb.Error("mdb_txn_commit: " + os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(engine, "begin", failing)
        with pytest.raises(StoreFailedError, match=r"writing .* failed"):
            wait(lmdb_store.create_list("a", 1))
    with pytest.raises(StoreFailedError, match=r"writing .* failed"):
        wait(lmdb_store.create_list("a", 1))
    assert lmdb_store.lists() == []
