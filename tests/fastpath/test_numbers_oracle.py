"""PyPI `phonenumbers` as oracle: every difference is known, listed here and in docs/numbering.md.

The first four digits behind the 0 and the length decide everything in both, so all of them are
tried: 9,000 heads at 8, 9 and 10 digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import phonenumbers
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType as Kind
from phonenumbers import carrier as oracle_carrier

from dialerd.core.numbering import load_numbering
from fastpath.numbers import Analysis

ROOT = Path(__file__).parents[2]
NUMBERING = load_numbering((ROOT / "conf/numbering/vn.toml").read_text())
DOCUMENT = (ROOT / "docs/numbering.md").read_text()


def heads(*texts: str) -> frozenset[int]:
    """Four-digit heads that begin with one of the texts."""
    return frozenset(
        head for head in range(1000, 10_000) if any(str(head).startswith(t) for t in texts)
    )


class Difference(NamedTuple):
    """A set of numbers read differently. `ours`: rule or reason begins so; `oracle`: its type."""

    name: str
    lengths: tuple[int, ...]
    heads: frozenset[int]
    ours: str
    oracle: int | None


DIFFERENCES = [
    Difference("1800 is closed", (8, 9, 10), heads("1800"), "tollfree:", Kind.TOLL_FREE),
    Difference("1900 is closed", (8, 9, 10), heads("1900"), "premium:", Kind.PREMIUM_RATE),
    Difference("069 is closed", (8,), heads("69"), "military:", Kind.UAN),
    Difference(
        "120x is no 1800", (8,), heads("1201", "1203", "1228"), "too_short:", Kind.TOLL_FREE
    ),
    Difference("030 031 are old", (9,), heads("30", "31"), "ambiguous:", Kind.MOBILE),
    Difference("051 is nobody's", (9,), heads("512", "513", "514"), "prefix:", Kind.MOBILE),
    Difference(
        "051 is nobody's", (9,), heads("515", "516", "517", "518", "519"), "prefix:", Kind.MOBILE
    ),
    Difference("051 is nobody's", (9,), heads("510", "511"), "too_short:", Kind.MOBILE),
    Difference("095 is nobody's", (9,), heads("95"), "prefix:", Kind.MOBILE),
    Difference("014 016 are nobody's", (9,), heads("140", "160"), "prefix:", Kind.MOBILE),
    Difference(
        "0121 is old", (9,), heads("1210", "1211", "1212", "1213"), "too_short:", Kind.MOBILE
    ),
    Difference("052 is whole", (9,), heads("52") - heads("522", "523", "528"), "mobile:", None),
    Difference("055 is Wintel", (9,), heads("55") - heads("559"), "mobile:", None),
    Difference(
        "089 is whole", (9,), heads("89") - heads("896", "897", "898", "899"), "mobile:", None
    ),
    Difference("0992 is open", (9,), heads("992"), "mobile:", None),
    Difference("0249 is open", (10,), heads("249"), "landline:", None),
]
VOIP = heads("672")  # the oracle's VoIP range inside of the old 067
CARRIERS = {  # (ours, the oracle's) -> prefixes
    ("itel", "vinaphone"): "0870 0871 0872 0873 0874 0875 0876 0877 0878 0879",
    ("wintel", ""): "0550 0551 0552 0553 0554 0555 0556 0557 0558",
    ("wintel", "reddi"): "0559",
    ("fpt", "mobifone"): "0775",
    ("vnsky", "mobifone"): "0777 0778",
    ("mobifone", ""): "0890 0891 0892 0893 0894 0895",
    ("vietnamobile", ""): "0520 0521 0524 0525 0526 0527 0529",
    ("gmobile", ""): "0990 0991 0992",
    ("gmobile", "indochinatelecom"): "0998 0999",
}


def oracle(text: str) -> tuple[str | None, int | None]:
    """E.164 and type if it is valid, else None."""
    try:
        number = phonenumbers.parse(text, "VN")
    except phonenumbers.NumberParseException:
        return None, None
    if not phonenumbers.is_valid_number(number):
        return None, None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, phonenumbers.number_type(number)


def differs(length: int) -> dict[int, tuple[Analysis, str | None, int | None]]:
    """Heads at which the two disagree about validity or E.164."""
    found = {}
    for head in range(1000, 10_000):
        national = f"0{head}" + "1234567"[: length - 4]
        ours = NUMBERING.analyse(national)
        e164, kind = oracle(national)
        if ours.e164 != e164 or ours.dialable != (e164 is not None):
            found[head] = (ours, e164, kind)
    return found


@pytest.mark.parametrize("length", [8, 9, 10])
def test_every_difference_is_known(length: int) -> None:
    found = differs(length)
    converted = {head for head, (ours, _, _) in found.items() if ours.converted}
    for head in converted:
        _, e164, kind = found[head]
        assert (e164 is not None) == (length == 9 and head in VOIP), head
        assert kind in (None, Kind.VOIP)
    listed: set[int] = set()
    for difference in DIFFERENCES:
        if length not in difference.lengths:
            continue
        listed |= difference.heads
        for head in difference.heads:
            assert head in found, f"{difference.name}: no longer different at {head}"
            ours, _, kind = found[head]
            assert kind == difference.oracle, (difference.name, head)
            assert (ours.rule or ours.reason or "").startswith(difference.ours), head
    assert set(found) - converted == listed


def test_the_oracle_knows_no_migration() -> None:
    """Every old number we convert is invalid to it, the 0672 block excepted."""
    for head in range(1000, 10_000):
        for length in (9, 10):
            national = f"0{head}" + "1234567"[: length - 4]
            if NUMBERING.analyse(national).converted:
                valid = oracle(national)[0] is not None
                assert valid == (length == 9 and head in VOIP)


def test_carriers() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for head in range(100, 1000):
        national = f"0{head}123456"
        ours = NUMBERING.analyse(national)
        if not ours.dialable or ours.converted:
            continue
        name = oracle_carrier.name_for_number(phonenumbers.parse(national, "VN"), "en")
        name = name.lower().replace("-", "").replace(" ", "")
        if name != ours.carrier:
            found.setdefault((ours.carrier or "", name), set()).add(national[:4])
    assert found == {pair: set(prefixes.split()) for pair, prefixes in CARRIERS.items()}


def test_differences_are_documented() -> None:
    names = {difference.name for difference in DIFFERENCES}
    assert [name for name in sorted(names) if f"| {name} |" not in DOCUMENT] == []
    for (ours, _), prefixes in CARRIERS.items():
        for prefix in prefixes.split():
            assert prefix in DOCUMENT or prefix[:3] in DOCUMENT, (ours, prefix)


def agreed(head: str) -> bool:
    """Whether both read some numbers that begin so alike."""
    return any(
        (ours := NUMBERING.analyse(f"0{head}{tail}")).dialable
        and ours.e164 == oracle(f"0{head}{tail}")[0]
        for tail in ("234567", "1234567")
    )


HEADS = [str(head) for head in range(100, 1000) if agreed(str(head))]
SEPARATORS = st.sampled_from(["", "", "", " ", ".", "-"])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_written_in_any_usual_form_both_read_the_same_number(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(HEADS)) + data.draw(
        st.text("0123456789", min_size=6, max_size=7)
    )
    plain = NUMBERING.analyse("0" + body)
    e164, _ = oracle("0" + body)
    assume(plain.dialable and plain.e164 == e164)
    spaced = "".join(digit + data.draw(SEPARATORS) for digit in body)
    for head in ("0", "+84", "+84 ", "(+84) ", "0084", "+84 (0) "):
        text = head + spaced
        assert NUMBERING.analyse(text).e164 == e164
        assert oracle(text)[0] == e164, text
