"""What agents wrote about a number: one note for each attempt, seen by whoever has it next."""

from __future__ import annotations

import msgspec

from dialerd.core.agent_records import Note
from dialerd.core.limits import NOTE_CHARS_MAX
from dialerd.core.ops import KeepNote
from dialerd.store.limits import NOTES_MAX
from dialerd.store.schema import NOTE, note_key
from dialerd.store.unit import Unit


def keep(unit: Unit, op: KeepNote) -> None:
    """One note for each attempt; of a number too many, the oldest go."""
    note = op.note
    if not note.phone:
        return
    key = note_key(note.phone, note.attempt_id)
    if not note.text:
        unit.t.notes.delete(key)
        return
    short = msgspec.structs.replace(note, text=note.text[:NOTE_CHARS_MAX])
    unit.t.notes.put(key, NOTE.pack(short))
    kept = unit.t.notes.scan(note_key(note.phone, 0), note_key(note.phone + 1, 0), NOTES_MAX + 8)
    for old, _ in kept[:-NOTES_MAX]:
        unit.t.notes.delete(old)


def of(unit: Unit, phone: int) -> list[Note]:
    """Of one number, oldest first."""
    found = unit.t.notes.scan(note_key(phone, 0), note_key(phone + 1, 0), NOTES_MAX)
    return [NOTE.unpack(raw) for _, raw in found]


def drop(unit: Unit, phone: int, campaign_id: int) -> int:
    """Those of one campaign about a number that is erased; how many."""
    mine = [note for note in of(unit, phone) if note.campaign_id == campaign_id]
    for note in mine:
        unit.t.notes.delete(note_key(phone, note.attempt_id))
    return len(mine)
