"""Delimiter, titles and phone column of tables as people send them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialerd.core.numbering import load_numbering
from dialerd.importer.layout import EXACT, Layout, LayoutError, find_layout, plain
from dialerd.importer.limits import COLUMNS_MAX, NAME_CHARS_MAX
from fastpath.numbers import Numbering

PLAN = (Path(__file__).parents[2] / "conf/numbering/vn.toml").read_text()


@pytest.fixture(scope="module")
def numbering() -> Numbering:
    return load_numbering(PLAN)


def layout(numbering: Numbering, text: str, mapping: dict[str, str] | None = None) -> Layout:
    return find_layout(text.splitlines(keepends=True), numbering, mapping or {})


PEOPLE = [("Lan", "0912345678"), ("Hùng", "0987654321"), ("Mai", "01681234567")]


def table(delimiter: str, *titles: str) -> str:
    rows = [titles] if titles else []
    rows += PEOPLE  # type: ignore[arg-type]
    return "".join(delimiter.join(row) + "\n" for row in rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(numbering: Numbering, delimiter: str) -> None:
    found = layout(numbering, table(delimiter, "name", "phone"))
    assert found == Layout(delimiter, True, ("name", "phone"), 1)
    assert layout(numbering, table(delimiter)).delimiter == delimiter


def test_a_delimiter_inside_of_texts_is_not_the_delimiter(numbering: Numbering) -> None:
    text = "tên;địa chỉ;sđt\nLan;12, Lê Lợi, Q1;0912345678\nMai;3, Hai Bà Trưng, Q3;0987654321\n"
    found = layout(numbering, text)
    assert (found.delimiter, found.names, found.phone) == (";", ("tên", "địa chỉ", "sđt"), 2)
    quoted = 'name,note,phone\nLan,"a;b;c",0912345678\nMai,"d;e;f",0987654321\n'
    assert layout(numbering, quoted).delimiter == ","


def test_one_column(numbering: Numbering) -> None:
    assert layout(numbering, "0912345678\n0987654321\n") == Layout(",", False, ("column_1",), 0)
    assert layout(numbering, "sdt\n0912345678\n") == Layout(",", True, ("sdt",), 0)
    assert layout(numbering, "phone\n") == Layout(",", True, ("phone",), 0)


@pytest.mark.parametrize(
    "title",
    [
        "phone", "Phone Number", "PHONE_NO", "Mobile", "Cell phone", "Tel.", "Telephone", "MSISDN",
        "SĐT", "sđt", "Sdt", "Số ĐT", "Số điện thoại", "SỐ ĐIỆN THOẠI", "So dien thoai",
        "Điện thoại", "Số điện thoại khách hàng", "Di động", "Số di động", "ĐTDĐ",
        "Customer mobile", "Điện thoại liên hệ", "Số thuê bao",
    ],
)  # fmt: skip
def test_titles_of_a_phone_column(numbering: Numbering, title: str) -> None:
    text = f"mã,{title},tên\n" + "".join(f"{i},{p},{n}\n" for i, (n, p) in enumerate(PEOPLE))
    found = layout(numbering, text)
    assert found.header
    assert found.phone == 1
    assert found.names == ("mã", title, "tên")


def test_plain() -> None:
    assert plain(" Số điện-thoại (KH) ") == "sodienthoaikh"
    assert plain("ĐTDĐ") == "dtdd"
    assert all(plain(name) == name for name in EXACT)


def test_content_tells_between_several_phone_columns(numbering: Numbering) -> None:
    text = "phone,mobile\n,0912345678\n,0987654321\n123,0903000001\n"
    assert layout(numbering, text).phone == 1
    text = "phone model,liên hệ\niPhone 12,0912345678\nNokia,0987654321\n"
    assert layout(numbering, text).phone == 1
    text = "phone,phone 2\n0912345678,0987654321\n0903000001,0987654322\n"
    assert layout(numbering, text).phone == 0


def test_a_titled_column_is_taken_even_if_its_numbers_are_bad(numbering: Numbering) -> None:
    text = "name,phone\nLan,12\nMai,\nHoa,x\n"
    assert layout(numbering, text).phone == 1


def test_content_without_titles(numbering: Numbering) -> None:
    found = layout(numbering, "1,Lan,84912345678,HN\n2,Mai,987654321,HCM\n3,Hoa,,ĐN\n")
    assert (found.header, found.phone) == (False, 2)
    assert found.names == ("column_1", "column_2", "column_3", "column_4")
    assert found.first == 1


def test_titles_that_say_nothing(numbering: Numbering) -> None:
    found = layout(numbering, "A,B\nLan,0912345678\nMai,0987654321\n")
    assert (found.header, found.phone, found.first) == (True, 1, 2)


def test_told_whether_there_are_titles(numbering: Numbering) -> None:
    lines = ["x,y\n", "Lan,0912345678\n"]
    assert find_layout(lines, numbering, {}, header=False).names == ("column_1", "column_2")
    assert find_layout(lines[1:], numbering, {}, header=False).header is False
    found = find_layout(["Lan,0912345678\n", "Mai,0987654321\n"], numbering, {}, header=True)
    assert found.names == ("Lan", "0912345678")


def test_blank_lines_before_the_table(numbering: Numbering) -> None:
    found = layout(numbering, "\n,,\nname,phone\nLan,0912345678\n")
    assert found.header
    assert found.names[:2] == ("name", "phone")


def test_names_are_cleaned_and_distinct(numbering: Numbering) -> None:
    long = "x" * 300
    text = f'note,note,,"a\tb",phone,{long}\n1,2,3,4,0912345678,6\n'
    found = layout(numbering, text)
    assert found.names == ("note", "note_2", "column_3", "a b", "phone", "x" * NAME_CHARS_MAX)


def test_mapping(numbering: Numbering) -> None:
    text = "Họ tên,Liên lạc,SĐT\nLan,0912345678,1\nMai,0987654321,2\n"
    found = layout(numbering, text, {"Liên lạc": "phone", "ho ten": "name", "3": "code"})
    assert found.names == ("name", "phone", "code")
    assert found.phone == 1
    by_position = layout(numbering, "Lan,0912345678\n", {"2": "phone", "1": "name"})
    assert by_position.names == ("name", "phone")


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"Lien lac": "phone", "Liên lạc": "x"}, "mapped twice"),
        ({"SĐT": "phone", "Họ tên": "phone"}, "mapped twice"),
        ({"Họ tênn": "name"}, "no column 'Họ tênn'; did you mean 'Họ tên'"),
        ({"4": "name"}, "no column '4'"),
        ({"0": "name"}, "no column '0'"),
        ({"--": "name"}, "no column '--'"),
    ],
)
def test_bad_mappings(numbering: Numbering, mapping: dict[str, str], words: str) -> None:
    with pytest.raises(LayoutError, match=words):
        layout(numbering, "Họ tên,Liên lạc,SĐT\nLan,0912345678,1\n", mapping)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no row"),
        ("\n\n,,\n", "no row"),
        ("name,city\nLan,HN\nMai,HCM\n", r"no column holds phone numbers \(columns: .*--map"),
        (",".join("a" * (COLUMNS_MAX + 1)) + "\n", f"more than {COLUMNS_MAX} columns"),
        (",".join("a" * 30_000) + "\n", r"row 1 .*at least 30000 columns, 200 at most\)"),
        (";".join(["so dien thoai"] * 4_000), r"row 1 .*at least 4000 columns"),
        ("x" * 70_000 + "\n", r"row 1 cannot be read: .*characters in the row$"),
    ],
)
def test_tables_that_cannot_be_used(numbering: Numbering, text: str, words: str) -> None:
    with pytest.raises(LayoutError, match=words) as caught:
        layout(numbering, text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
