"""What bad input does to what is heard: who answered, tones and keys, by what was done to them.

python -m bench.robust [SEED] [--every N]     every n-th of the recorded answers (default 4)

Answers are recorded prompts of voices, tones those of `bench.tone_audio`, keys of 80 ms; all clean
but for the fault. All is heard in the one pass of a call. "Besides" is what nobody played: tones
and keys in voices, other tones and keys, and people in tones.
"""

from __future__ import annotations

import argparse
import wave
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
import soxr
from rich.console import Console
from rich.table import Table

from bench.answer_audio import RATE, Audio, recorded
from bench.answer_lines import TAIL_S, Samples, lost, through
from bench.answers import heard_of
from bench.tone_audio import PLAN, Line, made
from dialerd.detect.audio import attention
from dialerd.shell.hearing import listen
from fastpath.progress import Attention, CallProgress
from tests.fastpath.dtmf_tape import KEYS, press

FRAME: Final = 160
EVERY, SEED = 4, 3
WHAT: Final = ("word", "office", "machine", "tone", "key")
LEAD_S: Final = (0.3, 0.5)
KEY_MS: Final = 80.0
KEY_TIMES: Final = 5
PLAYED: Final = ("tone", "sit", "fax", "beep", "dtmf")

Pieces = Iterable[Samples | None]  # None: a frame that never came


class Sound(NamedTuple):
    """Something clean, in 16 bits without a codec."""

    what: str  # one of WHAT
    want: str  # who answered, or what the tone or key is called
    samples: Audio
    begin: int  # its first sample that is no silence
    part: int  # samples of its first word, burst or key


class Fault(NamedTuple):
    """Something done to a sound."""

    name: str
    done: Callable[[Sound, np.random.Generator], Pieces]


def pcm(samples: Audio) -> Samples:
    """16 bits, as loud as they can be."""
    return np.clip(np.rint(samples), -32_768, 32_767).astype(np.int16)


def line(samples: Audio) -> Samples:
    """Through mu-law."""
    return through("ulaw", pcm(samples).astype(float))


# ---- what is played


