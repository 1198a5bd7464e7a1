"""What ended, looked through by who, where and when: for reports and exports.

Records are numbered in the order in which they ended, so that a time is found by halving.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec

from dialerd.core.records import Outcome
from dialerd.core.spreadsheet import safe
from dialerd.store import LmdbStore
from dialerd.store.ended import Ended
from dialerd.store.export_text import head, lines
from dialerd.store.report import BOM, cell, stamps

READ_ROWS: Final = 500  # in one short transaction
LOOKED_MAX: Final = 20_000  # records that one page looks at
INTERACTIONS: Final = (
    "seq", "campaign", "lead", "attempt", "number", "at", "kind", "detail",
)  # fmt: skip


class Wanted(msgspec.Struct, frozen=True):
    """Which of them; what is not said does not matter. Times are Unix ms, `until_ms` excluded."""

    campaigns: frozenset[int] | None = None
    since_ms: int = 0
    until_ms: int = 1 << 62
    outcome: Outcome | None = None
    trunk: str = ""
    agent: str = ""

    def holds(self, row: Ended) -> bool:
        """Whether a record is one of those."""
        a = row.attempt
        return (
            (self.campaigns is None or a.campaign_id in self.campaigns)
            and self.since_ms <= a.ended_ms < self.until_ms
            and self.outcome in {None, a.outcome}
            and self.trunk in {"", a.trunk}
            and self.agent in {"", a.agent}
        )


def before(store: LmdbStore, since_ms: int) -> int:
    """The number behind which the records begin that ended from a moment on."""
    low, high = 0, store.last_ended()
    while low < high and since_ms > 0:
        middle = (low + high) // 2
        rows = store.ended(middle, 1)  # the next that is left, where the oldest were taken away
        if rows and rows[0].attempt.ended_ms < since_ms:
            low = rows[0].seq
        else:
            high = middle
    return low


def found(store: LmdbStore, wanted: Wanted, after: int, limit: int) -> tuple[list[Ended], int]:
    """The next of them behind a number, and where to go on (0: nowhere).

    A page may be short, and not the last: only so many records are looked at.
    """
    if not after:
        after = before(store, wanted.since_ms)
    shown: list[Ended] = []
    looked = 0
    while looked < LOOKED_MAX:
        rows = store.ended(after, READ_ROWS)
        for row in rows:
            if len(shown) == limit:
                return shown, after
            after = row.seq
            if wanted.holds(row):
                shown.append(row)
        looked += len(rows)
        if len(rows) < READ_ROWS or rows[-1].attempt.ended_ms >= wanted.until_ms + 86_400_000:
            return shown, 0
    return shown, after


def all_of(store: LmdbStore, wanted: Wanted) -> Iterator[list[Ended]]:
    """All of them, a few hundred at a time, in one short transaction each."""
    after = before(store, wanted.since_ms)
    while rows := store.ended(after, READ_ROWS):
        after = rows[-1].seq
        yield [row for row in rows if wanted.holds(row)]


def calls_csv(store: LmdbStore, wanted: Wanted, zone: tzinfo) -> Iterator[bytes]:
    """A line for each; no cell is a formula to a spreadsheet."""
    write = lines("csv", zone)
    yield BOM.encode() + head("csv")
    for rows in all_of(store, wanted):
        yield write(rows)


def calls_jsonl(store: LmdbStore, wanted: Wanted, zone: tzinfo) -> Iterator[bytes]:
    """An object with every interaction for each."""
    write = lines("jsonl", zone)
    for rows in all_of(store, wanted):
        yield write(rows)


def interactions_csv(store: LmdbStore, wanted: Wanted, zone: tzinfo) -> Iterator[bytes]:
    """A line for each thing that happened in them."""
    stamp = stamps(zone)
    yield BOM.encode() + table([INTERACTIONS])
    for rows in all_of(store, wanted):
        yield table(
            (
                row.seq,
                row.attempt.campaign_id,
                row.attempt.lead_id,
                row.attempt.attempt_id,
                str(row.attempt.phone or ""),
                stamp(event.at_ms),
                event.kind,
                event.detail,
            )
            for row in rows
            for event in row.events
        )


def people_csv(store: LmdbStore, list_id: int) -> Iterator[bytes]:
    """The people of a list with every column."""
    columns = store.contact_list(list_id).columns
    yield BOM.encode() + table([("number", "original", "carrier", "numbers", *map(safe, columns))])
    after = 0
    while rows := store.list_people(list_id, after, READ_ROWS):
        after = rows[-1][0]
        yield table(
            (
                str(one.phone or ""),
                one.original,
                one.carrier,
                " ".join(str(other.phone) for other in one.others),
                *(one.fields.get(name, "") for name in columns),
            )
            for _, one in rows
        )


def table(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV, every cell defused."""
    out = io.StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def unix_ms(at: datetime | None, default: int) -> int:
    """A time as Unix ms."""
    return default if at is None else int(at.timestamp() * 1_000)
