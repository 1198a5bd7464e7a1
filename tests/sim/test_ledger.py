"""The carriers' own books: written at once, read whatever state a kill left them in."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.sim import limits
from dialerd.sim.ledger import Ended, Ledger, Seen, join, phone_of, read_ledgers, read_lines

SEEN = Seen(1_000, "viettel", "17-a@host", "84912345678", "127.0.0.1:5060")
ENDED = Ended(
    9_000, "viettel", "17-a@host", "84912345678", "answered", "caller", 200, 0, 400, 3_000, "1", 250
)


def test_a_call_is_joined_from_its_two_lines(tmp_path):
    with Ledger(tmp_path / "viettel.jsonl") as ledger:
        ledger.append(SEEN)
        ledger.append(ENDED)
    books = read_ledgers([tmp_path / "viettel.jsonl"])
    (call,) = books.calls
    assert (call.seen, call.ended) == (SEEN, ENDED)
    assert not call.up
    assert call.alerted
    assert (books.damaged, books.orphans) == (0, 0)


def test_each_line_is_in_the_file_before_the_next_thing_happens(tmp_path):
    path = tmp_path / "l.jsonl"
    with Ledger(path) as ledger:
        for n in range(1, 4):
            ledger.append(SEEN)
            assert path.read_bytes().count(b"\n") == n


def test_a_ledger_outlives_a_kill_of_its_writer(tmp_path):
    path = tmp_path / "l.jsonl"
    code = (
        "import sys,time\nfrom pathlib import Path\n"
        "from dialerd.sim.ledger import Ledger,Seen\n"
        f"l=Ledger(Path({str(path)!r}))\n"
        "for i in range(50): l.append(Seen(i,'v',f'{i}-x','8491000000'+str(i)))\n"
        "print('written',flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        child.send_signal(signal.SIGKILL)
        child.wait(100)
    assert len(read_ledgers([path]).calls) == 50


def test_a_second_run_appends(tmp_path):
    for call_id in ("1-a", "2-b"):
        with Ledger(tmp_path / "l") as ledger:
            ledger.append(Seen(1, "v", call_id, "84912345678"))
    assert [c.seen.call_id for c in read_ledgers([tmp_path / "l"]).calls] == ["1-a", "2-b"]


def test_a_cut_last_line_is_counted_and_the_rest_read(tmp_path):
    path = tmp_path / "l"
    with Ledger(path) as ledger:
        ledger.append(SEEN)
        ledger.append(ENDED)
    path.write_bytes(path.read_bytes()[:-30])
    books = read_ledgers([path])
    assert books.damaged == 1
    assert books.calls[0].up


def test_a_full_disk_is_an_error_and_not_silence():
    if not os.path.exists("/dev/full"):
        pytest.fail("needs /dev/full (Linux)")
    with Ledger(Path("/dev/full")) as ledger, pytest.raises(OSError, match="space") as caught:
        ledger.append(SEEN)
    assert caught.value.errno == errno.ENOSPC


def test_a_closed_ledger_closes_again(tmp_path):
    ledger = Ledger(tmp_path / "l")
    ledger.close()
    ledger.close()
    with pytest.raises(OSError, match="descriptor"):
        ledger.append(SEEN)


def test_several_carriers_are_sorted_by_time_and_kept_apart(tmp_path):
    for name, at in (("viettel", 20), ("mobifone", 10)):
        with Ledger(tmp_path / name) as ledger:
            ledger.append(Seen(at, name, "5-same", "84912345678"))
    books = read_ledgers([tmp_path / "viettel", tmp_path / "mobifone", tmp_path / "absent"])
    assert [c.seen.carrier for c in books.calls] == ["mobifone", "viettel"]


def test_repeats_and_orphans_are_counted():
    orphan = Ended(1, "v", "9-x", "84900000000", "rejected", "called")
    books = join([SEEN, SEEN, ENDED, ENDED, orphan])
    assert len(books.calls) == 1
    assert books.calls[0].copies == 2
    assert books.orphans == 1


def test_too_many_calls_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "CALL_IDS_KEPT", 3)
    entries = [Seen(i, "v", f"{i}", "84912345678") for i in range(4)]
    assert len(join(entries[:3]).calls) == 3
    with pytest.raises(ValueError, match="more than 3"):
        join(entries)


@given(st.lists(st.binary(max_size=200)))
def test_no_bytes_in_a_ledger_can_raise(lines):
    books = join(read_lines(lines))
    assert len(books.calls) + books.damaged + books.orphans <= len(lines)


def test_a_line_beyond_the_bound_is_damage():
    assert list(read_lines([b"x" * (limits.LINE_BYTES_MAX + 1)])) == [None]


@pytest.mark.parametrize(
    ("user", "phone"),
    [
        ("84912345678", 84912345678),
        ("+84912345678", 84912345678),
        ("0084912345678", 84912345678),
        ("0912345678", 84912345678),
        ("02412345678", 842412345678),
        ("0912345678;phone-context=vn", 84912345678),
        ("", None),
        ("alice", None),
        ("12345", None),
        ("8" * 30, None),
        ("０９１２３４５６７８", None),
    ],
)
def test_the_dialed_user_is_read_as_a_number(user, phone):
    assert phone_of(user) == phone
