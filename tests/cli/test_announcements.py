"""`dialerd announcements` as an engineer uses it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dialerd.cli.announcement_files import tried
from dialerd.cli.main import FAILED, OK, USAGE, run
from dialerd.detect.bank_file import Kind
from tests.detect.spoken import announcement, call, keep, ringback, silence


@pytest.fixture
def bank(tmp_path: Path) -> list[str]:
    return ["--bank", str(tmp_path / "bank")]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Two announcements, calls to each as they come, and one that only rang."""
    folder = tmp_path / "calls"
    (folder / "2026-11-23").mkdir(parents=True)
    for kind, count in ((Kind.SWITCHED_OFF, 3), (Kind.BUSY, 2)):
        one = announcement(kind)
        for k in range(count):
            parts = (silence(0.3 * k), one[3_000 * k :], silence(1), one)
            heard = call(*parts, codec=("ulaw", "gsm", "alaw")[k], seed=k)
            keep(folder / "2026-11-23" / f"{kind}-{k}.wav", heard)
    keep(folder / "rang.wav", call(ringback(4), ringback(4)))
    keep(folder / "now.part.wav", silence(1))
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_from_a_folder_of_calls_to_a_bank(
    bank: list[str], calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["announcements", "learn", "--json", *bank, str(calls)]) == OK
    found = said(capsys)
    assert (found["files"], found["silent"], found["unreadable"]) == (6, 1, 0)
    assert [one["size"] for one in found["clusters"]] == [3, 2]
    first = found["clusters"][0]
    assert {Path(one["file"]).name for one in first["files"]} == {
        f"switched_off-{k}.wav" for k in range(3)
    }
    label = ["announcements", "label", "c1", "switched_off", "--carrier", "viettel"]
    assert run([*label, "--label", "tắt máy", "--language", "vi", *bank]) == OK
    assert "switched_off:viettel:tắt máy" in capsys.readouterr().out
    assert run([*label, *bank]) == FAILED
    assert "c1 is known as switched_off:viettel:tắt máy" in capsys.readouterr().err
    assert run(["announcements", "list", "--json", *bank]) == OK
    (kept,) = said(capsys)
    assert (kept["class"], kept["carrier"], kept["language"]) == ("switched_off", "viettel", "vi")
    # the rest is still unknown, what was labelled is told
    assert run(["announcements", "learn", "--json", *bank, str(calls)]) == OK
    assert [one["known"] for one in said(capsys)["clusters"]] == [
        None,
        "switched_off:viettel:tắt máy",
    ]


def test_learned_again_a_group_is_shown_to_people(
    bank: list[str], calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["announcements", "learn", *bank, str(calls)]) == OK
    shown = capsys.readouterr().out
    assert "listen to" in shown
    assert "6 files: 5 in 2 groups, 1 without a voice, 0 too short, 0 unreadable" in shown


def test_without_a_folder_it_is_what_the_daemon_collected(
    bank: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = tmp_path / "data" / "announcements" / "heard"
    heard.mkdir(parents=True)
    keep(heard / "a.wav", call(announcement(Kind.BUSY)))
    assert run(["announcements", "learn", "--json", *bank, "--data", str(tmp_path / "data")]) == OK
    assert said(capsys)["clusters"][0]["example"] == str(heard / "a.wav")


def test_in_one_step(bank: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {
        kind: keep(tmp_path / f"{kind}.wav", announcement(kind))
        for kind in (Kind.INVALID, Kind.BUSY)
    }
    for kind, path in paths.items():
        add = ["announcements", "add", str(path), "--class", str(kind), "--carrier", "mobi", *bank]
        assert run(add) == OK
    capsys.readouterr()
    heard = keep(tmp_path / "heard.wav", call(silence(1), announcement(Kind.BUSY), codec="gsm"))
    brief = keep(tmp_path / "brief.wav", call(announcement(Kind.INVALID)[:20_000]))
    other = keep(tmp_path / "other.wav", call(announcement(Kind.SWITCHED_OFF, "vi+m3")))
    test = ["announcements", "test", str(heard), str(brief), str(other), *bank]
    assert run([*test, "--json"]) == OK
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["class"], one["label"], one["sure"]) for one in found] == [
        ("busy", "busy", True), ("invalid", "invalid", False), (None, None, False),
    ]  # fmt: skip
    assert found[0]["carrier"] == "mobi"
    assert 4.5 < found[0]["at_s"] < 5.1
    assert 0 < found[0]["ber"] < 0.25
    assert [one["sure"] for one in found[0]["matches"]] == [False, True]
    assert run(test) == OK
    shown = capsys.readouterr().out.splitlines()
    assert "busy:mobi:busy  at 4." in shown[0]
    assert shown[1].endswith("candidate only")
    assert shown[2].endswith("unknown")
    assert run(["announcements", "list", *bank]) == OK
    assert "mobi/invalid" in capsys.readouterr().out
    assert run(["announcements", "remove", "mobi/invalid", *bank]) == OK
    assert run(["announcements", "list", "--json", *bank]) == OK
    assert [one["label"] for one in said(capsys)] == ["busy"]
    assert not list((tmp_path / "bank").rglob("invalid.*"))


