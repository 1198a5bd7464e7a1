"""The tables of an LMDB transaction: of a read, each made when it is used; of writes, kept."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from dialerd.core.ports import StoreError
from dialerd.store.engine import Pair, Tables

SCAN_FIRST: Final = 16  # pairs that a scan reads before it looks whether it is past its end
_KEY: Final = itemgetter(0)


class LmdbTable:
    """A table in one transaction, through one cursor; see `engine.Table`.

    `get` and `put` are the cursor's own methods: a third of the cost of the transaction's.
    """

    __slots__ = ("_cursor", "_db", "_txn", "get", "put")

    def __init__(self, txn: Any, db: Any) -> None:
        """Open the cursor."""
        self._db = db
        self._use(txn)

    def _use(self, txn: Any) -> None:
        self._txn = txn
        cursor = self._cursor = txn.cursor(self._db)
        self.get = cursor.get
        self.put = cursor.put

    def _used(self) -> Any:
        """Its cursor."""
        return self._cursor

    def delete(self, key: bytes) -> bool:
        """Whether it was there."""
        cursor = self._cursor or self._used()
        return bool(cursor.set_key(key) and cursor.delete())

    def put_many(self, pairs: Sequence[Pair]) -> None:
        """Add or replace all of them."""
        self._used().putmulti(pairs)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[Pair]:
        """The first `limit` pairs with start <= key < stop."""
        found: list[Pair] = []
        cursor = self._cursor or self._used()
        if not cursor.set_range(start) or cursor.key() >= stop:
            return found
        rest = cursor.iternext()
        some = SCAN_FIRST  # then twice as many: little is read past the end of a short range
        while len(found) < limit:
            page = list(islice(rest, min(some, limit - len(found))))
            if not page or page[-1][0] >= stop:
                found += page[: bisect_left(page, stop, key=_KEY)]
                break
            found += page
            some *= 2
        return found

    def seek(self, start: bytes) -> bytes:
        """The first key from `start` on."""
        cursor = self._cursor or self._used()
        return cursor.key() if cursor.set_range(start) else b""

    def count(self) -> int:
        """How many entries."""
        self._used()
        entries: int = self._txn.stat(self._db)["entries"]
        return entries


class WriterTable(LmdbTable):
    """A table of one write transaction after the other; each opens its cursor at the first use."""

    __slots__ = ("_writing",)

    def __init__(self, db: Any, writing: WriterTables) -> None:
        """Before the first transaction."""
        self._db = db
        self._writing = writing
        self.leave()

    def leave(self) -> None:
        """The transaction is over."""
        self._txn = self._cursor = None
        self.get = self._first_get
        self.put = self._first_put

    def _used(self) -> Any:
        if self._cursor is None:
            self._use(self._writing.txn)
            self._writing.used.append(self)
        return self._cursor

    def _first_get(self, key: bytes) -> bytes | None:
        found: bytes | None = self._used().get(key)
        return found

    def _first_put(self, key: bytes, value: bytes) -> bool:
        return bool(self._used().put(key, value))


class WriterTables(Tables):
    """All tables for the one write transaction that there is at a time.

    They stay: an attribute that is simply there costs a fifteenth of one that may have to be made.
    """

    def __init__(self, handles: dict[str, Any]) -> None:
        """Before the first transaction."""
        self.txn: Any = None
        self.used: list[WriterTable] = []
        for name, db in handles.items():
            setattr(self, name, WriterTable(db, self))

    def enter(self, txn: Any) -> WriterTables:
        """Be the tables of this transaction; the one before is over."""
        for table in self.used:
            table.leave()
        self.used.clear()
        self.txn = txn
        return self


class EmptyTable:
    """A table that the file does not have yet, for reading."""

    def get(self, key: bytes, /) -> bytes | None:  # noqa: ARG002
        """Nothing."""
        return None

    def put(self, key: bytes, value: bytes, /) -> bool:  # noqa: ARG002
        """Nobody writes through a store that is open for reading."""
        raise StoreError("the store is open for reading only")

    def delete(self, key: bytes, /) -> bool:  # noqa: ARG002
        """It was not there."""
        return False

    def put_many(self, pairs: Sequence[Pair]) -> None:
        """See `put`."""
        for key, value in pairs:
            self.put(key, value)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[Pair]:  # noqa: ARG002
        """Nothing."""
        return []

    def seek(self, start: bytes, /) -> bytes:  # noqa: ARG002
        """Nothing."""
        return b""

    def count(self) -> int:
        """None."""
        return 0
