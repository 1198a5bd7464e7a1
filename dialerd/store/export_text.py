"""What ended, as text: a line for each attempt, CSV or JSON.

Both have the same fields. CSV is made for spreadsheets (`dialerd.core.spreadsheet`) and leaves the
interactions out; JSON has them, one object to a line. A number that was erased is empty.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import tzinfo
from typing import Any, Final

import msgspec

from dialerd.core.records import Attempt
from dialerd.store.ended import Ended
from dialerd.store.report import (
    DIALED_COLUMNS,
    ENDED_COLUMNS,
    Stamp,
    cell,
    dialed,
    ended,
    stamps,
)

COLUMNS: Final = (
    "seq",
    "campaign",
    "lead",
    "attempt",
    "number",
    "try",
    "outcome",
    *DIALED_COLUMNS,
    "talk_s",
    *ENDED_COLUMNS,
)
FORMATS: Final = ("jsonl", "csv")

Lines = Callable[[Iterable[Ended]], bytes]


def head(form: str) -> bytes:
    """What a file begins with."""
    return _csv([COLUMNS]) if form == "csv" else b""


def lines(form: str, zone: tzinfo) -> Lines:
    """Makes records into the lines of a form: `csv` or `jsonl`."""
    stamp = stamps(zone)
    if form == "csv":
        return lambda rows: _csv(list(map(cell, values(row, stamp))) for row in rows)
    encode = msgspec.json.Encoder().encode
    return lambda rows: b"".join([encode(_object(row, stamp)) + b"\n" for row in rows])


def values(row: Ended, stamp: Stamp) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    a = row.attempt
    return (
        row.seq,
        a.campaign_id,
        a.lead_id,
        a.attempt_id,
        str(a.phone) if a.phone else "",
        a.number,
        a.outcome,
        *dialed(a, stamp),
        talk_s(a),
        *ended(a),
    )


def talk_s(attempt: Attempt) -> float:
    """From the answer to the end, in seconds."""
    if not attempt.answered_ms:
        return 0.0
    return max(0, attempt.ended_ms - attempt.answered_ms) / 1000


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _object(row: Ended, stamp: Stamp) -> dict[str, Any]:
    found = dict(zip(COLUMNS, values(row, stamp), strict=True))
    found["number"] = found["number"] and f"+{found['number']}"
    found["flow_fields"] = row.attempt.fields
    found["events"] = [
        {"at": stamp(event.at_ms), "kind": event.kind, "detail": event.detail}
        for event in row.events
    ]
    return {name: None if value == "" else value for name, value in found.items()}
