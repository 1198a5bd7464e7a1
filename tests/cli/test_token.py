"""Tokens: shown once, stored as hashes, refused when expired, revoked or altered."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin_http import tokens
from admin_http.limits import TOKENS_MAX
from admin_http.people.store import AdminError, AdminStore
from admin_http.tokens import PREFIX, Scope, TokenError
from dialerd.cli import main

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_add_ls_revoke(command, config: Path) -> None:
    done = command("token", "add", "crm", "--scope", "read", "--scope", "reports")
    assert done.code == 0
    secret = done.out.strip()
    assert secret.startswith(PREFIX)
    assert len(secret) > 40
    folder = config.parent / "data" / "admin"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert secret.encode() not in file.read_bytes()
    assert (
        hashlib.sha256(secret.encode()).hexdigest().encode() in (folder / "data.mdb").read_bytes()
    )
    assert "read, reports" in command("token", "ls").out
    assert json.loads(command("token", "ls", "--json").out)[0]["valid"] is True
    again = command("token", "add", "crm")
    assert again.code == main.FAILED
    assert "already" in again.err
    assert command("token", "revoke", "crm").code == 0
    assert command("token", "revoke", "crm").code == main.FAILED
    assert json.loads(command("token", "ls", "--json").out) == []


def test_expiry(command) -> None:
    made = json.loads(command("token", "add", "a", "--expires", "30d", "--json").out)
    assert made["expires_at"]
    for wrong in ("0s", "99999d", "soon"):
        assert command("token", "add", "b", "--expires", wrong).code == main.USAGE


def test_wrong_names_and_scopes(command) -> None:
    assert command("token", "add", "a", "--scope", "everything").code == main.USAGE
    for name in ("a b", "x\n", "", "é", "x" * 65, "../x"):
        assert command("token", "add", name).code == main.FAILED


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AdminStore]:
    made = AdminStore(tmp_path)
    yield made
    made.close()


def add(store: AdminStore, name: str, *scopes: Scope, until: datetime | None = None) -> str:
    return store.write(lambda txn: tokens.add(txn, name, scopes or (Scope.READ,), NOW, until))


def find(store: AdminStore, secret: str, now: datetime = NOW) -> tokens.Token | None:
    with store.read() as txn:
        return tokens.find(txn, secret, now)


def test_find(store: AdminStore) -> None:
    assert find(store, PREFIX + "x") is None
    secret = add(store, "a", until=NOW + timedelta(hours=1))
    other = add(store, "b", Scope.READ, Scope.READ, Scope.OPERATE)
    found = find(store, secret)
    assert found is not None
    assert found.name == "a"
    assert find(store, secret, NOW + timedelta(hours=1)) is None
    for wrong in (
        secret + "x",
        secret[:-1],
        secret.removeprefix(PREFIX),
        "",
        PREFIX + "x" * 10_000,
        PREFIX + "\udc80",
    ):
        assert find(store, wrong) is None
    forever = find(store, other, NOW + timedelta(days=10_000))
    assert forever is not None
    assert forever.scopes == (Scope.READ, Scope.OPERATE)


def test_changes_by_another_process_are_seen(store: AdminStore, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from admin_http import tokens;"
        "from admin_http.people.store import AdminStore\n"
        "store = AdminStore(Path(sys.argv[1]))\n"
        "store.write(lambda txn: tokens.revoke(txn, 'a'))"
    )
    secret = add(store, "a")
    assert find(store, secret) is not None
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=200)
    assert find(store, secret) is None


def test_a_file_of_before_is_taken_over(command, config: Path) -> None:
    path = config.parent / "data" / "tokens.json"
    path.parent.mkdir()
    secret = PREFIX + "x" * 43
    old = {
        "name": "crm",
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "scopes": ["read"],
        "created_at": "2026-01-01T00:00:00Z",
    }
    path.write_text(json.dumps({"tokens": [old], "version": 1}))
    path.chmod(0o600)
    assert [one["name"] for one in json.loads(command("token", "ls", "--json").out)] == ["crm"]
    assert not path.exists()
    store = AdminStore(path.parent)
    found = find(store, secret)
    store.close()
    assert found is not None
    assert found.scopes == (Scope.READ,)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"tokens": 5}', '{"tokens": [{"name": "a"}]}', "\x00", "x" * (5 << 20)]
)
def test_a_damaged_file_of_before_stays_as_it_is(text: str, command, config: Path) -> None:
    path = config.parent / "data" / "tokens.json"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)
    done = command("token", "ls")
    assert done.code == main.FAILED
    assert "damaged" in done.err
    assert command("token", "add", "a").code == main.FAILED
    assert path.read_text() == text
    path.chmod(0o644)
    assert "chmod 600" in command("token", "ls").err


def test_tokens_are_bounded(store: AdminStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "TOKENS_MAX", 2)
    assert TOKENS_MAX > 2
    for name in "ab":
        add(store, name)
    with pytest.raises(TokenError, match="already"):
        add(store, "c")
    with store.read() as txn:
        assert [one.name for one in tokens.all_tokens(txn)] == ["a", "b"]


def test_no_two_tokens_are_alike(store: AdminStore) -> None:
    assert len({add(store, f"t{i}") for i in range(50)}) == 50


def test_a_folder_open_to_others_lets_nobody_in(tmp_path: Path) -> None:
    store = AdminStore(tmp_path)
    secret = add(store, "a")
    store.close()
    store.folder.chmod(0o755)
    with pytest.raises(AdminError, match="chmod 700"):
        find(store, secret)
