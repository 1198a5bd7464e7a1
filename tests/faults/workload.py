"""A process that works with the store as the daemon does, under the recorder.

    python -m tests.faults.workload FOLDER STEPS SEED MODE

Every answer of the store is written down as a mark the moment it is there. MODE is `safe`, which is
the store as it ships, or one of UNSAFE: what the explorer has to find fault with.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from typing import Any

import lmdb

from dialerd.core.ops import AppendEvents, Claim
from dialerd.core.records import CallEvent, Contact, DoNotCall, EventKind, LeadState, Outcome
from dialerd.store import open_store
from dialerd.store.lmdb_store import LmdbStore
from tests.store.kit import NOW, begin, draft, filled_list, finish, people, running

UNSAFE = {"nosync": {"sync": False}, "nometasync": {"metasync": False}}
LEADS = 240
EXTRA = 85_000_000_000  # numbers of people who come while others are called
DNC = 86_000_000_000


def prepare(folder: Path) -> None:
    """A store with a campaign that runs, and one that is a draft."""
    store = open_store(folder, linger_s=0.0)
    list_id = filled_list(store, "a", people(LEADS))
    running(store, list_id)
    draft(store, list_id, "summer")
    store.close()


class Work:
    """Several things at once, as in the daemon: groups of them share commits."""

    def __init__(self, store: LmdbStore, seed: int, marks: int) -> None:
        self._store = store
        self._rng = random.Random(seed)
        self._marks = marks
        self._added = 0

    def mark(self, *words: object) -> None:
        """Say that the store has acknowledged something."""
        os.write(self._marks, (" ".join(str(word) for word in words) + "\n").encode())

    async def call(self, claim: Claim) -> None:
        """One attempt, from its beginning to its end."""
        store, attempt_id = self._store, claim.attempt_id
        if await store.apply([begin(attempt_id)]):
            return
        self.mark("begun", attempt_id, claim.lead_id)
        if self._rng.random() < 0.7:
            events = tuple(CallEvent(NOW + i, EventKind.DIGIT, "7" * 60) for i in range(3))
            await store.apply([AppendEvents(attempt_id, 0, events)])
            self.mark("events", attempt_id, claim.lead_id, len(events))
        again = self._rng.random() < 0.3
        outcome = Outcome.BUSY if again else Outcome.ANSWERED
        state = LeadState.RETRY if again else LeadState.DONE
        await store.apply([finish(attempt_id, outcome, state, due_s=NOW // 1000 + 60, first=3)])
        self.mark("ended", attempt_id, claim.lead_id, outcome)

    async def others(self, step: int) -> None:
        """What else is written while calls are made."""
        phone = DNC + step
        await self._store.dnc_add([DoNotCall(phone, NOW, "asked")])
        self.mark("blocked", phone)
        more = [Contact(EXTRA + 20 * step + i, "0", "", {"name": "x" * 90}) for i in range(20)]
        added = await self._store.add_contacts(1, more)
        self._added += added.added
        self.mark("listed", LEADS + self._added)

    async def steps(self, count: int) -> None:
        """`count` batches of leads, each with its calls side by side."""
        for step in range(count):
            n = self._rng.randint(1, 8)
            claims = (await self._store.claim(1, n, NOW + 120_000 * step, 60)).claims
            if claims:
                self.mark("claimed", max(claim.attempt_id for claim in claims))
            calls: list[Any] = [self.call(claim) for claim in claims]
            await asyncio.gather(*calls, self.others(step))


def main() -> None:
    """Work, and stop without a word more."""
    folder, steps, seed, mode = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    if mode in UNSAFE:
        opened = lmdb.open
        lmdb.open = lambda *args, **named: opened(*args, **(named | UNSAFE[mode]))
    marks = os.open(folder / "marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
    store = open_store(folder, daemon=True, linger_s=0.0005)
    asyncio.run(Work(store, seed, marks).steps(steps))
    os._exit(0)  # a close may flush; a crash does not


if __name__ == "__main__":
    main()
