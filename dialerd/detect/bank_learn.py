"""What many recordings of unanswered calls have in common: groups of the same announcement.

The longest recording that is in no group begins one; another one belongs to it when the live
matcher finds it there and most of what lies beside each other agrees. So recordings that begin
late, went through another codec or are noisy come together, those that share a phrase do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from dialerd.detect.bank import AnnouncementBank
from dialerd.detect.bank_prints import PER_S, SOUND_S_MIN, WINDOW_MS, Prints, agreement
from fastpath.prints import PrintMatch, PrintMatcher
from fastpath.prints_bank import PrintBank

FILES_MAX: Final = 20_000
GROUPS_MAX: Final = 2_000  # further recordings that are like none are left out
SHELF: Final = 16  # first recordings matched at once
GOOD_MIN: Final = 0.75  # of the half seconds that lie beside each other
OVERLAP_S_MIN: Final = 2.5
VERSION: Final = 1

Progress = Callable[[int, int], None]


class Heard(NamedTuple):
    """A recording and its prints."""

    path: str
    prints: Prints


class Member(msgspec.Struct, frozen=True):
    """A recording in its group: where in the group's example it begins, and how far it differs."""

    path: str
    offset_s: float
    ber: float


class Cluster(msgspec.Struct, frozen=True):
    """Recordings of one announcement; `example` is the longest of them."""

    name: str
    example: str
    seconds: float
    sound_s: float
    members: tuple[Member, ...]
    known: str = ""  # class:carrier:label, when the bank has it

    @property
    def size(self) -> int:
        """How many recordings."""
        return len(self.members)


class Clusters(msgspec.Struct, frozen=True):
    """All groups, the largest first, as they are kept beside a bank."""

    clusters: tuple[Cluster, ...]
    version: int = VERSION


class _Group:
    """A group in the making."""

    def __init__(self, first: Heard, known: str = "") -> None:
        self.first = first
        self.known = known
        self.members = [Member(first.path, 0.0, 0.0)]


class _Shelf:
    """Up to SHELF first recordings, matched together."""

    def __init__(self) -> None:
        self.groups: list[_Group] = []
        self.bank = PrintBank([])

    def add(self, group: _Group) -> None:
        """One more."""
        self.groups.append(group)
        # one kind: a recording that fits two groups belongs to the better one
        firsts = (one.first.prints for one in self.groups)
        self.bank = PrintBank((each.codes, each.flags, 0) for each in firsts)

    def find(self, heard: Heard) -> tuple[_Group, Member] | None:
        """The group that a recording belongs to."""
        best: tuple[_Group, Member] | None = None
        for match in matches(heard.prints, self.bank):
            group = self.groups[match.ref]
            member = belongs(heard, group.first.prints, match)
            if member is not None and (best is None or member.ber < best[1].ber):
                best = group, member
        return best


def matches(prints: Prints, bank: PrintBank) -> list[PrintMatch]:
    """What the live matcher says of a recording."""
    codes = np.frombuffer(prints.codes, np.uint16)[::2].copy()
    masks = np.frombuffer(prints.masks, np.uint16).copy()
    masks[np.frombuffer(prints.flags, np.uint8) != 0] = 0
    return PrintMatcher(bank).take(codes.data, masks[::2].copy().data)


def belongs(heard: Heard, first: Prints, match: PrintMatch) -> Member | None:
    """Whether a match holds for all that lies beside each other."""
    heard_prints = 2 * (match.at_ms // 32 - 1)
    near = round((match.position_ms - WINDOW_MS) * PER_S / 1000) - heard_prints
    # a tone before its sound was cut off to a print, not to two
    found = [(agreement(heard.prints, first, near + k), near + k) for k in (-2, -1, 0, 1, 2)]
    (ber, good, compared), offset = min(found)
    long_enough = compared >= min(OVERLAP_S_MIN, 0.6 * heard.prints.sound_s) * PER_S
    if not long_enough or good < GOOD_MIN:
        return None
    return Member(heard.path, round(offset / PER_S, 2), round(ber, 3))


def cluster(
    recordings: Sequence[Heard], bank: AnnouncementBank, progress: Progress | None = None
) -> Clusters:
    """Group recordings, those that the bank knows by what it says of them."""
    ordered = sorted(recordings, key=lambda one: (-one.prints.sound_s, one.path))
    known: dict[int, _Group] = {}
    shelves: list[_Shelf] = []
    for number, heard in enumerate(ordered):
        if progress is not None:
            progress(number, len(ordered))
        if heard.prints.sound_s < SOUND_S_MIN:
            continue
        sure = [match for match in matches(heard.prints, bank.prints) if match.sure]
        if sure:
            ref = sure[0].ref
            known.setdefault(ref, _Group(heard, bank.entries[ref].value))
            if known[ref].first is not heard:
                known[ref].members.append(Member(heard.path, 0.0, round(sure[0].ber, 3)))
            continue
        found = [one for shelf in shelves if (one := shelf.find(heard)) is not None]
        if found:
            group, member = min(found, key=lambda one: one[1].ber)
            group.members.append(member)
        elif sum(len(shelf.groups) for shelf in shelves) < GROUPS_MAX:
            if not shelves or len(shelves[-1].groups) == SHELF:
                shelves.append(_Shelf())
            shelves[-1].add(_Group(heard))
    groups = [group for shelf in shelves for group in shelf.groups]
    groups.sort(key=lambda one: -len(one.members))
    groups += sorted(known.values(), key=lambda one: -len(one.members))
    return Clusters(tuple(_finished(number, group) for number, group in enumerate(groups, 1)))


def _finished(number: int, group: _Group) -> Cluster:
    prints = group.first.prints
    return Cluster(
        f"c{number}", group.first.path, prints.seconds, prints.sound_s, tuple(group.members),
        group.known,
    )  # fmt: skip


def with_known(clusters: Clusters, name: str, known: str) -> Clusters:
    """The same with one group labelled."""
    return msgspec.structs.replace(
        clusters,
        clusters=tuple(
            msgspec.structs.replace(one, known=known) if one.name == name else one
            for one in clusters.clusters
        ),
    )


def save_clusters(path: Path, clusters: Clusters) -> None:
    """Write the groups down."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(clusters), indent=1))
    beside.replace(path)


def load_clusters(path: Path) -> Clusters:
    """The groups that were written down; ValueError, FileNotFoundError."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Clusters)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    if found.version != VERSION:
        raise ValueError(f"{path}: of another version; learn again")
    return found
