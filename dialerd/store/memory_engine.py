"""Ordered tables in memory: a dictionary of values, and its keys in sorted blocks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

from dialerd.store.engine import Pair
from dialerd.store.schema import Tables

BLOCK: Final = 1_024  # keys; a block twice as long is cut in two


class MemoryTable:
    """Keys in order, values by key."""

    __slots__ = ("blocks", "firsts", "values")

    def __init__(self) -> None:
        """An empty table has one empty block."""
        self.values: dict[bytes, bytes] = {}
        self.blocks: list[list[bytes]] = [[]]
        self.firsts: list[bytes] = [b""]  # no key of a block is smaller; b"" for the first block

    def _block(self, key: bytes) -> int:
        at = bisect_left(self.firsts, key)
        return at if at < len(self.firsts) and self.firsts[at] == key else max(at - 1, 0)

    def add(self, key: bytes, value: bytes) -> None:
        """Add or replace."""
        if key not in self.values:
            at = self._block(key)
            block = self.blocks[at]
            if block and block[-1] < key:
                block.append(key)
            else:
                insort(block, key)
            if len(block) >= 2 * BLOCK:
                self.blocks[at : at + 1] = [block[:BLOCK], block[BLOCK:]]
                self.firsts.insert(at + 1, block[BLOCK])
        self.values[key] = value

    def remove(self, key: bytes) -> None:
        """It must be there."""
        del self.values[key]
        at = self._block(key)
        block = self.blocks[at]
        del block[bisect_left(block, key)]
        if not block and at:  # the first block stays, it anchors the smallest keys
            del self.blocks[at], self.firsts[at]

    def range(self, start: bytes, stop: bytes, limit: int) -> list[Pair]:
        """The first `limit` pairs with start <= key < stop."""
        found: list[Pair] = []
        at = self._block(start)
        index = bisect_left(self.blocks[at], start)
        values = self.values
        while at < len(self.blocks) and len(found) < limit:
            block = self.blocks[at]
            for key in block[index : index + limit - len(found)]:
                if key >= stop:
                    return found
                found.append((key, values[key]))
            at, index = at + 1, 0
        return found


class MemoryTxn:
    """A transaction that undoes itself by a log."""

    __slots__ = ("_undo",)

    def __init__(self) -> None:
        """Nothing written yet."""
        self._undo: list[tuple[MemoryTable, bytes, bytes | None]] = []

    def get(self, key: bytes, *, db: MemoryTable) -> bytes | None:
        """See `engine.Txn`, as all the others here."""
        return db.values.get(key)

    def put(self, key: bytes, value: bytes, *, db: MemoryTable) -> bool:
        """Add or replace."""
        self._undo.append((db, key, db.values.get(key)))
        db.add(key, value)
        return True

    def delete(self, key: bytes, *, db: MemoryTable) -> bool:
        """Whether it was there."""
        old = db.values.get(key)
        if old is None:
            return False
        self._undo.append((db, key, old))
        db.remove(key)
        return True

    def put_many(self, pairs: Sequence[Pair], *, db: MemoryTable) -> None:
        """Add or replace all of them."""
        for key, value in pairs:
            self.put(key, value, db=db)

    def scan(self, start: bytes, stop: bytes, limit: int, *, db: MemoryTable) -> list[Pair]:
        """A copy of the range's head."""
        return db.range(start, stop, limit)

    def count(self, *, db: MemoryTable) -> int:
        """How many entries."""
        return len(db.values)

    def commit(self) -> None:
        """Keep the writes."""
        self._undo.clear()

    def abort(self) -> None:
        """Take the writes back, last one first."""
        while self._undo:
            db, key, old = self._undo.pop()
            if old is not None:
                db.add(key, old)
            elif key in db.values:
                db.remove(key)


class MemoryEngine:
    """All tables of one store."""

    def __init__(self) -> None:
        """Empty."""
        self.tables = Tables(*(MemoryTable() for _ in Tables._fields))

    def begin(self, *, write: bool) -> MemoryTxn:  # noqa: ARG002  one thread: reads need no copy
        """A new transaction."""
        return MemoryTxn()
