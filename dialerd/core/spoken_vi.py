"""Vietnamese: numbers, money, dates and times as word prompts.

Every word is the name of a recording below `vi/words/`. What changes with the place a digit stands
in: mốt (1) and lăm (5) after mươi, lăm also after mười, tư (4) after mươi in the north; a zero in
the tens is linh in the north, lẻ in the south; a thousand is nghìn in the north, ngàn in the south.
Inside of a number every group of three says its hundreds, if only "không trăm".
"""

from __future__ import annotations

from typing import Final

UNITS: Final = (
    "khong", "mot", "hai", "ba", "bon", "nam", "sau", "bay", "tam", "chin",
)  # fmt: skip
# word -> what is spoken for it
WORDS: Final[dict[str, str]] = {
    "khong": "không", "mot": "một", "hai": "hai", "ba": "ba", "bon": "bốn", "nam": "năm",
    "sau": "sáu", "bay": "bảy", "tam": "tám", "chin": "chín",
    "mot-sac": "mốt", "tu": "tư", "lam": "lăm", "muoi-huyen": "mười", "muoi": "mươi",
    "linh": "linh", "le": "lẻ", "tram": "trăm", "nghin": "nghìn", "ngan": "ngàn",
    "trieu": "triệu", "ty": "tỷ", "am": "âm", "phay": "phẩy", "cong": "cộng",
    "dong": "đồng", "do-la": "đô la", "xu": "xu",
    "ngay": "ngày", "mung": "mùng", "thang": "tháng", "gio": "giờ", "phut": "phút",
}  # fmt: skip


def number(n: int, *, north: bool = True) -> list[str]:
    """A whole number."""
    if n < 0:
        return ["am", *number(-n, north=north)]
    if n == 0:
        return ["khong"]
    billions, rest = divmod(n, 10**9)
    said: list[str] = []
    if billions:
        said = [*number(billions, north=north), "ty"]
    for size, name in ((10**6, "trieu"), (10**3, "nghin" if north else "ngan"), (1, "")):
        group, rest = divmod(rest, size)
        if group:
            said += _group(group, whole=bool(said), north=north)
            said += [name] if name else []
    return said


def _group(n: int, *, whole: bool, north: bool) -> list[str]:
    """1 to 999; `whole`: something was said before it, so its hundreds are said."""
    hundreds, rest = divmod(n, 100)
    tens, unit = divmod(rest, 10)
    said = [UNITS[hundreds], "tram"] if hundreds or whole else []
    if tens == 0:
        if unit and said:
            said.append("linh" if north else "le")
        return [*said, UNITS[unit]] if unit else said
    said += ["muoi-huyen"] if tens == 1 else [UNITS[tens], "muoi"]
    if unit:
        said.append(_after_ten(unit, teen=tens == 1, north=north))
    return said


def _after_ten(unit: int, *, teen: bool, north: bool) -> str:
    if unit == 5:
        return "lam"
    if unit == 1 and not teen:
        return "mot-sac"
    if unit == 4 and not teen and north:
        return "tu"
    return UNITS[unit]


def digits(text: str) -> list[str]:
    """Digits one by one; a plus is said."""
    return ["cong" if c == "+" else UNITS[int(c)] for c in text]


def decimal(n: int, fraction: str, *, north: bool = True) -> list[str]:
    """A number with a comma: its decimals one by one."""
    return number(n, north=north) + (["phay", *digits(fraction)] if fraction else [])


def dong(n: int, *, north: bool = True) -> list[str]:
    """An amount of Vietnamese money."""
    return [*number(n, north=north), "dong"]


def dollars(n: int, cents: int, *, north: bool = True) -> list[str]:
    """An amount of American money; only cents when there is nothing else."""
    said = [*number(n, north=north), "do-la"] if n or not cents else []
    return said + ([*number(cents, north=north), "xu"] if cents else [])


def date(year: int | None, month: int, day: int, *, north: bool = True) -> list[str]:
    """A day. The first ten of a month are mùng; the fourth month is tư everywhere."""
    said = ["ngay", *(["mung"] if day <= 10 else []), *number(day, north=north), "thang"]
    said += ["tu"] if month == 4 else number(month, north=north)
    return said + (["nam", *number(year, north=north)] if year is not None else [])


def time(hour: int, minute: int, *, north: bool = True) -> list[str]:
    """A time of the day by the 24-hour clock."""
    said = [*number(hour, north=north), "gio"]
    return said + ([*number(minute, north=north), "phut"] if minute else [])
