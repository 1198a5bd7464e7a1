"""Fixed workloads whose cost is counted exactly (see `bench.counters`).

A workload is prepared once, then run: the same inputs, seeds and order every time. It runs twice
before it is counted, so that caches inside of the code are warm.

python -m bench.workloads instructions|interpreter
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from dialerd.core.ops import BeginDial, Finish
from dialerd.core.ports import Store
from dialerd.core.records import (
    CallEvent,
    CampaignSettings,
    CampaignState,
    Contact,
    EventKind,
    Flow,
    FrequencyCap,
    LeadState,
    Outcome,
)

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[[], object]
NOW_MS = 1_790_000_000_000
LEADS = 64  # what one commit may hold
RUNS_MAX = 8
CALLS = 100
FRAMES = 500
PACED_AGENTS = 100
PACED_S = 60.0
CHOICES = 1_000
FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # gone when the process ends


class Workload(NamedTuple):
    """`prepare` returns what is counted; one run of it handles `units` of `unit`."""

    name: str
    unit: str
    units: int
    prepare: Callable[[], Run]


def normalise() -> Run:
    """A thousand numbers as people type them, most of them dialable."""
    from dialerd.core.numbering import load_numbering

    numbering = load_numbering((ROOT / "conf" / "numbering" / "vn.toml").read_text())
    texts = [text for i in range(200) for text in typed(9_000_000 + 7919 * i)]
    return lambda: numbering.normalise_many(texts)


def typed(tail: int) -> tuple[str, ...]:
    """One subscriber in five spellings."""
    digits = f"{tail % 10_000_000:07}"
    return (
        f"090{digits}",
        f"+84 91 {digits[:3]} {digits[3:]}",
        f"(84)96-{digits}",
        f"0168.{digits}",
        f"00{digits}",
    )


def attempts_in_memory() -> Run:
    """Claim leads, begin and finish an attempt for each: the store's logic without a disk."""
    from dialerd.store import MemoryStore

    return dialing(MemoryStore())


def attempts_in_lmdb() -> Run:
    """The same in LMDB, where each of the three steps is one durable commit."""
    from dialerd.store import open_store

    folder = tempfile.TemporaryDirectory()
    store = open_store(folder.name, map_bytes=1 << 28, linger_s=0)
    FOLDERS.append(folder)
    run = dialing(store)

    def counted() -> dict[str, float]:
        before = store.figures()["commits"]
        run()
        return {"commits": store.figures()["commits"] - before}

    return counted


def dialing(store: Store) -> Run:
    """A running campaign with leads for many runs; each run handles LEADS of them."""
    from dialerd.store import wait

    made = wait(store.create_list("bench", NOW_MS))
    people = [
        Contact(84_912_000_000 + i, f"0912{i:06}", "vina", {"name": f"Nguyễn {i}"})
        for i in range(LEADS * RUNS_MAX)
    ]
    wait(store.add_contacts(made.list_id, people))
    settings = CampaignSettings("bench", made.list_id, Flow(()), "loopback", cap=FrequencyCap(1, 0))
    campaign = wait(store.create_campaign(settings, "bench", NOW_MS)).campaign_id
    for state in (CampaignState.APPROVED, CampaignState.RUNNING):
        wait(store.move_campaign(campaign, state, "bench", NOW_MS))

    def run() -> None:
        claims = wait(store.claim(campaign, LEADS, NOW_MS, 60)).claims
        if len(claims) != LEADS:
            raise RuntimeError("the workload ran out of leads")
        begins = [BeginDial(c.attempt_id, "a", f"call-{c.attempt_id}", "w", NOW_MS) for c in claims]
        wait(store.apply(begins))
        wait(store.apply([finished(claim.attempt_id) for claim in claims]))

    return run


def finished(attempt_id: int) -> Finish:
    """An answered call with the events of a short broadcast."""
    kinds = (EventKind.RINGING, EventKind.ANSWERED, EventKind.DIGIT, EventKind.RELEASED)
    events = tuple(CallEvent(NOW_MS + i, kind) for i, kind in enumerate(kinds))
    return Finish(
        attempt_id, Outcome.ANSWERED, LeadState.DONE, 0, NOW_MS + 9, NOW_MS + 5,
        code=200, keys="1", heard=True, events=events,
    )  # fmt: skip


