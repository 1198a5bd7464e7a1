"""A run put into figures: a real store's report against ledgers, with one loss planted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dialerd.core.ids import attempt_of, call_id_for
from dialerd.core.ops import BeginDial, Finish
from dialerd.core.records import (
    CallEvent,
    CampaignSettings,
    CampaignState,
    CapCounts,
    Contact,
    EventKind,
    Flow,
    FlowStep,
    FrequencyCap,
    LeadState,
    Outcome,
)
from dialerd.sim.ledger import Ended, Entry, Seen, join
from dialerd.sim.summary import Imported, Measured, Sample, Verdict, judge, summarise
from dialerd.sim.usage import Usage
from dialerd.store import LmdbStore, open_store, wait

CAP = FrequencyCap(1, 86_400, CapCounts.ATTEMPTED)
PHONES = [84_912_000_000 + n for n in range(4)]
ENDS = [
    (Outcome.ANSWERED, LeadState.DONE, 200, "answered", "1"),
    (Outcome.BUSY, LeadState.EXHAUSTED, 486, "rejected", ""),
    (Outcome.NO_ANSWER, LeadState.EXHAUSTED, 487, "cancelled", ""),
    (Outcome.UNREACHABLE, LeadState.EXHAUSTED, 480, "rejected", ""),
]


@pytest.fixture
def run(tmp_path: Path) -> tuple[LmdbStore, int, list[Entry]]:
    """Four leads dialed to their ends through a real store, and what the carrier wrote."""
    store = open_store(tmp_path)
    there = wait(store.create_list("people", 1))
    wait(store.add_contacts(there.list_id, [Contact(p, str(p)) for p in PHONES]))
    flow = Flow((FlowStep("a", "welcome"),))
    settings = CampaignSettings("c", there.list_id, flow, "loopback", cap=CAP)
    campaign = wait(store.create_campaign(settings, "test", 1)).campaign_id
    for state in (CampaignState.APPROVED, CampaignState.RUNNING):
        wait(store.move_campaign(campaign, state, "test", 2))
    claims = wait(store.claim(campaign, 10, 10_000, 60)).claims
    entries: list[Entry] = []
    for leg, (claim, end) in enumerate(zip(claims, ENDS, strict=True)):
        outcome, state, code, what, keys = end
        call_id = call_id_for(claim.attempt_id, leg)
        begin = BeginDial(claim.attempt_id, "viettel", call_id, "rule", 20_000)
        finish = Finish(
            claim.attempt_id,
            outcome,
            state,
            0,
            30_000,
            code=code,
            keys=keys,
            events=(CallEvent(30_000, EventKind.RELEASED, "them"),),
        )
        wait(store.apply([begin]))
        wait(store.apply([finish]))
        answered = 21_000 if what == "answered" else 0
        entries.append(Seen(20_001, "viettel", call_id, str(claim.phone)))
        entries.append(
            Ended(
                29_000, "viettel", call_id, str(claim.phone), what, "caller", code,  # type: ignore[arg-type]
                rang_ms=200, answered_ms=answered, digits=keys, rtp_received=150 if answered else 0,
            )
        )  # fmt: skip
    yield store, campaign, entries
    store.close()


def verdict_of(store: LmdbStore, campaign: int, entries: list[Entry]) -> Verdict:
    def rows():
        return (row for chunk in store.report(campaign) for row in chunk)

    return judge(join(entries), rows, CAP, attempt_of)


def test_a_clean_run(run):
    store, campaign, entries = run
    verdict = verdict_of(store, campaign, entries)
    assert verdict == Verdict()
    measured = Measured(rate=2.0, seconds=2.0, drain_s=2.0, wall_s=9.0)
    measured.before = Sample(Usage(1.0, 100_000, 5))
    measured.watch(Sample(Usage(1.5, 140_000, 5), 4))
    measured.watch(Sample(Usage(1.8, 150_000, 5), 1))
    measured.after = Usage(2.0, 120_000, 5)
    rows = [row for chunk in store.report(campaign) for row in chunk]
    s = summarise(3, Imported(4, 1, 2, 3, 0.5), join(entries), rows, verdict, measured)
    assert (s.imported, s.converted, s.duplicates, s.rejected) == (4, 1, 2, 3)
    assert (s.placed, s.carrier_calls) == (4, 4)
    assert (s.answered, s.busy, s.no_answer, s.unreachable, s.failed) == (1, 1, 1, 1, 0)
    assert (s.digits, s.digits_pressed, s.rtp_received, s.silent) == (1, 1, 150, 0)
    assert (s.doubled, s.lost, s.mismatched, s.faults) == (0, 0, 0, [])
    assert (s.cps, s.cpu_s, s.cpu_ms_per_call, s.cores) == (2.0, 2.0, 250.0, 0.25)
    assert s.in_flight_max == 4
    assert s.rss_kib_per_call == 10_000
    assert s.rss_mib == pytest.approx(146.5)
    assert msgspec.json.decode(msgspec.json.encode(s))["answered"] == 1


def test_faults_are_counted_and_spelled_out(run):
    store, campaign, entries = run
    entries.append(Seen(40_000, "mobifone", call_id_for(999, 1), str(PHONES[0])))
    verdict = verdict_of(store, campaign, entries)
    measured = Measured(rate=2.0)
    s = summarise(3, Imported(), join(entries), (), verdict, measured)
    assert s.doubled == 1
    assert s.lost == 2  # it is still up, and the store knows nothing of it
    assert {fault.kind.value for fault in s.faults} == {"inside_cap", "still_up", "unknown_call"}


@pytest.mark.parametrize(("lead", "doubled"), [(1, 0), (0, 1)])
def test_a_retry_inside_the_cap_is_none_too_many(run, lead, doubled):
    """Of a call that was busy; who answered is called no more."""
    store, campaign, entries = run
    entries.append(Seen(40_000, "mobifone", call_id_for(999, 1), str(PHONES[lead])))
    rows = [row for chunk in store.report(campaign) for row in chunk]
    (first,) = rows[lead].attempts
    again = (msgspec.structs.replace(first[0], attempt_id=999), ())
    rows[lead] = msgspec.structs.replace(rows[lead], attempts=(first, again))
    assert rows[lead].contact.phone == PHONES[lead]
    assert len(judge(join(entries), lambda: rows, CAP, attempt_of).doubled) == doubled


def test_damage_in_a_ledger_is_a_loss(run):
    store, campaign, entries = run
    verdict = verdict_of(store, campaign, entries)
    books = join([*entries, None])
    assert summarise(1, Imported(), books, (), verdict, Measured(rate=1.0)).lost == 1


def test_nothing_dialed_divides_by_nothing():
    s = summarise(1, Imported(), join([]), (), Verdict(), Measured(rate=1.0))
    assert (s.cps, s.cpu_ms_per_call, s.rss_kib_per_call) == (0.0, 0.0, 0.0)


def test_an_answered_call_that_heard_nothing_is_silent():
    seen = Seen(1, "v", call_id_for(1, 1), str(PHONES[0]))
    ended = Ended(9, "v", seen.call_id, seen.user, "answered", "caller", 200, answered_ms=5)
    s = summarise(1, Imported(), join([seen, ended]), (), Verdict(), Measured(rate=1.0))
    assert s.silent == 1
