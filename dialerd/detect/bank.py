"""The bank of announcements: all files below a folder, `conf/announcements` unless told otherwise.

A folder for each carrier. What recordings of different classes share is worth nothing for telling
them apart; it is found out here, of the bank as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, islice
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from dialerd.detect.bank_file import Announcement, Kind, read_announcement
from dialerd.detect.bank_prints import Prints
from dialerd.toml_load import TomlError
from fastpath.prints_bank import PRINTS_MAX, REFS_MAX, SHARED, SILENT, PrintBank, common

DEFAULT: Final = Path(__file__).resolve().parents[2] / "conf" / "announcements"
CARRIERS_MAX: Final = 256
FOLDERS_MAX: Final = 4
_KINDS: Final = {kind: number for number, kind in enumerate(Kind)}


class AnnouncementBank(msgspec.Struct, frozen=True):
    """What calls are matched with: `entries[match.ref]` is what a match is of.

    `shared[ref]` is the part of it, 0 to 1, that announcements of other classes have as well,
    `flags[ref]` which prints those are.
    """

    prints: PrintBank
    entries: tuple[Announcement, ...]
    recordings: tuple[Prints, ...]
    paths: tuple[Path, ...]
    shared: tuple[float, ...]
    flags: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        """How many announcements."""
        return len(self.entries)


def compose(
    recordings: Iterable[tuple[Kind, Prints]], known: Mapping[tuple[Kind, bytes], bytes] = {}
) -> tuple[PrintBank, tuple[float, ...], tuple[bytes, ...]]:
    """The bank of recordings, the part of each that is shared, their flags; ValueError at limits.

    `known` are flags, by class and codes, of a bank whose recordings are all among these: those
    were compared with each other already, which grows with the square of their number.
    """
    whole = list(recordings)
    if len(whole) > REFS_MAX:
        raise ValueError(f"{len(whole)} announcements; at most {REFS_MAX} are possible")
    total = sum(len(prints) for _, prints in whole)
    if total > PRINTS_MAX:
        raise ValueError(f"{total} prints; at most {PRINTS_MAX} are possible: 17 minutes of sound")
    before = [known.get((kind, prints.codes)) for kind, prints in whole]
    flags = [
        np.frombuffer(prints.flags if old is None else old, np.uint8).copy()
        for (_, prints), old in zip(whole, before, strict=True)
    ]
    for one, other in combinations(range(len(whole)), 2):
        if whole[one][0] is whole[other][0] or None not in (before[one], before[other]):
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
    return bank, tuple(shares), tuple(each.tobytes() for each in flags)


def files(folder: Path) -> Iterator[Path]:
    """The announcements of a bank, by carrier and name; a folder that is not there has none."""
    homes = sorted(each for each in folder.glob("*/") if not each.name.startswith("."))
    for home in homes[:CARRIERS_MAX]:
        yield from sorted(home.glob("*.toml"))


class _Kept(NamedTuple):
    """What a folder's files were when they were read, and what they said."""

    stamps: tuple[tuple[object, ...], ...]
    bank: AnnouncementBank
    left_out: tuple[TomlError, ...]


_kept: dict[Path, _Kept] = {}  # the newest of each of FOLDERS_MAX folders


def read_bank(folder: Path) -> tuple[AnnouncementBank, tuple[TomlError, ...]]:
    """The bank of a folder, and what is wrong with announcements that are left out of it.

    Files that are as they were (size, time, inode) are not read again, and recordings are compared
    only with new ones as long as none has gone. TomlError: more than there may be.
    """
    paths = list(islice(files(folder), REFS_MAX + 1))
    if len(paths) > REFS_MAX:
        raise TomlError(f"error: {folder}: more than {REFS_MAX} announcements")
    stamps = tuple(_stamp(path) for path in (*paths, *sorted(folder.glob("*/*.prints"))))
    old = _kept.get(folder)
    if old is not None and old.stamps == stamps:
        return old.bank, old.left_out
    left_out: list[TomlError] = []
    read: list[tuple[Announcement, Prints]] = []
    there: list[Path] = []
    for path in paths:
        try:
            read.append(read_announcement(path))
            there.append(path)
        except TomlError as error:
            left_out.append(error)
    pairs = [(announcement.kind, prints) for announcement, prints in read]
    try:
        whole, shared, flags = compose(pairs, _flags_known(old, pairs))
    except ValueError as error:
        raise TomlError(f"error: {folder}: {error}") from None
    entries, recordings = (tuple(row) for row in zip(*read, strict=True)) if read else ((), ())
    bank = AnnouncementBank(whole, entries, recordings, tuple(there), shared, flags)
    if len(_kept) >= FOLDERS_MAX:
        _kept.clear()
    _kept[folder] = _Kept(stamps, bank, tuple(left_out))
    return bank, tuple(left_out)


def _stamp(path: Path) -> tuple[object, ...]:
    try:
        now = path.stat()
    except OSError:
        return (path,)
    return path, now.st_mtime_ns, now.st_ctime_ns, now.st_size, now.st_ino


def _flags_known(
    old: _Kept | None, pairs: list[tuple[Kind, Prints]]
) -> Mapping[tuple[Kind, bytes], bytes]:
    """What was found out before; nothing when a recording has gone, which others shared with."""
    if old is None:
        return {}
    names = ((one.kind, each.codes) for one, each in zip(
        old.bank.entries, old.bank.recordings, strict=True
    ))  # fmt: skip
    known = dict(zip(names, old.bank.flags, strict=True))
    return known if known.keys() <= {(kind, prints.codes) for kind, prints in pairs} else {}


def load_bank(folder: Path | None = None) -> AnnouncementBank:
    """The bank of a folder; TomlError tells everything that is wrong with its files."""
    bank, left_out = read_bank(folder or DEFAULT)
    if left_out:
        findings = tuple(finding for error in left_out for finding in error.findings)
        raise TomlError("\n".join(map(str, left_out)), findings)
    return bank
