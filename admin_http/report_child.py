"""The process that reads a large campaign's report: bytes on its standard output until all is said.

It runs where nobody else wants to. Who reads its output no more has it end (EPIPE), and a parent
that is killed reads no more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path

import msgspec

from admin_http.child_ends import told
from admin_http.limits import REPORT_CHUNK_ROWS
from dialerd.core.ports import StoreError
from dialerd.core.zones import parse_zone
from dialerd.store import LmdbStore, open_store
from dialerd.store.report import csv_pieces, json_pieces
from dialerd.turns import compute_aside


class ReportFormat(StrEnum):
    """How a report is written."""

    CSV = "csv"
    JSON = "json"


class Order(msgspec.Struct, frozen=True):
    """Whose report of which store, and how it is written."""

    store: Path
    zone: str
    campaign: int
    format: ReportFormat


def texts(store: LmdbStore, campaign_id: int, form: ReportFormat, zone: tzinfo) -> Iterator[bytes]:
    """The report of a campaign, some people at a time."""
    make = csv_pieces if form is ReportFormat.CSV else json_pieces
    return (piece.encode() for piece in make(store, campaign_id, zone, REPORT_CHUNK_ROWS))


def main() -> int:
    """Returns the exit code: 1 when it is not whole; why is said on standard error."""
    order = told(Order)
    try:
        store = open_store(order.store, readonly=True)
        try:
            pieces = texts(store, order.campaign, order.format, parse_zone(order.zone))
            for piece in pieces:
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
                compute_aside()  # once something is there to read: a start is short
        finally:
            store.close()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush to
        return 1
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
