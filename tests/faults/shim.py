"""`shim.c`, built and put before a child: what it recorded, and a hand on its disk and clock."""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

SOURCE = Path(__file__).with_name("shim.c")
ENTRY = struct.Struct("<B3xIQ")  # kind, bytes, offset
# Name of a number in the shared page: where it is, and how.
PLACES = {
    "wall_offset_ns": (0, "<q"),
    "flush_errno": (8, "<i"),
    "stall_ms": (12, "<i"),
    "meta_errno": (16, "<i"),
    "flushes": (24, "<q"),
    "refused": (32, "<q"),
    "stalls_begun": (40, "<q"),
    "stalls_ended": (48, "<q"),
}


@cache
def library() -> Path:
    """The shim, compiled once for each of its versions."""
    text = SOURCE.read_bytes()
    made = Path(tempfile.gettempdir(), f"dialerd-shim-{hashlib.sha256(text).hexdigest()[:16]}.so")
    if not made.exists():
        part = made.with_suffix(f".{os.getpid()}")
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(part)]
        subprocess.run(["cc", *flags, str(SOURCE), "-ldl", "-lpthread"], check=True)
        part.rename(made)
    return made


@dataclass(frozen=True)
class Entry:
    """One thing that happened to the file: `W`ritten, written and `D`urable, `F`lush, `M`ark."""

    kind: str
    offset: int
    data: bytes


def read_log(path: Path) -> Iterator[Entry]:
    """What the shim recorded; the last entry may have been cut short by a kill."""
    raw = path.read_bytes()
    at = 0
    while at + ENTRY.size <= len(raw):
        kind, size, offset = ENTRY.unpack_from(raw, at)
        at += ENTRY.size
        if at + size > len(raw):
            return
        yield Entry(chr(kind), offset, raw[at : at + size])
        at += size


class Control:
    """The page shared with children; numbers may be read and written while they run."""

    def __init__(self, folder: Path) -> None:
        """All is as usual until told otherwise."""
        self.path = folder / "shim.control"
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        with self.path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def environment(self) -> dict[str, str]:
        """What a child needs to be under this control."""
        return {"LD_PRELOAD": str(library()), "FAULTS_CONTROL": str(self.path)}

    def __getitem__(self, name: str) -> int:
        """A number by its name in PLACES."""
        at, form = PLACES[name]
        found: int = struct.unpack_from(form, self._page, at)[0]
        return found

    def __setitem__(self, name: str, value: int) -> None:
        """From now on."""
        at, form = PLACES[name]
        struct.pack_into(form, self._page, at, value)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the page."""
        self._page.close()
