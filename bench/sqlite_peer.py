"""The store's dialing path in sqlite3, as one would write it there: WAL, synchronous=FULL.

It keeps what the store keeps: every field of leads, attempts and events, the evidence of a claim,
how often a lead's tries ended how, the calls to a number, the journal line, the numbered record of
what ended, books by state and by outcome, the next attempt's number and the earliest lease. It
judges what the store judges of these campaigns: the campaign's state, bans by list, campaign and
time, a number in somebody's hands, caps by how far calls got, in each waiting state by its order;
and again, ban, state and lease, when dialing begins. It answers what the store answers, the next
due second too. What holds for a whole batch (the regime's hours, the text of the evidence) is made
once a batch on either side. Statements handle a whole group at once wherever SQL can.

In its favour: no checksum on a record, no thread behind it, no idempotence by attempt.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from dialerd.core.ops import BeginDial, Claim, Finish
from dialerd.core.records import WAITING, Contact, LeadState

EVIDENCE: Final = "loopback 1; not on own+blacklist; inside hours of +07:00"
SCHEMA = """
CREATE TABLE contacts(list INT, row INT, phone INT, original TEXT, carrier TEXT, fields BLOB,
    PRIMARY KEY(list, row)) WITHOUT ROWID;
CREATE UNIQUE INDEX phones ON contacts(phone, list);
CREATE TABLE campaigns(campaign INTEGER PRIMARY KEY, state TEXT);
CREATE TABLE leads(campaign INT, lead INT, phone INT, state INT, attempts INT, due_s INT,
    attempt INT, outcome TEXT, PRIMARY KEY(campaign, lead)) WITHOUT ROWID;
CREATE INDEX due ON leads(campaign, state, due_s, lead);
CREATE TABLE tries(campaign INT, lead INT, outcome TEXT, n INT,
    PRIMARY KEY(campaign, lead, outcome)) WITHOUT ROWID;
CREATE TABLE open(attempt INTEGER PRIMARY KEY, campaign INT, lead INT, phone INT, number INT,
    claimed_ms INT, lease_ms INT, node TEXT, evidence TEXT);
CREATE TABLE attempts(campaign INT, lead INT, attempt INT, phone INT, number INT, claimed_ms INT,
    trunk TEXT, call_id TEXT, begun_ms INT, answered_ms INT, ended_ms INT, outcome TEXT, code INT,
    q850 INT, released_by TEXT, keys TEXT, rule TEXT, port TEXT, minute_milli INT, usage_day INT,
    evidence TEXT, agent TEXT, human_ms INT, connected_ms INT,
    PRIMARY KEY(campaign, lead, attempt)) WITHOUT ROWID;
CREATE TABLE events(attempt INT, first INT, events BLOB, PRIMARY KEY(attempt, first))
    WITHOUT ROWID;
CREATE TABLE caps(phone INT, attempt INT, at_ms INT, level INT, PRIMARY KEY(phone, attempt))
    WITHOUT ROWID;
CREATE TABLE ended(seq INTEGER PRIMARY KEY, campaign INT, lead INT, attempt INT);
CREATE TABLE dialogs(attempt INTEGER PRIMARY KEY, line BLOB);
CREATE TABLE bans(phone INT, list INT, campaign INT, at_ms INT, until_ms INT, source TEXT,
    PRIMARY KEY(phone, list, campaign)) WITHOUT ROWID;
CREATE TABLE books(campaign INT, state INT, n INT, PRIMARY KEY(campaign, state)) WITHOUT ROWID;
CREATE TABLE outcomes(campaign INT, outcome TEXT, n INT, PRIMARY KEY(campaign, outcome))
    WITHOUT ROWID;
CREATE TABLE meta(name TEXT PRIMARY KEY, n INT) WITHOUT ROWID;
INSERT INTO meta VALUES('next_attempt', 1), ('leases_from_ms', 0);
"""
CLAIM = """
SELECT l.lead, l.phone, l.attempts, l.outcome, c.carrier, c.fields,
    EXISTS(SELECT 1 FROM bans b WHERE b.phone = l.phone AND b.list IN (0, 2)
        AND b.campaign IN (0, l.campaign) AND (b.until_ms = 0 OR b.until_ms > ?)),
    (SELECT max(k.level = 0 OR k.at_ms > ?) FROM caps k WHERE k.phone = l.phone),
    (SELECT json_group_object(t.outcome, t.n) FROM tries t
        WHERE t.campaign = l.campaign AND t.lead = l.lead)
FROM leads l JOIN contacts c ON c.list = 1 AND c.row = l.lead
WHERE l.campaign = ? AND l.state = ? AND l.due_s <= ? ORDER BY l.due_s, l.lead LIMIT ?
"""
BEGIN = """
INSERT INTO attempts SELECT o.campaign, o.lead, o.attempt, o.phone, o.number, o.claimed_ms,
    ?, ?, ?, 0, 0, NULL, 0, 0, '', '', ?, ?, ?, ?, o.evidence, '', 0, 0 FROM open o
WHERE o.attempt = ? AND o.lease_ms >= ?
    AND NOT EXISTS(SELECT 1 FROM bans b WHERE b.phone = o.phone AND b.list IN (0, 2)
        AND b.campaign IN (0, o.campaign) AND (b.until_ms = 0 OR b.until_ms > ?))
"""
FINISH = """
UPDATE attempts SET answered_ms = ?, ended_ms = ?, outcome = ?, code = ?, q850 = ?,
    released_by = ?, keys = ?, agent = ?, human_ms = ?, connected_ms = ? FROM open o
WHERE o.attempt = ? AND attempts.campaign = o.campaign AND attempts.lead = o.lead
    AND attempts.attempt = o.attempt