def test_detect_tells_them_in_early_media(
    bank: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep(tmp_path / "a.wav", announcement(Kind.BUSY))
    add = ["announcements", "add", str(path), "--class", "busy", "--carrier", "mobi"]
    assert run([*add, "--label", "bận", *bank]) == OK
    capsys.readouterr()
    heard = keep(tmp_path / "heard.wav", call(silence(1), announcement(Kind.BUSY), codec="gsm"))
    assert run(["detect", "--json", "--early-media", *bank, str(heard)]) == OK
    events = [one for one in said(capsys)["events"] if one["type"] == "announcement"]
    assert [one["value"] for one in events] == ["busy:mobi:bận"]
    assert 4.5 < events[0]["until_s"] < 5.1
    assert events[0]["confidence"] > 0.5
    assert run(["detect", "--json", *bank, str(heard)]) == OK
    assert not [one for one in said(capsys)["events"] if one["type"] == "announcement"]


def test_what_the_bank_has_as_something_else_is_refused(
    bank: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep(tmp_path / "a.wav", announcement(Kind.BUSY))
    add = ["announcements", "add", str(path), "--carrier", "mobi", *bank, "--class"]
    assert run([*add, "busy"]) == OK
    assert run([*add, "invalid"]) == FAILED
    assert "of another class" in capsys.readouterr().err
    assert run([*add, "busy"]) == FAILED
    assert "the bank has it already, as busy:mobi:a" in capsys.readouterr().err


def test_nothing_is_written_through_a_link(
    bank: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep(tmp_path / "a.wav", announcement(Kind.BUSY))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "evil").symlink_to(tmp_path / "elsewhere")
    assert run(["announcements", "list", *bank]) == OK
    assert "empty; `learn` groups" in capsys.readouterr().out
    add = ["announcements", "add", str(path), "--class", "busy", "--carrier", "evil"]
    assert run([*add, *bank]) == FAILED
    assert "is a link" in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["add", "{short}", "--class", "busy", "--carrier", "x"], FAILED, "at least 2.0 s"),
        (["add", "{long}", "--class", "busy", "--carrier", "X y"], FAILED, "small letters"),
        (
            ["add", "{long}", "--class", "busy", "--carrier", "x", "--label", "a\u202eb"],
            FAILED,
            "not shown",
        ),
        (
            ["add", "{long}", "--class", "busy", "--carrier", "x", "--label", "a" * 81],
            FAILED,
            "1 to 80 characters",
        ),
        (["add", "{long}", "--class", "engaged", "--carrier", "x"], USAGE, "engaged"),
        (["add", "{text}", "--class", "busy", "--carrier", "x"], FAILED, "notes.txt"),
        (["label", "c1", "busy", "--carrier", "x"], FAILED, "no groups yet"),
        (["remove", "x/y"], FAILED, "no announcement 'x/y'"),
        (["test", "{gone}"], FAILED, "no such file"),
        (["learn", "{gone}"], FAILED, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said(
    bank: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], code: int, text: str,
) -> None:  # fmt: skip
    (tmp_path / "notes.txt").write_text("no audio")
    (tmp_path / "bank").mkdir()
    named = {
        "{short}": str(keep(tmp_path / "short.wav", announcement(Kind.BUSY)[:12_000])),
        "{long}": str(keep(tmp_path / "long.wav", announcement(Kind.BUSY))),
        "{text}": str(tmp_path / "notes.txt"),
        "{gone}": str(tmp_path / "gone.wav"),
    }
    given = [named.get(one, one) for one in arguments]
    assert run(["announcements", *given, *bank]) == code
    assert text in capsys.readouterr().err


def test_files_that_are_no_audio_are_told_and_the_others_done(
    bank: list[str], calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (calls / "notes.txt").write_text("no audio")
    assert run(["announcements", "learn", *bank, str(calls)]) == FAILED
    told = capsys.readouterr()
    assert "5 in 2 groups" in told.out
    assert "notes.txt" in told.err
    assert run(["announcements", "test", "--json", *bank, str(calls)]) == FAILED
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 7
    assert ["error" in one for one in lines].count(True) == 1


def test_groups_that_are_not_there_and_broken_files(
    bank: list[str], calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["announcements", "learn", *bank, str(calls)]) == OK
    capsys.readouterr()
    assert run(["announcements", "label", "c9", "busy", "--carrier", "x", *bank]) == FAILED
    assert "there are c1, c2" in capsys.readouterr().err
    (tmp_path / "bank" / "clusters.json").write_text("{")
    assert run(["announcements", "label", "c1", "busy", "--carrier", "x", *bank]) == FAILED
    assert "clusters.json" in capsys.readouterr().err
    (tmp_path / "bank" / "x").mkdir()
    (tmp_path / "bank" / "x" / "a.toml").write_text('label = "a"\nclass = "bussy"\n')
    long = str(calls / "2026-11-23" / "busy-0.wav")
    add = ["announcements", "add", str(tmp_path / "none.wav"), long, "--class", "busy"]
    assert run([*add, "--carrier", "y", *bank]) == FAILED
    told = capsys.readouterr().err
    assert "none.wav" in told
    assert told.count("a.toml:2:9") == 1
    for command in (["announcements", "list"], ["announcements", "test", long], ["detect", long]):
        assert run([*command, *bank]) == OK
        told = capsys.readouterr()
        assert "a.toml:2:9" in told.err
        assert "busy" in told.out or command[0] == "detect"


def test_the_bank_is_the_configurations(
    tmp_path: Path, calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "d.toml"
    config.write_text('[detection]\nannouncements = "mine"\n')
    of = ["-c", str(config)]
    one = str(calls / "2026-11-23" / "busy-0.wav")
    assert run(["announcements", "list", *of]) == FAILED
    assert f"{tmp_path / 'mine'}: there is no such bank" in capsys.readouterr().err
    assert run(["announcements", "add", one, "--class", "busy", "--carrier", "x", *of]) == OK
    assert "dialerd reload" in capsys.readouterr().err
    assert (tmp_path / "mine" / "x" / "busy-0.toml").exists()
    assert run(["announcements", "list", *of, "--json"]) == OK
    assert [one["label"] for one in said(capsys)] == ["busy-0"]
    assert run(["announcements", "remove", "x/busy-0", "x/busy-0", *of]) == OK
    for command in (["announcements", "test", one], ["announcements", "list"], ["detect", one]):
        assert run([*command, "--bank", str(tmp_path / "none")]) == FAILED
        assert "no such bank" in capsys.readouterr().err


def test_names_of_files_that_are_no_text(tmp_path: Path, calls: Path, bank: list[str]) -> None:
    odd = os.fsdecode(os.fsencode(str(tmp_path)) + b"/q\xffz.wav")
    shutil.copy(calls / "2026-11-23" / "busy-0.wav", odd)
    assert run(["announcements", "add", odd, "--class", "busy", "--carrier", "x", *bank]) == OK
    assert run(["announcements", "learn", odd, *bank]) == OK
    assert (tmp_path / "bank" / "clusters.json").exists()


def test_a_file_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF")
    assert tried(path) == "not audio that can be read (Invalid data found when processing input)"
