"""Contact lists as people hand them in: seeded, messy, and with the truth kept beside every row.

The facts of the numbering plan are written down here a second time on purpose: a list that was made
with the normaliser's own tables could not find a mistake in them.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from dialerd.sim import limits

HEADER = ("STT", "Họ và tên", "Số điện thoại", "Tỉnh/Thành", "Gói cước", "Ngày hết hạn", "Ghi chú")

PHONE_COLUMN = HEADER[2]

#: Mobile prefixes by carrier, and how often a list has them.
PREFIXES: dict[str, tuple[int, tuple[str, ...]]] = {
    "viettel": (48, ("86", "96", "97", "98", "32", "33", "34", "35", "36", "37", "38", "39")),
    "mobifone": (22, ("89", "90", "93", "70", "76", "77", "78", "79")),
    "vinaphone": (20, ("88", "91", "94", "81", "82", "83", "84", "85")),
    "vietnamobile": (4, ("92", "52", "56", "58")),
    "gmobile": (2, ("99", "59")),
    "": (4, ("24", "28", "236", "225", "292", "274")),  # landlines have no carrier
}

#: Virtual operators inside the prefixes above.
VIRTUAL: dict[str, str] = {"777": "vnsky", "778": "vnsky", "775": "fpt"}

#: New mobile prefix to the one it had before 2018, with 11 digits.
BEFORE_2018: dict[str, str] = {
    "70": "120", "79": "121", "77": "122", "83": "123", "84": "124", "85": "125", "76": "126",
    "81": "127", "78": "128", "82": "129", "32": "162", "33": "163", "34": "164", "35": "165",
    "36": "166", "37": "167", "38": "168", "39": "169", "56": "186", "58": "188", "59": "199",
}  # fmt: skip


class Fact(StrEnum):
    """What a row really is."""

    VALID = "valid"
    DUPLICATE = "duplicate"  # a number of an earlier row, written in another way
    REJECTED = "rejected"


class Row(NamedTuple):
    """One line of a list, and what it really is."""

    cells: tuple[str, ...]
    fact: Fact
    e164: str  # digits without the plus; empty when rejected
    carrier: str  # as in PREFIXES or VIRTUAL; empty for landlines and when rejected


class Mess(NamedTuple):
    """How messy a list is; shares from 0 to 1."""

    rejected: float = 0.03
    duplicates: float = 0.02


def rows(n: int, seed: int, mess: Mess = Mess()) -> Iterator[Row]:  # noqa: B008  immutable
    """`n` rows; the same for the same arguments. ValueError beyond the bounds."""
    if not 0 <= n <= limits.ROWS_MAX:
        raise ValueError(f"a list has from 0 to {limits.ROWS_MAX} rows")
    if not (mess.rejected >= 0 and mess.duplicates >= 0 and mess.rejected + mess.duplicates <= 1):
        raise ValueError("the shares of rejected and duplicate rows must be from 0 to 1 in all")
    rng = random.Random(f"list:{seed}")  # noqa: S311  a repeatable list, nothing secret
    # Walking the subscriber numbers in strides of a number coprime to their count never repeats
    # one.
    offset, stride = rng.randrange(10**7), rng.randrange(10**6) * 10 + 7_000_003
    earlier: list[tuple[str, str]] = []  # (national significant number, carrier)
    for i in range(n):
        chance = rng.random()
        if chance < mess.rejected:
            fact, text, e164, carrier = Fact.REJECTED, _garbage(rng), "", ""
        else:
            if chance < mess.rejected + mess.duplicates and earlier:
                fact = Fact.DUPLICATE
                significant, carrier = earlier[int(rng.random() * len(earlier))]
            else:
                fact = Fact.VALID
                significant, carrier = _fresh(rng, (offset + i * stride) % 10**7)
                if len(earlier) < limits.DUPLICATES_FROM:
                    earlier.append((significant, carrier))
            text, e164 = _typed(rng, significant, carrier), "84" + significant
        yield Row((str(i + 1), _name(rng), text, *_extras(rng)), fact, e164, carrier)


def numbers(seed: int) -> Iterator[tuple[int, str]]:
    """E.164 numbers, each once, with their carriers; 10^7 of them."""
    rng = random.Random(f"numbers:{seed}")  # noqa: S311  a repeatable list, nothing secret
    offset, stride = rng.randrange(10**7), rng.randrange(10**6) * 10 + 7_000_003
    for i in range(10**7):
        significant, carrier = _fresh(rng, (offset + i * stride) % 10**7)
        yield int("84" + significant), carrier


def csv_text(made: Iterator[Row], *, delimiter: str = ",") -> str:
    """The rows as a CSV with a header, the way a spreadsheet saves it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(row.cells for row in made)
    return out.getvalue()


_CARRIERS = tuple(PREFIXES)
_WEIGHTS = tuple(weight for weight, _ in PREFIXES.values())
_DRAW = tuple(c for c, w in zip(_CARRIERS, _WEIGHTS, strict=True) for _ in range(w))


