"""Every way a spreadsheet saves Vietnamese text is read back as it was written."""

from __future__ import annotations

import gzip
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialerd.importer.encoding import CP1258, UTF8, NotTextError, Utf8Check, composed, from_head
from dialerd.importer.io_source import Source, SourceError
from dialerd.importer.limits import CHUNK_BYTES, LINE_CHARS_MAX

TEXT = (
    "Họ và tên,Số điện thoại\nNguyễn Thị Bưởi,0912345678\nĐặng Quốc Ẩn,0987654321\n"
    "Lê Ỷ Vũ,0903000001\nPhạm Thế Hệ,0168 123 4567\n"
)
VOWELS = {"̀", "́", "̉", "̃", "̣"}


def cp1258(text: str) -> bytes:
    """As Windows saves it: letters with their hat or horn, the tone mark behind them."""
    found = []
    for c in text:
        try:
            found.append(c.encode(CP1258))
            continue
        except UnicodeEncodeError:
            pass
        bare = unicodedata.normalize("NFD", c)
        tone = [mark for mark in bare if mark in VOWELS]
        letter = unicodedata.normalize("NFC", "".join(m for m in bare if m not in VOWELS))
        found.append((letter + "".join(tone)).encode(CP1258))
    return b"".join(found)


ENCODINGS = [
    ("utf-8", TEXT.encode(), "utf-8"),
    ("utf-8 with BOM", TEXT.encode("utf-8-sig"), "utf-8-sig"),
    ("utf-8 decomposed", unicodedata.normalize("NFD", TEXT).encode(), "utf-8"),
    ("utf-16 little-endian with BOM", b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16"),
    ("utf-16 big-endian with BOM", b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
    ("utf-16 little-endian", TEXT.encode("utf-16-le"), "utf-16-le"),
    ("utf-16 big-endian", TEXT.encode("utf-16-be"), "utf-16-be"),
    ("utf-32 with BOM", b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"), "utf-32"),
    ("Windows-1258", cp1258(TEXT), "cp1258"),
    ("ascii", b"phone\n0912345678\n", "utf-8"),
]


def read(path: Path) -> tuple[str, list[str]]:
    with Source(path) as source:
        lines = list(source.lines())
        assert source.position == source.size == path.stat().st_size
        return source.encoding, lines


@pytest.mark.parametrize(("name", "data", "encoding"), ENCODINGS, ids=[e[0] for e in ENCODINGS])
def test_encodings(tmp_path: Path, name: str, data: bytes, encoding: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(data)
    found, lines = read(path)
    assert found == encoding
    expected = "phone\n0912345678\n" if name == "ascii" else TEXT
    assert "".join(lines) == expected


def test_an_encoding_is_seen_however_late_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    rows = b"0912345678,An\n" * (3 * CHUNK_BYTES // 14)
    path.write_bytes(rows + cp1258("0912345678,Nguyễn\n"))
    found, lines = read(path)
    assert found == "cp1258"
    assert lines[-1] == "0912345678,Nguyễn\n"


def test_a_character_may_lie_across_two_chunks() -> None:
    data = ("ễ" * 10).encode()
    for cut in range(len(data)):
        check = Utf8Check()
        assert check.feed(data[:cut]) is None
        assert check.feed(data[cut:]) is None


def test_a_few_damaged_characters_are_not_another_encoding() -> None:
    text = (TEXT * 20).encode()
    damaged = text[:200] + b"\xff" + text[200:]
    assert Utf8Check().feed(damaged) == UTF8
    assert Utf8Check().feed(cp1258(TEXT)) == CP1258


def test_a_damaged_character_costs_that_character_only(tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv"
    data = (TEXT * 20).encode()
    path.write_bytes(data[:-10] + b"\xff" + data[-10:])
    encoding, lines = read(path)
    assert encoding == UTF8
    assert "".join(lines).count("\N{REPLACEMENT CHARACTER}") == 1
    assert lines[0] == "Họ và tên,Số điện thoại\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04....", "an Excel or zip file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file"),
        (gzip.compress(b"0912345678", mtime=0), "gzip"),
        (b"%PDF-1.7", "PDF"),
        (bytes(range(256)) * 8, "NUL"),
        (b"\0" * 100, "NUL"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(NotTextError, match=words):
        from_head(data)
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=f"^cannot read {path}: .*{words}") as caught:
        Source(path)
    assert "\n" not in str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        Source(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="Is a directory"):
        Source(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, end: str) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(f"phone{end}0912345678{end}0987654321".encode())
    assert read(path)[1] == [f"phone{end}", f"0912345678{end}", "0987654321"]


def test_a_long_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    long = '"' + "x" * (3 * LINE_CHARS_MAX)
    path.write_text(f"a\n{long}\nb\n{'y' * LINE_CHARS_MAX}\n{'z' * (LINE_CHARS_MAX - 1)}\nc")
    lines = read(path)[1]
    assert [len(line) for line in lines] == [
        2,
        LINE_CHARS_MAX + 1,
        2,
        LINE_CHARS_MAX + 1,
        LINE_CHARS_MAX,
        1,
    ]
    assert '"' not in lines[1]
    assert lines[2] == "b\n"
    assert lines[5] == "c"


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=60))
def test_any_text_comes_back_composed(text: str) -> None:
    check = Utf8Check()
    assert check.feed(text.encode()) is None
    assert composed(text) == unicodedata.normalize("NFC", text)
