"""The store beside sqlite3 (WAL, synchronous=FULL) doing the same work on the same disk.

Ratios are of CPU time, each the median of rounds made in turns: a busy neighbour slows both
sides of a pair. What a busy disk decides, calls per second of wall time, stands in the note with
what does not depend on it: commits and bytes written per call.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.lmdb_floor import LmdbFloor
from bench.sqlite_peer import SqlitePeer
from dialerd.core.ops import BeginDial, Claim, Finish
from dialerd.core.records import (
    CallEvent,
    CampaignSettings,
    CampaignState,
    Contact,
    EventKind,
    Flow,
    FrequencyCap,
    Lead,
    LeadState,
    Outcome,
)
from dialerd.store import open_store, wait
from dialerd.store.schema import LEAD, lead_key
from tests.reference import sealing as twin

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
PEOPLE = 600 if SMOKE else 20_000
ROUNDS = 2 if SMOKE else 5
TURNS = 2 if SMOKE else 15  # pairs of rounds that a ratio is made of
NOW_MS = 1_790_000_000_000
PEER = "sqlite3 FULL"
PEERS = [None, PEER]
KINDS = (EventKind.DIALED, EventKind.RINGING, EventKind.ANSWERED, EventKind.RELEASED)


def people(count: int = PEOPLE) -> list[Contact]:
    return [
        Contact(84_900_000_000 + i * 7_919 % 99_999_989, f"09{i:08}", "vina", {"name": f"A {i}"})
        for i in range(count)
    ]


class Ours:
    """The store, asked as the peer is."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder, linger_s=0.0)
        self.list_id = wait(self.store.create_list("bench", NOW_MS)).list_id
        settings = CampaignSettings(
            "bench", self.list_id, Flow(()), "loopback", cap=FrequencyCap(1, 0)
        )
        self.campaign = wait(self.store.create_campaign(settings, "bench", NOW_MS)).campaign_id

    @property
    def commits(self) -> int:
        return int(self.store.figures()["commits"])

    def add_contacts(self, contacts: list[Contact]) -> None:
        assert wait(self.store.add_contacts(self.list_id, contacts)).added == len(contacts)

    def approve(self) -> None:
        for state in (CampaignState.APPROVED, CampaignState.RUNNING):
            wait(self.store.move_campaign(self.campaign, state, "bench", NOW_MS))

    def claim(self, n: int, now_ms: int, lease_s: int) -> list[Claim]:
        return list(wait(self.store.claim(self.campaign, n, now_ms, lease_s)).claims)

    def begin(self, ops: list[BeginDial]) -> int:
        return len(ops) - len(wait(self.store.apply(ops)))

    def finish(self, ops: list[Finish]) -> None:
        wait(self.store.apply(ops))

    def lead(self, lead: int) -> object:
        key = lead_key(self.campaign, lead)
        return self.store._read(lambda unit: LEAD.unpack(unit.t.leads.get(key) or b""))

    def scan(self) -> int:
        return sum(len(rows) for rows in self.store.report(self.campaign))

    def done(self) -> int:
        return self.store.progress(self.campaign).leads[LeadState.DONE]

    def close(self) -> None:
        assert self.store.problems() == []
        self.store.close()


Side = Ours | SqlitePeer


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str | None], Side]]:
    """Makes an empty store of either side; closed at the end."""
    made: list[Side] = []

    def one(peer: str | None) -> Side:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(SqlitePeer(folder) if peer else Ours(folder))
        return made[-1]

    yield one
    for side in made:
        side.close()


def in_turns(benchmark: Any, theirs: Callable[[], object], ours: Callable[[], object]) -> None:
    """Measure the peer, ours before each of its rounds; the ratio is the median of the pairs."""
    took: list[float] = []

    def before() -> None:
        began = time.process_time()
        ours()
        took.append(time.process_time() - began)

    benchmark.pedantic(theirs, setup=before, rounds=TURNS)
    if benchmark.stats is not None:
        pairs = zip(benchmark.stats.stats.data, took, strict=False)
        benchmark.extra_info["ratio"] = statistics.median(peer / mine for peer, mine in pairs)


def calls(side: Side, count: int, group: int) -> None:
    """Whole attempts, `group` of them to a commit."""
    for _ in range(0, count, group):
        claims = side.claim(group, NOW_MS, 60)
        assert side.begin([begun(claim) for claim in claims]) == group
        side.finish([ended(claim.attempt_id) for claim in claims])


def begun(claim: Claim) -> BeginDial:
    call_id = f"{claim.attempt_id:032x}@127.0.0.1"
    return BeginDial(claim.attempt_id, "trunk-a", call_id, "prefix", NOW_MS)


def ended(attempt_id: int) -> Finish:
    return Finish(
        attempt_id, Outcome.ANSWERED, LeadState.DONE, 0, NOW_MS + 9_000, NOW_MS + 3_000,
        code=200, q850=16, released_by="them", keys="1", heard=True,
        events=tuple(CallEvent(NOW_MS + i, kind) for i, kind in enumerate(KINDS)),
    )  # fmt: skip


