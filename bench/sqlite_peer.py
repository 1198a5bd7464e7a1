"""The store's dialing path in sqlite3, as one would write it there: WAL, synchronous=FULL.

The same rows, the same checks (do-not-call, frequency cap, lease), the same counts; statements that
handle a whole group at once wherever SQL can.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dialerd.core.ops import BeginDial, Claim, Finish
from dialerd.core.records import Contact, LeadState

SCHEMA = """
CREATE TABLE contacts(list INT, row INT, phone INT, original TEXT, carrier TEXT, fields BLOB,
    PRIMARY KEY(list, row)) WITHOUT ROWID;
CREATE UNIQUE INDEX phones ON contacts(phone, list);
CREATE TABLE leads(campaign INT, lead INT, phone INT, state INT, attempts INT, due_s INT,
    attempt INT, outcome TEXT, PRIMARY KEY(campaign, lead)) WITHOUT ROWID;
CREATE INDEX due ON leads(campaign, state, due_s, lead);
CREATE TABLE open(attempt INTEGER PRIMARY KEY, campaign INT, lead INT, phone INT, number INT,
    claimed_ms INT, lease_ms INT);
CREATE TABLE attempts(campaign INT, lead INT, attempt INT, phone INT, number INT, claimed_ms INT,
    trunk TEXT, call_id TEXT, begun_ms INT, answered_ms INT, ended_ms INT, outcome TEXT, code INT,
    q850 INT, released_by TEXT, keys TEXT, rule TEXT,
    PRIMARY KEY(campaign, lead, attempt)) WITHOUT ROWID;
CREATE TABLE events(attempt INT, first INT, events BLOB, PRIMARY KEY(attempt, first))
    WITHOUT ROWID;
CREATE TABLE caps(phone INT, attempt INT, at_ms INT, level INT, PRIMARY KEY(phone, attempt))
    WITHOUT ROWID;
CREATE TABLE ended(seq INTEGER PRIMARY KEY, campaign INT, lead INT, attempt INT);
CREATE TABLE dialogs(attempt INTEGER PRIMARY KEY, line BLOB);
CREATE TABLE dnc(phone INTEGER PRIMARY KEY);
CREATE TABLE books(campaign INT, state INT, n INT, PRIMARY KEY(campaign, state)) WITHOUT ROWID;
"""
CLAIM = """
SELECT l.lead, l.phone, l.attempts, c.carrier, c.fields, d.phone,
    (SELECT count(*) FROM caps k WHERE k.phone = l.phone AND (k.level = 0 OR k.at_ms > ?))
FROM leads l JOIN contacts c ON c.list = 1 AND c.row = l.lead
LEFT JOIN dnc d ON d.phone = l.phone
WHERE l.campaign = ? AND l.state = 0 AND l.due_s <= ? ORDER BY l.due_s, l.lead LIMIT ?
"""
BEGIN = """
INSERT INTO attempts SELECT o.campaign, o.lead, o.attempt, o.phone, o.number, o.claimed_ms,
    ?, ?, ?, 0, 0, NULL, 0, 0, '', '', ? FROM open o LEFT JOIN dnc d ON d.phone = o.phone
