"""The dialog journal: what a later process needs to end the calls of this one.

A begun attempt has a line here until it is finished, never longer. The bytes are the line's own
(`sip.calls.journal` for trunks), empty when nothing has left that could be ended. Recovery moves
the lines of what it settles to the old calls, where each stays until it has been ended: a process
that dies over it leaves the rest to the next. Legs to agents' telephones are kept with them, under
numbers that no attempt has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dialerd.core.frequency import RESERVED, Entry
from dialerd.core.ops import PHONE_LEGS, OldCall
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    ATTEMPT,
    OLD_CALL,
    OPEN,
    attempt_key,
    open_key,
    read_u64,
    seal,
    unseal,
)
from dialerd.store.unit import Unit

END = b"\xff" * 9


def keep(unit: Unit, attempt_id: int, line: bytes) -> None:
    """This is its line from now on."""
    unit.t.dialogs.put(open_key(attempt_id), seal(line))


def drop(unit: Unit, attempt_id: int) -> None:
    """It has ended."""
    unit.t.dialogs.delete(open_key(attempt_id))


def replace(unit: Unit, attempt_id: int, line: bytes) -> None:
    """It has another line, if it has one."""
    if unit.t.dialogs.get(open_key(attempt_id)) is not None:
        keep(unit, attempt_id, line)


def keep_phone(unit: Unit, number: int, line: bytes) -> None:
    """The line of a leg to a telephone of an agent; an empty one: that has ended."""
    if number < PHONE_LEGS:
        return
    if line:
        keep(unit, number, line)
    else:
        drop(unit, number)


def leave_phones_behind(unit: Unit) -> None:
    """The process that had them is gone."""
    for key, _ in list(scan_all(unit.t.dialogs, open_key(PHONE_LEGS), END)):
        leave_behind(unit, read_u64(key), "")


def leave_behind(unit: Unit, attempt_id: int, trunk: str) -> None:
    """Its process is gone: from now on it is an old call, if there may be one to end."""
    key = open_key(attempt_id)
    raw = unit.t.dialogs.get(key)
    unit.t.dialogs.delete(key)
    line = b"" if raw is None else unseal(raw)
    if line:
        unit.t.old_calls.put(key, OLD_CALL.pack(OldCall(attempt_id, trunk, line)))


def old_calls(unit: Unit) -> list[OldCall]:
    """Those that earlier processes left behind and that nobody has ended yet, oldest first."""
    return [OLD_CALL.unpack(raw) for _, raw in scan_all(unit.t.old_calls, b"", END)]


def with_old_calls(unit: Unit, calls: list[Entry]) -> list[Entry]:
    """The calls to a number; one that an earlier process left up is still in flight."""
    if not calls or not unit.t.old_calls.count():
        return calls
    return [
        (at_ms, level if unit.t.old_calls.get(open_key(of)) is None else RESERVED, of)
        for at_ms, level, of in calls
    ]


def ended(unit: Unit, attempt_ids: Iterable[int]) -> int:
    """These need nothing more; how many of them there were."""
    return sum(unit.t.old_calls.delete(open_key(attempt_id)) for attempt_id in attempt_ids)


def problems(unit: Unit) -> Iterator[str]:
    """A line exists exactly where an attempt is open and begun."""
    begun = 0
    for key, raw in scan_all(unit.t.open, b"", END):
        attempt_id, held = read_u64(key), OPEN.unpack(raw)
        dialed = unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, attempt_id))
        if dialed is None or ATTEMPT.unpack(dialed).outcome is not None:
            continue
        begun += 1
        if unit.t.dialogs.get(key) is None:
            yield f"attempt {attempt_id}: dialed and without its line in the journal"
    phones = sum(1 for _ in scan_all(unit.t.dialogs, open_key(PHONE_LEGS), END))
    kept = unit.t.dialogs.count() - phones
    if kept != begun:
        yield f"the journal has {kept} lines, {begun} attempts are dialed and open"
