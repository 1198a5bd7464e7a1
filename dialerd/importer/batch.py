"""From rows to people: numbers read, other columns kept, refusals with their reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from dialerd.core.records import Contact
from dialerd.importer.layout import Layout
from dialerd.importer.limits import REJECT_TEXT_CHARS_MAX
from dialerd.importer.rows import Row
from fastpath.numbers import Numbering

DUPLICATE = "duplicate: this number is in the list already"


class Reject(NamedTuple):
    """A row that was not imported."""

    row: int
    text: str
    reason: str


class Batch(msgspec.Struct):
    """What some rows hold. `rows` and `conversions` go with `contacts`, element by element."""

    contacts: list[Contact] = []
    rows: list[int] = []
    conversions: list[bool] = []
    rejects: list[Reject] = []
    blank: int = 0

    def drop(self, indexes: Sequence[int]) -> None:
        """Contacts that turned out to be in the list already become rejects."""
        for i in indexes:
            self.rejects.append(Reject(self.rows[i], _cut(self.contacts[i].original), DUPLICATE))
        gone = set(indexes)
        self.contacts = [c for i, c in enumerate(self.contacts) if i not in gone]
        self.conversions = [c for i, c in enumerate(self.conversions) if i not in gone]
        self.rows = [r for i, r in enumerate(self.rows) if i not in gone]
        self.rejects.sort()


def make_batch(rows: Sequence[Row], layout: Layout, numbering: Numbering) -> Batch:
    """Read the numbers of some rows (as `read_rows` gives them, without the header)."""
    batch = Batch()
    phone = layout.phone
    usable: list[tuple[int, list[str]]] = []
    texts: list[str] = []
    for row, cells, refusal in rows:
        if refusal:
            batch.rejects.append(Reject(row, _cut(layout.delimiter.join(cells)), refusal))
        elif not any(cells) or not any(map(str.strip, cells)):
            batch.blank += 1
        else:
            usable.append((row, cells))
            texts.append(cells[phone] if phone < len(cells) else "")
    values, rules, reasons, carriers = numbering.normalise_many(texts)
    names = layout.names
    for i, (row, cells) in enumerate(usable):
        if not values[i]:
            batch.rejects.append(Reject(row, _cut(texts[i]), numbering.reasons[reasons[i]]))
            continue
        fields = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell}
        fields.pop(names[phone], None)
        if len(cells) > len(names):
            fields |= _unnamed(cells, names)
        batch.contacts.append(Contact(values[i], texts[i], numbering.carriers[carriers[i]], fields))
        batch.rows.append(row)
        batch.conversions.append(numbering.is_conversion(rules[i]))
    batch.rejects.sort()
    return batch


def _unnamed(cells: list[str], names: Sequence[str]) -> dict[str, str]:
    """Cells beyond the last column of the sample."""
    extra = {f"column_{i + 1}": cells[i].strip() for i in range(len(names), len(cells))}
    return {name: cell for name, cell in extra.items() if cell and name not in names}


def _cut(text: str) -> str:
    return text[:REJECT_TEXT_CHARS_MAX]