WHERE o.attempt = ? AND d.phone IS NULL AND o.lease_ms >= ?
"""
WINDOW_MS = 0


class SqlitePeer:
    """One connection on one file."""

    def __init__(self, folder: Path) -> None:
        """A new database."""
        self.db = sqlite3.connect(folder / "peer.sqlite", isolation_level=None)
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
        self.next_attempt = 1
        self.commits = 0

    def _commit(self) -> None:
        self.db.execute("COMMIT")
        self.commits += 1

    def add_contacts(self, contacts: Sequence[Contact]) -> None:
        """Number the rows, leave out numbers that are there."""
        db, encode = self.db, msgspec.msgpack.encode
        db.execute("BEGIN IMMEDIATE")
        (size,) = db.execute("SELECT coalesce(max(row), 0) FROM contacts WHERE list = 1").fetchone()
        rows = [
            (size + i, c.phone, c.original, c.carrier, encode(c.fields))
            for i, c in enumerate(contacts, 1)
        ]
        db.executemany("INSERT OR IGNORE INTO contacts VALUES(1, ?, ?, ?, ?, ?)", rows)
        self._commit()

    def approve(self) -> None:
        """One lead for each contact."""
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "INSERT INTO leads SELECT 1, row, phone, 0, 0, 0, 0, NULL FROM contacts WHERE list = 1"
        )
        db.execute("INSERT INTO books SELECT 1, 0, count(*) FROM leads")
        db.executemany("INSERT INTO books VALUES(1, ?, 0)", [(state,) for state in range(1, 9)])
        self._commit()

    def _move(self, before: int, after: int, count: int) -> None:
        sql = "UPDATE books SET n = n + ? WHERE campaign = 1 AND state = ?"
        self.db.executemany(sql, [(-count, before), (count, after)])

    def claim(self, n: int, now_ms: int, lease_s: int) -> list[Claim]:
        """Due leads, checked, leased, their caps reserved."""
        db, decode = self.db, msgspec.msgpack.decode
        db.execute("BEGIN IMMEDIATE")
        found = db.execute(CLAIM, (now_ms - WINDOW_MS, 1, now_ms // 1000, n)).fetchall()
        claims = []
        for lead, phone, attempts, carrier, fields, blocked, held in found:
            if blocked is None and not held:
                attempt, self.next_attempt = self.next_attempt, self.next_attempt + 1
                claims.append(Claim(attempt, 1, lead, phone, attempts + 1, carrier, decode(fields)))
        db.executemany(
            "UPDATE leads SET state = 2, attempt = ? WHERE campaign = 1 AND lead = ?",
            [(c.attempt_id, c.lead_id) for c in claims],
        )
        lease_ms = now_ms + 1000 * lease_s
        db.executemany(
            "INSERT INTO open VALUES(?, 1, ?, ?, ?, ?, ?)",
            [(c.attempt_id, c.lead_id, c.phone, c.number, now_ms, lease_ms) for c in claims],
        )
        db.executemany(
            "INSERT INTO caps VALUES(?, ?, ?, 0)",
            [(c.phone, c.attempt_id, now_ms) for c in claims],
        )
        self._move(0, 2, len(claims))
        self._commit()
        return claims

    def begin(self, ops: Sequence[BeginDial]) -> int:
        """The durable mark; how many may be dialed."""
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        rows = [(o.trunk, o.call_id, o.at_ms, o.rule, o.attempt_id, o.at_ms) for o in ops]
        begun = db.executemany(BEGIN, rows).rowcount
        journal = "INSERT OR REPLACE INTO dialogs VALUES(?, ?)"
        db.executemany(journal, [(o.attempt_id, b"") for o in ops])
        db.executemany(
            "UPDATE leads SET state = 3, attempts = attempts + 1 FROM open o"
            " WHERE o.attempt = ? AND leads.campaign = o.campaign AND leads.lead = o.lead",
            [(o.attempt_id,) for o in ops],
        )
        self._move(2, 3, begun)
        self._commit()
        return begun

    def finish(self, ops: Sequence[Finish]) -> None:
        """Outcome, events, cap, lead."""
        db, encode = self.db, msgspec.msgpack.encode
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "UPDATE attempts SET answered_ms = ?, ended_ms = ?, outcome = ?, code = ?, q850 = ?,"
            " released_by = ?, keys = ? FROM open o WHERE o.attempt = ?"
            " AND attempts.campaign = o.campaign AND attempts.lead = o.lead"
            " AND attempts.attempt = o.attempt",
            [
                (o.answered_ms, o.at_ms, o.outcome, o.code, o.q850, o.released_by, o.keys,
                 o.attempt_id)
                for o in ops
            ],
        )  # fmt: skip
        db.executemany(
            "INSERT OR REPLACE INTO events VALUES(?, ?, ?)",
            [(o.attempt_id, o.first, encode(o.events)) for o in ops],
        )
        db.executemany(
            "UPDATE caps SET at_ms = ?, level = ? FROM open o"
            " WHERE o.attempt = ? AND caps.phone = o.phone AND caps.attempt = o.attempt",
            [(o.at_ms, 3 if o.heard else 1, o.attempt_id) for o in ops],
        )
        db.executemany(
            "UPDATE leads SET state = ?, due_s = ?, outcome = ? FROM open o"
            " WHERE o.attempt = ? AND leads.campaign = o.campaign AND leads.lead = o.lead",
            [(int(o.lead_state), o.due_s, o.outcome, o.attempt_id) for o in ops],
        )
        db.executemany(
            "INSERT INTO ended SELECT NULL, campaign, lead, attempt FROM open WHERE attempt = ?",
            [(o.attempt_id,) for o in ops],
        )
        db.executemany("DELETE FROM dialogs WHERE attempt = ?", [(o.attempt_id,) for o in ops])
        db.executemany("DELETE FROM open WHERE attempt = ?", [(o.attempt_id,) for o in ops])
        self._move(3, int(LeadState.DONE), len(ops))
        self._commit()

    def lead(self, lead: int) -> tuple[object, ...]:
        """One lead by its key."""
        sql = "SELECT * FROM leads WHERE campaign = 1 AND lead = ?"
        found: tuple[object, ...] = self.db.execute(sql, (lead,)).fetchone()
        return found

    def scan(self) -> int:
        """Read every lead with its contact."""
        sql = (
            "SELECT * FROM leads l JOIN contacts c ON c.list = 1 AND c.row = l.lead"
            " WHERE l.campaign = 1 ORDER BY l.lead"
        )
        decode = msgspec.msgpack.decode
        return sum(1 for row in self.db.execute(sql) if decode(row[-1]))

    def done(self) -> int:
        """How many leads are done, by the books."""
        (n,) = self.db.execute("SELECT n FROM books WHERE state = 4").fetchone()
        return int(n)

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()
