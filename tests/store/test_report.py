"""The report as people and programs get it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, timedelta, timezone
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.ops import AppendEvents
from dialerd.core.ports import NotFoundError, StoreError
from dialerd.core.records import Contact, EventKind, Outcome
from dialerd.core.records import LeadState as State
from dialerd.core.spreadsheet import safe
from dialerd.store import MemoryStore, report, wait
from dialerd.store.report import COLUMNS, csv_pieces, json_pieces, stamps
from tests.store.kit import FIRST, NOW, begin, call, events, filled_list, finish, running, take

ZONE = timezone(timedelta(hours=7))
PEOPLE = [
    Contact(FIRST, "0912 000 000", "vina", {"Tên": "Nguyễn Văn Ân", "note": '=cmd|"/c calc"!A1'}),
    Contact(FIRST + 1, "+84912000001", "vina", {"Tên": "Trần, Thị; B", "state": "line\nbreak"}),
    Contact(FIRST + 2, "0912000002", "", {"Tên": " @x"}),
]


@pytest.fixture
def told(store):
    """Lead 1 answered at the second try, lead 2 dialing, lead 3 waits."""
    running(store, filled_list(store, "a", PEOPLE))
    first = take(store, n=1)[0]
    retry = {"outcome": Outcome.BUSY, "lead_state": State.RETRY, "code": 486, "q850": 17}
    call(store, first, **retry, events=events(EventKind.DIALED, EventKind.RELEASED))
    again = take(store, n=2)
    wait(
        store.apply(
            [
                begin(again[0].attempt_id, NOW + 10_000, "b"),
                AppendEvents(again[0].attempt_id, 0, events(EventKind.DIALED, EventKind.RINGING)),
                begin(again[1].attempt_id, NOW + 11_001),
                AppendEvents(again[1].attempt_id, 0, events(EventKind.DIALED)),
                finish(
                    again[0].attempt_id,
                    answered_ms=NOW + 13_456,
                    at_ms=NOW + 19_007,
                    code=200,
                    q850=16,
                    released_by="them",
                    keys="12#",
                    first=2,
                    events=events(EventKind.ANSWERED, EventKind.DIGIT),
                ),
            ]
        )
    )
    yield store
    wait(store.apply([finish(again[1].attempt_id)]))


def rows_of(store, chunk=500) -> list[dict[str, str]]:
    text = "".join(csv_pieces(store, 1, ZONE, chunk))
    assert text.startswith("\ufeff")
    assert "\r\n" in text
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_one_row_per_number_with_everything(told):
    rows = rows_of(told)
    assert [row["number"] for row in rows] == [str(FIRST + i) for i in range(3)]
    one = rows[0]
    assert one["original"] == "0912 000 000"
    assert (one["state"], one["outcome"], one["attempts"]) == ("done", "answered", "2")
    assert (one["trunk"], one["rule"], one["keys"]) == ("b", "weight", "12#")
    assert one["dialed_at"] == "2026-09-21T21:13:30.000+07:00"
    assert one["answered_at"] == "2026-09-21T21:13:33.456+07:00"
    assert one["ended_at"] == "2026-09-21T21:13:39.007+07:00"
    assert (one["sip_code"], one["q850"], one["released_by"]) == ("200", "16", "them")
    assert one["call_id"] == "call-2-b"  # of the last try
    assert one["interactions"].split("; ") == [
        "2026-09-21T21:13:20.000+07:00 dialed 0",
        "2026-09-21T21:13:20.001+07:00 released 1",
        "2026-09-21T21:13:29.000+07:00 try 1 busy",
        "2026-09-21T21:13:20.000+07:00 dialed 0",
        "2026-09-21T21:13:20.001+07:00 ringing 1",
        "2026-09-21T21:13:20.000+07:00 answered 0",
        "2026-09-21T21:13:20.001+07:00 digit 1",
        "2026-09-21T21:13:39.007+07:00 try 2 answered",
    ]


def test_numbers_in_progress_and_waiting_are_there(told):
    rows = rows_of(told)
    assert (rows[1]["state"], rows[1]["outcome"], rows[1]["ended_at"]) == ("dialing", "", "")
    assert rows[1]["interactions"] == "2026-09-21T21:13:20.000+07:00 dialed 0"
    assert (rows[2]["state"], rows[2]["attempts"], rows[2]["dialed_at"]) == ("ready", "0", "")


def test_every_column_of_the_file_is_kept(told):
    text = "".join(csv_pieces(told, 1, ZONE))
    titles, *rows = csv.reader(io.StringIO(text[1:], newline=""))
    assert titles == [*COLUMNS, "Tên", "note", "state (list)"]
    assert [row[-3:] for row in rows] == [
        ["Nguyễn Văn Ân", '\'=cmd|"/c calc"!A1', ""],
        ["Trần, Thị; B", "", "line\nbreak"],
        [" '@x", "", ""],
    ]
    assert rows[1][1] == "'+84912000001"


def test_a_retry_says_when(store):
    running(store, filled_list(store, "a", PEOPLE[:1]))
    due_s = NOW // 1000 + 600
    call(store, take(store)[0], outcome=Outcome.BUSY, lead_state=State.RETRY, due_s=due_s)
    assert rows_of(store)[0]["due_at"] == "2026-09-21T21:23:20.000+07:00"
    assert (
        json.loads("".join(json_pieces(store, 1, ZONE)))[0]["due_at"] == rows_of(store)[0]["due_at"]
    )


def test_json_tells_the_same(told):
    found = json.loads("".join(json_pieces(told, 1, ZONE)))
    assert [one["number"] for one in found] == [f"+{FIRST + i}" for i in range(3)]
    one = found[0]
    assert one["fields"] == PEOPLE[0].fields
    assert (one["state"], one["outcome"]) == ("done", "answered")
    assert [attempt["outcome"] for attempt in one["attempts"]] == ["busy", "answered"]
    last = one["attempts"][1]
    assert (last["keys"], last["sip_code"], last["call_id"]) == ("12#", 200, "call-2-b")
    assert [event["kind"] for event in last["events"]] == [
        "dialed",
        "ringing",
        "answered",
        "digit",
    ]
    assert last["events"][1]["at"] == "2026-09-21T21:13:20.001+07:00"
    assert found[1]["attempts"][0]["ended_at"] is None
    assert found[2]["attempts"] == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 500])
def test_chunks_make_no_difference(told, chunk):
    assert rows_of(told, chunk) == rows_of(told)
    assert json.loads("".join(json_pieces(told, 1, ZONE, chunk))) == json.loads(
        "".join(json_pieces(told, 1, ZONE))
    )


def test_pieces_are_made_as_they_are_asked_for(store):
    running(store, filled_list(store, "a", [Contact(FIRST + i, "x") for i in range(1_000)]))
    reads = []
    whole = store.report
    store.report = lambda *args: (reads.append(len(rows)) or rows for rows in whole(*args))
    pieces = csv_pieces(store, 1, ZONE, 10)
    assert len(list(islice(pieces, 3))) == 3
    assert reads == [10, 10, 10]


def test_a_draft_has_no_rows_yet(store):
    with pytest.raises(NotFoundError):
        csv_pieces(store, 1, ZONE)
    with pytest.raises(NotFoundError):
        json_pieces(store, 1, ZONE)
    running(store, filled_list(store, "a", PEOPLE))
    from tests.store.kit import draft

    draft(store, 1, "later")
    assert len("".join(csv_pieces(store, 2, ZONE)).splitlines()) == 1
    assert json.loads("".join(json_pieces(store, 2, ZONE))) == []


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("", ""),
        ("Nguyễn", "Nguyễn"),
        ("a=b", "a=b"),
        ("a-b+c@d", "a-b+c@d"),
        ("=1+1", "'=1+1"),
        ("+84912", "'+84912"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "  '=1"),
        ("\u00a0\u3000=1", "'\u00a0\u3000'=1"),
        ("\t=1", "'\t'=1"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\n\n+1", "'\n\n'+1"),
        ("＝1", "'＝1"),
        ("x;=1", "x;'=1"),
        ("x, -1", "x, '-1"),
        ("x\r\n=1", "x\r\n'=1"),
        ("x\0y", "x\ufffdy"),
        ("\x1b[2J", "'\x1b[2J"),
        ("\u200b=1", "'\u200b=1"),
    ],
)
def test_safe_cells(cell, shown):
    assert safe(cell) == shown


NASTY = st.text(st.sampled_from("=+-@\t\r\n \0;,\"'a1＝\u00a0\u200b"), max_size=8)


@given(NASTY)
def test_no_cell_begins_with_a_formula_whatever_the_delimiter(cell):
    shown = safe(cell)
    assert safe(shown).count("'") >= shown.count("'")
    for separator in ",;\t\r\n":
        for part in shown.split(separator):
            assert part.strip()[:1] not in set("=+-@＝＋－＠")
    assert shown.replace("'", "") == cell.replace("'", "").replace("\0", "\ufffd")


def test_titles_are_unique(store):
    fields = {"state": "a", "state (list)": "b", "=x": "c", "'=x": "d"}
    running(store, filled_list(store, "a", [Contact(FIRST, "x", "", fields)]))
    row = rows_of(store)[0]
    assert len(row) == len(COLUMNS) + 4
    assert row["state"] == "ready"
    found = [row["state (list)"], row["state (list) (list)"], row["'=x"], row["'=x (list)"]]
    assert found == list("abcd")


def test_titles_are_defused_too(store):
    running(store, filled_list(store, "a", [Contact(FIRST, "x", "", {"=1+1": "=2"})]))
    assert "'=1+1" in rows_of(store)[0]


def test_times():
    stamp = stamps(ZONE)
    assert stamp(0) == ""
    assert stamp(1_790_000_000_007) == "2026-09-21T21:13:20.007+07:00"
    assert stamps(UTC)(1_790_000_000_999) == "2026-09-21T14:13:20.999+00:00"
    for second in range(report.SECONDS_KEPT + 5):
        assert stamp(1_000 * (1 + second)).endswith(".000+07:00")


def test_too_many_columns_are_refused():
    store = MemoryStore()
    list_id = filled_list(store, "a", [])
    wide = Contact(FIRST, "x", "", {str(i): "" for i in range(1_001)})
    with pytest.raises(StoreError, match="1000 different columns"):
        wait(store.add_contacts(list_id, [wide]))
    assert store.find_list("a").columns == ()


def test_columns_of_a_list_grow_in_order():
    store = MemoryStore()
    list_id = filled_list(store, "a", PEOPLE)
    wait(store.add_contacts(list_id, [Contact(FIRST + 9, "x", "", {"z": "", "note": ""})]))
    assert store.find_list("a").columns == ("Tên", "note", "state", "z")
