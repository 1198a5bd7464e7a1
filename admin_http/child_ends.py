"""What a child process and its parent (`children.py`) share: lines, and when a child must end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

SO_FAR: Final = "so-far.json"  # in a job's folder
NOTE_BYTES: Final = 1_024

T = TypeVar("T")


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a child says: how far it is, or how it ended."""

    done: int = 0
    total: int = 0
    error: str = ""
    result: dict[str, Any] | None = None


class Orphaned(Exception):  # noqa: N818 - no error: nobody is there any more
    """The process that asked for this is gone."""


def told(kind: type[T]) -> T:
    """What to do, from standard input."""
    return msgspec.json.decode(sys.stdin.buffer.read(), type=kind, dec_hook=_path)


def _path(kind: type, text: str) -> Path:
    if kind is not Path:
        raise NotImplementedError(kind)  # what msgspec wants of a hook that does not know a type
    return Path(text)


def say(line: Line) -> None:
    """One line to the parent."""
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def check_parent(parent: int) -> None:
    """Orphaned when nobody waits for us any more."""
    if os.getppid() != parent:
        raise Orphaned


def note(folder: Path, facts: Mapping[str, int]) -> None:
    """Write what has come of a job until now, for whoever tells of it if it is cut short; OSError.

    It is written over what stood there, of one length: a kill leaves no half of it. It is not
    flushed: a process that is killed loses nothing that it wrote.
    """
    file = os.open(folder / SO_FAR, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(file, msgspec.json.encode(facts).ljust(NOTE_BYTES), 0)
    finally:
        os.close(file)


def noted(folder: Path) -> dict[str, int]:
    """What was written last; nothing where nothing was."""
    try:
        return msgspec.json.decode((folder / SO_FAR).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}
