"""Announcements: what a second of early media costs, and how often they are told.

`python -m bench.prints` prints confusion and false actions.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
import pytest

from bench import prints
from bench.answer_audio import RATE, recorded
from bench.answer_lines import Samples
from fastpath.prints import PrintMatcher
from fastpath.prints_bank import PrintBank
from fastpath.prints_code import fingerprint

SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
QUICK = os.environ.get("BENCH_QUICK", "0") == "1"
SECONDS = 4 if SMOKE else 60
COST = "announcements: a second of early media"
RIGHT = "announcements: calls to a synthesiser's"


@lru_cache(maxsize=1)
def early_media() -> Samples:
    """Speech that is no announcement: nothing is ever found, so nothing is ever over."""
    speech = np.hstack([clip.samples for clip in recorded("held out")])
    return prints.pcm(speech[: SECONDS * RATE])


@lru_cache(maxsize=1)
def tables() -> tuple[np.ndarray, np.ndarray]:
    """The codes of the bank, and how many bits are set in a code."""
    codes = np.hstack([np.frombuffer(one.codes, np.uint16) for one in prints.prints()])
    return codes, np.array([bin(code).count("1") for code in range(1 << 16)], np.uint8)


def exhaustive(samples: Samples) -> int:
    """2 s against every place of the bank, each 128 ms: what the running sums stand for."""
    bank, ones = tables()
    rows = fingerprint(samples.data)[:2]
    codes, masks = (np.frombuffer(row, np.uint16)[::2] for row in rows)
    found = 0
    for end in range(58, len(codes), 4):
        errors = np.zeros(len(bank) - 2 * 58, np.int32)
        for k in range(58):
            at = end - 58 + k
            errors += ones[(bank[2 * k : 2 * k + len(errors)] ^ codes[at]) & masks[at]]
        found += int(errors.min() < 0.31 * 58 * 10)
    return found


@pytest.mark.benchmark(group=COST)
@pytest.mark.parametrize(
    ("name", "peer"),
    [("24 announcements", None), ("10 minutes", "a bank of 10 minutes"), ("one", "a bank of one")],
)
def test_cost(benchmark, name, peer):
    banks = {
        "24 announcements": prints.bank,
        "10 minutes": lambda: prints.large_bank(60.0 if SMOKE else 600.0),
        "one": lambda: PrintBank([(one.codes, one.flags, 0) for one in prints.prints()[:1]]),
    }
    bank, samples = banks[name](), early_media()
    benchmark.extra_info |= {"peer": peer, "unit": "second", "units": SECONDS}
    found = benchmark.pedantic(
        lambda: PrintMatcher(bank).hear(samples.data), rounds=1 if SMOKE else 7
    )
    assert not any(one.sure for one in found)


def test_exhaustive_search(benchmark):
    benchmark.group = COST
    samples = early_media()[: 4 * RATE]
    benchmark.extra_info |= {"peer": "numpy, every place", "unit": "second", "units": 4}
    assert benchmark.pedantic(exhaustive, args=(samples,), rounds=1) == 0


@pytest.mark.benchmark(group=RIGHT)
@pytest.mark.parametrize(("codec", "snr_db"), [("ulaw", 40), ("gsm", 15)])
def test_right(benchmark, codec, snr_db):
    calls = 4 if SMOKE else 40 if QUICK else 300
    row = benchmark.pedantic(
        prints.judge, args=(codec, snr_db, calls), kwargs={"begin": False}, rounds=1
    )
    shares = ", ".join(f"{count / calls:.1%}" for count in (*row.right, row.acted))
    benchmark.extra_info |= {
        "peer": None if codec == "ulaw" else f"{codec}, {snr_db} dB", "unit": "call",
        "units": calls, "note": f"right at 2, 3, 4 s, acted: {shares}; wrong {row.wrong}",
    }  # fmt: skip
    assert (row.acted, row.wrong) == (calls, 0)
