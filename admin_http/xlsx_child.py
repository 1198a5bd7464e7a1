"""The process that makes a CSV of the first sheet of an XLSX file, which may be anything.

It may use so much memory, processor time and disk and no more; it opens nothing else. What a file
says of its own size is not believed: the limits are the system's.
"""

from __future__ import annotations

import csv
import os
import resource
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from datetime import time as day_time
from pathlib import Path
from typing import Any, Final

import msgspec

from admin_http.child_ends import Line, Orphaned, check_parent, say, told

CPU_S: Final = 240
FILES: Final = 32
COLUMNS_MAX: Final = 500
CELL_CHARS_MAX: Final = 4_000
SAID_ROWS: Final = 5_000  # between two words to the parent
NICE: Final = 10


class Order(msgspec.Struct, frozen=True):
    """What to make of what."""

    parent: int
    file: Path
    out: Path
    bytes_max: int
    rows_max: int
    memory_bytes: int  # of address space


class _TooMuchError(Exception):
    """More than is read of a sheet."""


def main() -> int:
    """Returns the exit code: 0 when a result or an error was told."""
    order = told(Order)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (order.memory_bytes, order.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (order.bytes_max, order.bytes_max))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        rows = _convert(order)
    except Orphaned:
        return 1
    except _TooMuchError as error:
        say(Line(error=str(error)))
    except MemoryError:
        say(Line(error="the workbook needs more memory than it may have"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError, TypeError) as error:
        # What openpyxl and the XML parser raise over broken files; SyntaxError is bad XML.
        say(Line(error=f"this is no workbook that can be read: {error}"[:300]))
    else:
        say(Line(result={"rows": rows}))
    return 0


def _convert(order: Order) -> int:
    import openpyxl  # type: ignore[import-untyped]

    source = order.file.open("rb")  # by its name it would be judged by the ending
    book = openpyxl.load_workbook(source, read_only=True, data_only=True, keep_links=False)
    if not book.worksheets:
        raise ValueError("it has no sheet")
    count = 0
    with order.out.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        for cells in _rows(book.worksheets[0], order):
            writer.writerow(cells)
            count += 1
            if count % SAID_ROWS == 0:
                check_parent(order.parent)
                say(Line(done=count))
    return count


def _rows(sheet: Any, order: Order) -> Iterator[list[str]]:
    """Its rows as texts, without empty cells at their ends."""
    sheet.reset_dimensions()  # what the file says of them may be wrong
    for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
        if number > order.rows_max:
            raise _TooMuchError(f"a sheet may have {order.rows_max} rows")
        yield _texts(row)


def _texts(row: Sequence[Any]) -> list[str]:
    if len(row) > COLUMNS_MAX:
        raise _TooMuchError(f"a row may have {COLUMNS_MAX} cells")
    found = [_text(value) for value in row]
    while found and not found[-1]:
        found.pop()
    return found


def _text(value: object) -> str:
    """A cell as people see it: telephone numbers that became numbers are digits again."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if value.time() == day_time():
            return value.date().isoformat()
        case _:
            return str(value)[:CELL_CHARS_MAX]


if __name__ == "__main__":
    raise SystemExit(main())
