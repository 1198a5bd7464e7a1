"""Passwords: where they may stand, who may read them, and who needs none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dialerd.config import ConfigError, load, masked

TRUNK = '[[trunk]]\nname = "a"\nhost = "h"\nusername = "u"\n'


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)


def test_environment(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNK_PASSWORD", "s3cret")
    path = write(TRUNK + 'password = "${env:TRUNK_PASSWORD}"\n')
    path.chmod(0o644)
    assert load(path).trunk[0].password == "s3cret"


def test_a_command_that_needs_no_password_asks_for_none(
    write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUNK_PASSWORD", raising=False)
    path = write(
        TRUNK
        + 'password = "${env:TRUNK_PASSWORD}"\n[[trunk]]\nname = "b"\nhost = "h"\n'
        + 'username = "u"\npassword_file = "not-there"\n'
    )
    with pytest.raises(ConfigError, match="TRUNK_PASSWORD is not set"):
        load(path)
    loaded = load(path, secrets=False)
    assert [trunk.name for trunk in loaded.trunk] == ["a", "b"]
    assert not any(trunk.password or trunk.password_file for trunk in loaded.trunk)


@pytest.mark.parametrize("text", ["trunk = 3", "trunk = [3]", "[trunk]\nname = 'a'"])
def test_without_secrets_faults_are_still_faults(write, text: str) -> None:
    with pytest.raises(ConfigError):
        load(write(text + "\n"), secrets=False)


def test_world_readable_file_with_a_password_is_refused(write) -> None:
    path = write(TRUNK + 'password = "hunter22"\n')
    path.chmod(0o644)
    shown = fault(path)
    assert "everybody on this machine can read" in shown
    assert "chmod 600" in shown
    assert "hunter22" not in shown


def test_private_file_is_accepted(write) -> None:
    assert load(write(TRUNK + 'password = "hunter22"\n')).trunk[0].password == "hunter22"


def test_password_file(write, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from file\nsecond line\n")
    secret.chmod(0o600)
    path = write(TRUNK + 'password_file = "secret"\n')
    assert load(path).trunk[0].password == "from file"
    secret.chmod(0o644)
    assert "everybody on this machine can read" in fault(path)
    secret.write_text("\n")
    secret.chmod(0o600)
    assert "first line is empty" in fault(path)
    secret.unlink()
    assert "No such file" in fault(path)


def test_both_are_refused(write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x\n")
    (tmp_path / "secret").chmod(0o600)
    assert "both set" in fault(write(TRUNK + 'password = "p"\npassword_file = "secret"\n'))


def test_masked(write) -> None:
    shown = masked(load(write(TRUNK + 'password = "hunter22"\n')))
    assert shown["trunk"][0]["password"] == "***"
    assert shown["trunk"][0]["username"] == "u"
    assert "hunter22" not in msgspec.json.encode(shown).decode()
