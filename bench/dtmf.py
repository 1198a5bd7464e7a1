"""Prints what is heard of keys with faults, and of voices that press none: ours beside spandsp.

python -m bench.dtmf [--times 10] [--every N] [--no-voices]    # each Nth recording only
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.answer_lines import Samples, through
from bench.dtmf_tapes import (
    ASKED,
    FAULTS,
    RATE,
    TAPES,
    Fault,
    Spandsp,
    at_once,
    both,
    decoded,
    files,
    keys,
    levelled,
    ours,
)

CODECS = ("ulaw", "alaw", "gsm")
PART = 64  # recordings heard as one


class Score(NamedTuple):
    """Keys that were pressed, and those heard as pressed, once each."""

    pressed: int
    ours: int
    spandsp: int


def score(fault: Fault, times: int) -> Score:
    """How many of a fault's keys are heard."""
    theirs = Spandsp()
    found = [(ours(audio) == key, theirs(audio) == key) for key, audio in keys(fault, times)]
    return Score(len(found), sum(a for a, _ in found), sum(b for _, b in found))


class Talk(NamedTuple):
    """Keys heard where none was pressed."""

    seconds: float
    ours: dict[str, Counter[str]]  # by codec
    spandsp: dict[str, Counter[str]]


def talk(paths: Iterable[Path]) -> Talk:
    """What is heard in recordings, through each codec."""
    theirs, seconds = Spandsp(), 0.0
    mine_found: dict[str, Counter[str]] = {codec: Counter() for codec in CODECS}
    theirs_found: dict[str, Counter[str]] = {codec: Counter() for codec in CODECS}
    for path in paths:
        audio = levelled(decoded(path))
        seconds += len(audio) / RATE
        audio = np.hstack([audio, np.zeros(800 + -len(audio) % 160)])
        for codec in CODECS:
            heard: Samples = through(codec, np.clip(audio, -32_768, 32_767))
            for found, by in ((mine_found, ours), (theirs_found, theirs)):
                keys_found: str = by(heard)  # type: ignore[operator]
                if keys_found:
                    found[codec][f"{path}: {keys_found}"] += len(keys_found)
    return Talk(seconds, mine_found, theirs_found)


def merged(parts: Iterable[Talk]) -> Talk:
    """Parts of a tape as one."""
    whole = Talk(
        0.0, {codec: Counter() for codec in CODECS}, {codec: Counter() for codec in CODECS}
    )
    seconds = 0.0
    for one in parts:
        seconds += one.seconds
        for codec in CODECS:
            whole.ours[codec].update(one.ours[codec])
            whole.spandsp[codec].update(one.spandsp[codec])
    return whole._replace(seconds=seconds)


def count(found: dict[str, Counter[str]]) -> str:
    """Keys by codec."""
    return " / ".join(str(found[codec].total()) for codec in CODECS)


def print_faults(times: int, out: Callable[[str], None] = print) -> bool:
    """The table of keys with faults; whether every bar held."""
    out(f"{'keys of 16 each, any phase':52}  {'pressed':>7} {'dialerd':>8} {'spandsp':>8}")
    held = True
    for fault in FAULTS:
        found = score(fault, times)
        want = found.pressed if fault.right else 0
        bar = fault.codec != "gsm"  # no standard asks a vocoder for keys
        held &= found.ours == want or not bar
        missed = (
            "" if found.ours == want or not bar else f"  {'missed' if fault.right else 'false'}"
        )
        name = fault.name if fault.right else f"{fault.name}: none wanted"
        out(f"{name:52}  {found.pressed:7} {found.ours:8} {found.spandsp:8}{missed}")
    return held


def print_pairs(times: int, out: Callable[[str], None] = print) -> None:
    """The table of faults two at a time, and what they are alone."""
    out("\ntwo at once (alone in the diagonal): keys heard of those pressed, dialerd / spandsp")
    out(" " * 24 + "".join(f"{name:>24}" for name in ASKED))
    for row, first in enumerate(ASKED):
        cells = []
        for column, second in enumerate(ASKED):
            found = score(both(first, second), times) if column >= row else None
            cells.append(
                found and f"{found.ours}/{found.pressed} {found.spandsp / found.pressed:.0%}"
            )
        out(f"{first:24}" + "".join(f"{cell or '':>24}" for cell in cells))
    found = score(at_once(), times)
    out(f"all five at once: {found.ours}/{found.pressed}, {found.spandsp / found.pressed:.0%}")


def print_talk(every: int, jobs: int, out: Callable[[str], None] = print) -> bool:
    """The table of voices and music; whether none was a key."""
    out("\nno key was pressed: mu-law / A-law / GSM   hours        dialerd        spandsp")
    held = True
    with ProcessPoolExecutor(jobs) as pool:
        for tape in TAPES:
            paths = files(tape)[::every]
            if not paths:
                out(f"{tape:40} its package is not installed")
                continue
            parts = [paths[at : at + PART] for at in range(0, len(paths), PART)]
            found = merged(pool.map(talk, parts))
            hours = found.seconds / 3600
            out(f"{tape:40} {hours:6.2f} {count(found.ours):>14} {count(found.spandsp):>14}")
            for codec in CODECS:
                for text, times in found.ours[codec].items():
                    held = False
                    out(f"    {codec} {text} ({times})")
    return held


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="presses of each key")
    parser.add_argument("--every", type=int, default=1, help="of the recordings only each Nth")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-voices", action="store_true")
    given = parser.parse_args()
    held = print_faults(given.times)
    print_pairs(given.times)
    if not given.no_voices:
        held &= print_talk(given.every, given.jobs)
    print("bars held" if held else "bars missed")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
