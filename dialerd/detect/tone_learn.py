"""What a tone is made of, measured from recordings of it: a line of a plan.

Bursts of the same frequencies that hold most of the time are the tone; their lengths and the
silences between, as the shortest pattern that repeats, its rhythm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialerd.detect.tone_plan import Tone
from fastpath.tones_burst import BurstHeard, bursts

RATE: Final = 8_000
SAME_HERTZ: Final = 0.02  # part by which a line of the same tone may be off
SAME_S: Final = 0.2  # part by which a time of the same step may be off
SAME_S_MIN: Final = 0.045
STRONG: Final = 0.15  # share of the strongest line from which one belongs to the tone
STEPS_S: Final = (0.08, 20.0)
PAIRS_MAX: Final = 4  # bursts of a pattern
LASTS_S: Final = 1.5  # without a pause: it never stops


class LearnError(ValueError):
    """Nothing can be learned from a recording; the text says why."""


class Learned(NamedTuple):
    """A tone, and what it was measured on."""

    tone: Tone
    bursts: int
    hertz_off: float  # largest distance of a burst from the mean, Hz
    step_off_s: float  # largest distance of a time from its step


def learn(recordings: Sequence[NDArray[np.int16]], kind: str, name: str = "") -> Learned:
    """The tone of recordings (mono, 8 kHz) that hold nothing but one and its pauses.

    Raises:
        LearnError: there is no tone, or its rhythm does not repeat.
    """
    heard = [[one for one in bursts(np.ascontiguousarray(audio).data) if one.looks]
             for audio in recordings]  # fmt: skip
    rows = _of_one_tone(heard)
    all_bursts = [one for row in rows for one in row]
    if not all_bursts:
        raise LearnError("no tone was heard")
    hertz, off = _hertz(all_bursts)
    steps, step_off = _rhythm(rows)
    tone = Tone(kind=kind, name=name, hertz=hertz, cadence_s=steps)  # type: ignore[arg-type]
    return Learned(tone, len(all_bursts), off, step_off)


def same_tone(recordings: Mapping[str, NDArray[np.int16]]) -> None:
    """Find out whether each recording, by its name, holds the tone that sounds longest in all.

    Raises:
        LearnError: one does not; the text names it.
    """
    heard = [[one for one in bursts(np.ascontiguousarray(audio).data) if one.looks]
             for audio in recordings.values()]  # fmt: skip
    kept = _of_one_tone(heard)
    for name, row in zip(recordings, kept or heard, strict=True):
        if not row:
            raise LearnError(f"{name} holds another tone than the others, or none")


def lines(learned: Learned) -> str:
    """As a plan's file has it."""
    tone = learned.tone
    text = [
        f"# measured on {learned.bursts} burst{'s' if learned.bursts > 1 else ''}:"
        f" {learned.hertz_off:.1f} Hz and {1000 * learned.step_off_s:.0f} ms off at most",
        "[[tone]]",
        f'kind = "{tone.kind}"',
    ]
    if tone.name:
        text.append(f'name = "{tone.name}"')
    text.append(f"hertz = [{', '.join(f'{one:g}' for one in tone.hertz)}]")
    if tone.cadence_s:
        text.append(f"cadence_s = [{', '.join(f'{one:g}' for one in tone.cadence_s)}]")
    return "\n".join(text) + "\n"


def _strong(one: BurstHeard) -> list[float]:
    """The lines of a burst that belong to its tone, lowest first."""
    top = one.share[0]
    pairs = zip(one.hertz, one.share, strict=True)
    return sorted(hertz for hertz, share in pairs if share >= STRONG * top)


def _alike(one: BurstHeard, two: BurstHeard) -> bool:
    a, b = _strong(one), _strong(two)
    return len(a) == len(b) and all(
        abs(x - y) <= SAME_HERTZ * y for x, y in zip(a, b, strict=True)
    )  # fmt: skip


def _of_one_tone(rows: list[list[BurstHeard]]) -> list[list[BurstHeard]]:
    """The bursts of the tone that sounds longest, recording by recording."""
    every = [one for row in rows for one in row]
    if not every:
        return []

    def seconds(whose: BurstHeard) -> int:
        return sum(one.end - one.begin for one in every if _alike(one, whose))

    best = max(every, key=seconds)
    return [[one for one in row if _alike(one, best)] for row in rows]


def _hertz(found: list[BurstHeard]) -> tuple[tuple[float, ...], float]:
    """The mean of every line, by how long it was heard, to half a hertz."""
    weights = [one.end - one.begin for one in found]
    table = np.array([_strong(one) for one in found])
    mean = np.average(table, axis=0, weights=weights)
    return tuple(round(2 * one) / 2 for one in mean), float(np.abs(table - mean).max())


def _rhythm(rows: list[list[BurstHeard]]) -> tuple[tuple[float, ...], float]:
    """On, off, on, off in seconds; nothing for what never stops."""
    longest = max(rows, key=len)
    times = _times(longest)
    if len(longest) == 1 and times[0] >= LASTS_S:
        return (), 0.0
    for pairs in range(1, PAIRS_MAX + 1):
        count = 2 * pairs
        columns = [times[n::count] for n in range(count)]
        if len(columns[-1]) < 2:  # a rhythm is known when its pauses agree as well
            break
        steps = [median(one) for one in columns]
        away = [abs(one - steps[n]) for n in range(count) for one in columns[n]]
        room = [max(SAME_S * steps[n], SAME_S_MIN) for n in range(count) for _ in columns[n]]
        if all(a <= b for a, b in zip(away, room, strict=True)):
            steps = [fmean(one) for one in columns]
            if not all(STEPS_S[0] <= one <= STEPS_S[1] for one in steps):
                raise LearnError(f"a step of {min(steps):.3f} to {max(steps):.3f} s is no rhythm")
            return tuple(round(one, 3) for one in steps), max(away)
    raise LearnError(
        f"{len(longest)} bursts do not repeat a rhythm; record three rounds with their pauses"
    )


def _times(row: list[BurstHeard]) -> list[float]:
    """On, off, on ... in seconds, without a first burst that began before the recording."""
    if len(row) > 2 and row[0].begin < 2 * 160:
        row = row[1:]
    times = []
    for at, one in enumerate(row):
        if at:
            times.append((one.begin - row[at - 1].end) / RATE)
        times.append((one.end - one.begin) / RATE)
    # the last one may have been cut
    return times[:-1] if len(row) > 2 and times[-1] < 0.8 * times[0] else times
