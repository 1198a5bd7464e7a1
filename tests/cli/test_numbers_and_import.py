"""`dialerd numbers` and `dialerd import` as their users run them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from dialerd.cli.main import CONFIG, FAILED, OK, USAGE, run
from dialerd.store import open_store

ROOT = Path(__file__).parents[2]
LEADS = "name;phone\nLan;0912345678\nHùng;01681234567\nMai;113\nHoa;+84912345678\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration of its own."""
    (tmp_path / "dialerd.toml").write_text('[store]\npath = "data"\n')
    monkeypatch.setenv("DIALERD_CONFIG", str(tmp_path / "dialerd.toml"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the process that reads workbooks
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.csv").write_text(LEADS)
    return tmp_path


def test_numbers_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["SĐT: 0912.345.678 (Lan)", "01681234567", "113", "024 3822 1234", ""]
    assert run(["numbers", "--json", *texts]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found[0] == {
        "input": "SĐT: 0912.345.678 (Lan)",
        "e164": "+84912345678",
        "national": "0912345678",
        "carrier": "vinaphone",
        "rule": "mobile:091",
        "dialable": True,
        "reason": None,
    }
    assert [item["input"] for item in found] == texts
    assert [item["dialable"] for item in found] == [True, True, False, True, False]
    assert found[1]["rule"] == "mobile-2018:0168>038"
    assert found[2]["reason"].startswith("emergency:")
    assert found[3]["carrier"] is None
    assert all(list(item) == list(found[0]) for item in found)


def test_numbers_as_a_table(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["numbers", "+84912345678", "1900 1234", "\x1b[31m0912"]) == OK
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["input", "e164", "national", "carrier", "rule", "dialable"]
    assert "mobile:091" in rows[0]
    assert "no, premium:" in rows[1]
    assert "\x1b" not in rows[2]


def test_numbers_need_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALERD_CONFIG", raising=False)
    assert run(["numbers", "0912345678", "--json"]) == OK
    assert json.loads(capsys.readouterr().out)[0]["dialable"] is True


def test_numbers_follow_the_configuration(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "dialerd.toml").write_text('[numbering]\ndestinations = ["8490"]\n')
    assert run(["numbers", "0912345678", "0901234567", "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert [item["dialable"] for item in found] == [False, True]
    assert found[0]["reason"].startswith("destination:")


def test_a_bad_plan_is_shown_with_its_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = (ROOT / "conf/numbering/vn.toml").read_text()
    (home / "plan.toml").write_text(plan.replace('codes.0120 = "070"', 'codes.0120 = "071"'))
    (home / "dialerd.toml").write_text('[numbering]\nplan = "plan.toml"\n')
    assert run(["numbers", "0912345678"]) == CONFIG
    error = capsys.readouterr().err
    assert "'071' is no code of today in this plan" in error
    assert "plan.toml:" in error
    assert "^^^^^" in error


def test_wrong_usage(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["numbers"],
        ["import", "leads.csv"],
        ["import", "leads.csv", "--list", "x", "--map", "phone"],
        ["import", "leads.csv", "--list", "x", "--map", "a=b", "--map", "a=c"],
    ):
        assert run(arguments) == USAGE
        assert "Error" in capsys.readouterr().err


def test_a_reason_is_shown_whole(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["numbers", "1900561234"]) == OK
    assert "charged at a premium rate, never dialed\n" in capsys.readouterr().out


def test_the_shown_counts_add_up(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "gaps.csv").write_text("name,phone\nA,0912345678\n,\nB,0912345678\nC,113\n")
    assert run(["import", "gaps.csv", "--list", "gaps", "--dry-run"]) == OK
    shown = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    counts = [
        int(shown[name].split()[0]) for name in ("imported", "duplicate", "rejected", "blank")
    ]
    assert counts == [1, 1, 1, 1]
    assert int(shown["read"].split()[0]) == sum(counts)


def test_import(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "leads.csv", "--list", "khách", "--json"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert {key: found[key] for key in ("valid", "converted", "duplicate", "rejected")} == {
        "valid": 2,
        "converted": 1,
        "duplicate": 1,
        "rejected": 1,
    }
    assert found["reject_file"] == "leads.rejected.csv"
    store = open_store(home / "data")
    assert [(found.name, found.size) for found in store.lists()] == [("khách", 2)]
    store.close()
    assert run(["import", "leads.csv", "--list", "khách"]) == OK
    shown = capsys.readouterr().out
    assert "duplicate    3" in shown
    assert "emergency  1" in shown


def test_import_into_a_named_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["import", "leads.csv", "--list", "a", "--data", str(home / "other"), "--json"]
    assert run([*arguments, "--map", "name=họ tên", "--reject-file", "no.csv"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found["columns"] == ["họ tên", "phone"]
    assert (home / "no.csv").read_text(encoding="utf-8-sig").splitlines()[0] == "row,text,reason"
    assert (home / "other").is_dir()
    assert not (home / "data").exists()


def test_a_dry_run_leaves_no_store(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "leads.csv", "--list", "a", "--dry-run"]) == OK
    assert "dry run, nothing stored" in capsys.readouterr().out
    assert not (home / "data").exists()


def test_a_workbook(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = openpyxl.Workbook()
    for row in (["Tên", "SĐT"], ["An", 912345678], ["Bình", "0912 345 679"], ["x", 113]):
        book.active.append(row)
    book.save(home / "leads.xlsx")
    for added in (2, 0):  # the second time all of them are in the list
        assert run(["import", "leads.xlsx", "--list", "a", "--json"]) == OK
        found = json.loads(capsys.readouterr().out)
        assert (found["file"], found["valid"], found["rejected"]) == ("leads.xlsx", added, 1)
        assert found["phone_column"] == "SĐT"
    assert (home / "leads.rejected.csv").read_text().splitlines()[-1].startswith("4,113,")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"PK\x03\x04", "this is no workbook that can be read"),
        (b"\xd0\xcf\x11\xe0", "save the sheet as CSV"),
        (b"name\nLan\n", "no column holds phone numbers"),
        (b"phone\n113\n", "no row of leads.csv holds a number that may be dialed"),
    ],
)
def test_one_clear_line_for_a_file_that_cannot_be_used(
    home: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, words: str
) -> None:
    (home / "leads.csv").unlink()
    if content is not None:
        (home / "leads.csv").write_bytes(content)
    assert run(["import", "leads.csv", "--list", "a"]) == FAILED
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert words in error[0]


def test_a_list_name_the_store_refuses(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "leads.csv", "--list", " "]) == FAILED
    assert "name" in capsys.readouterr().err


def test_progress_on_a_terminal_only(home: Path) -> None:
    """A real terminal on standard error sees the bar; standard output stays clean."""
    (home / "leads.csv").write_text("phone\n" + "".join(f"09{i:08d}\n" for i in range(20_000)))
    command = [sys.executable, "-m", "dialerd.cli.main", "import", "leads.csv", "--list", "a", "-n"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    parent, child = pty.openpty()
    done = subprocess.run(
        command, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=child, check=True
    )
    os.close(child)
    seen = b""
    try:
        while chunk := os.read(parent, 65_536):
            seen += chunk
    except OSError:  # Linux tells the end of a terminal so
        pass
    finally:
        os.close(parent)
    assert b"leads.csv" in seen
    assert done.stdout.startswith(b"read ")
    plain = subprocess.run(command, env=environment, cwd=home, capture_output=True, check=True)
    assert plain.stderr == b""
