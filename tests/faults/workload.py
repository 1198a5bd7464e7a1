"""A process that works with the store as the daemon does, under the recorder.

    python -m tests.faults.workload FOLDER STEPS SEED MODE

Every answer of the store is written down as a mark (see `marks`) the moment it is there. MODE is
`safe`, which is the store as it ships, or one of UNSAFE: what the explorer has to find fault with.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import lmdb
import msgspec

from dialerd.core.agent_records import AgentMove, AgentState, Callback, Note
from dialerd.core.ops import (
    AppendEvents,
    Claim,
    Dispose,
    KeepLine,
    KeepNote,
    LogAgent,
    SaveAnswer,
)
from dialerd.core.records import (
    CallEvent,
    CampaignState,
    Contact,
    DoNotCall,
    EventKind,
    LeadState,
    Outcome,
)
from dialerd.core.script import END
from dialerd.core.script_records import Asks, Item, Script
from dialerd.store import ended, open_store, wait
from dialerd.store.lmdb_store import LmdbStore
from tests.faults.marks import CRM, LINE
from tests.store.kit import NOW, begin, draft, filled_list, finish, people, running

UNSAFE = {"nosync": {"sync": False}, "nometasync": {"metasync": False}}
LEADS = 240
EXTRA = 85_000_000_000  # numbers of people who come while others are called
DNC = 86_000_000_000
DAY_MS = 86_400_000
AGENT = "an"
QUESTION = "name"


def script(version: int) -> Script:
    """One that differs from all others."""
    return Script((Item(QUESTION, f"name, {version}?", END, Asks.TEXT),))


def prepare(folder: Path) -> None:
    """A store with a campaign that runs, and one that is a draft."""
    store = open_store(folder, linger_s=0.0)
    list_id = filled_list(store, "a", people(LEADS))
    wait(store.save_script("s", script(0), "an", NOW))
    running(store, list_id, script="s")
    draft(store, list_id, "summer")
    store.close()


class Work:
    """Several things at once, as in the daemon: groups of them share commits."""

    def __init__(self, store: LmdbStore, seed: int, marks: int) -> None:
        self._store = store
        self._rng = random.Random(seed)
        self._marks = marks
        self._added = self._erasures = self._logged = self._trimmed = 0

    def mark(self, *words: object) -> None:
        """Say that the store has acknowledged something."""
        os.write(self._marks, (" ".join(str(word) for word in words) + "\n").encode())

    async def call(self, claim: Claim) -> None:
        """One attempt, from its beginning to its end."""
        store, attempt_id = self._store, claim.attempt_id
        if await store.apply([begin(attempt_id)]):
            return
        self.mark("begun", attempt_id, claim.lead_id)
        for number in range(self._rng.randint(0, 2)):
            await store.apply([KeepLine(attempt_id, LINE % (attempt_id, number))])
            self.mark("line", attempt_id, claim.lead_id, number)
        if self._rng.random() < 0.7:
            events = tuple(CallEvent(NOW + i, EventKind.DIGIT, "7" * 60) for i in range(3))
            await store.apply([AppendEvents(attempt_id, 0, events)])
            self.mark("events", attempt_id, claim.lead_id, len(events))
        if self._rng.random() < 0.3:
            await self.talk(claim)
            return
        again = self._rng.random() < 0.3
        outcome = Outcome.BUSY if again else Outcome.ANSWERED
        state = LeadState.RETRY if again else LeadState.DONE
        await store.apply([finish(attempt_id, outcome, state, due_s=NOW // 1000 + 60, first=3)])
        self.mark("ended", attempt_id, claim.lead_id, outcome)

    async def talk(self, claim: Claim) -> None:
        """The end of an attempt by an agent, who asks, writes and says what came of it."""
        store, attempt_id, lead_id = self._store, claim.attempt_id, claim.lead_id
        of = attempt_id, lead_id
        await store.apply([SaveAnswer(1, lead_id, attempt_id, QUESTION, "Lan", NOW, AGENT)])
        self.mark("answered", *of, QUESTION)
        await store.apply([finish(attempt_id, agent=AGENT, connected_ms=NOW, wraps=True)])
        self.mark("ended", *of, Outcome.ANSWERED)
        note = Note(claim.phone, attempt_id, 1, lead_id, AGENT, NOW, "asked for Lan")
        at_ms, self._logged = NOW + self._logged, self._logged + 1
        move = AgentMove(AGENT, at_ms, AgentState.WRAP_UP, "", 1, attempt_id)
        await store.apply([KeepNote(note), LogAgent(move)])
        self.mark("noted", attempt_id, claim.phone)
        self.mark("logged", at_ms - NOW + 1)
        if self._rng.random() < 0.5:
            due_s = (NOW + 90 * DAY_MS) // 1000  # beyond this work: nobody takes it away
            promise = Callback(1, lead_id, claim.phone, due_s, AGENT, 0, NOW, AGENT, attempt_id)
            said = Dispose(attempt_id, AGENT, NOW, "later", LeadState.CALLBACK, 0, promise)
            await store.apply([said])
            self.mark("callback", *of)
        else:
            await store.apply([Dispose(attempt_id, AGENT, NOW, "sold")])
            self.mark("disposed", *of, "sold")

    async def office(self, step: int) -> None:
        """What people and programs do beside calls: exports, scripts, approvals, erasures."""
        store = self._store
        cursor, last = store.cursor(CRM), store.last_ended()
        if last > cursor.seq:
            await store.move_cursor(cursor, msgspec.structs.replace(cursor, seq=last))
            self.mark("cursor", last)
        if step % 4 == 1:
            gone = await store._submit(
                partial(ended.trim, until_ms=NOW + DAY_MS, needs=(CRM,), limit=5)
            )
            self._trimmed += gone
            self.mark("trimmed", self._trimmed)
        if step % 5 == 2:
            made = await store.save_script("s", script(step + 1), "an", NOW)
            self.mark("script", made.script_id, made.version)
        if step % 8 == 3:
            settings = store.find_campaign("summer").settings
            settings = msgspec.structs.replace(settings, name=f"winter {step}")
            made_id = (await store.create_campaign(settings, "an", NOW)).campaign_id
            await store.move_campaign(made_id, CampaignState.APPROVED, "binh", NOW)
            self.mark("approved", made_id, store.campaign(made_id).audience)
        if step % 3 == 2:  # of those who came in the step before
            phone = EXTRA + 20 * (step - 1) + self._rng.randrange(20)
            await store.erase(phone, "an", NOW)
            self._erasures += 1
            self.mark("erased", phone, self._erasures)

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
            await asyncio.gather(*calls, self.others(step), self.office(step))


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
