"""The first sheet of an XLSX file as CSV, by a process that may use only so much of the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from admin_http import children
from admin_http.child_ends import Line
from admin_http.limits import CSV_BYTES_MAX, IMPORT_ROWS_MAX, WORKBOOK_MEMORY_BYTES

ZIP: Final = b"PK\x03\x04"


def is_workbook(path: Path) -> bool:
    """Whether it may be one by its first bytes; what is no regular file is not read for it."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


async def as_csv(book: Path, out: Path, hear: Callable[[int], None]) -> None:
    """Write `out`, which is not there when this fails; `hear` is told how many rows were read.

    Raises:
        JobError: no workbook, or one that is too large; one line.
    """
    order = {
        "file": str(book),
        "out": str(out),
        "bytes_max": CSV_BYTES_MAX,
        "rows_max": IMPORT_ROWS_MAX,
        "memory_bytes": WORKBOOK_MEMORY_BYTES,
    }

    def heard(line: Line) -> None:
        hear(line.done)

    try:
        await children.run("admin_http.xlsx_child", order, heard)
    except BaseException:
        _forget(out)
        raise


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
