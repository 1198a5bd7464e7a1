"""Makes a prompt of an audio file: decoded, levelled, coded, and told what is wrong with it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from dialerd.core.prompts_view import PromptError
from dialerd.shell.decoding import Decoded, Progress, decode, open_regular
from dialerd.shell.levelling import (
    GAIN_DB_MAX,
    LEVEL_DBOV,
    LEVEL_MAX,
    LEVEL_MIN,
    QUIET_DBOV,
    RATE,
    Levelled,
    levelled,
    to_int16,
    trimmed,
)
from dialerd.shell.prompts import Prompt, encoded
from dialerd.shell.wav import ulaw_wav
from dialerd.store.prompt_library import Entry, digest

SHORTFALL_DB: Final = 1.0  # a level missed by more is told
DC_TOLD: Final = 0.01
MEASURED_S: Final = 3


def import_file(
    path: Path,
    name: str,
    lang: str,
    now: datetime,
    *,
    level_dbov: float = LEVEL_DBOV,
    progress: Progress | None = None,
) -> tuple[Entry, Prompt]:
    """A prompt of any audio file at `level_dbov`; PromptError says what to do about a bad one."""
    if not LEVEL_MIN <= level_dbov <= LEVEL_MAX:
        raise PromptError(
            f"a level of {level_dbov:g} dBov: {LEVEL_MIN:g} to {LEVEL_MAX:g} are made, speech is"
            f" {LEVEL_DBOV:g} when nothing is said"
        )
    found = decode(path, progress)
    made = levelled(found.samples, level_dbov)
    if made is None:
        raise PromptError(
            f"{path}: {found.seconds:.1f} s of silence: is it the right file, and was the"
            " microphone on?"
        )
    prompt = encoded(made.samples)
    entry = Entry(
        name=name,
        lang=lang,
        file=path.name,
        source_sha256=_hash(path),
        sha256=digest(prompt.pcmu, prompt.pcma),
        samples=len(made.samples),
        imported_at=now,
        container=found.container,
        codec=found.codec,
        rate=found.rate,
        channels=found.channels,
        level_dbov=round(made.after.active_dbov, 2),
        level_before_dbov=round(made.before.active_dbov, 2),
        peak_dbov=round(made.after.peak_dbov, 2),
        active=round(made.after.active, 3),
        gain_db=round(made.gain_db, 2),
        limited_db=round(made.limited_db, 2),
        dc=round(made.dc, 5),
        clipped=found.clipped,
        warnings=tuple(warnings(found, made, level_dbov)),
    )
    return entry, prompt


def warnings(found: Decoded, made: Levelled, level_dbov: float) -> list[str]:
    """What a person should know before callers hear it."""
    said = []
    if found.clipped:
        said.append(
            f"clipped: {found.clipped} samples stand at full scale, which distorts: record it again"
            " at a lower level"
        )
    if made.before.active_dbov < QUIET_DBOV:
        said.append(
            f"very quiet ({made.before.active_dbov:.0f} dBov): its noise was raised by"
            f" {made.gain_db:.0f} dB too: record it again, nearer to the microphone"
        )
    if made.after.active_dbov < level_dbov - SHORTFALL_DB:
        why = "gain ends there" if made.gain_db >= GAIN_DB_MAX else "its peaks would be clipped"
        said.append(f"brought to {made.after.active_dbov:.1f} dBov only: {why}")
    if abs(made.dc) > DC_TOLD:
        said.append(f"a constant offset of {made.dc:.1%} of full scale was taken away")
    if found.damaged:
        said.append("parts of the file could not be decoded and are missing: listen to it")
    return said


def name_of(path: Path, lang: str) -> str:
    """The name that a file's own suggests: `vi/chao-mung` for `Chào mừng.mp3` in Vietnamese."""
    flat = path.stem.replace("đ", "d").replace("Đ", "D")
    plain = unicodedata.normalize("NFKD", flat).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_.]+", "-", plain).strip("-.") or "prompt"
    return f"{lang}/{slug}" if lang else slug


def convert(source: Path | str, target: Path | str, kept_s: float = 0.1) -> None:
    """Trim and level any audio file and write it as mu-law WAV: how the samples are made.

    A single word is too short for P.56: it is measured as if it were said over and over.
    """
    spoken = trimmed(to_int16(decode(Path(source)).samples.astype(np.float64)), kept_s)
    again = np.tile(spoken / 32768, max(1, -(-MEASURED_S * RATE // max(1, len(spoken)))))
    made = levelled(again)
    if made is None:
        raise PromptError(f"{source}: silence")
    Path(target).write_bytes(ulaw_wav(encoded(made.samples[: len(spoken)]).pcmu))


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with open_regular(path) as file:
        while data := file.read(1 << 20):
            found.update(data)
    return found.hexdigest()
