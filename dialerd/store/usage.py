"""What lines used, by local day: the books that quotas and balances are held against.

A day's sum changes in the transaction that ends a call, so that it is counted once, crash or not.
A call that a crash cut off is counted with the time since its dial, `RECOVERED_S_MAX` at most.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.records import Attempt, Usage
from dialerd.store.reading import scan_all
from dialerd.store.schema import USAGE, usage_key
from dialerd.store.unit import Unit

RECOVERED_S_MAX: Final = 120
_END: Final = b"\xff" * 8


def add(unit: Unit, used: Usage) -> None:
    """Count one call into its day."""
    key = usage_key(used.day, used.trunk, used.port)
    raw = unit.t.usage.get(key)
    if raw is not None:
        was = USAGE.unpack(raw)
        used = Usage(
            used.trunk,
            used.port,
            used.day,
            was.calls + used.calls,
            was.seconds + used.seconds,
            was.milli + used.milli,
        )
    unit.t.usage.put(key, USAGE.pack(used))


def add_cut_off(unit: Unit, attempt: Attempt, now_ms: int) -> None:
    """Count a call whose end nobody saw."""
    if not attempt.usage_day:
        return  # written before usage was kept
    seconds = min(max(0, now_ms - attempt.begun_ms) // 1000, RECOVERED_S_MAX)
    milli = -(-attempt.minute_milli * seconds // 60)
    add(unit, Usage(attempt.trunk, attempt.port, attempt.usage_day, 1, seconds, milli))


def since(unit: Unit, day: int) -> list[Usage]:
    """Every sum from a day on, oldest first."""
    pairs = scan_all(unit.t.usage, usage_key(max(day, 0), "", "")[:4], _END)
    return [USAGE.unpack(raw) for _, raw in pairs]
