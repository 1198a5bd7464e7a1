"""The calls to every number, kept by number and so across campaigns: what frequency caps count.

One entry per call; it says how far the call got (`dialerd.core.frequency`). A claim reserves: while
an entry is RESERVED nobody else gets the number, whatever their caps.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Final

from dialerd.core.frequency import (
    ABANDONED,
    ANSWERED,
    ATTEMPTED,
    FAR,
    HEARD,
    RESERVED,
    Entry,
    in_flight,
)
from dialerd.core.limits import CAP_WINDOW_S_MAX
from dialerd.core.ports import ConflictError
from dialerd.store.limits import CAP_ENTRIES_MAX
from dialerd.store.schema import phone_key, seal, unseal
from dialerd.store.unit import Unit

HIDDEN: Final = b"hidden_numbers"  # how many
SECRET: Final = b"secret"
DIGEST_BYTES: Final = 16
__all__ = ["ABANDONED", "ANSWERED", "ATTEMPTED", "HEARD", "RESERVED", "Entry", "in_flight"]

_entry = struct.Struct(">QBQ")
_pack = _entry.pack
KEPT_MIN: Final = 8  # calls of a number that are remembered however old they are


def split(body: bytes) -> list[Entry]:
    """The entries of a stored record."""
    return list(_entry.iter_unpack(body))


def load(unit: Unit, phone: int) -> list[Entry]:
    """The calls remembered for a number, oldest first."""
    raw = unit.t.caps.get(phone_key(phone))
    if raw is None and unit.counters[HIDDEN]:
        raw = unit.t.hidden.get(_digest(unit, phone))
    return [] if raw is None else split(unseal(raw))


def hide(unit: Unit, phone: int, secret: bytes) -> int:
    """Keep the calls to a number that is erased under a digest of it; how many they are.

    `secret`, 32 random bytes, keys the digests of this store if none does yet. When the number
    comes back, its calls are found by it, and lie under the number again from its next call on.
    """
    raw = unit.t.caps.get(phone_key(phone))
    if raw is None:
        return 0
    entries = split(unseal(raw))
    if in_flight(entries):
        raise ConflictError("the number is being called just now: try again when that is over")
    if unit.t.hidden.get(SECRET) is None:
        unit.t.hidden.put(SECRET, seal(secret))
    unit.t.hidden.put(_digest(unit, phone), raw)
    unit.t.caps.delete(phone_key(phone))
    unit.set_counter(HIDDEN, unit.counters[HIDDEN] + 1)
    return len(entries)


def _digest(unit: Unit, phone: int) -> bytes:
    """Of a number, by this store's secret."""
    secret = unseal(unit.t.hidden.get(SECRET) or b"")
    return blake2b(phone_key(phone), digest_size=DIGEST_BYTES, key=secret).digest()


def _body(entries: list[Entry]) -> bytes:
    if len(entries) == 1:
        return _pack(*entries[0])
    return b"".join([_pack(*entry) for entry in entries])


def save(unit: Unit, phone: int, entries: list[Entry]) -> None:
    """Replace them; no entry, no record."""
    if unit.counters[HIDDEN] and unit.t.hidden.delete(_digest(unit, phone)):
        unit.set_counter(HIDDEN, unit.counters[HIDDEN] - 1)
    if entries:
        unit.t.caps.put(phone_key(phone), seal(_body(entries)))
    else:
        unit.t.caps.delete(phone_key(phone))


def settle(unit: Unit, phone: int, attempt_id: int, level: int | None, at_ms: int) -> None:
    """Turn the reservation of an attempt into a call that got as far as `level`; None: undo it."""
    key = phone_key(phone)
    raw = unit.t.caps.get(key)
    was = load(unit, phone) if raw is None else _entry.iter_unpack(unseal(raw))
    entries = [entry for entry in was if entry[2] != attempt_id]
    if level is not None:
        entries.append((at_ms, level, attempt_id))
    if len(entries) > KEPT_MIN:
        entries = _pruned(entries, at_ms)
    if raw is None or not entries:
        save(unit, phone, entries)
    else:  # it lies under the number, so nothing of it is hidden any more
        unit.t.caps.put(key, seal(_body(entries)))


def _pruned(entries: list[Entry], now_ms: int) -> list[Entry]:
    """What a cap can still ask for: nothing too old, and of each level only the newest."""
    oldest_ms = now_ms - CAP_WINDOW_S_MAX * 1000
    kept: list[Entry] = []
    seen = [0, 0, 0, 0]  # kept entries that count at each level
    for entry in sorted(entries, reverse=True):
        at_ms, level, _ = entry
        if level == RESERVED:
            kept.append(entry)
        elif at_ms > oldest_ms and seen[level & FAR] < CAP_ENTRIES_MAX:
            kept.append(entry)
            for lower in range(ATTEMPTED, (level & FAR) + 1):
                seen[lower] += 1
    kept.reverse()
    return kept
