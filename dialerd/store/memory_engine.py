"""Ordered tables in memory: a dictionary of values, and its keys in sorted blocks."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

from dialerd.store.engine import TABLE_NAMES, LazyTables, Pair, Tables

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


Undo = list[tuple[MemoryTable, bytes, bytes | None]]


class MemoryView:
    """A table in one transaction: its writes are logged, to be undone. See `engine.Table`."""

    __slots__ = ("_table", "_undo", "get")

    def __init__(self, table: MemoryTable, undo: Undo) -> None:
        """Share the transaction's log."""
        self._table = table
        self._undo = undo
        self.get = table.values.get

    def put(self, key: bytes, value: bytes) -> bool:
        """Add or replace."""
        self._undo.append((self._table, key, self._table.values.get(key)))
        self._table.add(key, value)
        return True

    def delete(self, key: bytes) -> bool:
        """Whether it was there."""
        old = self._table.values.get(key)
        if old is None:
            return False
        self._undo.append((self._table, key, old))
        self._table.remove(key)
        return True

    def put_many(self, pairs: Sequence[Pair]) -> None:
        """Add or replace all of them."""
        for key, value in pairs:
            self.put(key, value)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[Pair]:
        """A copy of the range's head."""
        return self._table.range(start, stop, limit)

    def seek(self, start: bytes) -> bytes:
        """The first key from `start` on."""
        found = self._table.range(start, b"\xff" * 64, 1)
        return found[0][0] if found else b""

    def count(self) -> int:
        """How many entries."""
        return len(self._table.values)


class MemoryTxn:
    """A transaction that undoes itself by a log."""

    def __init__(self, tables: dict[str, MemoryTable]) -> None:
        """Nothing written yet."""
        self._undo: Undo = []
        self.tables: Tables = LazyTables(lambda name: MemoryView(tables[name], self._undo))

    def commit(self) -> None:
        """Keep the writes."""
        self._undo.clear()

    def abort(self) -> None:
        """Take the writes back, last one first."""
        while self._undo:
            table, key, old = self._undo.pop()
            if old is not None:
                table.add(key, old)
            elif key in table.values:
                table.remove(key)


class MemoryEngine:
    """All tables of one store."""

    def __init__(self) -> None:
        """Empty."""
        self._tables = {name: MemoryTable() for name in TABLE_NAMES}

    def begin(self, *, write: bool) -> MemoryTxn:  # noqa: ARG002  one thread: reads need no copy
        """A new transaction."""
        return MemoryTxn(self._tables)
