"""Where things stand in a table: delimiter, header, which column is the phone, names of the others.

The phone column is named (`phone=` of a mapping), else found by its name, else by its content.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from dialerd.core.limits import NUMBERS_MAX
from dialerd.importer.limits import COLUMNS_MAX, NAME_CHARS_MAX, SAMPLE_ROWS
from dialerd.importer.rows import TOO_WIDE, read_rows
from fastpath.numbers import Numbering

DELIMITERS: Final = (",", ";", "\t", "|")
PHONE: Final = "phone"
# Names of a phone column, as `plain` leaves them.
EXACT: Final = frozenset({
    "phone", "phone1", "phoneno", "phonenumber", "mobile", "mobile1", "mobileno", "mobilenumber",
    "mobilephone", "cell", "cellphone", "tel", "tel1", "telno", "telephone", "telephonenumber",
    "contactnumber", "msisdn", "sdt", "sdt1", "sdtkh", "sodt", "dtdd", "sodtdd", "dienthoai",
    "sodienthoai", "sodienthoai1", "sodienthoaikhachhang", "sodienthoailienhe", "didong",
    "sodidong", "dienthoaididong", "sodienthoaididong", "thuebao", "sothuebao",
})  # fmt: skip
OTHERS: Final = frozenset({
    "sophu", "sokhac", "home", "nharieng", "nha", "office", "work", "coquan", "alt", "alternate",
    "secondary", "other", "zalo",
})  # fmt: skip
"""Names of a further phone column, besides all of a phone column."""
NUMBERED: Final = re.compile(r"(?:phone|mobile|cell|tel|telephone|sdt|so|sodt|dt|dtdd|didong)[2-9]")
STRANGERS: Final = (
    "fax", "gioithieu", "nhanvien", "khancap", "emergency", "referr", "agent", "sales", "baolanh",
)  # fmt: skip
"""In the name of a column whose numbers are those of somebody else, or of no telephone."""
TOLD: Final = re.compile(r"phone([2-9])")  # fields of a mapping that name further numbers
PARTS: Final = ("dienthoai", "phone", "mobile", "didong", "sdt", "msisdn", "thuebao")
_BLANK: Final = "".join(DELIMITERS) + " \N{NO-BREAK SPACE}"
_TORN: Final = re.compile('[,;\t|"]')  # in a cell that another delimiter would have split
SHARE_MIN: Final = 0.3  # of the filled cells must be numbers, for a column to be found by content


class LayoutError(ValueError):
    """The table cannot be used as it is; the words say what to do."""


class Layout(msgspec.Struct, frozen=True):
    """How to read the rows of one table."""

    delimiter: str
    header: bool
    names: tuple[str, ...]  # of every column, the phone column's too
    phone: int
    others: tuple[int, ...] = ()  # columns of further numbers, in their order

    @property
    def first(self) -> int:
        """Number of the first row with a person."""
        return 2 if self.header else 1


def plain(text: str) -> str:
    """Lower case, without marks, signs and spaces: "Số điện thoại" -> "sodienthoai"."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d"))
    return "".join(c for c in bare if c.isalnum())


def find_layout(
    lines: Sequence[str],
    numbering: Numbering,
    mapping: Mapping[str, str],
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    several: bool = True,
) -> Layout:
    """The layout of a table, from its first lines.

    Args:
        lines: the beginning of the text, line ends included.
        numbering: tells what a phone number is.
        mapping: column (name, or position from 1) -> field; the field "phone" is the number,
            "phone2" to "phone9" are further ones.
        header: whether the first row holds names; None: find out.
        delimiter: None: find out.
        several: find columns of further numbers too, if `mapping` names none.

    Raises:
        LayoutError: there is no row, no phone column, or `mapping` names a column there is not.
    """
    delimiters = (delimiter,) if delimiter else DELIMITERS
    tables = [(d, _sample(lines, d)) for d in delimiters]
    delimiter, rows = max(tables, key=lambda table: _quality(table[1], numbering))
    if not rows:
        raise LayoutError(_unread(lines))
    width = max(map(len, rows))
    if width == 1 and any(_is_wide(lines, d) for d in delimiters):
        raise LayoutError(TOO_WIDE)
    if header is None:
        header = _is_header(rows, numbering)
    titles = rows[0] if header else []
    people = rows[1:] if header else rows
    names = _names(titles, width)
    fields = _mapped(mapping, titles, names)
    if PHONE in fields.values():
        phone = next(i for i, field in fields.items() if field == PHONE)
    else:
        phone = _find_phone(titles, people, width, numbering)
    final = [fields.get(i, name) for i, name in enumerate(names)]
    told = sorted((field, i) for i, field in fields.items() if TOLD.fullmatch(field))
    others = [i for _, i in told]
    if several and not told:
        others = [i for i in range(width) if i != phone and _is_other(titles, people, i, numbering)]
    return Layout(delimiter, header, _distinct(final), phone, tuple(others[: NUMBERS_MAX - 1]))


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows = []
    for _, cells, refusal in read_rows(lines, delimiter):
        if not refusal and any(cell.strip(_BLANK) for cell in cells):
            rows.append([cell.strip() for cell in cells])
        if len(rows) == SAMPLE_ROWS:
            break
    return rows


