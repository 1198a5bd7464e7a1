"""Rows of a table from lines of text: quoting, quoted line breaks, and the bounds of a row.

A quote that is never closed would swallow the rest of the file. Here it costs one row: after
ROW_LINES_MAX lines the row is refused, and reading goes on in its second line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice

from dialerd.importer.limits import (
    COLUMNS_MAX,
    FIELD_CHARS_MAX,
    LINE_CHARS_MAX,
    ROW_CHARS_MAX,
    ROW_LINES_MAX,
    RUN_LINES,
)

TOO_LONG = f"row_long: more than {ROW_CHARS_MAX} characters in the row"
FIELD_LONG = f"field_long: more than {FIELD_CHARS_MAX} characters in one cell"
TOO_WIDE = f"row_wide: more than {COLUMNS_MAX} columns"
UNCLOSED = "row_quote: a quotation mark is opened and not closed"

Row = tuple[int, list[str], str]  # number from 1, cells, reason of a refusal or ""


class _UnclosedError(Exception):
    """The lines of one row are used up while a quote is open."""


class _Lines:
    """The lines for `csv.reader`, which asks for a second line of a row only inside of a quote."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: list[str] = []  # lines to read again, last first
        self.taken: list[str] = []  # of the present row

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        taken = self.taken
        if len(taken) >= ROW_LINES_MAX:
            raise _UnclosedError
        if self._again:
            line = self._again.pop()
        else:
            found = next(self._lines, None)
            if found is None:
                if taken:
                    raise _UnclosedError
                raise StopIteration
            line = found
        taken.append(line)
        return line

    def run(self) -> list[str]:
        """The next lines, when all of them are new ones; `again` takes them back."""
        return [] if self._again else list(islice(self._lines, RUN_LINES))

    @property
    def pending(self) -> bool:
        """Whether lines that were read before are to be read again."""
        return bool(self._again)

    def again(self, lines: list[str]) -> None:
        """Read them once more."""
        self._again += reversed(lines)

    def give_back(self) -> str:
        """Keep the first line of the present row, and read the others again."""
        first = self.taken[0]
        self._again += reversed(self.taken[1:])
        return first


def read_rows(lines: Iterable[str], delimiter: str, names_chars: int = 0) -> Iterator[Row]:
    """Every row with its number, blank ones too; a refused row has its first line as only cell.

    Args:
        lines: with their line ends, each at most LINE_CHARS_MAX characters (longer: refused).
        delimiter: one character.
        names_chars: characters of all column names, which count as part of each row.
    """
    source = _Lines(lines)
    chars_max = ROW_CHARS_MAX - names_chars
    number = 0
    while run := source.run():
        rows = _plain(run, delimiter, min(chars_max, FIELD_CHARS_MAX))
        if rows:
            yield from ((number + i, cells, "") for i, cells in enumerate(rows, 1))
            number += len(rows)
            continue
        source.again(run)
        for row in _one_by_one(source, delimiter, chars_max):
            number += 1
            yield number, *row
            if not source.pending:
                break


def _plain(lines: list[str], delimiter: str, chars_max: int) -> list[list[str]]:
    """The rows of lines of which nothing needs a second look; else none."""
    if max(map(len, lines)) > chars_max or '"' in "".join(lines):
        return []
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []
    return rows if len(rows) == len(lines) and max(map(len, rows)) <= COLUMNS_MAX else []


def _one_by_one(source: _Lines, delimiter: str, chars_max: int) -> Iterator[tuple[list[str], str]]:
    """Rows of lines among which there are quotation marks or long ones."""
    reader = csv.reader(source, delimiter=delimiter)
    while True:
        source.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _UnclosedError:
            yield [source.give_back()], UNCLOSED
            continue
        except csv.Error:  # past the field limit of the csv module
            yield [source.give_back()], FIELD_LONG
            continue
        yield cells, _refusal(source.taken, cells, chars_max)


def _refusal(lines: list[str], cells: list[str], chars_max: int) -> str:
    chars = len(lines[0]) if len(lines) == 1 else sum(map(len, lines))
    if chars > LINE_CHARS_MAX or chars > chars_max:
        return TOO_LONG
    if len(cells) > COLUMNS_MAX:
        return TOO_WIDE
    if chars > FIELD_CHARS_MAX and max(map(len, cells), default=0) > FIELD_CHARS_MAX:
        return FIELD_LONG
    return ""
