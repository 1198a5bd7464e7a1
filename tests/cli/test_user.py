"""`dialerd user` and `dialerd audit`: people and what was done, without a daemon."""

from __future__ import annotations

import getpass
import io
import json
from pathlib import Path
from typing import Any

import pytest

from admin_http.people import passwords
from admin_http.people.audit import AUDIT
from admin_http.people.roles import USERS, User
from admin_http.people.store import AdminStore
from dialerd.cli import main

PASSWORD = "một mật khẩu dài"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def type_(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return type_


def kept(config: Path, name: str) -> User:
    store = AdminStore(config.parent / "data")
    with store.read() as txn:
        found = txn.get(USERS, name.encode())
    store.close()
    assert found is not None
    return found


def test_a_user_from_adding_to_removing(command, config: Path, typed) -> None:
    assert json.loads(command("user", "list", "--json").out) == []
    typed(PASSWORD + "\n")
    done = command("user", "add", "lan", "--role", "admin", "--password-stdin")
    assert (done.code, done.out) == (main.OK, "lan is admin\n")
    assert passwords.fits(kept(config, "lan").password, PASSWORD)
    typed("mật khẩu thứ hai\r\n")
    assert command("user", "passwd", "lan", "--password-stdin").code == main.OK
    assert passwords.fits(kept(config, "lan").password, "mật khẩu thứ hai")
    typed(PASSWORD)
    done = command("user", "add", "ban", "--role", "agent", "--agent", "ban", "--password-stdin")
    assert done.code == main.OK
    assert "ban" in command("user", "list").out
    assert command("user", "role", "ban", "supervisor").code == main.OK
    assert command("user", "disable", "ban").code == main.OK
    (ban, lan) = json.loads(command("user", "list", "--json").out)
    assert (ban["role"], ban["disabled"], lan["role"]) == ("supervisor", True, "admin")
    assert "password" not in lan
    assert command("user", "enable", "ban").code == main.OK
    assert command("token", "add", "t", "--user", "ban").code == main.OK
    assert command("user", "remove", "ban").code == main.OK
    assert json.loads(command("token", "ls", "--json").out) == []
    done = command("user", "remove", "lan")
    assert (done.code, "admin" in done.err) == (main.FAILED, True)
    whats = [one["what"] for one in json.loads(command("audit", "list", "--json").out)]
    assert whats == [
        "dialerd user remove ban",
        "dialerd token add t",
        "dialerd user enable ban",
        "dialerd user disable ban",
        "dialerd user role ban supervisor",
        "dialerd user add ban",
        "dialerd user passwd lan",
        "dialerd user add lan",
    ]


def test_passwords_are_asked_for_twice(command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = iter([PASSWORD, PASSWORD])
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(asked))
    assert command("user", "add", "lan", "--role", "admin").code == main.OK
    assert list(asked) == []


def test_without_a_terminal_it_is_said_how_a_password_is_given(
    command, monkeypatch: pytest.MonkeyPatch, typed
) -> None:
    """What getpass does then: it warns, and would read what anybody can see."""
    typed(PASSWORD + "\n" + PASSWORD + "\n")
    plain = lambda text: getpass.fallback_getpass(text, io.StringIO())  # noqa: E731
    monkeypatch.setattr("click.termui.hidden_prompt_func", plain)
    done = command("user", "add", "lan", "--role", "admin")
    assert done.code == main.FAILED
    assert "--password-stdin" in done.err
    assert json.loads(command("user", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("words", "password", "code"),
    [
        (("lan",), PASSWORD, main.USAGE),
        (("lan", "--role", "king"), PASSWORD, main.USAGE),
        (("Lan", "--role", "admin"), PASSWORD, main.FAILED),
        (("lan", "--role", "admin"), "", main.FAILED),
        (("lan", "--role", "admin"), "short", main.FAILED),
        (("lan", "--role", "admin"), "abcd" * 100, main.FAILED),
        (("lan", "--role", "agent"), PASSWORD, main.FAILED),
        (("lan", "--role", "viewer", "--campaign", "none"), PASSWORD, main.FAILED),
    ],
)
def test_users_that_are_not_made(
    command, typed, words: tuple[str, ...], password: str, code: int
) -> None:
    typed(password + "\n")
    done = command("user", "add", *words, "--password-stdin")
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert json.loads(command("user", "list", "--json").out) == []
    assert json.loads(command("audit", "list", "--json").out) == []


def test_nobody_is_changed(command, typed) -> None:
    typed(PASSWORD)
    for words in (("passwd", "--password-stdin"), ("disable",), ("enable",), ("remove",)):
        done = command("user", words[0], "nobody", *words[1:])
        assert (done.code, "no user" in done.err) == (main.FAILED, True)
    assert command("user", "role", "nobody", "admin").code == main.FAILED
    assert command("token", "add", "t", "--user", "nobody").code == main.FAILED


def test_the_chain_is_checked(command, config: Path) -> None:
    done = command("audit", "check")
    assert (done.code, done.out.startswith("0 entries")) == (main.OK, True)
    for name in "abc":
        command("token", "add", name)
    found = command("audit", "check", "--json")
    assert json.loads(found.out)["entries"] == 3
    store = AdminStore(config.parent / "data")

    def forge(txn) -> None:
        import msgspec

        entry = txn.newest(AUDIT, 2)[1]
        txn.put(AUDIT, msgspec.structs.replace(entry, who="somebody else"))

    store.write(forge)
    store.close()
    done = command("audit", "check")
    assert (done.code, "breaks at entry 2" in done.err) == (main.FAILED, True)
    assert "somebody else" in command("audit", "list").out