def _fresh(rng: random.Random, subscriber: int) -> tuple[str, str]:
    """A number nobody has had: seven digits of its own below a drawn prefix."""
    carrier = _DRAW[int(rng.random() * len(_DRAW))]
    prefix = _pick(rng, PREFIXES[carrier][1])
    if carrier:
        significant = f"{prefix}{subscriber:07d}"
        return significant, VIRTUAL.get(significant[:3], carrier)
    # 024 and 028 have eight digits; the first of a fixed telephone is a 3 since 2014.
    return f"{prefix}{'3' * (len(prefix) == 2)}{subscriber:07d}", ""


# ---- how a number is typed ------------------------------------------------------------------

#: Ways of typing a number, with weights: {s} is its significant part, {a} {b} {c} that in groups.
TYPED: tuple[tuple[int, str], ...] = (
    (43, "0{s}"),
    (9, "0{a} {b} {c}"),
    (9, "0{a}.{b}.{c}"),
    (4, "0{a}-{b}-{c}"),
    (8, "+84{s}"),
    (8, "84{s}"),
    (3, "(84){s}"),
    (2, "(+84) {a} {b} {c}"),
    (2, "0084{s}"),
    (2, " 0{s} "),
    (1, "\u00a00{s}"),
    (1, "'0{s}"),
    (1, "0{s} (gọi sau 17h)"),
    (1, "ĐT: 0{s}"),
    (1, "+84 (0) {s}"),
)
_WAYS = tuple(way for weight, way in TYPED for _ in range(weight))
_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")

WIDE = 0.02  #: share typed in full-width digits
LOST_ZERO = 0.05  #: share whose zero a spreadsheet dropped; only mobiles stay readable then
OLD_STYLE = 0.12  #: share of those with a former prefix that are still written with it


def _typed(rng: random.Random, significant: str, carrier: str) -> str:
    """A number as somebody typed it."""
    chance = rng.random()
    if carrier:
        if chance < LOST_ZERO:
            return significant
        old = BEFORE_2018.get(significant[:2])
        if old is not None and chance < LOST_ZERO + OLD_STYLE:
            significant = old + significant[2:]
    if chance > 1 - WIDE:
        return ("0" + significant).translate(_WIDE)
    way = _WAYS[int(rng.random() * len(_WAYS))]
    parts = {"a": significant[:-6], "b": significant[-6:-3], "c": significant[-3:]}
    return way.format(s=significant, **parts)


#: What stands in a phone column and may not be dialed; each # is a random figure.
GARBAGE: tuple[str, ...] = (
    "", "không có", "N/A", "chưa cập nhật", "xem ghi chú",
    "09####",  # half a number
    "09############",  # too long
    "1900 ####", "1800######", "1900##",  # premium, free, and too short for either
    "113", "114", "115",  # emergency
    "8.##E+10",  # a spreadsheet's idea of a number
    "+1 202 555 ####",  # abroad, not on the allow-list
    "02####", "0000000000", "nguyen##@example.com", '=HYPERLINK("http://example.com")',
)  # fmt: skip


def _garbage(rng: random.Random) -> str:
    pieces = _pick(rng, GARBAGE).split("#")
    return pieces[0] + "".join(f"{int(rng.random() * 10)}{piece}" for piece in pieces[1:])


# ---- everything else of a row ---------------------------------------------------------------

_FAMILY = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ",
)  # fmt: skip
_MIDDLE = (
    "Văn", "Thị", "Minh", "Ngọc", "Đức", "Thanh", "Hữu", "Quang", "Thu", "Xuân", "Gia", "Bảo",
)  # fmt: skip
_GIVEN = (
    "An", "Anh", "Bình", "Châu", "Cường", "Dũng", "Duyên", "Giang", "Hà", "Hải", "Hạnh", "Hiếu",
    "Hoa", "Hùng", "Huyền", "Khánh", "Lan", "Linh", "Long", "Mai", "Nam", "Nga", "Nhung", "Phúc",
    "Phương", "Quân", "Sơn", "Tâm", "Thảo", "Thủy", "Trang", "Trung", "Tuấn", "Uyên", "Việt", "Yến",
)  # fmt: skip
_PLACES = (
    "Hà Nội", "TP. Hồ Chí Minh", "Đà Nẵng", "Hải Phòng", "Cần Thơ", "Bình Dương", "Đồng Nai",
    "Nghệ An", "Thanh Hóa", "Quảng Ninh", "Khánh Hòa", "Lâm Đồng", "",
)  # fmt: skip
_PLANS = ("V90", "ST120K", "D159V", "KC90", "MXH120", "5G150", "")
_NOTES = (
    "", "", "", "", "", "khách cũ", "gọi giờ hành chính", "ưu tiên, VIP", 'dùng "combo"; hỏi lại',
    "=1+1", "+ tặng quà", "@chăm sóc", "ghi chú\ncó xuống dòng",
)  # fmt: skip


def _pick(rng: random.Random, words: tuple[str, ...]) -> str:
    return words[int(rng.random() * len(words))]


def _name(rng: random.Random) -> str:
    name = f"{_pick(rng, _FAMILY)} {_pick(rng, _MIDDLE)} {_pick(rng, _GIVEN)}"
    return name.upper() if rng.random() < 0.05 else name


def _extras(rng: random.Random) -> tuple[str, str, str, str]:
    day = f"{1 + int(rng.random() * 28):02d}/{1 + int(rng.random() * 12):02d}/2026"
    return _pick(rng, _PLACES), _pick(rng, _PLANS), day, _pick(rng, _NOTES)
