"""LMDB and memory side by side under random stories; what must hold, holds after every step."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dialerd.core.ops import AppendEvents, ReleaseClaim
from dialerd.core.ports import StoreError
from dialerd.core.records import (
    CampaignState,
    CapCounts,
    DoNotCall,
    EventKind,
    FrequencyCap,
    LeadState,
    Outcome,
)
from dialerd.store import MemoryStore, open_store, wait
from tests.store.kit import FIRST, NOW, begin, draft, events, filled_list, finish, people

PEOPLE = 8
CAP = FrequencyCap(1, 3_600, CapCounts.ATTEMPTED)
CAMPAIGNS = st.integers(1, 3)
AFTER = st.sampled_from(
    [LeadState.DONE, LeadState.RETRY, LeadState.EXHAUSTED, LeadState.CAPPED, LeadState.READY]
)
MINUTES = st.integers(0, 90)
PICK = st.integers(0, 1_000_000)


class Twins(RuleBasedStateMachine):
    """Two capped campaigns and one without a cap of its own, over two overlapping lists."""

    @initialize()
    def begin_story(self):
        self.folder = Path(tempfile.mkdtemp(prefix="twins"))
        self.stores = (MemoryStore(), open_store(self.folder, linger_s=0.0))
        self.now_ms = NOW
        self.claims: dict[int, int] = {}  # attempt -> phone, as far as this test knows
        self.dialed: dict[int, list[int]] = defaultdict(list)  # phone -> when
        self.ended: dict[int, int] = {}  # phone -> end of its last call
        self.begun: set[int] = set()
        self.blocked: set[int] = set()
        for store in self.stores:
            first = filled_list(store, "a", people(PEOPLE))
            second = filled_list(store, "b", people(PEOPLE, FIRST + PEOPLE // 2))
            for list_id, name in ((first, "x"), (second, "y"), (second, "z")):
                draft(store, list_id, name, cap=CAP)

    def both(self, call):
        """The same request to both; the same answer or the same refusal."""
        found = []
        for store in self.stores:
            try:
                found.append(wait(call(store)))
            except StoreError as error:
                found.append((type(error), str(error)))
        assert found[0] == found[1]
        return found[0]

    def pick(self, index):
        known = sorted(self.claims)
        return known[index % len(known)]

    @rule(campaign=CAMPAIGNS, after=st.sampled_from(CampaignState))
    def move(self, campaign, after):
        self.both(lambda store: store.move_campaign(campaign, after, "an", self.now_ms))

    @rule(campaign=CAMPAIGNS)
    def start(self, campaign):
        for after in (CampaignState.APPROVED, CampaignState.RUNNING):
            self.both(lambda store, to=after: store.move_campaign(campaign, to, "an", self.now_ms))

    @rule(campaign=CAMPAIGNS, n=st.integers(0, 6))
    def claim(self, campaign, n):
        found = self.both(lambda store: store.claim(campaign, n, self.now_ms, 60))
        for claim in getattr(found, "claims", ()):
            assert claim.phone not in self.blocked
            last = self.ended.get(claim.phone)
            assert last is None or self.now_ms >= last + CAP.window_s * 1000
            self.claims[claim.attempt_id] = claim.phone

    @precondition(lambda self: self.claims)
    @rule(index=PICK)
    def dial(self, index):
        attempt = self.pick(index)
        refused = self.both(lambda store: store.apply([begin(attempt, self.now_ms)]))
        if refused == ():
            phone = self.claims[attempt]
            assert phone not in self.blocked
            if attempt not in self.begun:  # the second time it moves to another trunk
                self.begun.add(attempt)
                self.dialed[phone].append(self.now_ms)

    @precondition(lambda self: self.claims)
    @rule(index=PICK, first=st.integers(0, 5))
    def append(self, index, first):
        op = AppendEvents(self.pick(index), first, events(EventKind.RINGING, EventKind.DIGIT))
        self.both(lambda store: store.apply([op]))

    @precondition(lambda self: self.claims)
    @rule(index=PICK, after=AFTER, outcome=st.sampled_from(Outcome), minutes=MINUTES)
    def end(self, index, after, outcome, minutes):
        attempt = self.pick(index)
        op = finish(
            attempt,
            outcome,
            after,
            at_ms=self.now_ms,
            due_s=self.now_ms // 1000 + 60 * minutes,
            heard=outcome is Outcome.ANSWERED,
            events=events(EventKind.RELEASED),
        )
        was_open = self.stores[0].attempts_open()
        self.both(lambda store: store.apply([op]))
        phone = self.claims[attempt]
        if self.stores[0].attempts_open() < was_open and self.dialed[phone]:
            self.ended[phone] = max(self.ended.get(phone, 0), self.dialed[phone][-1])

    @precondition(lambda self: self.claims)
    @rule(index=PICK, minutes=MINUTES)
    def release(self, index, minutes):
        op = ReleaseClaim(self.pick(index), self.now_ms // 1000 + 60 * minutes)
        self.both(lambda store: store.apply([op]))

    @rule(minutes=MINUTES)
    def wait_a_while(self, minutes):
        self.now_ms += 60_000 * minutes

    @rule(index=st.integers(0, PEOPLE + PEOPLE // 2))
    def block(self, index):
        entry = DoNotCall(FIRST + index, self.now_ms, "asked")
        self.both(lambda store: store.dnc_add([entry]))
        self.blocked.add(entry.phone)

    @rule(index=st.integers(0, PEOPLE + PEOPLE // 2))
    def unblock(self, index):
        assert self.both(lambda store: store.dnc_remove(FIRST + index)) == (
            FIRST + index in self.blocked
        )
        self.blocked.discard(FIRST + index)

    @rule()
    def crash(self):
        """The daemon is gone: the file is opened again and recovered."""
        self.stores[1].close()
        self.stores = (self.stores[0], open_store(self.folder, linger_s=0.0))
        self.both(lambda store: store.recover(self.now_ms))
        for phone, times in self.dialed.items():
            if times:
                self.ended[phone] = max(self.ended.get(phone, 0), times[-1])
        self.claims.clear()

    @invariant()
    def all_is_well(self):
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            assert store.problems() == []
        for campaign in self.stores[0].campaigns():
            number = campaign.campaign_id
            books = [store.progress(number) for store in self.stores]
            assert books[0] == books[1]
            if campaign.state is not CampaignState.DRAFT:
                assert sum(books[0].leads.values()) == PEOPLE

    @invariant()
    def nobody_was_dialed_twice_inside_the_cap(self):
        for times in getattr(self, "dialed", {}).values():
            for before, after in pairwise(sorted(times)):
                assert after - before >= CAP.window_s * 1000

    def teardown(self):
        if not hasattr(self, "stores"):
            return
        reports = [
            [list(store.report(number, chunk=3)) for number in (1, 2, 3)] for store in self.stores
        ]
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)
        assert reports[0] == reports[1]


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