def answers(every: int, rng: np.random.Generator) -> Iterator[Sound]:
    """Recorded prompts of the held-out voices; a word's part is half of it."""
    kinds: Counter[str] = Counter()
    for clip in map(heard_of, recorded("held out")):
        kinds[clip.kind] += 1
        if clip.kind in WHAT and kinds[clip.kind] % every == 1 % every:
            lead = round(rng.uniform(*LEAD_S) * RATE)
            audio = np.hstack([np.zeros(lead), clip.samples, np.zeros(round(TAIL_S * RATE))])
            part = min(len(clip.samples) // 2, RATE // 2)
            yield Sound(clip.kind, clip.label, 32_768 * audio, lead, part)


def tones(rng: np.random.Generator) -> Iterator[Sound]:
    """Each tone of the plan."""
    for kind, value, steps in PLAN.values():
        lead = float(rng.uniform(*LEAD_S))
        want = {"sit": "sit", "beep": "beep"}.get(kind, value)
        audio = made(steps, Line(lead=lead), rng).astype(float)
        yield Sound("tone", want, audio, round(lead * RATE), round(steps[0][1] * RATE))


def keys(times: int, rng: np.random.Generator) -> Iterator[Sound]:
    """Each key so many times, at any place of a detector's block."""
    for key in KEYS * times:
        phases = (float(rng.uniform(0, 6.3)), float(rng.uniform(0, 6.3)))
        audio, lead = press(key, KEY_MS, phases=phases), round(rng.uniform(*LEAD_S) * RATE)
        around = np.hstack([np.zeros(lead), audio, np.zeros(RATE)])
        yield Sound("key", key, around, lead, len(audio))


def sounds(every: int, seed: int) -> list[Sound]:
    """All of it."""
    rng = np.random.default_rng(seed)
    return [*answers(every, rng), *tones(rng), *keys(KEY_TIMES, rng)]


# ---- what is done to it


def from_within(sound: Sound, rng: np.random.Generator) -> Pieces:
    """It began before we listened: up to 60 % of its first word, burst or key are gone."""
    gone = sound.begin + round(float(rng.uniform(0.1, 0.6)) * sound.part)
    if sound.what == "key":
        gone = sound.begin + round(float(rng.uniform(0.1, 0.45)) * sound.part)  # 40 ms are a key
    return [line(sound.samples[gone:])]


def without(samples: Samples, gone: np.ndarray) -> Pieces:
    """Frames that are gone are gaps."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return (None if missing else frame for frame, missing in zip(frames, gone, strict=True))


def some_lost(sound: Sound, rng: np.random.Generator) -> Pieces:
    """One frame of twenty."""
    samples = line(sound.samples)
    return without(samples, rng.random(len(samples) // FRAME) < 0.05)


def bursts_lost(sound: Sound, rng: np.random.Generator) -> Pieces:
    """60 ms of each second."""
    samples = line(sound.samples)
    at = np.arange(len(samples) // FRAME)
    return without(samples, (at + int(rng.integers(50))) % 50 < 3)


def clipped(samples: Audio, part: float) -> Audio:
    """Cut off above a part of its peak."""
    most = part * np.abs(samples).max()
    return np.clip(samples, -most, most)


def in_file(rate: int, channels: int = 1, silent: int = 0) -> Fault:
    """A file as `dialerd detect` reads it; `silent` channels have nothing in them."""

    def done(sound: Sound, _: np.random.Generator) -> Pieces:
        audio = pcm(soxr.resample(sound.samples, RATE, rate))
        sides = [audio * (number >= silent) for number in range(channels)]
        with TemporaryDirectory() as folder:
            path = Path(folder) / "sound.wav"
            with wave.open(str(path), "wb") as file:
                file.setparams((channels, 2, rate, 0, "NONE", ""))
                file.writeframes(np.stack(sides, axis=1).astype("<i2").tobytes())
            return list(listen(path, None))

    name = "stereo, one side silent" if silent else f"file, {rate / 1000:g} kHz"
    return Fault(name if channels == 1 or silent else f"{name}, stereo", done)


def changed(name: str, change: Callable[[Audio], Audio]) -> Fault:
    """What happens before the codec."""
    return Fault(name, lambda sound, _: [line(change(sound.samples))])


FAULTS: Final = (
    changed("none", lambda one: one),
    changed("offset 800", lambda one: one + 800),
    changed("offset 4,000", lambda one: one + 4_000),
    changed("20 dB quieter", lambda one: one * 0.1),
    changed("12 dB louder", lambda one: one * 4),
    changed("clipped at half its peak", lambda one: clipped(one, 0.5)),
    changed("clipped at a quarter of it", lambda one: clipped(one, 0.25)),
    in_file(8_000),
    in_file(16_000),
    in_file(44_100),
    in_file(48_000),
    in_file(44_100, 2),
    in_file(8_000, 2, 1),
    Fault("5 % of frames lost: gaps", some_lost),
    Fault("60 ms of each second lost: gaps", bursts_lost),
    Fault("5 % of frames concealed", lambda sound, rng: [lost(line(sound.samples), 0.05, rng)]),
    Fault("begins within a word, burst or key", from_within),
)


# ---- what is heard


@lru_cache(maxsize=1)
def asked() -> Attention:
    """All that comes with dialerd."""
    return attention()


def heard(pieces: Pieces) -> tuple[str, list[str]]:
    """Who answered, and the names of tones and keys."""
    progress = CallProgress(asked())
    told = []
    for piece in pieces:
        if piece is None:
            told += progress.gap(FRAME)
        else:
            told += progress.hear(np.ascontiguousarray(piece, np.int16).data)
    told += progress.end()
    found = progress.verdict()
    names = [name_of(one.kind, one.value) for one in told]
    return found.answer if found else "unknown", [one for one in names if one]


def name_of(kind: str, value: str) -> str:
    """What a sound is called here; empty: it is neither a tone nor a key."""
    if kind in ("sit", "beep"):
        return kind
    if kind in ("fax", "dtmf"):
        return value
    return kind if kind in {"ringback", "busy", "congestion", "dial"} else ""


class Row(NamedTuple):
    """One fault: of each of WHAT how many were right and how many there were."""

    fault: str
    right: Counter[str]
    played: Counter[str]
    besides: Counter[str]


def row(fault: Fault, played: Iterable[Sound], seed: int) -> Row:
    """What is heard behind one fault."""
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    besides: Counter[str] = Counter()
    for number, sound in enumerate(played):
        answer, names = heard(fault.done(sound, np.random.default_rng((seed, number))))
        count[sound.what] += 1
        if sound.what == "tone":
            right["tone"] += sound.want in names
            besides.update(one for one in names if one != sound.want)
            besides["a person"] += answer == "human"
        elif sound.what == "key":
            right["key"] += names == [sound.want]
            besides.update(one for one in names if one != sound.want)
        else:
            right[sound.what] += answer == sound.want
            besides.update(names)
    return Row(fault.name, right, count, +besides)


def rows(every: int, seed: int = SEED) -> list[Row]:
    """All faults."""
    played = sounds(every, seed)
    return [row(fault, played, seed) for fault in FAULTS]


def shown(found: Iterable[Row]) -> Table:
    """As people read it."""
    found = list(found)
    table = Table(title="What bad input does: right, in per cent", title_justify="left")
    table.add_column("fault")
    for what in WHAT:
        table.add_column(f"{what}, {found[0].played[what]}", justify="right")
    table.add_column("besides")
    for one in found:
        besides = ", ".join(f"{name} {count}" for name, count in one.besides.most_common(5))
        parts = [f"{100 * one.right[what] / one.played[what]:.1f}" for what in WHAT]
        table.add_row(one.fault, *parts, besides or "none")
    return table


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("seed", nargs="?", type=int, default=SEED)
    parser.add_argument("--every", type=int, default=EVERY)
    given = parser.parse_args()
    Console(width=130).print(shown(rows(given.every, given.seed)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
