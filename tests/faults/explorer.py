"""The write-reorder explorer: what a store's file may look like after the power went.

A disk promises only what a flush has confirmed. Between two flushes it may have kept any part of
what was written, in any order, sector by sector. From a record of real writes and flushes (see
`shim`) this builds such files and opens each: is it sound, and is everything there that the store
had acknowledged?

A file that is damaged can take its reader down, so the states are looked at by children (`spread`):

    python -m tests.faults.explorer LOG BASE SCRATCH SEED COUNT FIRST STEP

A sector of 512 bytes is written whole or not at all: that much disks promise.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dialerd.core.ports import StoreError
from dialerd.sim.io_world import environment
from dialerd.store import open_store, wait
from dialerd.store.examine import findings_of, pages
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.unit import Unit
from tests.faults.marks import missing
from tests.faults.shim import Entry, library, read_log
from tests.faults.spread import decode, say, shares, spread
from tests.store.kit import NOW

PAGE, SECTOR = 4096, 512
#: What of the writes since the last flush reached the disk.
WAYS = ("prefix", "pages", "sectors", "newest", "shuffled")

Piece = tuple[int, bytes]


class Seen(msgspec.Struct):
    """What one state came to; empty texts when all is well."""

    bad: str = ""  # not sound
    lost: str = ""  # acknowledged and not there


@dataclass
class Explored:
    """What all states came to."""

    states: int = 0
    bad: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    killed: int = 0  # readers that a damaged file took down; they count as bad

    def line(self) -> str:
        """For a person."""
        return (
            f"{self.states} crash states: {len(self.bad)} inconsistent ({self.killed} of them end "
            f"their reader), {len(self.lost)} lost something acknowledged"
        )


def record(folder: Path, steps: int, seed: int, mode: str) -> tuple[Path, Path]:
    """Run the workload under the recorder; the log, and the file that it began with."""
    from tests.faults import workload

    workload.prepare(folder)
    base, log = folder / "base", folder / "log"
    base.write_bytes((folder / "store" / "data.mdb").read_bytes())
    command = [sys.executable, "-m", "tests.faults.workload", str(folder), str(steps), str(seed)]
    shim = {"LD_PRELOAD": str(library()), "FAULTS_LOG": str(log)}
    subprocess.run([*command, mode], check=True, env=environment() | shim)
    return log, base


def explore(
    log: Path, base: Path, scratch: Path, *, seed: int, states: int, workers: int = 1,
    told: Callable[[Explored], None] = lambda _: None,
) -> Explored:  # fmt: skip
    """Build so many states and look at each; `told` hears of the progress."""
    found = Explored()
    arguments = [str(log), str(base), str(scratch), str(seed)]
    for one in spread("tests.faults.explorer", arguments, states, workers):
        found.states += 1
        seen = Seen(f"signal {one.signal}") if one.signal else decode(one.line, Seen)
        found.killed += bool(one.signal)
        if seen.bad:
            found.bad.append(f"state {one.number}: {seen.bad}")
        if seen.lost:
            found.lost.append(f"state {one.number}: {seen.lost}")
        told(found)
    return found


# ---- one state


class Disk:
    """What is surely on the disk, and what may be, as a record is read forward."""

    def __init__(self, base: bytes, entries: Sequence[Entry]) -> None:
        self.sure = bytearray(base)
        self.pending: list[Piece] = []
        self.marks: list[list[str]] = []
        self._entries = entries
        self._at = 0

    def forward(self, cut: int) -> None:
        """Read on until `cut` entries have happened."""
        while self._at < cut:
            entry = self._entries[self._at]
            self._at += 1
            if entry.kind == "W":
                self.pending.append((entry.offset, entry.data))
            elif entry.kind == "D":
                apply(self.sure, [(entry.offset, entry.data)])
            elif entry.kind == "F":
                apply(self.sure, self.pending)
                self.pending.clear()
            else:
                self.marks += [line.split() for line in entry.data.decode().splitlines()]

    def after(self, rng: random.Random) -> bytes:
        """One file that a crash at this moment may leave."""
        way = rng.choice(WAYS)
        image = bytearray(self.sure)
        share = rng.random()
        if way == "prefix":
            chosen = list(pieces(self.pending, SECTOR))
            del chosen[rng.randint(0, len(chosen)) :]
        elif way == "newest":
            chosen = list(pieces(self.pending, PAGE))[-rng.randint(1, 4) :]
        else:
            unit = PAGE if way == "pages" else SECTOR
            chosen = [piece for piece in pieces(self.pending, unit) if rng.random() < share]
            if way == "shuffled":
                rng.shuffle(chosen)
        apply(image, chosen)
        return bytes(image)


def pieces(writes: Sequence[Piece], unit: int) -> Iterator[Piece]:
    """Writes cut at multiples of `unit` in the file."""
    for offset, data in writes:
        at = 0
        while at < len(data):
            n = min(unit - (offset + at) % unit, len(data) - at)
            yield offset + at, data[at : at + n]
            at += n


def apply(image: bytearray, writes: Sequence[Piece]) -> None:
    """Write them; a gap before one is zeros, as in a file."""
    for offset, data in writes:
        if offset > len(image):
            image.extend(bytes(offset - len(image)))
        image[offset : offset + len(data)] = data


def look(folder: Path, image: bytes, marks: Sequence[Sequence[str]], *, reopen: bool) -> Seen:
    """Open a file as a daemon would that starts after the crash."""
    seen = Seen()
    store = folder / "store"
    store.mkdir(parents=True, exist_ok=True)
    file = store / "data.mdb"
    file.write_bytes(image)
    try:
        engine = LmdbEngine(store, file=file)
    except StoreError as error:
        seen.bad = str(error)
        return seen
    try:
        txn = engine.begin(write=False)
        try:
            unit = Unit(txn)
            findings = findings_of(unit)
            seen.bad = "; ".join(findings.problems[:3])
            seen.lost = "" if seen.bad else "; ".join(missing(unit, marks)[:3])
        finally:
            txn.abort()
    except Exception as error:
        seen.bad = f"{type(error).__name__}: {error}"
    finally:
        engine.close()
    if reopen and not seen.bad:
        seen.bad = "; ".join((pages(file) + go_on(folder))[:3])
    return seen


def go_on(folder: Path) -> list[str]:
    """The daemon recovers and works on; what it then finds wrong."""
    (folder / "store" / "lock.mdb").unlink(missing_ok=True)
    again = open_store(folder, daemon=True, linger_s=0.0)
    try:
        wait(again.recover(NOW))
        wait(again.create_list("after the crash", NOW))
        return again.problems()
    finally:
        again.close()


def main() -> None:
    """Look at some of the states."""
    log, base, scratch, seed = sys.argv[1:5]
    count, mine = shares(5)
    folder = Path(scratch, f"worker{mine.start % mine.step}")
    entries = list(read_log(Path(log)))
    disk = Disk(Path(base).read_bytes(), entries)
    for state in mine:
        disk.forward(1 + state * len(entries) // count)
        rng = random.Random(f"{seed}:{state}")
        say(look(folder, disk.after(rng), disk.marks, reopen=state % 4 == 0))


if __name__ == "__main__":
    main()
