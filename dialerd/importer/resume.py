"""Going on with an import that was cut short.

The store keeps with every batch up to which row of the file it has come. The rows before are read
again, because the reject file and the books are made of them, and found in the list, not added:
people stand in the list in the order of the file, so a row whose number stands behind those before
it was added by this import, and any other was left out as a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from dialerd.core.records import ImportMark
from dialerd.importer.batch import DUPLICATE, ELSEWHERE, Batch
from dialerd.importer.layout import Layout

Standing = Callable[[Sequence[int]], list[tuple[int, bool]]]


class ChangedError(ValueError):
    """The import cannot go on; the words say why and what to do."""


def options_digest(layout: Layout, *, skip_elsewhere: bool) -> bytes:
    """Stands for how a file is read, so that both halves of an import are read alike."""
    told: tuple[object, ...] = (
        layout.delimiter, layout.header, layout.names, layout.phone, skip_elsewhere,
    )  # fmt: skip
    if layout.others:
        told = (*told, layout.others)
    return blake2b(msgspec.json.encode(told), digest_size=16).digest()


def check_same(mark: ImportMark, digest: bytes, options: bytes, list_name: str) -> None:
    """ChangedError unless the file and the way it is read are those of the mark."""
    begun = f"its import into {list_name!r} stopped behind row {mark.rows}"
    again = "or give --restart to begin with the first row (nobody is added twice)"
    if mark.digest != digest:
        raise ChangedError(f"{begun}, and the file was changed since: put it back, {again}")
    if mark.options != options:
        raise ChangedError(f"{begun}, and it was read otherwise: give the same options, {again}")


class Replay:
    """Tells of rows that an earlier run settled which of them it added."""

    def __init__(self, mark: ImportMark, standing: Standing) -> None:
        """`standing` looks numbers up in the list and in others: see `Store.standing`."""
        self._standing = standing
        self._last = mark.size

    def settle(self, batch: Batch) -> int:
        """Leave those in the batch that were added; how many numbers are in another list too.

        ChangedError when one of them is in no list.
        """
        found = self._standing([contact.phone for contact in batch.contacts])
        gone: dict[int, str] = {}
        elsewhere = 0
        for index, (row, other) in enumerate(found):
            if row > self._last:
                self._last = row
                elsewhere += other
            elif row or other:
                gone[index] = DUPLICATE if row else ELSEWHERE
                elsewhere += not row
            else:
                number = batch.contacts[index].original
                raise ChangedError(
                    f"{number}, which an earlier run added, is in no list (was it erased?): give "
                    "--restart to begin with the first row (nobody is added twice)"
                )
        batch.drop(gone)
        return elsewhere

    def known(self, batch: Batch) -> int:
        """How many further numbers of those left in the batch are somebody else's in the list."""
        theirs = [contact for contact in batch.contacts if contact.others]
        rows = self._standing([contact.phone for contact in theirs])
        known = 0
        for contact, (row, _) in zip(theirs, rows, strict=True):
            others = self._standing([one.phone for one in contact.others])
            known += sum(at != row for at, _ in others)
        return known