"""
WINDOW_MS = 0
TRIED = """
INSERT INTO tries SELECT campaign, lead, ?, 1 FROM open WHERE attempt = ?
    ON CONFLICT DO UPDATE SET n = n + 1
"""
COUNTED = "INSERT INTO outcomes VALUES(1, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n"
NEXT_DUE = "SELECT min(due_s) FROM leads WHERE campaign = 1 AND state = ?"


class SqlitePeer:
    """One connection on one file."""

    def __init__(self, folder: Path) -> None:
        """A new database."""
        self.thread = ThreadPoolExecutor(1)  # for who may not wait here
        path = folder / "peer.sqlite"
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
        self.next_due_s: int | None = None
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
        rest = [(state,) for state in range(1, len(LeadState))]
        db.executemany("INSERT INTO books VALUES(1, ?, 0)", rest)
        db.execute("INSERT INTO campaigns VALUES(1, 'running')")
        self._commit()

    def _running(self) -> bool:
        sql = "SELECT state FROM campaigns WHERE campaign = 1"
        return bool(self.db.execute(sql).fetchone()[0] == "running")

    def _move(self, before: int, after: int, count: int) -> None:
        sql = "UPDATE books SET n = n + ? WHERE campaign = 1 AND state = ?"
        self.db.executemany(sql, [(-count, before), (count, after)])

    def claim(self, n: int, now_ms: int, lease_s: int) -> list[Claim]:
        """Due leads, checked, leased, their caps reserved."""
        db, decode, now_s = self.db, msgspec.msgpack.decode, now_ms // 1000
        db.execute("BEGIN IMMEDIATE")
        assert self._running()
        (attempt,) = db.execute("SELECT n FROM meta WHERE name = 'next_attempt'").fetchone()
        claims: list[Claim] = []
        for state in WAITING:
            before = len(claims)
            if before >= n:
                break
            asked = now_ms, now_ms - WINDOW_MS, 1, int(state), now_s, n - before
            rows = db.execute(CLAIM, asked)
            for lead, phone, attempts, _, carrier, fields, banned, held, tries in rows:
                if not (banned or held):
                    found = Claim(
                        attempt, 1, lead, phone, attempts + 1, carrier, decode(fields),
                        tries={} if tries == "{}" else msgspec.json.decode(tries),
                    )  # fmt: skip
                    claims.append(found)
                    attempt += 1
            if len(claims) > before:
                self._move(state, LeadState.CLAIMED, len(claims) - before)
        db.executemany(
            "UPDATE leads SET state = 2, attempt = ? WHERE campaign = 1 AND lead = ?",
            [(c.attempt_id, c.lead_id) for c in claims],
        )
        lease_ms = now_ms + 1000 * lease_s
        db.executemany(
            "INSERT INTO open VALUES(?, 1, ?, ?, ?, ?, ?, '', ?)",
            [
                (c.attempt_id, c.lead_id, c.phone, c.number, now_ms, lease_ms, EVIDENCE)
                for c in claims
            ],
        )
        db.executemany(
            "INSERT INTO caps VALUES(?, ?, ?, 0)",
            [(c.phone, c.attempt_id, now_ms) for c in claims],
        )
        sql = "UPDATE meta SET n = ? WHERE name = ?"
        db.executemany(sql, [(attempt, "next_attempt"), (lease_ms, "leases_from_ms")])
        due = [db.execute(NEXT_DUE, (int(state),)).fetchone()[0] for state in WAITING]
        self.next_due_s = min((at for at in due if at is not None), default=None)
        self._commit()
        return claims

    def begin(self, ops: Sequence[BeginDial]) -> int:
        """The durable mark; how many may be dialed."""
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        assert self._running()
        rows = [
            (o.trunk, o.call_id, o.at_ms, o.rule, o.port, o.minute_milli, o.usage_day,
             o.attempt_id, o.at_ms, o.at_ms)
            for o in ops
        ]  # fmt: skip
        begun = db.executemany(BEGIN, rows).rowcount
        journal = "INSERT OR REPLACE INTO dialogs VALUES(?, ?)"
        db.executemany(journal, [(o.attempt_id, o.line) for o in ops])
        db.executemany(
            "UPDATE leads SET state = 3, attempts = attempts + 1 FROM open o"
            " WHERE o.attempt = ? AND leads.campaign = o.campaign AND leads.lead = o.lead",
            [(o.attempt_id,) for o in ops],
        )
        self._move(LeadState.CLAIMED, LeadState.DIALING, begun)
        self._commit()
        return begun

    def finish(self, ops: Sequence[Finish]) -> None:
        """Outcome, events, cap, lead."""
        db, encode = self.db, msgspec.msgpack.encode
        db.execute("BEGIN IMMEDIATE")
        rows = [
            (o.answered_ms, o.at_ms, o.outcome, o.code, o.q850, o.released_by, o.keys, o.agent,
             o.human_ms, o.connected_ms, o.attempt_id)
            for o in ops
        ]  # fmt: skip
        db.executemany(FINISH, rows)
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
        db.executemany(TRIED, [(o.outcome, o.attempt_id) for o in ops])
        db.executemany(
            "INSERT INTO ended SELECT NULL, campaign, lead, attempt FROM open WHERE attempt = ?",
            [(o.attempt_id,) for o in ops],
        )
        db.executemany("DELETE FROM dialogs WHERE attempt = ?", [(o.attempt_id,) for o in ops])
        db.executemany("DELETE FROM open WHERE attempt = ?", [(o.attempt_id,) for o in ops])
        self._move(LeadState.DIALING, LeadState.DONE, len(ops))
        db.executemany(COUNTED, Counter(o.outcome for o in ops).items())
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
        self.thread.shutdown()
        self.db.close()
