"""What has ended, in the order it was committed: what everything that leaves us is read from.

Every attempt that ends gets the next number of `ended`, in the transaction that ends it: there is
no gap and nothing twice. Who takes records away (`dialerd export`, the files of `[cdr]`) has a
cursor: a name in the store with the number of the last record that is in its hands
(docs/adr/0016-what-ended.md). The oldest records may go (`trim`) once every cursor has taken them;
a new cursor then begins with the oldest that is left. The outbox holds a row for whoever is to be
told; a sender reads the oldest and acknowledges them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import Attempt, CallEvent, EventKind
from dialerd.store import met
from dialerd.store.limits import CURSOR_NAME_MAX, CURSORS_MAX, EVENT_INDEX_MAX, OUTBOX_MAX
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    CURSOR,
    EVENTS,
    OUTBOX,
    Cursor,
    OutboxRow,
    attempt_key,
    event_key,
    number64,
    read_u64,
    seal,
    split_event,
    unseal,
)
from dialerd.store.unit import Unit

LAST_ENDED: Final = b"last_ended"
TRIMMED: Final = b"ended_trimmed"  # records up to this number were taken away
TRIMMED_IDS: Final = b"ended_trimmed_ids"  # the sum of their attempts, for `problems`
SUM_END: Final = 1 << 62
OUTBOX_ROWS_MAX: Final = b"outbox_max"  # 0: nobody is to be told
OUTBOX_DROPPED: Final = b"outbox_dropped"
LAST_OUTBOX: Final = b"last_outbox"
_ref = struct.Struct(">IIQ")  # campaign, lead, attempt
_END: Final = b"\xff" * 9


class Ended(msgspec.Struct, frozen=True):
    """One attempt that is over, with what happened in it; `seq` counts from 1 without a gap."""

    seq: int
    attempt: Attempt
    events: tuple[CallEvent, ...]


def record(unit: Unit, campaign_id: int, lead_id: int, attempt_id: int) -> None:
    """An attempt ends in this transaction."""
    seq = unit.next_number(LAST_ENDED)
    unit.t.ended.put(number64(seq), seal(_ref.pack(campaign_id, lead_id, attempt_id)))
    rows_max = unit.counters[OUTBOX_ROWS_MAX]
    if rows_max:
        if unit.t.outbox.count() >= rows_max:
            unit.next_number(OUTBOX_DROPPED)
        else:
            row = OutboxRow("ended", seq, campaign_id, lead_id, attempt_id)
            unit.t.outbox.put(number64(unit.next_number(LAST_OUTBOX)), OUTBOX.pack(row))


def split_ref(value: bytes) -> tuple[int, int, int]:
    """Campaign, lead and attempt of a record."""
    found: tuple[int, int, int] = _ref.unpack(unseal(value))
    return found


def last(unit: Unit) -> int:
    """The number of the newest record."""
    return unit.counter(LAST_ENDED)


def taken(
    unit: Unit, after: int, until_ms: int, needs: Sequence[str], limit: int
) -> list[tuple[int, int]]:
    """Records behind a number that nobody needs any more, each with its attempt.

    Args:
        unit: the transaction.
        after: a number; those that were taken away are passed over.
        until_ms: of calls that ended until then, Unix ms.
        needs: cursors that must have taken a record, also while they stand nowhere yet; those that
            there are must in any case.
        limit: of records.
    """
    standing = {one.name: one.seq for one in cursors(unit)}
    stop = min([last(unit), *standing.values(), *(standing.get(name, 0) for name in needs)])
    found = []
    for key, raw in unit.t.ended.scan(number64(after + 1), number64(stop + 1), limit):
        ref = split_ref(raw)
        written = unit.t.attempts.get(attempt_key(*ref))
        if written is None or ATTEMPT.unpack(written).ended_ms > until_ms:
            break  # in the order in which they ended: what follows is younger
        found.append((read_u64(key), ref[2]))
    return found


def trim(unit: Unit, until_ms: int, needs: Sequence[str], limit: int) -> int:
    """Take the oldest of them away; how many, 0 when no more may go."""
    gone = unit.counter(TRIMMED)
    found = taken(unit, gone, until_ms, needs, limit)
    for seq, _ in found:
        unit.t.ended.delete(number64(seq))
    if found:
        ids = unit.counter(TRIMMED_IDS) + sum(attempt_id for _, attempt_id in found)
        unit.set_counter(TRIMMED, gone + len(found))
        unit.set_counter(TRIMMED_IDS, ids % SUM_END)
    return len(found)


def page(unit: Unit, after: int, limit: int) -> list[Ended]:
    """The next records behind a number."""
    rows = unit.t.ended.scan(number64(after + 1), _END, limit)
    return [_read(unit, read_u64(key), *split_ref(value)) for key, value in rows]


def _read(unit: Unit, seq: int, campaign_id: int, lead_id: int, attempt_id: int) -> Ended:
    raw = unit.t.attempts.get(attempt_key(campaign_id, lead_id, attempt_id))
    attempt = ATTEMPT.unpack(raw or b"")
    return Ended(seq, attempt, tuple(events_of(unit, campaign_id, lead_id, attempt_id)))


def events_of(unit: Unit, campaign_id: int, lead_id: int, attempt_id: int) -> Iterator[CallEvent]:
    """What happened in an attempt, in its order."""
    first = event_key(campaign_id, lead_id, attempt_id, 0)
    stop = event_key(campaign_id, lead_id, attempt_id, EVENT_INDEX_MAX)
    next_index = 0
    for key, raw in scan_all(unit.t.events, first, stop):
        start = split_event(key)[3]
        for index, event in enumerate(EVENTS.unpack(raw), start):
            if index >= next_index:
                next_index = index + 1
                yield event


def cut_off(unit: Unit, attempt: Attempt) -> None:
    """A call that a crash ended: who was met counts, and its history gets its last line."""
    met.count(unit, attempt)
    of = attempt.campaign_id, attempt.lead_id, attempt.attempt_id
    lines = sum(1 for _ in events_of(unit, *of))
    last = CallEvent(attempt.ended_ms, EventKind.RELEASED, "by a crash")
    unit.t.events.put(event_key(*of, lines), EVENTS.pack((last,)))


# Cursors.


def _cursor_key(name: str) -> bytes:
    key = name.encode("utf-8", "replace")
    if not name.strip() or len(key) > CURSOR_NAME_MAX or not name.isprintable() or "/" in name:
        raise StoreError(
            f"a cursor's name is 1 to {CURSOR_NAME_MAX} printable bytes without '/', not {name!r}"
        )
    return key


def refuse_reserved(name: str) -> None:
    """StoreError for a cursor of the daemon's own files: a move of it would lose their lines."""
    if name.startswith("["):
        raise StoreError(f"the cursor {name!r} is the daemon's own; take another name")


