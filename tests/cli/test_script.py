"""`dialerd script`: check, add, ls, show, preview, export."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from dialerd.cli.script import script
from dialerd.core.ops import SaveAnswer
from dialerd.store import open_store, wait
from dialerd.toml_load import TomlError
from tests.store.kit import FIRST, NOW, begin, filled_list, people, running, take

SURVEY = Path(__file__).parents[2] / "conf/scripts/survey.toml"
NAME = "Khảo sát hài lòng"


@pytest.fixture
def run(tmp_path):
    def go(*args, ok=True, text=None):
        more = [] if args[0] == "check" else ["--data", str(tmp_path)]
        found = CliRunner().invoke(script, [*map(str, args), *more], input=text)
        assert (found.exit_code == 0) is ok, found.output
        return found.output if ok else found.exception or found.output

    return go


def test_the_shipped_script_is_sound(run):
    assert "6 items, 4 questions, no fault" in run("check", SURVEY)


def test_faults_have_their_place(run, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(SURVEY.read_text().replace('to = "why"', 'to = "wy"'))
    error = run("check", bad, ok=False)
    assert isinstance(error, TomlError)
    (found,) = error.findings
    line = bad.read_text().split("\n")[found.line - 1]
    assert line[found.column - 1 :].startswith('"wy"')
    assert found.text.startswith("there is no item 'wy'; items: hello, free")


def test_saved_again_it_is_a_version(run, tmp_path):
    assert "version 1" in run("add", SURVEY)
    assert "nothing has changed" in run("add", SURVEY)
    later = tmp_path / "later.toml"
    later.write_text(SURVEY.read_text().replace("Cảm ơn", "Xin cảm ơn"))
    assert "version 2" in run("add", later)
    assert "Cảm ơn" in run("show", NAME, "--version", "1")
    assert "Xin cảm ơn" in run("show", NAME)
    (listed,) = json.loads(run("ls", "--json"))
    assert (listed["name"], listed["version"]) == (NAME, 2)
    assert [v["version"] for v in json.loads(run("show", NAME, "--versions", "--json"))] == [1, 2]
    spec = json.loads(run("show", NAME, "--json"))
    assert spec["items"][2]["branches"][0]["to"] == "why"
    assert "no version 3" in str(run("show", NAME, "--version", "3", ok=False))


def test_preview_shows_what_an_agent_sees(run):
    shown = run("preview", SURVEY, "--field", "name=An", "--answer", "free=có")
    assert "Xin chào An," in shown
    assert "= yes" in shown
    assert shown.endswith("waits for an answer to pleased\n")
    run("add", SURVEY)
    asked = run("preview", NAME, "--ask", text="maybe\ncó\n2\nprice\n")
    assert "must be yes or no" in asked
    assert "= Giá" not in asked  # what was typed stands there already
    assert asked.endswith("end\n")
    assert "must be a whole number" in str(run("preview", NAME, "--answer", "pleased=9", ok=False))
    run("preview", NAME, "--answer", "pleased", ok=False)


def test_export_by_the_name_of_the_file(run, tmp_path):
    run("add", SURVEY)
    store = open_store(tmp_path, linger_s=0.0)
    running(store, filled_list(store, "l", people(1)), script=NAME)
    (claim,) = take(store)
    op = SaveAnswer(1, 1, claim.attempt_id, "free", False, NOW)
    wait(store.apply([begin(claim.attempt_id), op]))
    store.close()
    run("export", "spring", tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()
    assert lines[0].split(",")[7:9] == ["free", "pleased"]
    assert lines[1].startswith(f"{FIRST},dialing,,{NAME}@1,")
    run("export", "spring", tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book["answers"]["H2"].value == "no"
    book.close()
    assert (tmp_path / "b.xlsx").stat().st_mode & 0o777 == 0o600
    run("export", "spring", tmp_path / "c.doc", ok=False)
    assert not list(tmp_path.glob(".*.part"))
