"""Who changed what, as a chain: each entry holds the hash of the one before it.

Changing, removing or putting in an entry breaks the chain at a place that `check` names; the head,
kept beside it, shows that the end was not cut off. Whoever can write the file can also make a whole
new chain: hand the last hash to somebody else now and then (`dialerd audit check` prints it).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from admin_http.limits import AUDIT_ENTRIES_MAX, AUDIT_TEXT_MAX
from admin_http.people.store import AdminStore, Kind, Txn
from dialerd.core.control_base import Instant

CHUNK: Final = 500  # entries that are read, or removed, at a time


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One change, or try of one."""

    n: int
    at: Instant
    who: str
    what: str  # the request or command
    status: int  # of the answer; 0 from the command line
    detail: str
    address: str  # of who asked
    before: str  # the hash of entry n - 1, in hexadecimal
    hash: str = ""


class Head(msgspec.Struct, frozen=True):
    """Where the chain ends, and where what is kept of it begins."""

    n: int = 0
    hash: str = "0" * 64
    first: int = 1
    before_first: str = "0" * 64


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: `broken` is the first entry that is not what was written."""

    ok: bool
    entries: int
    hash: str  # of the last entry
    broken: int | None = None
    why: str = ""


def _key(n: int) -> bytes:
    return n.to_bytes(8, "big")


AUDIT: Final = Kind("audit", Entry, lambda entry: _key(entry.n))
HEAD: Final = Kind("audit_head", Head, lambda _: b"head")


def digest(entry: Entry) -> str:
    """The hash of an entry: SHA-256 over its other fields."""
    bare = msgspec.structs.replace(entry, hash="")
    return hashlib.sha256(msgspec.msgpack.encode(bare)).hexdigest()


def note(
    txn: Txn,
    at: datetime,
    who: str,
    what: str,
    *,
    status: int = 0,
    detail: str = "",
    address: str = "",
) -> Entry:
    """Put an entry at the end; the oldest go when there are too many."""
    head = txn.get(HEAD, b"head") or Head()
    entry = Entry(
        n=head.n + 1,
        at=at,
        who=who[:AUDIT_TEXT_MAX],
        what=what[:AUDIT_TEXT_MAX],
        status=status,
        detail=detail[:AUDIT_TEXT_MAX],
        address=address[:64],
        before=head.hash,
    )
    entry = msgspec.structs.replace(entry, hash=digest(entry))
    txn.put(AUDIT, entry)
    first, before_first = head.first, head.before_first
    if entry.n - first >= AUDIT_ENTRIES_MAX:
        for old in txn.scan(AUDIT, CHUNK):
            txn.delete(AUDIT, _key(old.n))
            first, before_first = old.n + 1, old.hash
    txn.put(HEAD, Head(entry.n, entry.hash, first, before_first))
    return entry


def entries(store: AdminStore, limit: int, before: int = 0) -> list[Entry]:
    """At most `limit`, newest first, in front of an entry's number (0: of all)."""
    with store.read() as txn:
        return txn.newest(AUDIT, limit, before=_key(before) if before else b"")


def check(store: AdminStore) -> Checked:
    """Follow the whole chain, in pieces: what comes meanwhile is looked at, too, or not."""
    with store.read() as txn:
        head = txn.get(HEAD, b"head") or Head()
    n, before = head.first - 1, head.before_first
    seen = 0
    while n < head.n:
        with store.read() as txn:
            now = txn.get(HEAD, b"head") or Head()
            if n < now.first - 1:  # `note` has let the oldest go meanwhile
                head, n, before = now, now.first - 1, now.before_first
            found = txn.scan(AUDIT, CHUNK, after=_key(n) if n else b"")
        found = [entry for entry in found if entry.n <= head.n]
        for entry in found:
            why = _wrong(entry, n + 1, before)
            if why:
                return Checked(ok=False, entries=seen, hash=before, broken=n + 1, why=why)
            n, before, seen = entry.n, entry.hash, seen + 1
        if not found:
            why = f"it is missing; the last one should be {head.n}"
            return Checked(ok=False, entries=seen, hash=before, broken=n + 1, why=why)
    if before != head.hash:
        return Checked(ok=False, entries=seen, hash=before, broken=n, why="it is not the last one")
    return Checked(ok=True, entries=seen, hash=before)


def _wrong(entry: Entry, n: int, before: str) -> str:
    if entry.n != n:
        return f"it is missing; {entry.n} follows"
    if entry.before != before:
        return "it does not follow from the one before"
    return "" if digest(entry) == entry.hash else "it was changed"
