"""The data folder: who may open it, what it refuses, how it grows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import lmdb
import pytest

from dialerd.core.ports import StoreError, StoreFailedError
from dialerd.store import FolderLockedError, StoreFormatError, open_store, wait
from dialerd.store.schema import number64
from tests.store.kit import NOW, filled_list, people


def child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


def reopened(folder):
    store = open_store(folder)
    try:
        assert store.problems() == []
        return store.lists()
    finally:
        store.close()


def test_everything_is_there_after_reopening(tmp_path):
    store = open_store(tmp_path)
    filled_list(store, "a", people(100))
    store.close()
    assert [found.size for found in reopened(tmp_path)] == [100]


def test_the_files_are_private(tmp_path):
    folder = tmp_path / "new" / "data"
    open_store(folder, daemon=True).close()
    assert folder.stat().st_mode & 0o077 == 0
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_second_daemon_is_told_who_runs(tmp_path):
    first = open_store(tmp_path, daemon=True)
    with pytest.raises(FolderLockedError, match=f"process {os.getpid()}") as caught:
        open_store(tmp_path, daemon=True)
    assert caught.value.pid == os.getpid()
    code = (
        "import sys; from dialerd.store import *\n"
        "try: open_store(sys.argv[1], daemon=True)\n"
        "except FolderLockedError as error: print(error)"
    )
    found = child(code, tmp_path)
    assert f"in use by a running dialerd (process {os.getpid()})" in found.stdout, found.stderr
    first.close()
    open_store(tmp_path, daemon=True).close()


def test_a_killed_daemon_leaves_no_lock(tmp_path):
    code = (
        "import os, sys; from dialerd.store import *\n"
        "store = open_store(sys.argv[1], daemon=True); os.kill(os.getpid(), 9)"
    )
    assert child(code, tmp_path).returncode == -9
    open_store(tmp_path, daemon=True).close()


def test_commands_write_beside_the_daemon(tmp_path):
    daemon = open_store(tmp_path, daemon=True, linger_s=0.0)
    wait(daemon.create_list("mine", NOW))
    code = (
        "import sys; from dialerd.store import *; from tests.store.kit import *\n"
        "store = open_store(sys.argv[1])\n"
        "filled_list(store, 'theirs', people(9000)); print(len(store.lists())); store.close()"
    )
    found = child(code, tmp_path)
    assert found.stdout == "2\n", found.stderr
    assert [(one.name, one.size) for one in daemon.lists()] == [("mine", 0), ("theirs", 9_000)]
    assert wait(daemon.create_list("third", NOW)).list_id == 3
    daemon.close()


def test_a_reader_in_another_process_sees_whole_commits_only(tmp_path):
    store = open_store(tmp_path, linger_s=0.0)
    code = (
        "import sys; from dialerd.store import *; from dialerd.core.ports import NotFoundError\n"
        "store = open_store(sys.argv[1]); print('ready', flush=True); seen = set()\n"
        "while not seen or max(seen) < 40 * 25:\n"
        "    try: size = store.find_list('a').size\n"
        "    except NotFoundError: size = 0\n"
        "    assert size % 25 == 0, size\n"
        "    assert not store.problems()\n"
        "    seen.add(size)\n"
        "print(len(seen)); store.close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "ready\n"
        list_id = filled_list(store, "a", [])
        for i in range(40):
            wait(store.add_contacts(list_id, people(25, 84_900_000_000 + 25 * i)))
        out, _ = reader.communicate(timeout=200)
    assert reader.returncode == 0
    assert int(out) >= 1
    store.close()


def test_a_store_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match="there is no store in"):
        open_store(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("x")
    for daemon in (False, True):
        with pytest.raises(StoreError, match="Not a directory"):
            open_store(tmp_path / "file" / "data", daemon=daemon)


def damage(tmp_path, content: bytes):
    folder = tmp_path / "store"
    folder.mkdir(exist_ok=True)
    (folder / "lock.mdb").unlink(missing_ok=True)
    (folder / "data.mdb").write_bytes(content)


@pytest.mark.parametrize("content", [b"x" * 50_000, bytes(50_000), b"short"])
def test_a_file_that_is_no_store(tmp_path, content):
    damage(tmp_path, content)
    with pytest.raises(StoreFormatError, match=r"data\.mdb is damaged or not a store"):
        open_store(tmp_path, daemon=True)
    with pytest.raises(StoreFormatError):  # the lock was let go: the same answer again
        open_store(tmp_path, daemon=True)


def test_an_empty_file_is_not_taken_for_a_new_store(tmp_path):
    filled = open_store(tmp_path)
    filled_list(filled, "a", people(10))
    filled.close()
    damage(tmp_path, b"")
    with pytest.raises(StoreFormatError, match=r"data\.mdb is empty; restore a backup"):
        open_store(tmp_path, daemon=True)
    assert (tmp_path / "store" / "data.mdb").stat().st_size == 0


@pytest.mark.parametrize(
    ("what", "told"), [("removed", "removed"), ("replaced", "replaced"), ("moved", "removed")]
)
def test_a_file_that_goes_away_under_its_store_takes_no_more_writes(tmp_path, what, told):
    store = open_store(tmp_path, daemon=True)
    filled_list(store, "a", people(10))
    folder = tmp_path / "store"
    if what == "removed":
        shutil.rmtree(tmp_path)
    elif what == "moved":
        folder.rename(tmp_path / "elsewhere")
    else:
        copy = (folder / "data.mdb").read_bytes()
        (folder / "new").write_bytes(copy)
        (folder / "new").rename(folder / "data.mdb")
    for name in ("b", "c"):  # and none later, whatever is put back in its place
        with pytest.raises(StoreFailedError, match=rf"data\.mdb was {told} while it was in use"):
            wait(store.create_list(name, NOW))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data.mdb").touch()
    assert [found.name for found in store.lists()] == ["a"]
    store.close()


@pytest.mark.parametrize("what", ["removed", "replaced", "cut"])
def test_who_looks_finds_a_file_that_went_away_though_nothing_is_written(tmp_path, what):
    store = open_store(tmp_path, daemon=True)
    filled_list(store, "a", people(500))
    data = tmp_path / "store" / "data.mdb"
    broken: list[StoreFailedError] = []
    store.when_broken(broken.append)
    assert store.look() == ""
    assert broken == []
    if what == "removed":
        data.unlink()
    elif what == "replaced":
        shutil.copy(data, data.with_name("new"))
        data.with_name("new").rename(data)
    else:  # by a page that holds nothing: those who read must not be ended by it
        with data.open("r+b") as file:
            file.truncate(data.stat().st_size - 4096)
    for _ in range(2):
        store.look()
    (told,) = broken
    assert what in str(told)
    assert store.figures()["failures"] == 0  # whoever asks how it is, is told
    assert "stop this process" in str(told)
    with pytest.raises(StoreFailedError, match="while it was in use"):
        wait(store.create_list("b", NOW))
    store.close()
    assert (tmp_path / "daemon.running").exists()  # the next one examines what is there


def test_a_file_cut_off_is_refused_and_not_read(tmp_path):
    store = open_store(tmp_path)
    filled_list(store, "a", people(20_000))
    store.close()
    whole = (tmp_path / "store" / "data.mdb").read_bytes()
    for part in (2, 3, 10):
        damage(tmp_path, whole[: len(whole) * part // 11 // 4096 * 4096])
        with pytest.raises(StoreFormatError, match="cut off"):
            open_store(tmp_path)
    damage(tmp_path, whole)
    assert reopened(tmp_path)[0].size == 20_000


def test_a_file_a_page_short_is_not_taken_for_cut_off(tmp_path):
    """LMDB leaves pages unwritten that one transaction took at the end and gave back."""
    store = open_store(tmp_path)
    filled_list(store, "a", people(2_000))
    store.close()
    data = tmp_path / "store" / "data.mdb"
    size = data.stat().st_size
    said = ""
    with data.open("r+b") as file:
        file.truncate(size - 4096)
    try:
        open_store(tmp_path).close()
    except StoreError as error:  # here the page held something: refused for what it is
        said = str(error)
    assert "cut off" not in said
    assert data.stat().st_size == size, "reading the page must not be SIGBUS"


def test_somebody_elses_lmdb_file(tmp_path):
    (tmp_path / "store").mkdir()
    with lmdb.open(str(tmp_path / "store"), max_dbs=2) as env, env.begin(write=True) as txn:
        txn.put(b"k", b"v", db=env.open_db(b"meta", txn=txn))
    with pytest.raises(StoreFormatError, match="not a store"):
        open_store(tmp_path)


def test_a_file_of_lmdb_1(tmp_path):
    (tmp_path / "store").mkdir()
    lmdb.open(str(tmp_path / "store"), lib_version=1).close()
    with pytest.raises(StoreFormatError, match=r"LMDB 1\.x"):
        open_store(tmp_path)


def test_a_newer_format_is_refused_by_name(tmp_path):
    open_store(tmp_path).close()
    with lmdb.open(str(tmp_path / "store"), max_dbs=40) as env, env.begin(write=True) as txn:
        txn.put(b"format", number64(7), db=env.open_db(b"meta", txn=txn))
    with pytest.raises(StoreFormatError, match="format 7, written by a newer dialerd"):
        open_store(tmp_path)


def test_a_full_map_grows(tmp_path):
    store = open_store(tmp_path, map_bytes=1 << 20, linger_s=0.0)
    filled_list(store, "a", people(20_000))
    found = store.figures()
    assert found["map_bytes"] > 1 << 20
    assert found["failures"] == 0
    store.close()
    assert reopened(tmp_path)[0].size == 20_000


def test_a_map_that_another_process_made_larger(tmp_path):
    store = open_store(tmp_path, map_bytes=1 << 20, linger_s=0.0)
    code = (
        "import sys; from dialerd.store import *; from tests.store.kit import *\n"
        "store = open_store(sys.argv[1]); filled_list(store, 'a', people(20000)); store.close()"
    )
    assert child(code, tmp_path).returncode == 0
    assert store.find_list("a").size == 20_000
    wait(store.create_list("b", NOW))
    store.close()


def test_little_address_space_reserves_less(tmp_path):
    code = (
        "import sys, resource; from dialerd.store import *\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))\n"
        "store = open_store(sys.argv[1]); print(int(store.figures()['map_bytes'])); store.close()"
    )
    found = child(code, tmp_path)
    assert 1 << 24 <= int(found.stdout) < 1 << 31, found.stderr


def test_debian_tools_can_read_it(tmp_path):
    """The file is of LMDB 0.9: magic and version stand in the first page."""
    open_store(tmp_path).close()
    head = (tmp_path / "store" / "data.mdb").read_bytes()[16:24]
    assert head == bytes.fromhex("dec0efbe01000000")


def test_a_reader_beside_the_daemon_sees_commits_and_cannot_write(tmp_path):
    with pytest.raises(StoreError, match="no store"):
        open_store(tmp_path / "none", readonly=True)
    assert not (tmp_path / "none").exists()
    daemon = open_store(tmp_path, daemon=True, linger_s=0.0)
    code = (
        "import sys; from dialerd.store import *; from dialerd.core.ports import StoreFailedError\n"
        "store = open_store(sys.argv[1], readonly=True)\n"
        "print('open', flush=True); sys.stdin.readline(); print(len(store.lists()))\n"
        "try: wait(store.create_list('mine', 1))\n"
        "except StoreFailedError: print('refused')\n"
        "store.close()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as reader:
        assert reader.stdout.readline() == "open\n"
        wait(daemon.create_list("late", NOW))
        assert reader.communicate("go\n", timeout=200)[0] == "1\nrefused\n"
    assert [found.name for found in daemon.lists()] == ["late"]
    daemon.close()