def cursor(unit: Unit, name: str) -> Cursor:
    """Where a cursor stands; a new one stands before the oldest record that is left."""
    raw = unit.t.cursors.get(_cursor_key(name))
    return Cursor(name, unit.counter(TRIMMED)) if raw is None else CURSOR.unpack(raw)


def cursors(unit: Unit) -> list[Cursor]:
    """All of them by name."""
    return [CURSOR.unpack(raw) for _, raw in scan_all(unit.t.cursors, b"", _END * 64)]


def move_cursor(unit: Unit, before: Cursor, after: Cursor) -> Cursor:
    """Replace a cursor; ConflictError when it does not stand as `before` any more."""
    if cursor(unit, before.name) != before:
        raise ConflictError(f"the cursor {before.name!r} was moved by another program meanwhile")
    key = _cursor_key(after.name)
    if unit.t.cursors.get(key) is None and unit.t.cursors.count() >= CURSORS_MAX:
        raise StoreError(f"there are at most {CURSORS_MAX} cursors; remove one")
    if after.name != before.name or not before.seq <= after.seq <= last(unit):
        raise StoreError(f"the cursor {before.name!r} cannot move from {before.seq} to {after.seq}")
    unit.t.cursors.put(key, CURSOR.pack(after))
    return after


def remove_cursor(unit: Unit, name: str) -> None:
    """Forget it; NotFoundError when there is none, StoreError when it is the daemon's."""
    refuse_reserved(name)
    if not unit.t.cursors.delete(_cursor_key(name)):
        raise NotFoundError(f"there is no cursor named {name!r}")


# The outbox.


