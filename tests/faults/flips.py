"""One byte of a store's file is not what was written.

    python -m tests.faults.flips FILE SCRATCH SEED COUNT FIRST STEP

For each number one byte of a copy is changed, and the copy is examined as a restore does, and a
daemon after an unclean stop. Either the damage is found, or it lies where nothing is: then every
record is what it was, and the store goes on working.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dialerd.store.engine import TABLE_NAMES
from dialerd.store.examine import read_all
from dialerd.store.fsck import END
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.reading import scan_all
from dialerd.store.unit import Unit
from tests.faults.explorer import go_on
from tests.faults.spread import decode, say, shares, spread

PAGE, HEAD_BYTES = 4096, 152
FLAGS_AT, BRANCH = 10, 1  # of a page of LMDB 0.9


class Flip(msgspec.Struct):
    """What became of one flip."""

    at: int
    bit: int
    found: str = ""  # how the damage was found
    wrong: str = ""  # what was served of a file that was taken for sound


@dataclass
class Flipped:
    """What became of all."""

    flips: int = 0
    found: int = 0
    killed: int = 0  # of the found: by the end of the process that examined
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """For a person."""
        return (
            f"{self.flips} flipped bytes: {self.found} found ({self.killed} by the end of the "
            f"examining child), {self.flips - self.found - len(self.wrong)} touched nothing, "
            f"{len(self.wrong)} served wrong" + "".join(f"; {one}" for one in self.wrong[:5])
        )


def flip_all(
    file: Path, scratch: Path, *, seed: int, flips: int, workers: int = 1,
    told: Callable[[Flipped], None] = lambda _: None,
) -> Flipped:  # fmt: skip
    """Change so many bytes, one at a time; `told` hears of the progress."""
    done = Flipped()
    arguments = [str(file), str(scratch), str(seed)]
    for one in spread("tests.faults.flips", arguments, flips, workers):
        done.flips += 1
        if one.signal:  # the daemon is another process, and opens nothing that did this
            done.killed += 1
            done.found += 1
        else:
            flip = decode(one.line, Flip)
            done.found += bool(flip.found)
            if flip.wrong:
                done.wrong.append(f"byte {flip.at} bit {flip.bit:#x}: {flip.wrong}")
        told(done)
    return done


def digest(file: Path) -> dict[str, str]:
    """Of every record, by table."""
    engine = LmdbEngine(file.parent, file=file)
    try:
        txn = engine.begin(write=False)
        unit, found = Unit(txn), dict[str, str]()
        for name in TABLE_NAMES:
            sums = hashlib.sha256()
            for key, value in scan_all(getattr(unit.t, name), b"", END):
                sums.update(b"%d %d " % (len(key), len(value)) + key + value)
            found[name] = sums.hexdigest()
        txn.abort()
        return found
    finally:
        engine.close()


def place(whole: bytes, rng: random.Random) -> int:
    """Which byte: often one that no checksum covers, of a head page or of a page of branches."""
    kind = rng.random()
    if kind < 0.15:
        return rng.choice((0, PAGE)) + rng.randrange(HEAD_BYTES)
    if kind < 0.4 and (found := branches(whole)):
        return rng.choice(found) + rng.randrange(PAGE)
    return rng.randrange(len(whole))


def branches(whole: bytes) -> list[int]:
    """Where pages of branches begin, free ones among them."""
    return [at for at in range(2 * PAGE, len(whole), PAGE) if whole[at + FLAGS_AT] == BRANCH]


def flip_one(folder: Path, whole: bytes, rng: random.Random, right: dict[str, str]) -> Flip:
    """Change one byte and see."""
    flip = Flip(place(whole, rng), rng.randrange(1, 256))
    (folder / "store").mkdir(parents=True, exist_ok=True)
    file = folder / "store" / "data.mdb"
    changed = bytearray(whole)
    changed[flip.at] ^= flip.bit
    file.write_bytes(changed)
    try:
        findings = read_all(file)
    except Exception as error:  # `examine` takes an end without findings for damage as well
        flip.found = repr(error)
        return flip
    if not findings.sound:
        flip.found = findings.refused or findings.problems[0]
        return flip
    try:
        # A counter that was moved forward leaves a gap and no more; `fsck` finds one set back.
        other = [
            name for name, sum_ in digest(file).items() if sum_ != right[name] and name != "meta"
        ]
        flip.wrong = f"records of {other}" if other else "; ".join(go_on(folder)[:2])
    except Exception as error:
        flip.wrong = repr(error)
    return flip


def main() -> None:
    """Do some of the flips."""
    file, scratch, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    _, mine = shares(4)
    whole, right = file.read_bytes(), digest(file)
    folder = scratch / f"flips{mine.start % mine.step}"
    for number in mine:
        say(flip_one(folder, whole, random.Random(f"{seed}:{number}"), right))


if __name__ == "__main__":
    main()
