"""Several numbers of one person: which columns hold them, and what comes of each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dialerd.core.limits import NUMBERS_MAX
from dialerd.core.numbering import load_numbering
from dialerd.importer.io_import import Options, import_file
from dialerd.importer.layout import find_layout
from dialerd.importer.summary import Summary
from dialerd.store import MemoryStore
from dialerd.store.base import BaseStore
from dialerd.store.reading import scan_all
from dialerd.store.schema import CONTACT

NUMBERING = load_numbering((Path(__file__).parents[2] / "conf/numbering/vn.toml").read_text())
LAN, MAI, HOA = 84_912_345_678, 84_903_000_111, 84_988_000_222
BODY = "Lan,0912345678,0903000111\n"


def others(titles: str, body: str = BODY, **how) -> tuple[str, ...]:
    lines = [titles + "\n", *body.splitlines(keepends=True)] if titles else [body]
    found = find_layout(lines, NUMBERING, how.pop("mapping", {}), **how)
    return tuple(found.names[i] for i in found.others)


@pytest.mark.parametrize(
    "title",
    [
        "phone2", "Phone 2", "Mobile", "mobile_2", "Home", "home phone", "Office phone", "Work",
        "Số phụ", "SĐT phụ", "SĐT 2", "Số 2", "Điện thoại nhà", "Nhà riêng", "Di động 2",
        "ĐT cơ quan", "Cơ quan", "Số khác", "Zalo", "Alternate phone", "Secondary", "tel 2",
    ],
)  # fmt: skip
def test_titles_of_a_further_number(title):
    assert others(f"name,SĐT,{title}") == (title,)


@pytest.mark.parametrize(
    "title",
    ["fax", "Fax phone", "SĐT người giới thiệu", "SĐT nhân viên", "Emergency phone", "mã khách"],
)
def test_numbers_of_somebody_else_are_texts(title):
    assert others(f"name,SĐT,{title}") == ()


def test_content_counts_too():
    assert others("name,SĐT,Home", "Lan,0912345678,Hanoi\nMai,0903000111,Hue\n") == ()
    assert others("", BODY) == ()  # a column without a title is no one's further number


def test_columns_may_be_told_and_keep_their_order():
    body = "Lan,0912345678,0903000111,0988000222\n"
    mapping = {"b": "phone3", "c": "phone2", "a": "phone"}
    assert others("name,a,b,c", body, mapping=mapping) == ("phone2", "phone3")
    assert others("name,SĐT,Mobile,c", body, mapping={"c": "phone2"}) == ("phone2",)
    assert others("name,SĐT,Mobile", several=False) == ()


def test_no_more_than_a_person_may_have():
    titles = ",".join(["SĐT", *(f"phone{n}" for n in range(2, 10))])
    body = ",".join(f"091234567{n}" for n in range(9)) + "\n"
    assert len(others(titles, body)) == NUMBERS_MAX - 1


def add(tmp_path: Path, text: str, store: BaseStore | None, **options) -> Summary:
    path = tmp_path / "leads.csv"
    path.write_text(text)
    how = Options(**options)
    return asyncio.run(import_file(path, "khách", NUMBERING, store, at_ms=1, options=how))


def contacts(store: BaseStore):
    return store._read(
        lambda unit: [CONTACT.unpack(raw) for _, raw in scan_all(unit.t.contacts, b"", b"\xff" * 9)]
    )


def test_every_number_of_a_row_is_kept_with_its_carrier(tmp_path):
    store = MemoryStore()
    made = add(tmp_path, f"name,SĐT,Số phụ\n{BODY}", store)
    (lan,) = contacts(store)
    assert (lan.phone, lan.carrier, lan.original) == (LAN, "vinaphone", "0912345678")
    assert [(one.phone, one.carrier, one.column) for one in lan.others] == [
        (MAI, "mobifone", "Số phụ")
    ]
    assert lan.fields == {"name": "Lan", "Số phụ": "0903000111"}  # what was written stays
    assert (made.valid, made.further, made.other_columns) == (1, 1, ("Số phụ",))


def test_where_the_first_column_holds_none_the_next_is_the_number(tmp_path):
    store = MemoryStore()
    text = "name,SĐT,Mobile,Home\nLan,113,0912345678,0903000111\nMai,,01681234567,\n"
    made = add(
        tmp_path, text, store, mapping={"SĐT": "phone", "Mobile": "phone2", "Home": "phone3"}
    )
    lan, mai = contacts(store)
    assert (lan.phone, lan.original, [one.phone for one in lan.others]) == (
        LAN, "0912345678", [MAI],
    )  # fmt: skip
    assert lan.fields["phone"] == "113"
    assert (mai.phone, mai.others) == (84_381_234_567, ())
    assert (made.valid, made.rejected, made.unusable, made.converted) == (2, 0, 1, 1)


def test_a_further_cell_without_a_number_is_counted_and_stays_a_text(tmp_path):
    store = MemoryStore()
    made = add(tmp_path, f"name,SĐT,Mobile\n{BODY}Mai,0988000222,không có\n", store)
    _, mai = contacts(store)
    assert (mai.others, mai.fields["Mobile"], made.unusable) == ((), "không có", 1)


def test_duplicates_among_all_numbers_are_found(tmp_path):
    text = (
        "name,SĐT,Mobile\n"
        "Lan,0912345678,0903000111\n"
        "Mai,0903000111,0988000222\n"  # Lan's second number: she stands there already
        "Hoa,0988000222,0912345678\n"  # her second one is Lan's: left out
        "Hùng,0977000333,0977000333\n"
    )
    store = MemoryStore()
    made = add(tmp_path, text, store)
    assert (made.valid, made.duplicate, made.further, made.known) == (3, 1, 2, 1)
    assert [(c.phone, len(c.others)) for c in contacts(store)] == [
        (LAN, 1), (HOA, 0), (84_977_000_333, 0),
    ]  # fmt: skip
    dry = add(tmp_path, text, None)
    assert (dry.valid, dry.duplicate, dry.further, dry.known) == (3, 1, 2, 1)
    assert store.problems() == []


def test_an_import_that_was_cut_short_counts_them_the_same(tmp_path):
    class Cut(MemoryStore):
        def end_import(self, list_id, source):
            raise OSError("killed before its end")

    text = f"name,SĐT,Mobile\n{BODY}Mai,0988000222,0912345678\n"
    cut = Cut()
    with pytest.raises(OSError, match="killed"):
        add(tmp_path, text, cut)
    cut.end_import = MemoryStore.end_import.__get__(cut)  # type: ignore[method-assign]
    again = add(tmp_path, text, cut)
    assert again.resumed == 3
    assert (again.valid, again.further, again.known) == (2, 2, 1)
    cut.close()


def test_one_number_leaves_them_texts(tmp_path):
    store = MemoryStore()
    add(tmp_path, f"name,SĐT,Mobile\n{BODY}", store, several=False)
    (lan,) = contacts(store)
    assert (lan.others, lan.fields["Mobile"]) == ((), "0903000111")
