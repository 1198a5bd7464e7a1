"""Tokens: shown once, stored as hashes, refused when expired, revoked or altered."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from admin_http.limits import TOKENS_MAX
from admin_http.tokens import PREFIX, Scope, TokenError, TokenFile
from dialerd.cli import main

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_add_ls_revoke(command, config: Path) -> None:
    done = command("token", "add", "crm", "--scope", "read", "--scope", "reports")
    assert done.code == 0
    secret = done.out.strip()
    assert secret.startswith(PREFIX)
    assert len(secret) > 40
    path = config.parent / "data" / "tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret not in path.read_text()
    assert hashlib.sha256(secret.encode()).hexdigest() in path.read_text()
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


def test_find(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "data")
    assert file.tokens() == ()
    secret = file.add("a", (Scope.READ,), NOW, NOW + timedelta(hours=1))
    other = file.add("b", (Scope.READ, Scope.READ, Scope.OPERATE), NOW, None)
    found = file.find(secret, NOW)
    assert found is not None
    assert found.name == "a"
    assert file.find(secret, NOW + timedelta(hours=1)) is None
    assert file.find(secret + "x", NOW) is None
    assert file.find(secret[:-1], NOW) is None
    assert file.find(secret.removeprefix(PREFIX), NOW) is None
    assert file.find("", NOW) is None
    assert file.find(PREFIX + "x" * 10_000, NOW) is None
    forever = file.find(other, NOW + timedelta(days=10_000))
    assert forever is not None
    assert forever.scopes == (Scope.READ, Scope.OPERATE)


def test_changes_by_another_process_are_seen(tmp_path: Path) -> None:
    reader, writer = TokenFile(tmp_path), TokenFile(tmp_path)
    secret = writer.add("a", (Scope.READ,), NOW, None)
    assert reader.find(secret, NOW) is not None
    writer.revoke("a")
    assert reader.find(secret, NOW) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"tokens": 5}', '{"tokens": [{"name": "a"}]}', "\x00", "x" * (5 << 20)]
)
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, text: str, command, config: Path) -> None:
    path = config.parent / "data" / "tokens.json"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(TokenError, match="damaged"):
        TokenFile(path.parent).find(PREFIX + "x", NOW)
    done = command("token", "ls")
    assert done.code == main.FAILED
    assert "damaged" in done.err
    assert command("token", "add", "a").code == main.FAILED
    assert path.read_text() == text


def test_a_file_open_to_others_lets_nobody_in(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    secret = file.add("a", (Scope.READ,), NOW, None)
    (tmp_path / "tokens.json").chmod(0o644)
    with pytest.raises(TokenError, match="chmod 600"):
        TokenFile(tmp_path).find(secret, NOW)


def test_tokens_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import admin_http.tokens

    monkeypatch.setattr(admin_http.tokens, "TOKENS_MAX", 2)
    assert TOKENS_MAX > 2
    file = TokenFile(tmp_path)
    for name in "ab":
        file.add(name, (Scope.READ,), NOW, None)
    with pytest.raises(TokenError, match="already"):
        file.add("c", (Scope.READ,), NOW, None)
    assert len(file.tokens()) == 2


def test_no_two_tokens_are_alike(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    assert len({file.add(f"t{i}", (Scope.READ,), NOW, None) for i in range(50)}) == 50
