"""What the store's logic asks of an engine: ordered tables of bytes, and transactions over them.

The write methods have the names and arguments of a py-lmdb transaction, whose bound methods serve
as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dialerd.store.schema import Table, Tables

Pair = tuple[bytes, bytes]


class Txn(Protocol):
    """One transaction. Reads in a write transaction see its own writes."""

    def get(self, key: bytes, *, db: Table) -> bytes | None:
        """The value, or None."""

    def put(self, key: bytes, value: bytes, *, db: Table) -> bool:
        """Add or replace."""

    def delete(self, key: bytes, *, db: Table) -> bool:
        """Whether it was there."""

    def put_many(self, pairs: Sequence[Pair], *, db: Table) -> None:
        """Add or replace all of them; quickest in key order."""

    def scan(self, start: bytes, stop: bytes, limit: int, *, db: Table) -> list[Pair]:
        """The first `limit` pairs with start <= key < stop, in key order."""

    def count(self, *, db: Table) -> int:
        """How many entries the table has: O(1)."""

    def commit(self) -> None:
        """Make the writes durable and visible."""

    def abort(self) -> None:
        """Forget the writes, end the reads. Harmless after the end."""


class Engine(Protocol):
    """An open set of tables."""

    tables: Tables

    def begin(self, *, write: bool) -> Txn:
        """A new transaction; at most one writes at a time."""
