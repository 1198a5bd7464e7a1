"""`dialerd dnc` on a real store."""

from __future__ import annotations

import json

import pytest

from dialerd.cli import main
from dialerd.store import open_store
from tests.store.kit import filled_list, running, take


@pytest.fixture
def phones(config):
    def read() -> dict[int, str]:
        store = open_store(config.parent / "data")
        try:
            return {one.phone: one.source for page in store.dnc_list() for one in page}
        finally:
            store.close()

    return read


def test_added_by_hand_as_people_write_them(command, phones):
    done = command("dnc", "add", "0912 345 678", "+84 98.765.4321", "--source", "by mail")
    assert (done.code, done.out, done.err) == (0, "2 added, 0 on the list before\n", "")
    assert phones() == {84_912_345_678: "by mail", 84_987_654_321: "by mail"}
    again = command("dnc", "add", "0912345678", "0903000111")
    assert again.out == "1 added, 1 on the list before\n"
    assert phones()[84_912_345_678] == "by mail"


def test_added_from_a_file_with_what_is_wrong_in_it(command, phones, tmp_path):
    file = tmp_path / "law.txt"
    lines = ["\ufeff0912345678", "", "nobody", "84 90 300 0111", "9" * 5_000, "0903000112"]
    file.write_text("\r\n".join(lines))
    done = command("dnc", "add", "--file", str(file), "--source", "ministry")
    assert done.code == 1
    assert done.out == "3 added, 0 on the list before\n"
    assert "line 3: nobody" in done.err
    assert "line 5: 999" in done.err
    assert "error: 2 of the numbers cannot be read" in done.err
    assert len(done.err) < 1_000
    assert set(phones()) == {84_912_345_678, 84_903_000_111, 84_903_000_112}


def test_many_at_once(command, phones, tmp_path):
    file = tmp_path / "law.txt"
    file.write_text("".join(f"0912{i:06}\n" for i in range(25_000)))
    assert command("dnc", "add", "--file", str(file)).out == "25000 added, 0 on the list before\n"
    assert len(phones()) == 25_000


def test_a_number_on_the_list_is_not_claimed(command, config):
    store = open_store(config.parent / "data")
    from tests.store.kit import people

    running(store, filled_list(store, "a", people(3)))
    store.close()
    assert command("dnc", "add", "0912000001").code == 0
    store = open_store(config.parent / "data")
    assert [claim.lead_id for claim in take(store)] == [1, 3]
    store.close()


def test_checked(command):
    command("dnc", "add", "0912345678", "--source", "by mail")
    done = command("dnc", "check", "0912345678", "0912345679")
    assert done.code == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[1][:2] == ["+84912345678", "yes"]
    assert lines[1][-3:] == ["by", "mail", "own"]
    assert lines[2] == ["+84912345679", "no"]
    found = json.loads(command("dnc", "check", "0912345678", "0912345679", "--json").out)
    assert [(one["number"], one["blocked"]) for one in found] == [
        ("+84912345678", True),
        ("+84912345679", False),
    ]
    assert found[0]["since"].endswith("+07:00")
    assert found[1] == {
        "number": "+84912345679",
        "blocked": False,
        "since": None,
        "source": None,
        "entries": [],
    }


def test_removed(command, phones):
    command("dnc", "add", "0912345678", "0912345679")
    done = command("dnc", "remove", "0912345678", "0912000000")
    assert done.code == 0
    assert done.out == "+84912345678 removed\n+84912000000 was not on the list\n"
    assert set(phones()) == {84_912_345_679}


def test_listed(command):
    command("dnc", "add", "0912345679", "0912345678", "--source", "x")
    assert [line.split()[0] for line in command("dnc", "list").out.splitlines()] == [
        "+84912345678",
        "+84912345679",
    ]
    found = json.loads(command("dnc", "list", "--json").out)
    assert [one["number"] for one in found] == ["+84912345678", "+84912345679"]
    command("dnc", "remove", "0912345678", "0912345679")
    assert json.loads(command("dnc", "list", "--json").out) == []
    assert command("dnc", "list").out == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add",), 2),
        (("add", "0912345678", "--source", "a\nb"), 2),
        (("add", "0912345678", "--source", "x" * 201), 2),
        (("add", "--file", "/nowhere/x"), 2),
        (("check",), 2),
        (("check", "0912345678"), 1),  # there is no store yet
        (("list",), 1),
        (("remove", "nobody"), 1),
    ],
)
def test_what_cannot_be(command, arguments, code):
    done = command("dnc", *arguments)
    assert done.code == code
    assert done.err
    assert "Traceback" not in done.err


def test_lists_times_and_campaigns_are_kept_apart(command, config):
    assert command("dnc", "add", "0912345678", "--for", "90d", "--source", "asked").code == 0
    assert command("dnc", "add", "0912345678", "--list", "blacklist").out.startswith("1 added")
    assert command("dnc", "add", "0912345678", "--list", "register").out.startswith("1 added")
    (found,) = json.loads(command("dnc", "check", "0912345678", "--json").out)
    assert [one["list"] for one in found["entries"]] == ["own", "register", "blacklist"]
    own, register, _ = found["entries"]
    assert own["until"] is not None
    assert register["until"] is None
    text = command("dnc", "check", "0912345678").out
    assert "blacklist" in text
    (listed,) = json.loads(command("dnc", "list", "--list", "blacklist", "--json").out)
    assert listed["number"] == "+84912345678"
    assert command("dnc", "remove", "0912345678", "--list", "blacklist").out.endswith("removed\n")
    assert command("dnc", "list", "--list", "blacklist", "--json").out == "[]\n"
    assert command("dnc", "add", "0912345678", "--for", "soon").code == main.USAGE
    assert command("dnc", "add", "0912345678", "--campaign", "none").code == main.FAILED


def test_the_blacklist_has_the_same_verbs(command):
    assert command("blacklist", "add", "0912345678", "--source", "silent").code == main.OK
    assert command("dnc", "list").out == ""
    (line,) = command("dnc", "list", "--list", "blacklist").out.splitlines()
    assert command("blacklist", "list").out == line + "\n"
    assert " blacklist" in command("blacklist", "check", "0912345678").out
    assert command("dnc", "remove", "0912345678").out == "+84912345678 was not on the list\n"
    assert command("blacklist", "remove", "0912345678").out == "+84912345678 removed\n"
    refused = command("blacklist", "list", "--list", "own")
    assert (refused.code, "--list" in refused.err) == (main.USAGE, True)
