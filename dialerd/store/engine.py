"""What the store's logic asks of an engine: ordered tables of bytes, and transactions over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

Pair = tuple[bytes, bytes]


class Table(Protocol):
    """One table in one transaction. Reads in a write transaction see its own writes."""

    def get(self, key: bytes, /) -> bytes | None:
        """The value, or None."""

    def put(self, key: bytes, value: bytes, /) -> bool:
        """Add or replace."""

    def delete(self, key: bytes, /) -> bool:
        """Whether it was there."""

    def put_many(self, pairs: Sequence[Pair]) -> None:
        """Add or replace all of them; quickest in key order."""

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[Pair]:
        """The first `limit` pairs with start <= key < stop, in key order."""

    def seek(self, start: bytes, /) -> bytes:
        """The first key that is not before `start`; empty when there is none."""

    def count(self) -> int:
        """How many entries: O(1)."""


class Tables:
    """The tables of a transaction by name. See `schema`."""

    meta: Table
    lists: Table
    list_names: Table
    contacts: Table
    phones: Table
    campaigns: Table
    names: Table
    moves: Table
    books: Table
    leads: Table
    due: Table
    open: Table
    attempts: Table
    events: Table
    caps: Table
    dnc: Table
    usage: Table
    dialogs: Table
    old_calls: Table
    imports: Table
    ended: Table
    cursors: Table
    outbox: Table
    hidden: Table
    audit: Table
    callbacks: Table
    own_due: Table
    met: Table
    notes: Table
    agent_log: Table
    wrapping: Table
    standing: Table
    scripts: Table
    script_names: Table
    flows: Table
    flow_names: Table
    sheets: Table
    answers: Table
    over: Table
    sim_cards: Table
    texts: Table
    texts_of: Table


class LazyTables(Tables):
    """Tables that are each made when they are first used: a read uses few of them."""

    def __init__(self, make: Callable[[str], Table]) -> None:
        """`make` makes the table of a name."""
        self._make = make

    def __getattr__(self, name: str) -> Table:
        """Only at the first use of a table: then it is an attribute like any other."""
        if name not in TABLE_NAMES:
            raise AttributeError(name)
        table = self._make(name)
        setattr(self, name, table)
        return table


TABLE_NAMES: Final = tuple(Tables.__annotations__)


class Txn(Protocol):
    """One transaction."""

    tables: Tables

    def commit(self) -> None:
        """Make the writes durable and visible."""

    def abort(self) -> None:
        """Forget the writes, end the reads. Harmless after the end."""
