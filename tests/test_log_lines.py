"""Lines of the log: as text and as JSON, without secrets, never waited for."""

import io
import json
import logging
import threading

import pytest

from dialerd.log_lines import LINES_MAX, MASK, Log, Redactor

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
