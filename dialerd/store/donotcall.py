"""The do-not-call list. It binds at the claim and again when dialing begins."""

from __future__ import annotations

from collections.abc import Sequence

from dialerd.core.ports import StoreError
from dialerd.core.records import DoNotCall
from dialerd.store.limits import PHONE_MAX, STEP_ROWS
from dialerd.store.schema import DNC, phone_key
from dialerd.store.unit import More, Unit


def add(unit: Unit, entries: Sequence[DoNotCall], offset: int = 0, new: int = 0) -> int | More:
    """Add numbers, a step per transaction; one that is there already keeps its first entry."""
    step = entries[offset : offset + STEP_ROWS]
    for entry in step:
        if not 0 < entry.phone <= PHONE_MAX:
            raise StoreError(f"{entry.phone} is no E.164 number")
        key = phone_key(entry.phone)
        if unit.t.dnc.get(key) is None:
            unit.t.dnc.put(key, DNC.pack(entry))
            new += 1
    offset += len(step)
    if offset >= len(entries):
        return new
    return More(lambda later: add(later, entries, offset, new))


def remove(unit: Unit, phone: int) -> bool:
    """Whether it was there."""
    return 0 < phone <= PHONE_MAX and unit.t.dnc.delete(phone_key(phone))


def find(unit: Unit, phone: int) -> DoNotCall | None:
    """The entry of a number."""
    raw = unit.t.dnc.get(phone_key(phone)) if 0 < phone <= PHONE_MAX else None
    return None if raw is None else DNC.unpack(raw)


def page(unit: Unit, after: int, limit: int) -> list[DoNotCall]:
    """The next entries by number."""
    rows = unit.t.dnc.scan(phone_key(after + 1), b"\xff" * 9, limit)
    return [DNC.unpack(raw) for _, raw in rows]
