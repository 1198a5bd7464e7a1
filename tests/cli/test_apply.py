"""`dialerd apply`: a file of objects becomes what the daemon has, once."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from dialerd.cli import apply as applying
from dialerd.cli.apply_plan import differences
from tests.control.desk import Booth

WHOLE = """
[[script]]
name = "survey"
items = [
    { id = "hello", text = "Xin chào {name}" },
    { id = "pleased", text = "Hài lòng?", asks = "scale", least = 1, most = 5 },
]

[[flow]]
name = "payment"

[[flow.steps]]
id = "start"
prompt = "hello"
keys = { 1 = "bye" }

[[flow.steps]]
id = "bye"
prompt = "thanks"

[[list]]
name = "people"

[[campaign]]
name = "Nhắc nợ"
list = "people"
regime = "loopback"
flow = "payment"
attempts_max = 3

[[campaign.hours]]
start = "08:00"
end = "11:30"
days = ["mon", "tue"]

[[campaign]]
name = "Sau đó"
list = "people"
regime = "loopback"
after = "Nhắc nợ"
after_s = 86400

[[campaign.steps]]
id = "start"
prompt = "hello"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "objects.toml"
    path.write_text(WHOLE)
    return path


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def test_twice_is_once(daemon: Booth, command, file: Path) -> None:
    shown = command("apply", str(file), "--dry-run")
    assert shown.code == 0, shown.err
    assert [line for line in shown.out.splitlines() if line[0] != " "] == [
        "+ script survey",
        "+ flow payment",
        "= list people",
        "+ campaign Nhắc nợ",
        "+ campaign Sau đó",
    ]
    assert json.loads(command("campaign", "ls", "--json").out) == []

    done = command("apply", str(file), "--yes")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "done: campaign Sau đó"
    assert [c["state"] for c in json.loads(command("campaign", "ls", "--json").out)] == [
        "draft"
    ] * 2

    again = command("apply", str(file), "--yes")
    assert (again.code, again.err) == (0, "")
    assert again.out.splitlines()[-1] == "nothing to do"
    assert "done:" not in again.out
    moves = json.loads(command("campaign", "log", "1", "--json").out)
    assert len(moves) == 1  # made, never revised


def test_what_differs_is_shown_and_only_that_is_changed(daemon: Booth, command, file: Path) -> None:
    assert command("apply", str(file), "--yes").code == 0
    change(file, "attempts_max = 3", "attempts_max = 5")
    change(file, 'end = "11:30"', 'end = "11:45"')
    change(file, 'prompt = "thanks"', 'prompt = "vi/chao"')
    done = command("apply", str(file), "-y")
    assert done.code == 0, done.err
    assert "~ flow payment\n    becomes version 2\n" in done.out
    assert '    steps[1].prompt: "thanks" -> "vi/chao"\n' in done.out
    assert "    attempts_max: 3 -> 5\n" in done.out
    assert '    hours[0].end: "11:30" -> "11:45"\n' in done.out
    assert "= script survey\n" in done.out
    shown = json.loads(command("campaign", "show", "1", "--json").out)["campaign"]["spec"]
    assert (shown["attempts_max"], shown["hours"][0]["end"]) == (5, "11:45")
    assert command("apply", str(file), "-y").out.endswith("nothing to do\n")


def test_an_approved_campaign_is_frozen_and_nothing_at_all_is_done(
    daemon: Booth, command, file: Path
) -> None:
    assert command("apply", str(file), "--yes").code == 0
    assert command("campaign", "approve", "Nhắc nợ").code == 0
    same = command("apply", str(file), "--yes")
    assert (same.code, same.out.splitlines()[-1]) == (0, "nothing to do")

    change(file, "attempts_max = 3", "attempts_max = 5")
    change(file, "after_s = 86400", "after_s = 3600")
    done = command("apply", str(file), "--yes")
    assert done.code == 1
    assert "! campaign Nhắc nợ" in done.out
    assert "refused: it is approved: settings are frozen at approval" in done.out
    assert "nothing was done" in done.err
    after = json.loads(command("campaign", "show", "2", "--json").out)["campaign"]["spec"]
    assert after["after_s"] == 86_400


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("attempts_max = 3", "attempts_maxx = 3", "did you mean 'attempts_max'?"),
        ("attempts_max = 3", "attempts_max = 0", "must be 1 or more"),
        ('keys = { 1 = "bye" }', 'keys = { 1 = "nowhere" }', "nowhere"),
        ('name = "Sau đó"', 'name = "Nhắc nợ"', "a second campaign named"),
        ("[[list]]", "[[lists]]", "did you mean 'list'?"),
        ('name = "people"', 'name = "people', "not valid TOML"),
    ],
)
def test_faults_name_their_line(
    daemon: Booth, command, file: Path, before: str, after: str, words: str
) -> None:
    change(file, before, after)
    done = command("apply", str(file), "--yes")
    assert done.code == 3
    text = file.read_text()
    assert f"{file}:{text.count(chr(10), 0, text.rindex(after)) + 1}:" in done.err
    assert words in done.err
    assert json.loads(command("campaign", "ls", "--json").out) == []