def set_outbox(unit: Unit, rows_max: int) -> None:
    """How many rows may wait; 0: none are written. Rows that wait already stay."""
    unit.set_counter(OUTBOX_ROWS_MAX, min(max(rows_max, 0), OUTBOX_MAX))


def outbox(unit: Unit, limit: int) -> list[tuple[int, OutboxRow]]:
    """The oldest rows with their numbers."""
    rows = unit.t.outbox.scan(number64(0), _END, limit)
    return [(read_u64(key), OUTBOX.unpack(raw)) for key, raw in rows]


def outbox_done(unit: Unit, through: int, limit: int) -> int:
    """Take rows away up to a number, at most `limit`; how many."""
    rows = unit.t.outbox.scan(number64(0), number64(through + 1), limit)
    for key, _ in rows:
        unit.t.outbox.delete(key)
    return len(rows)


def outbox_figures(unit: Unit) -> dict[str, int]:
    """Rows that wait, how many may, and how many found no room."""
    return {
        "outbox_rows": unit.t.outbox.count(),
        "outbox_max": unit.counters[OUTBOX_ROWS_MAX],
        "outbox_dropped": unit.counter(OUTBOX_DROPPED),
    }


class _Numbers:
    """A set of numbers from 0, a bit each: there is one for each attempt ever made."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self.count = 0

    def add(self, number: int) -> bool:
        """Whether it is new."""
        if number in self:
            return False
        self._bits.extend(bytes(max(0, (number >> 3) + 1 - len(self._bits))))
        self._bits[number >> 3] |= 1 << (number & 7)
        self.count += 1
        return True

    def __contains__(self, number: int) -> bool:
        at = number >> 3
        return at < len(self._bits) and bool(self._bits[at] & 1 << (number & 7))


def problems(unit: Unit) -> Iterator[str]:
    """Every attempt that is over has one record, numbered without a gap behind those taken away.

    It is over when its agent, if it had one, has said what came of it.
    """
    trimmed = unit.counter(TRIMMED)
    told, count = _Numbers(), trimmed
    for count, (key, raw) in enumerate(scan_all(unit.t.ended, b"", _END * 4), trimmed + 1):
        if read_u64(key) != count:
            yield f"record {count} of what ended is missing"
            return
        ref = split_ref(raw)
        if unit.t.attempts.get(attempt_key(*ref)) is None:
            yield f"record {count} of what ended is of attempt {ref[2]}, which is not there"
        elif not told.add(ref[2]):
            yield f"attempt {ref[2]} has ended twice"
    if count != last(unit):
        yield f"{count} attempts have ended, {last(unit)} are counted"
    yield from _over_problems(unit, told, trimmed)
    yield from _cursor_problems(unit)


def _over_problems(unit: Unit, told: _Numbers, trimmed: int) -> Iterator[str]:
    """Every attempt that is over is among those told, or those taken away; no other is."""
    over = untold = ids = 0
    waits = {read_u64(key) for key, _ in scan_all(unit.t.wrapping, b"", _END * 4)}
    for key, raw in scan_all(unit.t.attempts, b"", _END * 4):
        attempt = ATTEMPT.unpack(raw)
        if key != attempt_key(attempt.campaign_id, attempt.lead_id, attempt.attempt_id):
            yield f"attempt {attempt.attempt_id} lies under another key"
        if attempt.outcome is not None and attempt.attempt_id not in waits:
            over += 1
            if attempt.attempt_id not in told:
                untold, ids = untold + 1, ids + attempt.attempt_id
                if not trimmed:
                    yield f"attempt {attempt.attempt_id} is over and not among what ended"
    if over != told.count + trimmed:
        yield f"{told.count + trimmed} attempts have ended, {over} have an outcome"
    elif trimmed and (untold, ids % SUM_END) != (trimmed, unit.counter(TRIMMED_IDS)):
        yield f"{untold} attempts are over and not among what ended, or not those taken away"


def _cursor_problems(unit: Unit) -> Iterator[str]:
    for one in cursors(unit):
        if one.seq > last(unit):
            yield f"cursor {one.name!r} stands behind the last record"
        if one.seq < unit.counter(TRIMMED):
            yield f"cursor {one.name!r} has not taken all that was taken away"
