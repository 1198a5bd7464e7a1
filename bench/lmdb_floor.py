"""What LMDB itself takes for the store's attempts: the same gets, puts and deletes, ready-made.

No rule is judged, nothing is encoded and nobody waits for a thread: what is left is py-lmdb, the
engine and the disk. Less than this no program over LMDB can need.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import lmdb

from dialerd.store.schema import (
    attempt_key,
    contact_key,
    due_key,
    event_key,
    lead_key,
    number64,
    open_key,
    phone_key,
)

NAMES: Final = (
    "due", "leads", "contacts", "dnc", "caps", "open", "attempts", "dialogs", "events", "ended",
    "books", "meta",
)  # fmt: skip
LEAD, OPEN, ATTEMPT, EVENTS, CAPS, REF = (bytes(n) for n in (45, 135, 215, 80, 22, 21))


class LmdbFloor:
    """As many leads as there are phones."""

    def __init__(self, folder: Path, phones: list[int]) -> None:
        """Fill the tables."""
        self.phones = phones
        self.next_lead = 1
        self.env = lmdb.open(str(folder), map_size=1 << 34, max_dbs=64)
        self.dbs = {name: self.env.open_db(name.encode()) for name in NAMES}
        with self.env.begin(write=True) as txn:
            for table, key in (("due", self._due), ("leads", self._lead), ("contacts", self._row)):
                value = b"" if table == "due" else LEAD
                rows = [(key(lead), value) for lead in range(1, len(phones) + 1)]
                txn.cursor(self.dbs[table]).putmulti(rows)

    @staticmethod
    def _due(lead: int, state: int = 0) -> bytes:
        return due_key(1, state, 0, lead)

    @staticmethod
    def _lead(lead: int) -> bytes:
        return lead_key(1, lead)

    @staticmethod
    def _row(lead: int) -> bytes:
        return contact_key(1, lead)

    def calls(self, count: int, group: int) -> None:
        """Whole attempts, `group` of them to a commit."""
        for _ in range(0, count, group):
            leads = range(self.next_lead, self.next_lead + group)
            self.next_lead += group
            for work in (self._claim, self._begin, self._finish):
                with self.env.begin(write=True) as txn:
                    t = {name: txn.cursor(db) for name, db in self.dbs.items()}
                    for lead in leads:
                        work(t, lead, self.phones[lead - 1])
                    t["books"].put(number64(1), LEAD)
                    t["meta"].put(b"next_attempt", number64(leads[-1]))

    def _claim(self, t: dict[str, Any], lead: int, phone: int) -> None:
        due, key = t["due"], lead_key(1, lead)
        due.pop(self._due(lead))
        t["leads"].get(key)
        t["dnc"].get(phone_key(phone))
        t["caps"].get(phone_key(phone))
        t["contacts"].get(contact_key(1, lead))
        t["caps"].put(phone_key(phone), CAPS)
        t["leads"].put(key, LEAD)
        t["open"].put(open_key(lead), OPEN)

    def _begin(self, t: dict[str, Any], lead: int, phone: int) -> None:
        t["open"].get(open_key(lead))
        t["attempts"].get(attempt_key(1, lead, lead))
        t["dnc"].get(phone_key(phone))
        t["attempts"].put(attempt_key(1, lead, lead), ATTEMPT)
        t["dialogs"].put(open_key(lead), REF)
        t["leads"].get(lead_key(1, lead))
        t["leads"].put(lead_key(1, lead), LEAD)

    def _finish(self, t: dict[str, Any], lead: int, phone: int) -> None:
        t["open"].pop(open_key(lead))
        t["dialogs"].pop(open_key(lead))
        t["attempts"].get(attempt_key(1, lead, lead))
        t["attempts"].put(attempt_key(1, lead, lead), ATTEMPT)
        t["ended"].put(number64(lead), REF)
        t["events"].put(event_key(1, lead, lead, 0), EVENTS)
        t["caps"].get(phone_key(phone))
        t["caps"].put(phone_key(phone), CAPS)
        t["leads"].get(lead_key(1, lead))
        t["leads"].put(lead_key(1, lead), LEAD)
        t["due"].put(self._due(lead, 4), b"")

    def close(self) -> None:
        """Let go of the files."""
        self.env.close()