def bytes_written() -> int:
    """By this process with write calls, whatever the kernel makes of them later."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("wchar")))


def filled(side: Side) -> Side:
    """With everybody in an approved campaign."""
    side.add_contacts(people())
    side.approve()
    return side


@pytest.mark.benchmark(group="claim, begin and finish an attempt, ")
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("group", [1, 20, 100])
def test_attempts(benchmark: Any, make: Callable[[str | None], Side], group: int, peer: str | None):
    benchmark.group = f"claim, begin, finish an attempt: {group} to a commit"
    side = filled(make(peer))
    count = PEOPLE // (TURNS + 3) // 100 * 100 if group > 1 or SMOKE else 50
    benchmark.extra_info |= {"peer": peer, "unit": "attempt", "units": count}
    calls(side, count, group)  # warm
    wall_s: list[float] = []
    before = side.commits, bytes_written()

    def run() -> None:
        began = time.perf_counter()
        calls(side, count, group)
        wall_s.append(time.perf_counter() - began)

    if peer is None:
        benchmark.pedantic(run, rounds=ROUNDS)
        written = bytes_written() - before[1]
    else:
        written = measured_beside(benchmark, run, filled(make(None)), count, group)
    made = side.done() - count
    commits, per_s = side.commits - before[0], count / statistics.median(wall_s)
    benchmark.extra_info["note"] = (
        f"{per_s:,.0f}/s wall, {commits / made:.2f} commits, {written / made / 1024:.1f} KiB"
    )
    assert made == count * len(wall_s)
    assert commits * group == 3 * made


@pytest.mark.benchmark(group="claim, begin and finish an attempt, ")
@pytest.mark.parametrize("group", [1, 20, 100])
def test_floor(
    benchmark: Any, tmp_path: Path, make: Callable[[str | None], Side], group: int
) -> None:
    """What of an attempt's cost is the engine's own."""
    benchmark.group = f"claim, begin, finish an attempt: {group} to a commit"
    count = PEOPLE // (TURNS + 3) // 100 * 100 if group > 1 or SMOKE else 50
    benchmark.extra_info |= {"peer": "LMDB's own part", "unit": "attempt", "units": count}
    floor, beside = LmdbFloor(tmp_path, [one.phone for one in people()]), filled(make(None))
    in_turns(benchmark, lambda: floor.calls(count, group), lambda: calls(beside, count, group))
    assert floor.next_lead > count
    floor.close()


def measured_beside(
    benchmark: Any, run: Callable[[], None], beside: Side, count: int, group: int
) -> int:
    """In turns with ours; how many bytes the peer wrote."""
    calls(beside, count, group)
    written = 0

    def theirs() -> None:
        nonlocal written
        before = bytes_written()
        run()
        written += bytes_written() - before

    in_turns(benchmark, theirs, lambda: calls(beside, count, group))
    return written


@pytest.mark.benchmark(group="seal a stored record and open it")
@pytest.mark.parametrize("peer", [None, "zlib and struct"])
def test_seal(benchmark: Any, peer: str | None):
    lead = Lead(1, 2, 2, 84_912_345_678, LeadState.DONE, 1, 0, 9, Outcome.BUSY, {Outcome.BUSY: 1})
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Lead).decode
    codec = twin.Sealed(twin.Seal(1, ValueError), encode, decode) if peer else LEAD
    benchmark.extra_info |= {"peer": peer, "unit": "record", "units": 1_000}
    assert benchmark(lambda: [codec.unpack(codec.pack(lead)) for _ in range(1_000)])[-1] == lead


@pytest.mark.benchmark(group="add a contact to a list, durable")
@pytest.mark.parametrize("peer", PEERS)
def test_add_contacts(benchmark: Any, make: Callable[[str | None], Side], peer: str | None):
    rows = people()
    benchmark.extra_info |= {"peer": peer, "unit": "contact", "units": len(rows)}

    def setup() -> tuple[tuple[Side], dict[str, Any]]:
        return (make(peer),), {}

    benchmark.pedantic(lambda side: side.add_contacts(rows), setup=setup, rounds=ROUNDS)
    assert len({row.phone for row in rows}) == PEOPLE


@pytest.mark.benchmark(group="freeze a lead at approval")
@pytest.mark.parametrize("peer", PEERS)
def test_approve(benchmark: Any, make: Callable[[str | None], Side], peer: str | None):
    benchmark.extra_info |= {"peer": peer, "unit": "lead", "units": PEOPLE}
    sides: list[Side] = []

    def setup() -> tuple[tuple[Side], dict[str, Any]]:
        sides.append(make(peer))
        sides[-1].add_contacts(people())
        return (sides[-1],), {}

    benchmark.pedantic(lambda side: side.approve(), setup=setup, rounds=ROUNDS)
    assert sides[-1].scan() == PEOPLE


@pytest.mark.benchmark(group="read a lead by its key")
@pytest.mark.parametrize("peer", PEERS)
def test_read(benchmark: Any, make: Callable[[str | None], Side], peer: str | None):
    side = filled(make(peer))
    wanted = [1 + i * 7 % PEOPLE for i in range(500)]
    benchmark.extra_info |= {"peer": peer, "unit": "read", "units": len(wanted)}

    def read(side: Side = side) -> None:
        assert None not in [side.lead(lead) for lead in wanted]

    if peer is None:
        benchmark(read)
    else:
        beside = filled(make(None))
        in_turns(benchmark, read, lambda: read(beside))


@pytest.mark.benchmark(group="read a lead with its contact in a scan of all")
@pytest.mark.parametrize("peer", PEERS)
def test_scan(benchmark: Any, make: Callable[[str | None], Side], peer: str | None):
    side = filled(make(peer))
    benchmark.extra_info |= {"peer": peer, "unit": "lead", "units": PEOPLE}

    def scan(side: Side = side) -> None:
        assert side.scan() == PEOPLE

    if peer is None:
        benchmark(scan)
    else:
        beside = filled(make(None))
        in_turns(benchmark, scan, lambda: scan(beside))
