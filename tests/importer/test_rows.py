"""Rows from lines: quoting as spreadsheets write it, and bounds that cost one row at most."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.importer.limits import (
    COLUMNS_MAX,
    FIELD_CHARS_MAX,
    LINE_CHARS_MAX,
    ROW_CHARS_MAX,
    ROW_LINES_MAX,
)
from dialerd.importer.rows import Row, read_rows


def rows_of(text: str, delimiter: str = ",", names_chars: int = 0) -> list[Row]:
    return list(read_rows(io.StringIO(text, newline=""), delimiter, names_chars))


def good(text: str, delimiter: str = ",") -> list[list[str]]:
    rows = rows_of(text, delimiter)
    assert [refusal for _, _, refusal in rows if refusal] == []
    assert [number for number, _, _ in rows] == list(range(1, len(rows) + 1))
    return [cells for _, cells, _ in rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]),
        ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]),
        ('"a,1","b ""x"""\n', [["a,1", 'b "x"']]),
        ('"line\nbreak",b\nc\n', [["line\nbreak", "b"], ["c"]]),
        ('Ống 5" nhựa,b\nc,d\n', [['Ống 5" nhựa', "b"], ["c", "d"]]),
        ("a\n\nb\n", [["a"], [], ["b"]]),
        (",,\n", [["", "", ""]]),
        ("", []),
    ],
)
def test_tables(text: str, rows: list[list[str]]) -> None:
    assert good(text) == rows


def test_an_unclosed_quote_costs_one_row() -> None:
    body = "".join(f"name{i},09{i:08d}\n" for i in range(200))
    rows = rows_of('phone\n"Lan,0912345678\n' + body)
    assert rows[1][0] == 2
    assert rows[1][1] == ['"Lan,0912345678\n']
    assert rows[1][2].startswith("row_quote:")
    assert [cells for _, cells, _ in rows[2:]] == [[f"name{i}", f"09{i:08d}"] for i in range(200)]
    assert [number for number, _, _ in rows] == list(range(1, 203))


def test_an_unclosed_quote_near_the_end_costs_one_row() -> None:
    rows = rows_of('a\n"b\nc\nd')
    assert [(n, cells, refusal[:9]) for n, cells, refusal in rows] == [
        (1, ["a"], ""),
        (2, ['"b\n'], "row_quote"),
        (3, ["c"], ""),
        (4, ["d"], ""),
    ]


def test_every_line_an_unclosed_quote() -> None:
    rows = rows_of('"a\nb\n' * 300)
    assert sum(1 for _, cells, refusal in rows if refusal) <= 301
    assert all(cells for _, cells, _ in rows)


def test_a_quoted_text_may_span_lines_up_to_the_limit() -> None:
    body = "x\n" * (ROW_LINES_MAX - 1)
    assert good(f'"{body}",b\n') == [[body, "b"]]
    assert rows_of(f'"{body}x\n",b\n')[0][2].startswith("row_quote:")


def test_bounds_of_a_row() -> None:
    long_field = "x" * (FIELD_CHARS_MAX + 1)
    long_row = ",".join(["x" * 100] * (ROW_CHARS_MAX // 100))
    wide = "," * COLUMNS_MAX
    huge = '"' + "\n".join(["x" * 60_000] * 4) + '"'
    rows = rows_of(f"a\n{long_field}\n{long_row}\n{wide}\n{huge}\nb\n")
    codes = [refusal.partition(":")[0] for _, _, refusal in rows]
    assert codes[:4] == ["", "field_long", "row_long", "row_wide"]
    assert codes[4] == "field_long"
    assert codes[-1] == ""
    assert rows[-1][1] == ["b"]


def test_names_of_columns_count() -> None:
    text = "x" * 100 + "\n"
    assert rows_of(text, names_chars=ROW_CHARS_MAX - 101)[0][2] == ""
    assert rows_of(text, names_chars=ROW_CHARS_MAX - 100)[0][2].startswith("row_long:")


def test_a_line_over_the_limit_is_refused() -> None:
    assert rows_of("," * (LINE_CHARS_MAX + 1))[0][2].startswith("row_long:")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=12),
    st.sampled_from(",;\t|"),
)
def test_what_a_writer_wrote_is_read_back(table: list[list[str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    assert good(out.getvalue(), delimiter) == table


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('a0,"\n\r;\t'), max_size=400))
def test_any_text_ends_and_no_line_is_lost(text: str) -> None:
    rows = rows_of(text)
    lines = list(io.StringIO(text, newline=""))
    assert len(rows) <= len(lines)
    assert [number for number, _, _ in rows] == list(range(1, len(rows) + 1))
    read = "".join("".join(cells) for _, cells, _ in rows)
    for mark in "a0":  # delimiters and quotes may go, characters of the text never
        assert read.count(mark) == text.count(mark)
