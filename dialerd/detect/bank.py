"""The bank of announcements: all files below a folder, `conf/announcements` unless told otherwise.

A folder for each carrier. What recordings of different classes share is worth nothing for telling
them apart; it is found out here, of the bank as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from dialerd.detect.bank_file import Announcement, Kind, read_announcement
from dialerd.detect.bank_prints import Prints
from dialerd.toml_load import TomlError
from fastpath.prints_bank import PRINTS_MAX, REFS_MAX, SHARED, SILENT, PrintBank, common

DEFAULT: Final = Path(__file__).resolve().parents[2] / "conf" / "announcements"
CARRIERS_MAX: Final = 256
_KINDS: Final = {kind: number for number, kind in enumerate(Kind)}


class AnnouncementBank(msgspec.Struct, frozen=True):
    """What calls are matched with: `entries[match.ref]` is what a match is of.

    `shared[ref]` is the part of it, 0 to 1, that announcements of other classes have as well.
    """

    prints: PrintBank
    entries: tuple[Announcement, ...]
    recordings: tuple[Prints, ...]
    paths: tuple[Path, ...]
    shared: tuple[float, ...]

    def __len__(self) -> int:
        """How many announcements."""
        return len(self.entries)


def compose(recordings: Iterable[tuple[Kind, Prints]]) -> tuple[PrintBank, tuple[float, ...]]:
    """The bank of recordings, and the part of each that is shared; ValueError at its limits."""
    whole = list(recordings)
    if len(whole) > REFS_MAX:
        raise ValueError(f"{len(whole)} announcements; at most {REFS_MAX} are possible")
    total = sum(len(prints) for _, prints in whole)
    if total > PRINTS_MAX:
        raise ValueError(f"{total} prints; at most {PRINTS_MAX} are possible: 17 minutes of sound")
    flags = [np.frombuffer(prints.flags, np.uint8).copy() for _, prints in whole]
    for one, other in combinations(range(len(whole)), 2):
        if whole[one][0] is whole[other][0]:
            continue
        rows = [(whole[each][1].codes, whole[each][1].masks) for each in (one, other)]
        for each, found in zip((one, other), common(*rows), strict=True):
            flags[each][np.frombuffer(found, np.uint8) != 0] |= SHARED
    shares = []
    for row in flags:
        sound = row[row & SILENT == 0]
        shares.append(round(float(np.mean(sound == SHARED)), 3) if len(sound) else 0.0)
    bank = PrintBank(
        (prints.codes, each.tobytes(), _KINDS[kind])
        for (kind, prints), each in zip(whole, flags, strict=True)
    )
    return bank, tuple(shares)


def files(folder: Path) -> Iterator[Path]:
    """The announcements of a bank, by carrier and name; a folder that is not there has none."""
    homes = sorted(each for each in folder.glob("*/") if not each.name.startswith("."))
    for home in homes[:CARRIERS_MAX]:
        yield from sorted(home.glob("*.toml"))


@lru_cache(maxsize=4)
def load_bank(folder: Path | None = None) -> AnnouncementBank:
    """The bank of a folder; TomlError tells everything that is wrong with its files.

    Read once for each folder; `load_bank.cache_clear()` makes the next one read again.
    """
    folder = folder or DEFAULT
    faults: list[TomlError] = []
    read: list[tuple[Announcement, Prints]] = []
    paths: list[Path] = []
    for path in files(folder):
        try:
            read.append(read_announcement(path))
            paths.append(path)
        except TomlError as error:
            faults.append(error)
        if len(read) + len(faults) > REFS_MAX:
            raise TomlError(f"error: {folder}: more than {REFS_MAX} announcements")
    if faults:
        findings = tuple(finding for error in faults for finding in error.findings)
        raise TomlError("\n".join(map(str, faults)), findings)
    try:
        bank, shared = compose((announcement.kind, prints) for announcement, prints in read)
    except ValueError as error:
        raise TomlError(f"error: {folder}: {error}") from None
    entries, recordings = (tuple(row) for row in zip(*read, strict=True)) if read else ((), ())
    return AnnouncementBank(bank, entries, recordings, tuple(paths), shared)
