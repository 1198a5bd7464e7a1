"""A unit of work: one transaction with the counters and books that its writes change.

Counters and books are read once and written once in a transaction, whatever the number of leads in
it. Nothing outlives the transaction, so that several processes may write in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dialerd.core.ports import NotFoundError
from dialerd.core.records import Campaign, LeadState, Outcome
from dialerd.store.engine import Tables, Txn
from dialerd.store.schema import (
    BOOKS,
    CAMPAIGN,
    BooksRecord,
    books_key,
    campaign_key,
    number64,
    read_u64,
)

CAMPAIGNS_KNOWN: Final = 64
STATES: Final = len(LeadState)
OUTCOMES: Final = tuple(Outcome)
OUTCOME_INDEX: Final = {outcome: index for index, outcome in enumerate(Outcome)}


@lru_cache(CAMPAIGNS_KNOWN)
def _known(raw: bytes) -> Campaign:
    """The campaign of these very bytes: every transaction asks for one, and it seldom changes."""
    return CAMPAIGN.unpack(raw)


class Counters(dict[bytes, int]):
    """The stored numbers by name, each read when it is first asked for; 0 when there is none."""

    def __init__(self, tables: Tables) -> None:
        """Nothing read yet."""
        self._tables = tables

    def __missing__(self, name: bytes) -> int:
        """Read it."""
        raw = self._tables.meta.get(name)
        value = self[name] = 0 if raw is None else read_u64(raw)
        return value


class Books:
    """A campaign's counts while they change."""

    __slots__ = ("leads", "outcomes")

    def __init__(self, record: BooksRecord | None = None) -> None:
        """States and outcomes that an older record does not know start at 0."""
        self.leads = [0] * STATES
        self.outcomes = [0] * len(OUTCOMES)
        if record is not None:
            self.leads[: len(record.leads)] = record.leads
            self.outcomes[: len(record.outcomes)] = record.outcomes

    def move(self, before: LeadState, after: LeadState) -> None:
        """A lead went from one state to another."""
        self.leads[before] -= 1
        self.leads[after] += 1


class Unit:
    """One transaction; `t` holds its tables."""

    __slots__ = ("_books", "_campaigns", "_dirty", "counters", "t")

    def __init__(self, txn: Txn) -> None:
        """Begin with nothing cached."""
        self.t = txn.tables
        self._books: dict[int, Books] = {}
        self.counters = Counters(self.t)
        self._dirty: set[bytes] = set()
        self._campaigns: dict[int, Campaign] = {}

    def counter(self, name: bytes) -> int:
        """The stored number of that name, 0 when there is none."""
        return self.counters[name]

    def set_counter(self, name: bytes, value: int) -> None:
        """Remember it; written with the transaction."""
        self.counters[name] = value
        self._dirty.add(name)

    def next_number(self, name: bytes) -> int:
        """The next id of a kind, from 1."""
        value = self.counters[name] = self.counters[name] + 1
        self._dirty.add(name)
        return value

    def books(self, campaign_id: int) -> Books:
        """The counts of a campaign, to be changed in place; written with the transaction."""
        found = self._books.get(campaign_id)
        if found is None:
            raw = self.t.books.get(books_key(campaign_id))
            found = Books(None if raw is None else BOOKS.unpack(raw))
            self._books[campaign_id] = found
        return found

    def campaign(self, campaign_id: int) -> Campaign:
        """The campaign as it stands in this transaction; NotFoundError when there is none."""
        found = self._campaigns.get(campaign_id)
        if found is None:
            in_range = 0 < campaign_id <= 0xFFFF_FFFF
            raw = self.t.campaigns.get(campaign_key(campaign_id)) if in_range else None
            if raw is None:
                raise NotFoundError(f"there is no campaign {campaign_id}")
            found = self._campaigns[campaign_id] = _known(raw)
        return found

    def put_campaign(self, campaign: Campaign) -> None:
        """Add or replace."""
        self._campaigns[campaign.campaign_id] = campaign
        key = campaign_key(campaign.campaign_id)
        self.t.campaigns.put(key, CAMPAIGN.pack(campaign))

    def flush(self) -> None:
        """Write counters and books; the last thing before the commit."""
        for name in self._dirty:
            self.t.meta.put(name, number64(self.counters[name]))
        for campaign_id, books in self._books.items():
            record = BooksRecord(tuple(books.leads), tuple(books.outcomes))
            self.t.books.put(books_key(campaign_id), BOOKS.pack(record))
        self._dirty.clear()
        self._books.clear()


class More(NamedTuple):
    """What a long request returns between its transactions: the work of the next one."""

    then: Callable[[Unit], Any]  # depends on nothing but its arguments: it may be run again
