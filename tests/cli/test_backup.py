"""`dialerd backup`, `verify`, `restore` and `fsck` as people call them."""

from __future__ import annotations

import json
import stat
from datetime import timedelta

import msgspec
import pytest

from admin_http.people import copying, sessions
from admin_http.people.roles import Role, User
from admin_http.people.sessions import Policy
from admin_http.people.store import AdminStore
from admin_http.tokens import utc_now
from dialerd.core.records import EventKind
from dialerd.sim.ledger import Ended, Seen
from dialerd.store import open_store
from tests.store.kit import FIRST, call, events, filled_list, people, running, take


@pytest.fixture
def data(config):
    folder = config.parent / "data"
    store = open_store(folder)
    running(store, filled_list(store, "a", people(20)))
    for claim in take(store, n=5):
        call(store, claim, events=events(EventKind.DIALED, EventKind.RELEASED))
    store.close()
    return folder


def test_there_and_back(command, data, tmp_path):
    file = tmp_path / "b.mdb"
    done = command("backup", str(file))
    assert done.code == 0, done.err
    assert "all of them read" in done.out
    assert command("verify", str(file)).out.startswith(f"{file} is sound: ")
    done = command("restore", str(file), "--json")
    assert done.code == 0
    assert json.loads(done.out)["aside"].startswith(str(data / "store" / "data.mdb.before-"))
    assert command("fsck").out.startswith(f"{data} is sound: ")
    assert "exists" in command("backup", str(file)).err


def test_into_a_folder_for_a_nightly_job(command, data, tmp_path):
    assert data.is_dir()
    for year in (2001, 2002):
        (tmp_path / f"dialerd-{year}0101T000000Z.mdb").write_text("x")
    done = command("backup", str(tmp_path), "--keep", "2", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["records"]["leads"] == 20
    assert [name.rpartition("/")[2] for name in told["removed"]] == ["dialerd-20010101T000000Z.mdb"]
    wrong = command("backup", str(tmp_path / "x.mdb"), "--keep", "2")
    assert (wrong.code, "goes with a folder" in wrong.err) == (2, True)


def test_damage_is_told_with_exit_status_1(command, data, tmp_path):
    file = tmp_path / "b.mdb"
    command("backup", str(file))
    file.write_bytes(file.read_bytes()[:-4096])
    for words in (("verify", str(file)), ("restore", str(file))):
        done = command(*words)
        assert done.code == 1
        assert "SHA-256" in done.err
        assert "Traceback" not in done.err
    told = command("verify", str(file), "--json")
    assert told.code == 1
    assert "SHA-256" in json.loads(told.out)["refused"]
    (data / "store" / "data.mdb").write_bytes(b"")
    done = command("fsck")
    assert (done.code, "is empty" in done.err) == (1, True)


def test_no_store_is_told(command):
    for words in (("fsck",), ("backup", "x.mdb")):
        done = command(*words)
        assert (done.code, "there is no store" in done.err) == (1, True)


def test_a_folder_that_is_not_there_is_told_by_the_name_that_was_given(command, data, tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "nope" / "b.mdb", tmp_path / "file" / "b.mdb"):
        done = command("backup", str(target))
        assert (done.code, done.err.startswith(f"error: {target}: No")) == (1, True), done.err


def test_against_the_carriers_ledger(command, data, tmp_path):
    def written(calls):
        file = tmp_path / "ledger"
        file.write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in calls))
        return str(file)

    assert data.is_dir()
    good = []
    for n in range(1, 6):
        user, call_id = f"+{FIRST + n - 1}", f"call-{n}-a"
        good += [
            Seen(n, "c", call_id, user),
            Ended(n, "c", call_id, user, "answered", "caller", 200, answered_ms=n),
        ]
    # The kit's Call-IDs name no attempt: every one of them is unknown to the store.
    done = command("fsck", "--ledger", written(good))
    assert done.code == 1
    assert done.out.count("unknown_call") == 5
    assert done.out.count("never_placed") == 5
    done = command("fsck", "--ledger", written([]), "--json")
    assert [line.split(":")[0] for line in json.loads(done.out)["problems"]] == ["never_placed"] * 5


def test_people_go_there_and_back(command, data, tmp_path):
    assert command("token", "add", "crm").code == 0
    file = tmp_path / "b.mdb"
    done = command("backup", str(file), "--json")
    people = tmp_path / "b.mdb.admin"
    assert json.loads(done.out)["people"] == str(people)
    assert people.stat().st_mode & 0o777 == 0o600
    sums = (tmp_path / "b.mdb.sha256").read_text().splitlines()
    assert [line.split()[1] for line in sums] == ["b.mdb", "b.mdb.admin"]
    command("token", "revoke", "crm")
    command("token", "add", "other")
    done = command("restore", str(file))
    assert done.code == 0, done.err
    assert [one["name"] for one in json.loads(command("token", "ls", "--json").out)] == ["crm"]
    assert command("audit", "check").code == 0
    assert len(list((data / "admin").glob("data.mdb.before-*"))) == 1
    assert stat.S_IMODE((data / "admin" / "data.mdb").stat().st_mode) == 0o600


def test_damaged_people_are_told_before_anything_changes(command, data, tmp_path):
    command("token", "add", "crm")
    file = tmp_path / "b.mdb"
    command("backup", str(file))
    people = tmp_path / "b.mdb.admin"
    good = people.read_bytes()
    people.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    before = (data / "store" / "data.mdb").stat().st_ino
    for words in (("verify", str(file)), ("restore", str(file))):
        done = command(*words)
        assert (done.code, "SHA-256" in done.err) == (1, True)
    (tmp_path / "b.mdb.sha256").unlink()
    people.write_bytes(b"no store at all" * 1000)
    done = command("restore", str(file))
    assert (done.code, "b.mdb.admin" in done.err) == (1, True)
    assert (data / "store" / "data.mdb").stat().st_ino == before


def test_restored_people_have_to_log_in(data, tmp_path):
    store = AdminStore(data)
    user = User(name="lan", role=Role.ADMIN, created_at=utc_now())
    policy = Policy(timedelta(1), timedelta(1))
    store.write(lambda txn: sessions.begin(txn, user, "", utc_now(), policy))
    store.close()
    made = tmp_path / "b.mdb"
    (tmp_path / "b.mdb.sha256").write_text("")
    assert copying.backup(data, made) == copying.beside(made)
    copying.restore(made, data)
    store = AdminStore(data)
    with store.read() as txn:
        assert txn.count(sessions.SESSIONS) == 0
    store.close()
