"""A live store examined in two parts: what is dialed from now, then everything.

The first part is what decides whom a campaign under way rings: its people, its leads and their
order, its attempts; and of all campaigns who is in somebody's hands, the caps, the do-not-call
entries, the calls of before and the counters. The rest is history, which nobody rings from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from dialerd.core.records import Campaign, CampaignState
from dialerd.store import audience, campaigns
from dialerd.store.engine import TABLE_NAMES, LazyTables, Pair, Table, Tables, Txn
from dialerd.store.examine import Findings, Said, judged
from dialerd.store.fsck import END, claimed_problems, problems
from dialerd.store.schema import campaign_key, list_key
from dialerd.store.unit import Unit

LIVE: Final = (CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.PAUSED)
#: Read as a whole before the first claim.
WHOLE: Final = (
    "meta", "lists", "list_names", "campaigns", "names", "books", "open", "caps", "dnc", "usage",
    "dialogs", "old_calls", "hidden", "wrapping", "standing", "sim_cards", "flows", "flow_names",
    "scripts", "script_names", "imports",
)  # fmt: skip
OF_CAMPAIGN: Final = ("leads", "due", "attempts", "callbacks", "own_due")
STEPS: Final = 100  # words about progress, of each part


class _Heard:
    """A table that tells how much of it is read."""

    def __init__(self, table: Table, tell: Callable[[int], object]) -> None:
        """`tell` is told how many records more."""
        self._table = table
        self._tell = tell
        self.get, self.seek, self.count = table.get, table.seek, table.count

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[Pair]:
        """See `Table`."""
        found = self._table.scan(start, stop, limit)
        self._tell(len(found))
        return found


class _Progress:
    """Says how much of a part is read; how much there is to read is an estimate."""

    def __init__(self, say: Callable[[Said], object]) -> None:
        """Nothing is known yet."""
        self._say = say
        self._read = self._told = 0
        self._step = 1
        self._whole = 0

    def begin(self, whole: int) -> None:
        """A part of about so many records, each as often as it is read."""
        self._read = self._told = 0
        self._whole = max(1, whole)
        self._step = max(1, whole // STEPS)

    def more(self, count: int) -> None:
        """So many more."""
        self._read += count
        if self._whole and self._read - self._told >= self._step:
            self._told = self._read
            self._say(Said(part=min(0.99, self._read / self._whole)))


class _Reading:
    """A transaction whose tables tell what is read of them."""

    def __init__(self, txn: Txn, tell: Callable[[int], object]) -> None:
        """Over another one."""
        tables = txn.tables
        heard: Any = lambda name: _Heard(getattr(tables, name), tell)  # noqa: E731 - never written to
        self.tables: Tables = LazyTables(heard)

    def commit(self) -> None:
        """Nothing was written."""

    def abort(self) -> None:
        """It is ended by its owner."""


def in_parts(txn: Txn, say: Callable[[Said], object]) -> Findings:
    """Both parts; the findings of the second one, or of the first when that is not sound."""
    progress = _Progress(say)
    unit = Unit(_Reading(txn, progress.more))
    counts = {name: getattr(txn.tables, name).count() for name in TABLE_NAMES}
    live = [one for one in campaigns.all_campaigns(unit) if one.state in LIVE]
    people = sum(one.audience for one in live)
    progress.begin(2 * sum(counts[name] for name in WHOLE) + counts["attempts"] + 8 * people)
    first = judged(unit, _ranges(unit, live), claimed_problems(unit, live))
    if not first.sound:
        return first
    say(Said(first=first, campaigns=frozenset(one.campaign_id for one in live)))
    # The rules read most tables once more, attempts several times.
    progress.begin(2 * sum(counts.values()) + 4 * counts["attempts"])
    return judged(unit, ((name, b"", END) for name in TABLE_NAMES), problems(unit))


def _ranges(unit: Unit, live: list[Campaign]) -> Iterator[tuple[str, bytes, bytes]]:
    for name in WHOLE:
        yield name, b"", END
    for list_id in sorted({part.list_id for one in live for part in audience.parts_of(unit, one)}):
        yield "contacts", list_key(list_id), list_key(list_id + 1)
    for one in live:
        start, stop = campaign_key(one.campaign_id), campaign_key(one.campaign_id + 1)
        for name in OF_CAMPAIGN:
            yield name, start, stop