def test_what_the_daemon_refuses_is_shown_in_the_file_and_what_was_done_is_told(
    daemon: Booth, command, file: Path
) -> None:
    change(file, "after_s = 86400\n", 'after_s = 86400\nzone_column = "nosuch"\n')
    done = command("apply", str(file), "--yes")
    assert done.code == 3
    assert f"{file}:42:" in done.err
    assert "nosuch" in done.err
    assert "done: script survey, flow payment, campaign Nhắc nợ\n" in done.err
    assert "not done: campaign Sau đó\n" in done.err
    names = [c["name"] for c in json.loads(command("campaign", "ls", "--json").out)]
    assert names == ["Nhắc nợ"]
    change(file, 'zone_column = "nosuch"\n', "")
    assert command("apply", str(file), "--yes").out.endswith("done: campaign Sau đó\n")


def test_prompts_and_regimes_are_judged_before_anything_is_made(
    daemon: Booth, command, file: Path
) -> None:
    change(file, '[[campaign.steps]]\nid = "start"\nprompt = "hello"',
           '[[campaign.steps]]\nid = "start"\nprompt = "not-there"')  # fmt: skip
    change(file, 'regime = "loopback"', 'regime = "nowhere"')
    for way in ("--dry-run", "--yes"):
        done = command("apply", str(file), way)
        assert (done.code, "done:" in done.out) == (1, False)
        assert "there is no prompt 'not-there'" in done.out
        assert "nowhere" in done.out
        assert "nothing was done" in done.err
    assert json.loads(command("campaign", "ls", "--json").out) == []
    assert "survey" not in command("script", "ls").out


def test_a_draft_that_somebody_changed_meanwhile_stays_theirs(
    daemon: Booth, command, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("apply", str(file), "--yes").code == 0
    change(file, "attempts_max = 3", "attempts_max = 5")
    mine = file.with_name("mine.toml")
    mine.write_text(file.read_text())
    change(file, "attempts_max = 5", "attempts_max = 7")

    def asked(count: int) -> None:
        assert count == 1
        monkeypatch.setattr(applying, "_ask", lambda _: None)
        assert command("apply", str(mine), "--yes").code == 0

    monkeypatch.setattr(applying, "_ask", asked)
    done = command("apply", str(file))
    assert done.code == 1
    assert "was changed meanwhile" in done.err
    assert "done: nothing\nnot done: campaign Nhắc nợ\n" in done.err
    shown = json.loads(command("campaign", "show", "1", "--json").out)["campaign"]["spec"]
    assert shown["attempts_max"] == 5


def test_lists_are_imported_once(daemon: Booth, command, file: Path) -> None:
    change(file, '[[list]]\nname = "people"', '[[list]]\nname = "others"')
    done = command("apply", str(file), "--yes")
    assert done.code == 1
    assert "refused: there is no such list; name a file to import" in done.out
    change(file, 'name = "others"', 'name = "others"\nfile = "others.csv"')
    assert "there is no file" in command("apply", str(file), "--yes").out


def test_nobody_to_ask(daemon: Booth, command, file: Path) -> None:
    done = command("apply", str(file))
    assert done.code == 1
    assert "--yes does it" in done.err
    assert json.loads(command("campaign", "ls", "--json").out) == []


def answered(file: Path, config: Path, words: bytes) -> tuple[int, bytes]:
    """With a person at a terminal who types that."""
    person, terminal = pty.openpty()
    environment = os.environ | {"DIALERD_CONFIG": str(config), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "dialerd", "apply", str(file)],
        stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
    )  # fmt: skip
    try:
        os.write(person, words)
        out, _ = process.communicate(timeout=200)
    finally:
        os.close(person)
        os.close(terminal)
    return process.returncode, out


def test_a_person_is_asked(daemon: Booth, command, config: Path, file: Path) -> None:
    code, out = answered(file, config, b"n\n")
    assert code == 130
    assert b"Change 4? [y/N]" in out
    assert json.loads(command("campaign", "ls", "--json").out) == []
    code, out = answered(file, config, b"y\n")
    assert code == 0, out
    assert b"\x1b" not in out
    assert len(json.loads(command("campaign", "ls", "--json").out)) == 2


def test_json_says_what_was_done(daemon: Booth, command, file: Path) -> None:
    first = json.loads(command("apply", str(file), "--yes", "-o", "json").out)
    assert [one["name"] for one in first["done"]] == ["survey", "payment", "Nhắc nợ", "Sau đó"]
    second = json.loads(command("apply", str(file), "--yes", "-o", "json").out)
    assert (second["done"], {one["what"] for one in second["items"]}) == ([], {"same"})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2, "b": "x"}, ["a: 1 -> 2", 'b: "x" (new)']),
        ({"a": [1, 2]}, {"a": [1]}, ["a[1]: 2 (gone)"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": None}]}, ["a[0].b: 1 -> null"]),
        ({"a": {"k": "x" * 99}}, {"a": {}}, ['a.k: "' + "x" * 58 + "… (gone)"]),
    ],
)
def test_differences(before: object, after: object, told: list[str]) -> None:
    assert list(differences(before, after)) == told


def test_pointers_become_places() -> None:
    assert applying._path("/spec/steps/0/a~1b~0c") == ["steps", 0, "a/b~c"]
    assert applying._path("/spec") == []
