"""How soon `ATD` is on the wire: from the moment at which a port is told to dial.

    python -m bench.gsm_wire [--ports 64] [--rounds 3]

Ports are told one behind the other, a few at a time as a dialer does it, while all others ask their
modems what idle ports ask. The end is when the simulated modem, another process, has read the line:
what the kernel and that process take is in it. A port that waits for the answer to a question just
then dials after it; those are counted (`behind_a_question`). It prints one line of JSON, in ms, and
the bar, which is that of our own writing (`written_p99_ms`), yes or no.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.gsm_ports import PEOPLE, Ours, bank, judge, tell
from dialerd import open_files

WIRE_MS_MAX = 2.0
GAP_S = 0.05  # between two calls
MS = 1e6
RESTED_S = 30.0


async def dialed(folder: Path, ports: int, rounds: int) -> dict[str, Any]:
    """Every port dials so many times."""
    bank_side = Ours(folder, ports, asyncio.get_running_loop())
    await bank_side.until(bank_side.ready, ports)
    order, rng, behind = list(range(ports)), random.Random(1), 0
    took: list[int] = []
    written: list[int] = []
    for _ in range(rounds):
        rng.shuffle(order)
        told = {}
        for index in order:
            await asyncio.sleep(GAP_S)  # the pace of dialing
            async with asyncio.timeout(RESTED_S):
                while index not in bank_side.ready:  # noqa: ASYNC110 - it rests, or reads its texts
                    await asyncio.sleep(GAP_S)
            behind += bank_side.asking(index)
            told[index] = time.monotonic_ns()
            bank_side.dial(index)
            written.append(time.monotonic_ns() - told[index])
        took += await read_after(folder, told)
    await bank_side.close()
    took.sort()
    written.sort()
    return {
        "written_p50_ms": written[len(written) // 2] / MS,
        "written_p99_ms": written[len(written) * 99 // 100] / MS,
        "dials": len(took),
        "behind_a_question": behind,
        "p50_ms": took[len(took) // 2] / MS,
        "p95_ms": took[len(took) * 95 // 100] / MS,
        "max_ms": took[-1] / MS,
        "under_2_ms": sum(one < 2 * MS for one in took) / len(took),
    }


async def read_after(folder: Path, told: dict[int, int]) -> list[int]:
    """How long after its port was told each modem read the line; TimeoutError."""
    async with asyncio.timeout(RESTED_S):
        while True:
            slots = (await asyncio.to_thread(tell, folder, "status"))["slots"]
            took = [slots[i]["dialed_ns"] - at for i, at in told.items()]
            if min(took) > 0:
                return took
            await asyncio.sleep(GAP_S)  # the last ones' modems have not yet


def run(folder: Path, ports: int, rounds: int) -> dict[str, Any]:
    """One bank, whose people are not there."""
    people = PEOPLE.format(ring=0.3, answers=0, no_answer=1, leaves=0, stays=1)
    people = people.replace("no_answer = 1", "no_answer = 0").replace("busy = 0", "busy = 1")
    with bank(folder, ports, "--dialects", "huawei", "--hurry", "10", people=people):
        return uvloop.run(dialed(folder, ports, rounds))


def main(arguments: list[str] | None = None) -> int:
    """Print it beside its bar; 1 when that is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--ports", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    open_files.raise_limit()
    with tempfile.TemporaryDirectory(prefix="dialerd-bench-") as name:
        found = run(Path(name), asked.ports, asked.rounds)
    return judge(found, {"written_p99_ms": WIRE_MS_MAX})


if __name__ == "__main__":
    raise SystemExit(main())
