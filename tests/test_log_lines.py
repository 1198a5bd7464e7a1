"""Lines of the log: as text and as JSON, without secrets, never waited for."""

import io
import json
import logging
import os
import threading

import pytest

from dialerd.log_lines import LINES_MAX, MASK, Log, LogFile, Redactor
from tests.waiting import until

log = logging.getLogger("dialerd.test_log_lines")


@pytest.fixture(autouse=True)
def _level():
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


def written(form, *, secrets=(), ids=None, say):
    out = io.StringIO()
    with Log("info", form, secrets, out) as lines:
        if ids is not None:
            lines.who(ids)
        say()
    return out.getvalue().split("\n")[:-1]


def test_a_json_line_has_its_ids():
    def say():
        log.warning("leg %d: %s", 7, "no media", extra={"leg": 7, "trunk": "viettel"})

    ids = {7: {"attempt": 41, "lead": 9, "campaign": 2}}
    (line,) = [json.loads(text) for text in written("json", ids=ids.__getitem__, say=say)]
    at = line.pop("at")
    assert at.endswith("+00:00")
    assert line == {
        "level": "warning", "logger": "dialerd.test_log_lines", "text": "leg 7: no media",
        "leg": 7, "attempt": 41, "lead": 9, "campaign": 2, "trunk": "viettel",
    }  # fmt: skip


def test_a_json_line_is_one_line_whatever_it_says():
    def say():
        try:
            raise ValueError("two\nlines")
        except ValueError:
            log.exception("x\r\ny \N{LINE SEPARATOR}")

    (text,) = written("json", say=say)
    line = json.loads(text)
    assert line["text"] == "x\r\ny \N{LINE SEPARATOR}"
    assert "ValueError: two" in line["trace"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_not_written(form):
    def say():
        log.info("REGISTER with s3cr3t-of-trunk and %s", "dlr_" + "a" * 43)
        log.info("Authorization: Bearer abcdefgh12345678, password=hunter22 end")

    text = "\n".join(written(form, secrets=("s3cr3t-of-trunk", "short"), say=say))
    for secret in ("s3cr3t-of-trunk", "aaaaaaaa", "abcdefgh12345678", "hunter22"):
        assert secret not in text
    assert text.count(MASK) == 4
    assert "end" in text


def test_the_longer_secret_goes_first():
    assert Redactor(["secret", "secret-2"])("a secret-2 b secret c") == f"a {MASK} b {MASK} c"
    assert Redactor(["a b", ""])("a b") == "a b"  # so short a text is no secret


class Stuck(io.StringIO):
    """A pipe that nobody reads for a while."""

    def __init__(self):
        super().__init__()
        self.free = threading.Event()

    def write(self, text):
        self.free.wait()
        return super().write(text)


def test_a_log_that_nobody_reads_holds_nobody():
    out = Stuck()
    with Log("info", "text", out=out) as lines:
        for number in range(LINES_MAX + 100):
            log.info("line %d", number)
        assert 98 <= lines.dropped <= 100  # one or two are in the writer's hands
        out.free.set()
    found = out.getvalue().splitlines()
    assert len(found) >= LINES_MAX
    assert found[-1].endswith("lines of the log were dropped")


def test_a_line_that_cannot_be_made_ends_nothing():
    class Broken:
        def __str__(self):
            raise RuntimeError("no")

    def say():
        log.info("fine")
        log.info("%s", 3, extra={"trunk": {1, 2}})  # a set is no JSON of the standard library
        log.info("fine too")

    assert [json.loads(text)["text"] for text in written("json", say=say)] == [
        "fine", "3", "fine too",
    ]  # fmt: skip


def test_a_closed_output_is_left_alone():
    out = io.StringIO()
    with Log("info", "text", out=out):
        out.close()
        log.info("nobody hears it")
    assert not any(type(h).__module__ == "dialerd.log_lines" for h in logging.getLogger().handlers)


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path):
    """As logrotate does: it renames, and tells nobody."""
    file, first, second = (tmp_path / name for name in ("d.log", "d.log.1", "d.log.2"))
    with Log("info", "text", (), LogFile(file)):
        log.info("before")
        until(lambda: "before" in file.read_text())
        file.rename(first)
        log.info("after")
        until(lambda: file.exists() and "after" in file.read_text())
        file.rename(second)
        file.write_text("of another\n")
        log.info("at last")
        until(lambda: "at last" in file.read_text())
    assert "after" not in first.read_text()
    assert "at last" not in second.read_text()
    assert file.read_text().startswith("of another\n")
    assert first.stat().st_mode & 0o007 == 0


def test_a_file_that_cannot_be_begun_anew_goes_on(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    file = folder / "d.log"
    with Log("info", "text", (), LogFile(file)):
        log.info("before")
        until(lambda: "before" in file.read_text())
        kept = file.open()
        file.unlink()
        folder.rmdir()
        log.info("after")
        until(lambda: kept.tell() < os.fstat(kept.fileno()).st_size and "after" in kept.read())
    kept.close()
    with pytest.raises(OSError, match="No such file"):
        LogFile(file)