def _unread(lines: Sequence[str]) -> str:
    """Why none of the rows can be taken: the first refusal, and how wide that row looks."""
    for number, cells, refusal in read_rows(lines, DELIMITERS[0]):
        if refusal:
            widest = max(sum(cell.count(one) for cell in cells) for one in DELIMITERS)
            width = max(len(cells), widest + 1)
            wide = f" (at least {width} columns, {COLUMNS_MAX} at most)"
            return f"row {number} cannot be read: {refusal}{wide if width > COLUMNS_MAX else ''}"
    return "there is no row in it"


def _is_wide(lines: Sequence[str], delimiter: str) -> bool:
    return any(refusal == TOO_WIDE for _, _, refusal in read_rows(lines[:1], delimiter))


def _quality(rows: list[list[str]], numbering: Numbering) -> tuple[float, float, float, int]:
    """How much rows look like a table: a column of numbers and little else, an even width."""
    if not rows:
        return 0.0, 0.0, 0.0, 0
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    columns = range(width)
    clean = [["-" if _TORN.search(cell) else cell for cell in row] for row in rows]
    return (
        round(max(_share(clean, i, numbering) for i in columns), 1),
        round(max(_share(rows, i, numbering) for i in columns), 1),
        count / len(rows) if width > 1 else 0.0,
        width,
    )


def _share(rows: list[list[str]], column: int, numbering: Numbering) -> float:
    """Which part of the filled cells of a column are phone numbers."""
    texts = [row[column] for row in rows if column < len(row) and row[column]]
    values, _, _, _ = numbering.normalise_many(texts)
    return sum(1 for value in values if value) / len(texts) if texts else 0.0


def _is_header(rows: list[list[str]], numbering: Numbering) -> bool:
    """A first row that names a phone column, or holds no number while the rows below it do."""
    if any(plain(cell) in EXACT for cell in rows[0]):
        return True
    if any(sum(c.isdigit() for c in cell) >= 6 for cell in rows[0]):
        return False
    if any(part in plain(cell) for cell in rows[0] for part in PARTS):
        return True
    return any(_share(rows[1:], i, numbering) >= SHARE_MIN for i in range(len(rows[0])))


def _names(titles: list[str], width: int) -> list[str]:
    """A name for every column: its title, else its position."""
    found = []
    for i in range(width):
        title = titles[i] if i < len(titles) else ""
        name = "".join(c if c.isprintable() else " " for c in title).strip()
        found.append(name[:NAME_CHARS_MAX] or f"column_{i + 1}")
    return found


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Repeated names get a number."""
    seen: set[str] = set()
    found = []
    for name in names:
        one, n = name, 1
        while one in seen:
            n += 1
            one = f"{name}_{n}"
        seen.add(one)
        found.append(one)
    return tuple(found)


def _mapped(mapping: Mapping[str, str], titles: list[str], names: list[str]) -> dict[int, str]:
    """Column index -> field, of the columns that the user renames."""
    known: dict[str, int] = {}
    for i, title in enumerate(titles):
        known.setdefault(plain(title), i)
    for i, name in enumerate(names):
        known.setdefault(plain(name), i)
    exact = {title: i for i, title in reversed(list(enumerate(titles)))}
    fields: dict[int, str] = {}
    for column, field in mapping.items():
        index = exact.get(column, known.get(plain(column)) if plain(column) else None)
        if index is None and column.isascii() and column.isdigit():
            index = int(column) - 1 if 1 <= int(column) <= len(names) else None
        if index is None:
            near = difflib.get_close_matches(column, names, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise LayoutError(f"there is no column {column!r}{hint} (columns: {_list(names)})")
        if index in fields or (field == PHONE and PHONE in fields.values()):
            raise LayoutError(f"{column}={field}: mapped twice")
        fields[index] = field
    return fields


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown}, ..." if len(names) > 20 else shown


def _is_other(
    titles: list[str], people: list[list[str]], column: int, numbering: Numbering
) -> bool:
    """Whether a column holds further numbers of the same people: its title and content say so."""
    name = plain(titles[column]) if column < len(titles) else ""
    if any(part in name for part in STRANGERS):
        return False
    named = name in EXACT or name.removeprefix("dt") in OTHERS or NUMBERED.fullmatch(name)
    if not named and not any(part in name for part in PARTS):
        return False
    return _share(people, column, numbering) >= SHARE_MIN


def _find_phone(
    titles: list[str], people: list[list[str]], width: int, numbering: Numbering
) -> int:
    """The best column by name and content; among equals the first."""
    best, score_max = -1, 0.0
    for i in range(width):
        name = plain(titles[i]) if i < len(titles) else ""
        share = _share(people, i, numbering)
        filled = any(i < len(row) and row[i] for row in people) or not people
        if name in EXACT and filled:
            score = share + 0.6
        elif any(part in name for part in PARTS) and filled:
            score = share + 0.3
        else:
            score = share if share >= SHARE_MIN else 0.0
        if score > score_max:
            best, score_max = i, score
    if best < 0:
        columns = _list(_names(titles, width))
        raise LayoutError(
            f"no column holds phone numbers (columns: {columns}); name it with --map COLUMN=phone"
        )
    return best
