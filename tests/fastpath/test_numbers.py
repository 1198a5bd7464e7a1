"""Reading phone numbers: every way to write one, every refusal, and that nothing else makes one."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from array import array
from pathlib import Path

import pytest

from dialerd.core.numbering import load_plan
from fastpath.numbers import REASONS, Number, Numbering

PLAN = (Path(__file__).parents[2] / "conf/numbering/vn.toml").read_text()


@pytest.fixture(scope="module")
def numbering() -> Numbering:
    return Numbering(load_plan(PLAN))


def with_plan(*changes: tuple[str, str]) -> Numbering:
    text = PLAN
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return Numbering(load_plan(text))


MOBILE = [
    "0912345678",
    "+84912345678",
    "84912345678",
    "(84)912345678",
    "(+84) 912 345 678",
    "+84 (0) 912.345.678",
    "+840912345678",
    "0084912345678",
    "00 84 912 345 678",
    "0912.345.678",
    "0912-345-678",
    "0912 345 678",
    "091/234/5678",
    "0912_345_678",
    "09 12 34 56 78",
    "0912\N{NO-BREAK SPACE}345\N{NO-BREAK SPACE}678",
    "0912\N{EN DASH}345\N{NON-BREAKING HYPHEN}678",
    "0912\N{NARROW NO-BREAK SPACE}345\N{IDEOGRAPHIC SPACE}678",
    "\t0912345678 ",
    "０９１２３４５６７８",
    "＋８４ ９１２．３４５．６７８",
    "\N{LEFT-TO-RIGHT EMBEDDING}+84 912 345 678\N{POP DIRECTIONAL FORMATTING}",
    "\N{ZERO WIDTH NO-BREAK SPACE}0912345678",
    "'0912345678",
    '="0912345678"',
    "912345678",
    "912345678.0",
    "84912345678.0",
    "SĐT: 0912.345.678 (Lan)",
    "sdt:0912345678",
    "Lan, 25 tuổi, 0912345678",
    "số 2: 0912345678, gọi sau 17h",
    "Tel.0912345678",
    "tel:+84912345678",
    "0912345678 ext. 12",
    "\N{TELEPHONE RECEIVER}0912345678\N{PARTY POPPER}",
]


@pytest.mark.parametrize("text", MOBILE)
def test_ways_to_write_a_number(numbering: Numbering, text: str) -> None:
    number = numbering.number(text)
    assert number.value == 84912345678
    assert number.digits == "84912345678"
    assert number.e164 == str(number) == "+84912345678"
    assert number.national == "0912345678"
    assert number.carrier == "vinaphone"
    analysis = numbering.analyse(text)
    assert analysis[:4] == (text, "+84912345678", "0912345678", "vinaphone")
    assert analysis.rule in ("mobile:091", "mobile:091+zero")
    assert analysis[5:] == (True, None, False)


REFUSED = [
    ("", "empty"),
    (" \t\N{NO-BREAK SPACE}", "empty"),
    ("Lan", "no_number"),
    ("--", "no_number"),
    ("0912345678\n", "control"),
    ("\r0912345678", "control"),
    ("0912;\r\nATD1900123456", "control"),
    ("0912345678\r\nSIP/2.0 200 OK", "control"),
    ("0912\x00345678", "control"),
    ("0912345678\x1a", "control"),
    ("0912345678\x85", "control"),
    ("0912345678\N{LINE SEPARATOR}", "control"),
    ("٠٩١٢٣٤٥٦٧٨", "script"),
    ("०९१२३४५६७८", "script"),
    ("091234567\N{SUPERSCRIPT TWO}", "script"),
    ("091234567\N{MATHEMATICAL BOLD DIGIT EIGHT}", "script"),
    ("9.12E+08", "scientific"),
    ("9,12E+08", "scientific"),
    ("9.12345678e8", "scientific"),
    ("8.4912E+10 Lan", "scientific"),
    ("0912345678,1900", "dial_string"),
    ("0912345678,,1", "dial_string"),
    ("0912345678;113", "dial_string"),
    ("0912345678p1", "dial_string"),
    ("0912345678W1", "dial_string"),
    ("0912345678!1", "dial_string"),
    ("0912345678@10.0.0.1", "dial_string"),
    ("*101#", "dial_string"),
    ("*21*0912345678#", "dial_string"),
    ("0912345678#", "dial_string"),
    ("#0912345678", "dial_string"),
    ("0912345678; 0987654321", "several"),
    ("0912345678 hoặc 0987654321", "several"),
    ("0912345678 +84987654321", "several"),
    ("0912345678 - 0987654321", "too_long"),
    ("0912345678/0987654321", "too_long"),
    ("09123456789", "too_long"),
    ("0" * 40, "too_long"),
    ("1" * 65_536, "too_long"),
    ("091234567", "too_short"),
    ("3822 1234", "too_short"),
    ("12", "too_short"),
    ("a1b2c3", "too_short"),
    ("+", "no_number"),
    ("+84", "too_short"),
    ("00", "too_short"),
    ("0", "too_short"),
    ("0951234567", "prefix"),
    ("04012345678", "too_long"),
    ("+0912345678", "country"),
    ("000912345678", "country"),
    ("+16502530000", "destination"),
    ("0016502530000", "destination"),
    ("+85512345678", "destination"),
    ("x" * 65_537, "oversize"),
    ("0912345678" + " " * 65_530, "oversize"),
    ("0312345678", "ambiguous"),
    ("0302345678", "ambiguous"),
    ("113", "emergency"),
    ("Gọi 113", "emergency"),
    ("+84113", "emergency"),
    ("84 115", "emergency"),
    ("0084114", "emergency"),
    ("0113", "emergency"),
    ("111", "emergency"),
    ("112", "emergency"),
    ("１１３", "emergency"),
    ("19001234", "premium"),
    ("1900 123 456", "premium"),
    ("1900.1234", "premium"),
    ("+841900123456", "premium"),
    ("841900123456", "premium"),
    ("8419001234", "premium"),
    ("01900123456", "premium"),
    ("18001234", "tollfree"),
    ("1800123456", "tollfree"),
    ("+8418001234", "tollfree"),
    ("069551234", "military"),
    ("69551234", "military"),
    ("+8469551234", "military"),
    ("0691234567", "military"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_refusals(numbering: Numbering, text: str, reason: str) -> None:
    analysis = numbering.analyse(text)
    assert not analysis.dialable
    assert analysis.reason is not None
    assert analysis.reason.split(":")[0] == reason
    with pytest.raises(ValueError, match=f"^{reason}: "):
        numbering.number(text)
    values, _, reasons, _ = numbering.normalise_many([text])
    assert values[0] == 0
    assert numbering.reasons[reasons[0]] == analysis.reason


def test_a_number_cannot_be_made_by_hand(numbering: Numbering) -> None:
    number = numbering.number("0912345678")
    for attempt in (
        Number,
        lambda: Number(84912345678),  # type: ignore[call-arg]
        lambda: Number.__new__(Number),
        lambda: object.__new__(Number),
        lambda: type("Fake", (Number,), {}),
        lambda: pickle.dumps(number),
    ):
        with pytest.raises(TypeError):
            attempt()
    with pytest.raises(AttributeError):
        number.value = 84113  # type: ignore[misc]
    with pytest.raises(AttributeError):
        number.carrier = "x"  # type: ignore[misc]
    assert copy.copy(number) is number
    assert copy.deepcopy([number])[0] is number


def test_a_number_is_a_value(numbering: Numbering) -> None:
    one, same = numbering.number("0912345678"), numbering.number("+84 912 345 678")
    other = numbering.number("0912345679")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != 84912345678
    assert {one: 1}[same] == 1
    assert repr(one) == "<Number +84912345678 vinaphone>"
    assert repr(numbering.number("02438221234")) == "<Number +842438221234>"


def test_from_value(numbering: Numbering) -> None:
    assert numbering.from_value(84912345678) == numbering.number("0912345678")
    assert numbering.from_value(842438221234).national == "02438221234"
    for value, reason in (
        (841681234567, "old"),
        (84438221234, "old"),
        (840912345678, "old"),
        (84113, "emergency"),
        (841900123456, "premium"),
        (8469551234, "military"),
        (16502530000, "destination"),
        (912345678, "destination"),
        (84312345678, "ambiguous"),
        (8491234567, "too_short"),
        (0, "empty"),
        (-84912345678, "empty"),
        (10**15, "too_long"),
        (10**40, "too_long"),
    ):
        with pytest.raises(ValueError, match=f"^{reason}: "):
            numbering.from_value(value)


def test_batch_agrees_with_analyse(numbering: Numbering) -> None:
    texts = [*MOBILE, *(text for text, _ in REFUSED), "0122 7123456", "0438221234"]
    values, rules, reasons, carriers = numbering.normalise_many(texts)
    assert [a.typecode for a in (values, rules, reasons, carriers)] == ["Q", "H", "B", "H"]
    for text, value, rule, reason, carrier in zip(
        texts, values, rules, reasons, carriers, strict=True
    ):
        analysis = numbering.analyse(text)
        assert (f"+{value}" if value else None) == (analysis.e164 if analysis.dialable else None)
        assert (numbering.rule_name(rule) or None) == analysis.rule
        assert (numbering.reasons[reason] or None) == analysis.reason
        assert (numbering.carriers[carrier] or None) == analysis.carrier


def test_batch_takes_any_sequence_and_refuses_what_is_not_text(numbering: Numbering) -> None:
    values, _, reasons, _ = numbering.normalise_many((None, 912345678, b"0912345678", "0912345678"))
    assert list(values) == [0, 0, 0, 84912345678]
    assert [numbering.reasons[r].split(":")[0] for r in reasons] == [*["not_text"] * 3, ""]
    assert numbering.normalise_many([]) == (array("Q"), array("H"), array("B"), array("H"))
    with pytest.raises(TypeError, match="sequence"):
        numbering.normalise_many(5)  # type: ignore[arg-type]
    for wrong in (None, 912345678, b"0912345678"):
        with pytest.raises(TypeError):
            numbering.number(wrong)  # type: ignore[arg-type]


def test_batch_does_not_leak(numbering: Numbering) -> None:
    texts = ["0912345678", "x", None]
    before = [sys.getrefcount(t) for t in texts]
    for _ in range(1000):
        numbering.normalise_many(texts)
    assert [sys.getrefcount(t) for t in texts] == before


def test_threads_may_share_a_plan(numbering: Numbering) -> None:
    wrong: list[object] = []

    def work(seed: int) -> None:
        for i in range(2000):
            text = f"09{seed}{i:07d}"
            if numbering.number(text).national != text:
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (0, 1, 3, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_rule_names(numbering: Numbering) -> None:
    _, rules, _, _ = numbering.normalise_many(["912345678"])
    assert numbering.rule_name(rules[0]) == "mobile:091+zero"
    assert numbering.rule_name(0) == ""
    for code in (-1, 0x4000, len(numbering.rules)):
        with pytest.raises(IndexError):
            numbering.rule_name(code)


def test_reasons_are_codes_and_words(numbering: Numbering) -> None:
    assert numbering.reasons[: len(REASONS)] == REASONS
    codes = [text.partition(": ")[0] for text in numbering.reasons[1:]]
    assert len(set(codes)) == len(codes)
    assert all(text.partition(": ")[2] for text in numbering.reasons[1:])


def test_destinations_open_another_country_but_never_emergency_or_premium() -> None:
    numbering = with_plan(('allow = ["+842",', 'allow = ["+65", "+84", "+1", "+842",'))
    assert numbering.number("+65 6123 4567").national == "006561234567"
    assert numbering.number("+65 6123 4567").carrier == ""
    assert numbering.from_value(6561234567).e164 == "+6561234567"
    assert numbering.analyse("006561234567").rule == "international"
    for text in ("113", "+84113", "1900123456", "+841900123456", "0691234567", "18001234"):
        assert not numbering.analyse(text).dialable


def test_destinations_close_a_part_of_the_country() -> None:
    numbering = with_plan(('allow = ["+842", ', "allow = ["))
    analysis = numbering.analyse("0438221234")
    assert analysis.e164 == "+842438221234"
    assert analysis.reason == "destination: not in the list of allowed destinations"
    assert analysis.rule == "landline-2017:04>024"
    assert numbering.normalise_many(["0438221234"])[0][0] == 0
    narrow = with_plan(('allow = ["+842",', 'allow = ["+84912345",'), ('"+843", "+845", ', ""))
    assert not narrow.analyse("0337000000").dialable
    assert narrow.analyse("0912345678").dialable


def test_ported_numbers_have_their_carrier_corrected() -> None:
    numbering = with_plan(
        ('# 0912345678 = "viettel"', '0912345678 = "viettel"\n0381234567 = "local"')
    )
    assert numbering.number("0912345678").carrier == "viettel"
    assert numbering.analyse("0912345678").rule == "mobile:091+ported"
    assert numbering.analyse("912345678").rule == "mobile:091+zero+ported"
    assert numbering.analyse("0168 1234567")[3:5] == ("local", "mobile-2018:0168>038+ported")
    assert numbering.from_value(84912345678).carrier == "viettel"
    assert numbering.number("0912345679").carrier == "vinaphone"


def test_many_ported_numbers() -> None:
    plan = load_plan(PLAN)
    plan["ported"] = {84900000000 + i * 7: 1 + i % 3 for i in range(50_000)}
    numbering = Numbering(plan)
    texts = [f"0{900000000 + i}" for i in range(0, 350_000, 1)]
    carriers = numbering.normalise_many(texts)[3]
    default = numbering.carriers.index("mobifone")
    expected = [plan["ported"].get(84900000000 + i, default) for i in range(len(texts))]
    assert list(carriers) == expected


def test_old_landline_codes_that_can_be_switched_on() -> None:
    numbering = with_plan(("convert = []", 'convert = ["030", "031"]'))
    assert numbering.analyse("0312345678")[1:5] == (
        "+842252345678",
        "02252345678",
        None,
        "landline-2017:031>0225",
    )
    assert numbering.number("+84 30 2345678").national == "02292345678"
