"""More recorded voices to train with: volunteers who read to children, and two telephone prompts.

Debian's `tuxpaint-stamps-default`, `klettres-data` and `ktuberling-data` hold thousands of short
recordings in many languages: microphones, rooms and ways to speak that no set of telephone prompts
has. Prompts of two more voices are `asterisk-prompt-es-co` and `asterisk-prompt-fr-armelle`, music
is `asc-music`. `bench/debian-packages.txt` lists all; nothing is copied.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from bench.answer_audio import RATE, SOUNDS, Audio, Clip, kind_of, levels_db, spoken, trimmed

SHARE: Final = Path("/usr/share")
LANGUAGES: Final = {  # of the volunteers; what stands nowhere here is not used
    "train": ("be", "bg", "ca", "cs", "da", "de", "el", "en", "es", "gl", "lt", "nb", "nds", "nl",
              "nn", "ro", "sl", "uk", "wa"),
    "held out": ("fr", "it", "pt_BR", "ru", "tn"),
}  # fmt: skip
COLLECTIONS: Final = ("stamps", "letters", "parts")
PROMPTS: Final = {"es_co": "es", "fr_armelle": "fr"}  # voice, folder
EACH: Final = 90  # recordings of a language and a collection
QUIET_DB: Final = 30.0  # the least between a recording's voice and its noise
BATCH: Final = 40  # files to one run of ffmpeg
MUSIC_S: Final = 10

_STAMP: Final = re.compile(r"_desc_?([a-zA-Z_]*)\.ogg")


def decoded(paths: list[Path]) -> Iterator[Audio]:
    """Files of any format, mono at 8 kHz, full scale 1.0."""

    def some(batch: list[Path]) -> list[Audio]:
        with tempfile.TemporaryDirectory() as folder:
            command = ["ffmpeg", "-v", "error", "-threads", "1"]
            for path in batch:
                command += [*(["-f", "gsm"] if path.suffix == ".gsm" else []), "-i", str(path)]
            into = [Path(folder) / f"{n}.raw" for n in range(len(batch))]
            for n, file in enumerate(into):
                command += ["-map", f"{n}:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le"]
                command.append(str(file))
            subprocess.run(command, check=True)
            return [np.fromfile(file, "<i2").astype(float) / 32768 for file in into]

    parts = [paths[at : at + BATCH] for at in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(2) as pool:
        for part in pool.map(some, parts):
            yield from part


def volunteers(split: str) -> dict[str, list[Path]]:
    """Files by collection and language."""
    found: dict[str, list[Path]] = {}
    for path in (SHARE / "tuxpaint/stamps").rglob("*_desc*.ogg"):
        named = _STAMP.search(path.name)
        if named is not None:
            found.setdefault(f"stamps {named[1] or 'en'}", []).append(path)
    for path in (SHARE / "klettres").rglob("*.ogg"):
        found.setdefault(f"letters {path.parts[-3]}", []).append(path)
    for path in (SHARE / "ktuberling/sounds").rglob("*.ogg"):
        found.setdefault(f"parts {path.parts[-2]}", []).append(path)
    assert found, "install the packages of bench/debian-packages.txt"
    return {
        name: sorted(files)[:: -(-len(files) // EACH)]
        for name, files in sorted(found.items())
        if name.split()[1] in LANGUAGES[split]
    }


def volunteer(clip: Clip) -> bool:
    """Whether it is of one of these collections."""
    return clip.voice.split()[0] in COLLECTIONS


def prompts() -> dict[str, list[Path]]:
    """Files of the voices that Debian has in GSM alone."""
    found = {}
    for voice, folder in PROMPTS.items():
        places = [
            SOUNDS / folder,
            *(SOUNDS / p / folder for p in ("digits", "letters", "phonetic")),
        ]
        found[voice] = sorted(
            file for place in places for file in place.rglob("*.gsm") if file.stat().st_size
        )
        assert found[voice], f"{SOUNDS / folder}: install bench/debian-packages.txt"
    return found


def clip_of(voice: str, path: Path, samples: Audio) -> Clip | None:
    """What a recording stands for; None: for nothing, or with too much noise of its own."""
    if len(samples) < RATE // 5 or np.abs(samples).max() < 0.01:
        return None
    levels = levels_db(samples)
    if np.percentile(levels, 99) - np.percentile(levels, 3) < QUIET_DB:
        return None
    cut = trimmed(samples)
    kind = kind_of(path.stem, cut)
    return Clip(f"{voice}/{path.stem}", kind, voice, True, spoken(cut)) if kind else None


def more(split: str) -> Iterator[Clip]:
    """All of a split; the two telephone voices are for training."""
    files = volunteers(split) | (prompts() if split == "train" else {})
    named = [(voice, path) for voice, paths in files.items() for path in paths]
    audio = decoded([path for _, path in named])
    for (voice, path), samples in zip(named, audio, strict=True):
        clip = clip_of(voice, path, samples)
        if clip is not None:
            yield clip


def more_music() -> Iterator[Clip]:
    """Pieces of ten seconds, to train with."""
    files = sorted((SHARE / "games/asc/music").glob("*.mp3"))
    assert files, "asc-music: install bench/debian-packages.txt"
    for path, samples in zip(files, decoded(files), strict=True):
        for at in range(0, len(samples) - MUSIC_S * RATE, MUSIC_S * RATE):
            part = samples[at : at + MUSIC_S * RATE]
            if np.abs(part[:RATE]).max() > 0.02:
                yield Clip(f"{path.stem}@{at // RATE}", "music", path.stem, True, spoken(part))