def calls() -> Run:
    """The dialing machine alone: answered calls with a key and two prompts."""
    from bench.core_calls import Floor

    floor = Floor()
    return lambda: floor.run(CALLS)


def sip_calls() -> Run:
    """Whole SIP calls, both ends."""
    from bench.sip_calls import Pair

    pair = Pair()

    def run() -> None:
        before = pair.answered
        pair.run(CALLS)
        if (pair.answered - before, pair.ended) != (CALLS, 2 * pair.answered):
            raise RuntimeError("not every call was answered and ended")

    return run


def rtp_frames() -> Run:
    """A second of a prompt, sent and heard."""
    from bench.rtp_frames import Stream

    stream = Stream()
    return lambda: stream.run(FRAMES)


def pacing() -> Run:
    """The first minute of 100 agents, ten decisions a second, with everything told in between."""
    from bench.pacing_tape import replay, taped

    tape = taped(PACED_AGENTS, PACED_S)
    return lambda: replay(PACED_AGENTS, tape)


def choosing() -> Run:
    """A line of 10,000 chosen, busy, and open again."""
    from fastpath.select import Choice

    choice = Choice(10_000)
    for at in range(10_000):
        choice.set(at, 0, load=at % 4)
    now_ns = 0

    def run() -> None:
        nonlocal now_ns
        for _ in range(CHOICES):
            now_ns += 1
            at = choice.best(now_ns)
            choice.set(at, now_ns + 20, load=at % 4, used_ns=now_ns)

    return run


WORKLOADS = (
    Workload("normalise numbers", "number", 1000, normalise),
    Workload("SIP calls, both ends", "call", CALLS, sip_calls),
    Workload("RTP, sent and heard", "packet", FRAMES, rtp_frames),
    Workload("calls, dialing machine", "call", CALLS, calls),
    Workload("pacing, 100 agents", "decision", int(PACED_S * 10), pacing),
    Workload("lines chosen among 10,000", "call", CHOICES, choosing),
    Workload("attempts, store in memory", "attempt", LEADS, attempts_in_memory),
    Workload("attempts, store in LMDB", "attempt", LEADS, attempts_in_lmdb),
)


def count_instructions() -> list[dict[str, Any]]:
    """Callgrind dumps its totals at each getsid(2): one before and one after each workload."""
    for workload in WORKLOADS:
        run = warmed(workload)
        gc.disable()
        os.getsid(0)
        run()
        os.getsid(0)
        gc.enable()
    return [described(workload) for workload in WORKLOADS]


def count_interpreter() -> list[dict[str, Any]]:
    """Bytecodes executed, and memory blocks that one run leaves behind, per unit."""
    found = []
    for workload in WORKLOADS:
        run = warmed(workload)
        before = blocks()
        kept = run()
        after = blocks()
        counted = {"bytecodes": bytecodes(run), "blocks kept": max(0, after - before)}
        if isinstance(kept, dict):
            counted |= kept
        per_unit = {name: value / workload.units for name, value in counted.items()}
        found.append(described(workload) | {"counters": per_unit})
    return found


def described(workload: Workload) -> dict[str, Any]:
    return {"name": workload.name, "unit": workload.unit, "units": workload.units}


def warmed(workload: Workload) -> Run:
    run = workload.prepare()
    run()
    run()
    gc.collect()
    return run


def blocks() -> int:
    """Blocks held from CPython's allocator once all garbage is gone."""
    gc.collect()
    return sys.getallocatedblocks()


def bytecodes(run: Run) -> int:
    """How many bytecodes of Python the run executes; compiled code executes none."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)
    return count


def main() -> None:
    """Print what was counted as JSON; instructions are in callgrind's dumps."""
    counted = {"instructions": count_instructions, "interpreter": count_interpreter}
    print(json.dumps(counted[sys.argv[1]]()))


if __name__ == "__main__":
    main()
