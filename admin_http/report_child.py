"""The process that makes large tables: bytes on its standard output until all is said.

It runs where nobody else wants to. Who reads its output no more has it end (EPIPE), and a parent
that is killed reads no more.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from admin_http import ended_rows
from admin_http.child_ends import Orphaned, check_parent, told
from admin_http.ended_rows import Wanted
from admin_http.limits import REPORT_CHUNK_ROWS
from dialerd.core.ports import StoreError
from dialerd.core.zones import parse_zone
from dialerd.store import LmdbStore, open_store
from dialerd.store.report import csv_pieces, json_pieces
from dialerd.store.survey import Survey
from dialerd.turns import compute_aside

LOOK_ROWS: Final = 1_000  # of a workbook between two looks at the disk and at who waits
PIECE_BYTES: Final = 1 << 16  # of a workbook


class What(StrEnum):
    """What to write out."""

    REPORT = "report"  # of a campaign: a row for each person
    ANSWERS = "answers"  # of a campaign's questionnaires
    CALLS = "calls"  # that ended
    INTERACTIONS = "interactions"  # of those
    PEOPLE = "people"  # of a list


class Form(StrEnum):
    """How it is written."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    XLSX = "xlsx"


class Order(msgspec.Struct, frozen=True):
    """A table of a store, and how it is written.

    Attributes:
        of: the campaign or list that it is about; 0: none.
        wanted: which calls, of a table of calls.
        scratch: where the rows of a workbook wait until all are there.
        room_bytes: what has to be left free there meanwhile.
        parent: who waits for it; 0: nobody that could be gone.
    """

    store: Path
    zone: str
    what: What
    format: Form = Form.CSV
    of: int = 0
    wanted: Wanted = Wanted()
    scratch: Path = Path(tempfile.gettempdir())
    room_bytes: int = 0
    parent: int = 0


class NoRoomError(Exception):
    """The disk is too full to go on."""


def check_room(folder: Path, room_bytes: int) -> None:
    """NoRoomError when a disk has no more than so much left."""
    if shutil.disk_usage(folder).free < room_bytes:
        raise NoRoomError("there is no room for it on the disk")


def made(store: LmdbStore, order: Order, zone: tzinfo) -> Iterator[bytes]:
    """The table, some rows at a time, each in one short transaction."""
    match order.what, order.format:
        case What.REPORT, form:
            make = csv_pieces if form is Form.CSV else json_pieces
            pieces = make(store, order.of, zone, REPORT_CHUNK_ROWS)
            return (text.encode("utf-8", "replace") for text in pieces)
        case What.ANSWERS, Form.XLSX:
            return _workbook(store, order, zone)
        case What.ANSWERS, _:
            return Survey(store, order.of, zone).csv()
        case What.CALLS, Form.JSONL:
            return ended_rows.calls_jsonl(store, order.wanted, zone)
        case What.CALLS, _:
            return ended_rows.calls_csv(store, order.wanted, zone)
        case What.INTERACTIONS, _:
            return ended_rows.interactions_csv(store, order.wanted, zone)
        case _:
            return ended_rows.people_csv(store, order.of)


class _Guarded(Survey):
    """One that ends in the middle when nobody waits for it any more, or the disk is full."""

    order: Order

    def rows(self) -> Iterator[list[Any]]:
        """See `Survey.rows`."""
        for at, row in enumerate(super().rows()):
            if at % LOOK_ROWS == 0:
                check_room(self.order.scratch, self.order.room_bytes)
                if self.order.parent:
                    check_parent(self.order.parent)
            yield row


def _workbook(store: LmdbStore, order: Order, zone: tzinfo) -> Iterator[bytes]:
    survey = _Guarded(store, order.of, zone)
    survey.order = order
    with tempfile.TemporaryFile(dir=order.scratch) as file:
        survey.xlsx(file, order.scratch)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def main() -> int:
    """Returns the exit code: 1 when it is not whole; why is said on standard error."""
    order = told(Order)
    try:
        store = open_store(order.store, readonly=True)
        try:
            for piece in made(store, order, parse_zone(order.zone)):
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
                compute_aside()  # once something is there to read: a start is short
        finally:
            store.close()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush to
        return 1
    except (StoreError, NoRoomError, OSError, Orphaned) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
