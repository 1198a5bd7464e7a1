"""From rows to people: numbers read, other columns kept, refusals with their reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from dialerd.core.records import Contact, OtherPhone
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
    unusable: int = 0  # cells of further numbers that hold none

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
    further = _further(batch, [cells for _, cells in usable], layout, numbering)
    for at, ((row, cells), value, text, carrier, reason) in enumerate(
        zip(usable, values, texts, carriers, reasons, strict=True)
    ):
        if further and further[at]:
            made = _with_further(cells, layout, (value, text, names[carrier]), further[at])
            contacts.append(made)
            numbers.append(row)
            if not value:
                batch.unusable += bool(text.strip())
                rules[at] = further[at][0].rule
        elif value:
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
        conversion[rule]
        for at, (rule, value) in enumerate(zip(rules, values, strict=True))
        if value or (further and further[at])
    ]
    rejects.sort()
    return batch


class _Further(NamedTuple):
    phone: int
    carrier: str
    column: int
    rule: int


def _further(
    batch: Batch, rows: Sequence[list[str]], layout: Layout, numbering: Numbering
) -> list[list[_Further]]:
    """The further numbers of each row, in the order of their columns; none where there are none."""
    if not layout.others:
        return []
    found: list[list[_Further]] = [[] for _ in rows]
    names = numbering.carriers
    for column in layout.others:
        texts = [cells[column] if column < len(cells) else "" for cells in rows]
        values, rules, _, carriers = numbering.normalise_many(texts)
        for at, value in enumerate(values):
            if value:
                found[at].append(_Further(value, names[carriers[at]], column, rules[at]))
            elif texts[at].strip():
                batch.unusable += 1
    return found


def _with_further(
    cells: list[str], layout: Layout, main: tuple[int, str, str], further: Sequence[_Further]
) -> Contact:
    """A person of several numbers; where the first column holds none, the next one is the main."""
    phone, text, carrier = main
    fields = _uneven(cells, layout)
    if not phone:
        if text.strip():
            fields[layout.names[layout.phone]] = text.strip()
        (phone, carrier, column, _), *further = further
        text = cells[column]
    seen = {phone}
    others = []
    for one in further:
        if one.phone not in seen:
            seen.add(one.phone)
            others.append(OtherPhone(one.phone, one.carrier, layout.names[one.column]))
    return Contact(phone, text, carrier, fields, tuple(others))


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
