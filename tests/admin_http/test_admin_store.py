"""The admin store: typed tables, whole changes, two processes, and what it refuses."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from admin_http.people import store as admin_store
from admin_http.people.store import AdminError, AdminFullError, AdminStore, Kind, Txn
from tests.waiting import until


class Job(msgspec.Struct, frozen=True):
    id: int
    text: str = ""


JOBS = Kind("jobs", Job, lambda job: job.id.to_bytes(8, "big"))
ANSWERS = Kind("answers", Job, lambda job: job.text.encode())


def key(number: int) -> bytes:
    return number.to_bytes(8, "big")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdminStore]:
    made = AdminStore(tmp_path / "data")
    yield made
    made.close()


def test_records_are_kept_for_their_owner_alone(store: AdminStore, tmp_path: Path) -> None:
    store.write(lambda txn: txn.put(JOBS, Job(1, "a")))
    store.close()
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in store.folder.iterdir()} == {0o600}
    again = AdminStore(tmp_path / "data")
    with again.read() as txn:
        assert txn.get(JOBS, key(1)) == Job(1, "a")
        assert txn.get(JOBS, key(2)) is None
        assert txn.get(JOBS, b"") is None
        assert txn.get(JOBS, b"x" * 512) is None
    again.close()


def test_tables_are_scanned_both_ways(store: AdminStore) -> None:
    def fill(txn: Txn) -> None:
        for number in range(1, 6):
            txn.put(JOBS, Job(number))
        for text in ("a1", "a2", "b1"):
            txn.put(ANSWERS, Job(0, text))

    store.write(fill)
    with store.read() as txn:
        assert [job.id for job in txn.scan(JOBS, 9)] == [1, 2, 3, 4, 5]
        assert [job.id for job in txn.scan(JOBS, 2)] == [1, 2]
        assert [job.id for job in txn.scan(JOBS, 9, after=key(3))] == [4, 5]
        assert [job.id for job in txn.scan(JOBS, 9, after=key(5))] == []
        assert [job.id for job in txn.newest(JOBS, 2)] == [5, 4]
        assert [job.id for job in txn.newest(JOBS, 9, before=key(3))] == [2, 1]
        assert txn.newest(JOBS, 9, before=key(1)) == []
        assert [job.id for job in txn.newest(JOBS, 1, before=key(99))] == [5]
        assert [job.text for job in txn.scan(ANSWERS, 9, prefix=b"a")] == ["a1", "a2"]
        assert [job.text for job in txn.scan(ANSWERS, 9, prefix=b"a", after=b"a1")] == ["a2"]
        assert txn.count(JOBS) == 5
    assert store.write(lambda txn: txn.delete(JOBS, key(5)))
    assert not store.write(lambda txn: txn.delete(JOBS, key(5)))


def test_what_fails_leaves_nothing(store: AdminStore) -> None:
    def fail(txn: Txn) -> None:
        txn.put(JOBS, Job(1))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.write(fail)
    with store.read() as txn:
        assert txn.count(JOBS) == 0


async def test_changes_are_made_beside_the_loop(store: AdminStore) -> None:
    def work(txn: Txn) -> int:
        txn.put(JOBS, Job(1))
        return threading.get_ident()

    assert await store.change(work) != threading.get_ident()
    with store.read() as txn:
        assert txn.count(JOBS) == 1


def test_two_processes_share_it(store: AdminStore, tmp_path: Path) -> None:
    store.write(lambda txn: txn.put(JOBS, Job(1)))
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.admin_http.test_admin_store import JOBS, AdminStore, Job, key\n"
        "store = AdminStore(Path(sys.argv[1]))\n"
        "store.write(lambda txn: (txn.delete(JOBS, key(1)), txn.put(JOBS, Job(2, 'theirs'))))\n"
        "store.close()"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code, tmp_path / "data"], check=True, cwd=root)
    with store.read() as txn:
        assert txn.scan(JOBS, 9) == [Job(2, "theirs")]


def test_a_full_store_refuses_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_store, "MAP_BYTES", 1 << 19)
    store = AdminStore(tmp_path)
    store.write(lambda txn: txn.put(JOBS, Job(0, "kept")))
    with pytest.raises(AdminFullError):
        store.write(lambda txn: [txn.put(JOBS, Job(n, "x" * 1000)) for n in range(1, 2000)])
    with store.read() as txn:
        assert txn.scan(JOBS, 9) == [Job(0, "kept")]
    store.close()


@pytest.mark.parametrize("content", [b"", b"x" * 8192])
def test_a_damaged_file_is_refused_and_left(tmp_path: Path, content: bytes) -> None:
    store = AdminStore(tmp_path)
    store.folder.mkdir(mode=0o700)
    file = store.folder / "data.mdb"
    file.write_bytes(content)
    with pytest.raises(AdminError), store.read():
        pass
    assert file.read_bytes() == content


def test_a_file_that_is_being_made_is_waited_for(store: AdminStore, tmp_path: Path) -> None:
    store.write(lambda txn: txn.put(JOBS, Job(1, "theirs")))
    store.close()
    late = AdminStore(tmp_path / "late")
    late.folder.mkdir(mode=0o700, parents=True)
    file = late.folder / "data.mdb"
    file.touch()
    found: list[Job] = []

    def look() -> None:
        with late.read() as txn:
            found.extend(txn.scan(JOBS, 9))

    def waits() -> bool:
        rows = Path("/proc/locks").read_text().splitlines()
        return any("->" in row and f":{late.folder.stat().st_ino} " in row for row in rows)

    making = os.open(late.folder, os.O_RDONLY)
    fcntl.flock(making, fcntl.LOCK_EX)
    looks = threading.Thread(target=look)
    looks.start()
    until(waits)
    file.write_bytes((store.folder / "data.mdb").read_bytes())
    os.close(making)
    looks.join()
    assert found == [Job(1, "theirs")]
    late.close()


def test_a_newer_program_s_store_is_refused(
    store: AdminStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_store, "FORMAT", 2)
    store.write(lambda txn: txn.count(JOBS))
    store.close()
    monkeypatch.setattr(admin_store, "FORMAT", 1)
    with pytest.raises(AdminError, match="newer"), store.read():
        pass


def test_records_of_another_shape_are_told(store: AdminStore) -> None:
    class Other(msgspec.Struct):
        id: str

    store.write(lambda txn: txn.put(Kind("jobs", Other, lambda _: key(1)), Other("x")))
    with store.read() as txn, pytest.raises(AdminError, match="jobs"):
        txn.get(JOBS, key(1))


def test_one_that_is_only_copied_is_not_written(store: AdminStore, tmp_path: Path) -> None:
    store.write(lambda txn: txn.put(JOBS, Job(1, "kept")))
    store.close()
    before = (store.folder / "data.mdb").read_bytes()
    only = AdminStore(store.folder.parent, readonly=True)
    with (tmp_path / "copy").open("wb") as out:
        only.copy(out.fileno())
    with pytest.raises(AdminError, match="cannot write"):
        only.write(lambda _: None)
    only.close()
    assert (store.folder / "data.mdb").read_bytes() == before


def test_only_known_tables_have_kinds() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Kind("nothing", Job, lambda _: b"x")
