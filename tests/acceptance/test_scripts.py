"""Scripts, surveys and flows as their users meet them: rows of the table of capabilities."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from dialerd.cli.script import script
from dialerd.core.ops import SaveAnswer
from dialerd.core.script import answered, walk
from dialerd.core.script_answers import AnswerError
from dialerd.store import open_store, wait
from dialerd.toml_load import TomlError
from tests.store.kit import NOW, begin, filled_list, finish, people, running, take

ROOT = Path(__file__).parents[2]
SURVEY = ROOT / "conf/scripts/survey.toml"
NAME = "Khảo sát hài lòng"


@pytest.fixture
def run(tmp_path):
    def go(*args):
        """In a process of its own, beside whoever has the store open."""
        command = [sys.executable, "-m", "dialerd", "script", *map(str, args)]
        found = subprocess.run(
            [*command, "--data", str(tmp_path / "data")],
            capture_output=True, text=True, check=False, timeout=200, cwd=ROOT,
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        return found.stdout

    return go


@pytest.fixture
def store(run, tmp_path):
    run("add", SURVEY)
    made = open_store(tmp_path / "data", linger_s=0.0)
    running(made, filled_list(made, "l", people(3)), script=NAME)
    yield made
    assert made.problems() == []
    made.close()


def dialed(store):
    (claim,) = take(store, n=1)
    wait(store.apply([begin(claim.attempt_id)]))
    return claim


def fill(store, claim, question, typed, at_ms=NOW):
    """What an agent's page does with each answer: check it, keep it, go where it leads."""
    (sheet,) = [s for s in store.answers(1, claim.lead_id) if s.attempt_id == claim.attempt_id]
    saved = store.script_by_id(sheet.sheet.script_id, sheet.sheet.version)
    value = answered(saved.script, question, typed)
    of = claim.campaign_id, claim.lead_id, claim.attempt_id
    wait(store.apply([SaveAnswer(*of, question, value, at_ms, "lan")]))
    return walk(saved.script, sheet.values | {question: value})


def test_row_09_a_script_with_content_questions_branches_and_a_preview(run, tmp_path):
    shown = run("preview", SURVEY, "--field", "name=An", "--answer", "free=có")
    assert "Xin chào An," in shown
    assert "waits for an answer to pleased" in shown
    refused = run("preview", SURVEY, "--answer", "free=không")
    assert "waits for an answer to again" in refused
    bad = tmp_path / "bad.toml"
    text = SURVEY.read_text() + '\n[[items]]\nid = "lost"\ntext = "?"\nthen = "hello"\n'
    bad.write_text(text.replace('text = "Cảm ơn anh/chị!"', 'text = "Cảm ơn!"\nthen = "end"'))
    found = CliRunner().invoke(script, ["check", str(bad)]).exception
    assert isinstance(found, TomlError)
    assert "no answer leads to 'lost'" in str(found)
    assert f"{bad}:" in str(found)


def test_row_18_answers_are_kept_as_typed_and_survive(store, tmp_path):
    claim = dialed(store)
    assert fill(store, claim, "free", "có").at == "pleased"
    with pytest.raises(AnswerError, match="must be a whole number, 1 to 5"):
        fill(store, claim, "pleased", "nine")
    assert fill(store, claim, "pleased", "2", NOW + 1).at == "why"
    assert fill(store, claim, "pleased", "5", NOW + 2).complete  # changed: the branch is cut off
    shutil.copytree(tmp_path / "data", tmp_path / "killed")  # the disk while the process lives
    again = open_store(tmp_path / "killed", linger_s=0.0)
    (sheet,) = again.answers(1, claim.lead_id)
    assert sheet.values == {"free": True, "pleased": 5}
    again.close()


def test_row_25_one_row_per_customer_one_column_per_question(store, run, tmp_path):
    claim = dialed(store)
    for number, (question, typed) in enumerate([("free", "có"), ("pleased", 1), ("why", "staff")]):
        fill(store, claim, question, typed, NOW + number)
    wait(store.apply([finish(claim.attempt_id)]))
    run("export", "spring", tmp_path / "out.csv", "--format", "csv")
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert [rows[0][q] for q in ("free", "pleased", "why: Nhân viên", "why: Giá")] == [
        "yes", "1", "yes", "no",
    ]  # fmt: skip
    assert rows[1]["free"] == ""
    assert rows[0]["name (list)" if "name (list)" in rows[0] else "name"] == "Nguyễn 0"
    run("export", "spring", tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    table = list(book["answers"].iter_rows(values_only=True))
    assert list(table[0]) == list(rows[0])
    assert len(table) == 4
    book.close()


def test_row_53_a_new_version_leaves_calls_and_campaigns_in_theirs(store, run, tmp_path):
    claim = dialed(store)
    later = tmp_path / "later.toml"
    later.write_text(SURVEY.read_text().replace("most = 5", "most = 10"))
    assert "version 2" in run("add", later)
    with pytest.raises(AnswerError, match="1 to 5"):
        fill(store, claim, "pleased", "9")  # the running campaign keeps version 1
    wait(store.switch_campaign(1, "binh", NOW + 5))
    with pytest.raises(AnswerError, match="1 to 5"):
        fill(store, claim, "pleased", "9")  # and a call the one it began with
    fresh = dialed(store)
    assert fill(store, fresh, "pleased", "9").answers == {}
    assert "1 to 5" in run("show", NAME, "--version", "1")
    assert "1 to 10" in run("show", NAME)
    assert store.moves(1)[-1].reason == f"switched to {NAME}@2"
    assert store.moves(1)[-1].who == "binh"
