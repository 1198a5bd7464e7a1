"""Recordings as files: those that a history names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

KINDS: Final = (".wav", ".flac")  # as written, and as made smaller later


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
