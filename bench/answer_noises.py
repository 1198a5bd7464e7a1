"""Sounds that nobody says: clicks, knocks, rain, wind, babble, music, engines, gaps in noise.

Eight seconds each, made anew from a seed. Seeds of the two splits differ, and of music the timbre,
of babble the voices; "sirens" and "keyboard" are in the held-out split alone, "whistles" in the
other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from bench.answer_audio import RATE, Audio, Clip, recorded, spoken
from bench.answer_lines import Case, behind, shaped, some_condition

SECONDS: Final = 8
COUNT: Final = SECONDS * RATE
SEEDS: Final = {"train": 40_000, "development": 60_000, "held out": 90_000}
LATE: Final = ("sirens", "keyboard")
"""What the trees never heard."""
EARLY: Final = ("whistles",)
"""What only they do."""

Rng = np.random.Generator


def ring(rng: Rng, seconds: float, low: float, high: float) -> Audio:
    """Something that is struck: a few modes that die away."""
    at = np.arange(round(5 * seconds * RATE) + 8) / RATE
    made = np.zeros(len(at))
    for _ in range(int(rng.integers(1, 4))):
        hertz = rng.uniform(low, high)
        made += rng.uniform(0.3, 1) * np.sin(2 * np.pi * hertz * at + rng.uniform(0, 6))
    made += rng.normal(0, 0.5, len(at))
    return np.asarray(made * np.exp(-at / seconds))


def struck(rng: Rng, strokes: int, gap_s: tuple[float, float], of: Callable[[], Audio]) -> Audio:
    """So many strokes, so far apart."""
    made = np.zeros(COUNT)
    at = rng.uniform(0.2, 1.5)
    for _ in range(strokes):
        part = of() * rng.uniform(0.4, 1)
        here = round(at * RATE)
        if here >= COUNT:
            break
        part = part[: COUNT - here]
        made[here : here + len(part)] += part
        at += rng.uniform(*gap_s)
    return made


def clicks(rng: Rng) -> Audio:
    """Relays, handsets, scratches: 0.3 to 8 ms each."""
    decay = rng.uniform(0.0003, 0.008)
    strokes = int(rng.integers(1, 14))
    return struck(rng, strokes, (0.04, rng.uniform(0.1, 1.5)), lambda: ring(rng, decay, 300, 3_500))


def knocks(rng: Rng) -> Audio:
    """A door, a table, a telephone that is put down."""
    decay = rng.uniform(0.015, 0.06)
    strokes = int(rng.integers(1, 9))
    return struck(rng, strokes, (0.12, rng.uniform(0.2, 1.2)), lambda: ring(rng, decay, 100, 700))


def keyboard(rng: Rng) -> Audio:
    """Typing."""
    return struck(rng, 60, (0.05, 0.25), lambda: ring(rng, rng.uniform(0.002, 0.01), 800, 3_000))


def rain(rng: Rng) -> Audio:
    """Hiss, and drops on something."""
    hiss = shaped(rng, COUNT, rng.uniform(0, 1.2))
    hiss /= hiss.std()
    swell = np.interp(np.arange(COUNT), np.linspace(0, COUNT, 24), rng.uniform(0.5, 1.5, 24))
    drops = (rng.random(COUNT) < rng.uniform(20, 300) / RATE) * rng.exponential(1, COUNT)
    body = np.exp(-np.arange(240) / (rng.uniform(0.001, 0.006) * RATE))
    return np.asarray(hiss * swell + rng.uniform(0.5, 6) * np.convolve(drops, body)[:COUNT])


def wind(rng: Rng) -> Audio:
    """Gusts over a microphone."""
    made = shaped(rng, COUNT, rng.uniform(1, 2.5))
    gusts = np.interp(np.arange(COUNT), np.linspace(0, COUNT, 30), rng.exponential(1, 30))
    return np.asarray(made / made.std() * gusts)


def breath(rng: Rng) -> Audio:
    """Somebody breathes, and says nothing."""
    made = shaped(rng, COUNT, rng.uniform(0, 1))
    at = np.arange(COUNT) / RATE
    swell = np.maximum(np.sin(2 * np.pi * rng.uniform(0.25, 0.6) * at + rng.uniform(0, 6)), 0)
    return np.asarray(made / made.std() * swell ** rng.uniform(1, 3))


def switched(rng: Rng) -> Audio:
    """Steady noise that comes and goes at once."""
    made = shaped(rng, COUNT, rng.uniform(0, 2))
    on = np.zeros(COUNT)
    at = int(rng.uniform(0, 1.5) * RATE)
    while at < COUNT:
        until = at + int(rng.uniform(0.1, 3) * RATE)
        on[at:until] = 1
        at = until + int(rng.uniform(0.1, 2) * RATE)
    return np.asarray(made / made.std() * (on + rng.uniform(0, 0.1)))


def engine(rng: Rng) -> Audio:
    """A motor: pulses whose rate drifts."""
    rate = np.interp(np.arange(COUNT), np.linspace(0, COUNT, 12), rng.uniform(25, 90, 12))
    pulses = np.diff(np.floor(np.cumsum(rate) / RATE), prepend=0)
    body = ring(rng, rng.uniform(0.004, 0.015), 80, 900)
    return np.asarray(np.convolve(pulses, body)[:COUNT] + 0.05 * rng.standard_normal(COUNT))


def sirens(rng: Rng) -> Audio:
    """A tone that climbs and falls."""
    at = np.arange(COUNT) / RATE
    hertz = rng.uniform(600, 1_000) + rng.uniform(150, 400) * np.sin(
        2 * np.pi * rng.uniform(0.2, 2) * at
    )
    tone = np.sin(2 * np.pi * np.cumsum(hertz) / RATE)
    return np.asarray(tone + 0.3 * np.sin(4 * np.pi * np.cumsum(hertz) / RATE))


def whistles(rng: Rng) -> Audio:
    """Somebody whistles, or a loop feeds back: single tones that glide and tremble."""
    made = np.zeros(COUNT)
    here = int(rng.uniform(0.2, 1.5) * RATE)
    while here < COUNT:
        count = int(rng.uniform(0.1, 1.6) * RATE)
        part = np.arange(count) / count
        low, high = np.exp(rng.uniform(np.log(250), np.log(3_000), 2))
        tremble = rng.uniform(0, 0.03) * np.sin(part * rng.uniform(3, 30))
        phase = 2 * np.pi * np.cumsum(low * (high / low) ** part * (1 + tremble)) / RATE
        tone = np.sin(phase) + rng.uniform(0, 0.4) * np.sin(2 * phase) * (max(low, high) < 1_900)
        tone += rng.uniform(0, 0.05) * rng.normal(size=count)
        tone *= np.minimum(np.minimum(part, 1 - part) * count / (0.03 * RATE), 1)
        tone = tone[: COUNT - here] * rng.uniform(0.4, 1)
        made[here : here + len(tone)] += tone
        here += count + int(rng.uniform(0.02, 0.8) * RATE)
    return made


def tune(rng: Rng, split: str) -> Audio:
    """Notes, chords and drums; plucked to train with, blown ones held out."""
    made = np.zeros(COUNT + RATE)
    beat = round(rng.uniform(0.15, 0.5) * RATE)
    key = rng.uniform(110, 330)
    for here in range(int(rng.uniform(0, 0.8) * RATE), COUNT, beat):
        length = min(round(rng.uniform(0.8, 2.5) * beat), RATE)
        at = np.arange(length) / RATE
        for _ in range(int(rng.integers(1, 4))):
            hertz = key * 2 ** (int(rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])) / 12)
            harmonics = [k for k in range(1, 8) if hertz * k < 3_800]
            fall = rng.uniform(0.8, 2)
            note = sum(
                (
                    np.sin(2 * np.pi * hertz * k * at) / k**fall
                    for k in harmonics
                    if hertz * k < 3_800
                ),
                np.zeros(length),
            )
            if split == "train":
                note *= np.exp(-at / rng.uniform(0.1, 0.6))
            else:
                note *= np.minimum(at / 0.03, 1) * np.minimum((at[-1] - at) / 0.05, 1)
            made[here : here + length] += note
        if rng.random() < 0.5:
            drum = ring(rng, 0.03, 100, 3_000)
            made[here : here + len(drum)] += drum
    return made[:COUNT]


def crowd(rng: Rng, voices: list[Clip]) -> Audio:
    """Five to fifteen people at once, none of them near."""
    made = np.zeros(COUNT)
    for _ in range(int(rng.integers(5, 16))):
        said: list[Audio] = []
        while sum(map(len, said)) < COUNT:
            said.append(voices[int(rng.integers(len(voices)))].samples)
            said.append(np.zeros(int(rng.uniform(0, 0.5) * RATE)))
        made += np.roll(np.hstack(said)[:COUNT], int(rng.integers(COUNT))) * rng.uniform(0.5, 1)
    return made


def holes(rng: Rng) -> Audio:
    """Noise that a far end, or a network, leaves out at times: digital zeros."""
    made = shaped(rng, COUNT, rng.uniform(0, 1.5))
    made = made / made.std() * 0.02
    at = int(rng.uniform(0.3, 2) * RATE)
    while at < COUNT:
        until = at + 160 * int(rng.integers(2, 60))
        made[at:until] = 0
        at = until + int(rng.uniform(0.2, 1.5) * RATE)
    return np.asarray(made)


def noises(split: str, each: int, voices: list[Clip], seeds: str = "") -> Iterator[Clip]:
    """So many of each kind; `voices` (recorded clips of the split) make the babble.

    `seeds`: those of another split, to hear what is like a split's noises and none of them.
    """
    plain: dict[str, Callable[[Rng], Audio]] = {
        "clicks": clicks, "knocks": knocks, "rain": rain, "wind": wind, "switched": switched,
        "engine": engine, "holes": holes, "sirens": sirens, "breath": breath, "keyboard": keyboard,
        "tune": lambda rng: tune(rng, split), "crowd": lambda rng: crowd(rng, voices),
        "whistles": whistles,
    }  # fmt: skip
    for kind, (name, make) in enumerate(plain.items()):
        if name in (LATE if split == "train" else EARLY):
            continue
        for number in range(each):
            rng = np.random.default_rng((SEEDS[seeds or split], kind, number))
            samples = make(rng)
            made = samples if name == "holes" else spoken(samples / (np.abs(samples).max() + 1e-9))
            yield Clip(f"{name}-{number}", "noise", name, False, made)


def cases(split: str, each: int, seeds: str = "") -> list[Case]:
    """What nobody says, behind lines of the split; gaps in noise as they are."""
    voices = list(recorded(split))
    babble = tuple(clip for clip in voices if clip.kind == "office")
    found = []
    for number, clip in enumerate(noises(split, each, voices, seeds)):
        rng = np.random.default_rng((5, number))
        line = some_condition(split, rng)
        if clip.voice == "holes":
            line = line._replace(noise="", codec="ulaw")
        found.append(behind(clip, line, rng, babble))
    return found
