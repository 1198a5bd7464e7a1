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
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[[], object]


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


WORKLOADS = (Workload("normalise numbers", "number", 1000, normalise),)


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
        del kept
        found.append(
            described(workload)
            | {
                "bytecodes": bytecodes(run) / workload.units,
                "blocks kept": max(0, after - before) / workload.units,
            }
        )
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
