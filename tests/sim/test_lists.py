"""Messy lists: repeatable, as messy as asked, and true to what they say of themselves."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.numbering import load_plan
from dialerd.sim import limits
from dialerd.sim.lists import (
    BEFORE_2018,
    HEADER,
    PHONE_COLUMN,
    PREFIXES,
    TYPED,
    VIRTUAL,
    Fact,
    Mess,
    csv_text,
    rows,
)
from fastpath.numbers import Numbering

N = 20_000
MADE = list(rows(N, 1))
PHONE = HEADER.index(PHONE_COLUMN)


def test_one_seed_makes_one_list_and_another_another():
    assert list(rows(300, 7)) == list(rows(300, 7))
    assert list(rows(300, 7)) != list(rows(300, 8))


def test_a_longer_list_begins_like_a_shorter_one():
    assert list(rows(500, 7))[:100] == list(rows(100, 7))


def test_the_shares_of_rejected_and_duplicates_are_kept():
    facts = Counter(row.fact for row in MADE)
    assert facts[Fact.REJECTED] / N == pytest.approx(0.03, abs=0.005)
    assert facts[Fact.DUPLICATE] / N == pytest.approx(0.02, abs=0.004)


def test_a_valid_number_is_new_and_a_duplicate_is_not():
    seen: set[str] = set()
    for row in MADE:
        if row.fact is Fact.VALID:
            assert row.e164 not in seen
            seen.add(row.e164)
        elif row.fact is Fact.DUPLICATE:
            assert row.e164 in seen
        else:
            assert row.e164 == row.carrier == ""


def test_every_number_belongs_to_its_carrier_and_has_its_length():
    for row in MADE:
        if row.fact is Fact.REJECTED:
            continue
        assert row.e164.startswith("84")
        significant = row.e164[2:]
        assert len(significant) == (9 if row.carrier else 10)
        carrier = VIRTUAL.get(significant[:3], row.carrier)
        assert carrier == row.carrier
        if carrier in PREFIXES:
            assert significant.startswith(PREFIXES[carrier][1])


def test_the_carriers_divide_as_their_weights_say():
    valid = [row for row in MADE if row.fact is Fact.VALID]
    counts = Counter(row.carrier for row in valid)
    for name, (weight, _) in PREFIXES.items():
        virtual = sum(counts[v] for v in VIRTUAL.values()) if name == "mobifone" else 0
        assert (counts[name] + virtual) / len(valid) == pytest.approx(weight / 100, abs=0.02)


def looks(text: str) -> str:
    """A typed number with every figure as 9, so that its way of typing shows."""
    return "".join("9" if c.isdigit() and c.isascii() else c for c in text)


def test_every_way_of_typing_and_every_kind_of_mess_occurs():
    typed = [row.cells[PHONE] for row in MADE if row.fact is not Fact.REJECTED]
    shapes = {looks(t) for t in typed}
    for _, way in TYPED:
        example = looks(way.format(s="912345678", a="912", b="345", c="678"))
        assert example in shapes, way
    assert any("０" in t for t in typed)
    assert any(len(t) == 9 and t.isascii() and t.isdigit() for t in typed), "lost zeros"
    for old in BEFORE_2018.values():
        assert any(t.startswith("0" + old) and len(t) == 11 for t in typed), old


def test_what_was_typed_still_holds_the_number():
    for row in MADE:
        if row.fact is Fact.REJECTED:
            continue
        text = unicodedata.normalize("NFKC", row.cells[PHONE]).replace("17h", "")
        digits = "".join(c for c in text if c.isdigit())
        assert digits.endswith(row.e164[-7:])


def test_what_is_rejected_never_holds_a_vietnamese_number():
    garbage = {row.cells[PHONE] for row in MADE if row.fact is Fact.REJECTED}
    assert {"", "113", "N/A"} <= garbage
    assert any(g.startswith("1900 ") for g in garbage)
    assert len(garbage) > 100


def test_the_csv_reads_back_with_quotes_commas_and_line_breaks():
    text = csv_text(rows(2_000, 3))
    back = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(back[0]) == HEADER
    assert [tuple(cells) for cells in back[1:]] == [row.cells for row in rows(2_000, 3)]
    assert any("\n" in row.cells[-1] for row in rows(2_000, 3))
    assert any(row.cells[-1].startswith(("=", "+", "@")) for row in rows(2_000, 3))


def test_another_delimiter():
    text = csv_text(rows(10, 3), delimiter=";")
    assert text.splitlines()[0] == ";".join(HEADER)


@given(
    seed=st.integers(),
    rejected=st.floats(0, 1),
    duplicates=st.floats(0, 1),
    n=st.integers(0, 60),
)
def test_any_mess_gives_exactly_n_rows(seed, rejected, duplicates, n):
    mess = Mess(rejected, duplicates)
    if rejected + duplicates > 1:
        with pytest.raises(ValueError, match="shares"):
            list(rows(n, seed, mess))
        return
    made = list(rows(n, seed, mess))
    assert len(made) == n
    assert all(len(row.cells) == len(HEADER) for row in made)
    valid = [row.e164 for row in made if row.fact is Fact.VALID]
    assert len(valid) == len(set(valid))


@pytest.mark.parametrize("n", [-1, limits.ROWS_MAX + 1])
def test_a_list_beyond_the_bound_is_refused(n):
    with pytest.raises(ValueError, match="rows"):
        next(rows(n, 1))


def test_the_normaliser_and_the_list_agree_on_every_row():
    plan = Path(__file__).parents[2] / "conf" / "numbering" / "vn.toml"
    numbering = Numbering(load_plan(plan.read_text()))
    for row in rows(N, 9, Mess(rejected=0.3)):
        read = numbering.analyse(row.cells[PHONE])
        if row.fact is Fact.REJECTED:
            assert not read.dialable, row
        else:
            assert (read.dialable, read.e164, read.carrier or "") == (
                True,
                "+" + row.e164,
                row.carrier,
            ), row
