"""From rows to people: numbers read, other columns kept, refusals with their reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from dialerd.core.records import Contact
from dialerd.importer.layout import Layout
from dialerd.importer.limits import REJECT_TEXT_CHARS_MAX
from dialerd.importer.rows import Row
from fastpath.numbers import Numbering

DUPLICATE = "duplicate: this number is in the list already"
ELSEWHERE = "duplicate_elsewhere: this number is in another list"


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

    def drop(self, gone: Mapping[int, str]) -> None:
        """Contacts that turned out to be in a list already become rejects: index -> reason."""
        if not gone:
            return
        for i, reason in gone.items():
            self.rejects.append(Reject(self.rows[i], _cut(self.contacts[i].original), reason))
        self.contacts = [c for i, c in enumerate(self.contacts) if i not in gone]
        self.conversions = [c for i, c in enumerate(self.conversions) if i not in gone]
        self.rows = [r for i, r in enumerate(self.rows) if i not in gone]
        self.rejects.sort()


def make_batch(rows: Sequence[Row], layout: Layout, numbering: Numbering) -> Batch:
    """Read the numbers of some rows (as `read_rows` gives them, without the header)."""
    batch = Batch()
    rejects, contacts, numbers = batch.rejects, batch.contacts, batch.rows
    phone, width = layout.phone, len(layout.names)
    usable: list[tuple[int, list[str]]] = []
    texts: list[str] = []
    for row, cells, refusal in rows:
        if refusal:
            rejects.append(Reject(row, _cut(layout.delimiter.join(cells)), refusal))
            continue
        text = cells[phone] if phone < len(cells) else ""
        if not text.strip() and not any(map(str.strip, cells)):
            batch.blank += 1
            continue
        usable.append((row, cells))
        texts.append(text)
    values, rules, reasons, carriers = numbering.normalise_many(texts)
    names, told = numbering.carriers, numbering.reasons
    others = layout.names[:phone] + layout.names[phone + 1 :]
    for (row, cells), value, text, carrier, reason in zip(
        usable, values, texts, carriers, reasons, strict=True
    ):
        if value:
            fields = (
                dict(zip(others, map(str.strip, cells[:phone] + cells[phone + 1 :]), strict=True))
                if len(cells) == width and "" not in cells
                else _uneven(cells, layout)
            )
            contacts.append(Contact(value, text, names[carrier], fields))
            numbers.append(row)
        else:
            rejects.append(Reject(row, _cut(text), told[reason]))
    conversion = {rule: numbering.is_conversion(rule) for rule in set(rules)}
    batch.conversions = [
        conversion[rule] for rule, value in zip(rules, values, strict=True) if value
    ]
    rejects.sort()
    return batch


def _uneven(cells: list[str], layout: Layout) -> dict[str, str]:
    """The fields of a row with empty cells, or of another width than the titles."""
    names = layout.names
    fields = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell}
    fields.pop(names[layout.phone], None)
    if len(cells) > len(names):
        fields |= _unnamed(cells, names)
    return fields


def _unnamed(cells: list[str], names: Sequence[str]) -> dict[str, str]:
    """Cells beyond the last column of the sample."""
    extra = {f"column_{i + 1}": cells[i].strip() for i in range(len(names), len(cells))}
    return {name: cell for name, cell in extra.items() if cell and name not in names}


def _cut(text: str) -> str:
    return text[:REJECT_TEXT_CHARS_MAX]
