"""Recordings as files: what they are called, and those that belong to a call."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from dialerd.core.records import Attempt, CallEvent, Direction, EventKind, Outcome

NAME_CHARS_MAX: Final = 120
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.@+-]|^\.")
_UNFINISHED: Final = re.compile(r"\.part\Z")  # NAME.part.wav is one in progress
_DAY_S: Final = 86_400
KINDS: Final = (".wav", ".flac")  # as written, and as made smaller later


def safe(name: str) -> str:
    """A name as one part of a path: no separator, no dot in front, not too long, no `.part`."""
    return _UNFINISHED.sub("_part", _UNSAFE.sub("_", name)[:NAME_CHARS_MAX]) or "_"


def returned_name(attempt_id: int) -> str:
    """What the recording of a call to us is called: a caller may choose its Call-ID, not a file."""
    return f"in-{attempt_id}"


def numbered(name: str, count: int) -> str:
    """What the recording that would be the `count`th of a name is called."""
    return name if count == 1 else f"{name}.{count}"


def day_name(wall_ms: int, utc_offset_s: int) -> str:
    """The local day, as the folder is named."""
    at = time.gmtime(wall_ms // 1000 + utc_offset_s)
    return time.strftime("%Y-%m-%d", at)


def named(events: Iterable[CallEvent]) -> list[str]:
    """The recordings that a call's history names."""
    return [e.detail.partition(" ")[0] for e in events if e.kind is EventKind.RECORDED]


def names_of(attempt: Attempt, events: Iterable[CallEvent]) -> list[str]:
    """What recordings of a call may be called.

    A history that a crash cut off may not name the last; that recording has the call's name, in the
    folder of the day on which it began, wherever that day was; that of a part has the part's name
    behind, and a number where the same part was recorded before.
    """
    events = tuple(events)
    names = named(events)
    if attempt.outcome is Outcome.INTERRUPTED and attempt.call_id:
        incoming = attempt.direction is Direction.IN
        call = returned_name(attempt.attempt_id) if incoming else attempt.call_id
        days = [day_name(attempt.begun_ms, offset_s) for offset_s in (-_DAY_S, 0, _DAY_S)]
        parts = Counter(safe(f"{call}-{e.detail}") for e in events if e.kind is EventKind.TAPING)
        calls = [numbered(p, n) for p, most in parts.items() for n in range(1, most + 1)]
        names += [f"{day}/{one}.wav" for day in days for one in (safe(call), *calls)]
    return list(dict.fromkeys(names))


def files_of(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """The files behind names of a history; none outside of the folder."""
    whole = folder.resolve()
    for name in names:
        path = (whole / name).resolve()
        if path.is_relative_to(whole):
            for kind in KINDS:
                found = path.with_suffix(kind)
                if found.is_file():
                    yield found


def remove(files: Iterable[Path]) -> int:
    """How many there were."""
    count = 0
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            count += 1
    return count
