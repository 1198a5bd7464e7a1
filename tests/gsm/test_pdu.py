"""Texts and alphabets: known PDUs, both ways, anything read without harm."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsm import ussd
from gsm.charset import (
    BASIC,
    EXTENSION,
    alphabet,
    from_septets,
    from_ucs2,
    pack,
    pack_ussd,
    septets,
    to_ucs2,
    unpack,
    unpack_ussd,
    ussd_alphabet,
)
from gsm.limits import SMS_PARTS_MAX
from gsm.number import DialString, RefusedError
from gsm.pdu import Deliver, Joiner, Report, deliver, submits

ALPHABET = BASIC.replace("\x1b", "") + "".join(EXTENSION.values())


@pytest.mark.parametrize(
    ("pdu", "sender", "text", "at"),
    [
        ("07916407058099F9040B916407950303F100008921222140140004D4E2940A", "+46705930301", "TEST",
         "2098-12-22T12:04:41+00:00"),
        ("07919333851805420406D0D4641300002220720171424087C7B29B9E6697416376BAECA69759206AB2099A068"
         "D45D0B52804D1E561D00D744EBFE5EE34081E9ECFCBF23F280C8287CFE176D94D7F83C66F37A8EE068DC3EEB7"
         "BB0C22A741F3373B", "TIM",
         "Gentile cliente, TIM SAFE WEB", None),
        ("0791947101670000040C919471325476980008127090218345000A0048006900201EA5D83D",
         "+491723456789", "Hi ấ�", None),
    ],
)  # fmt: skip
def test_pdus_that_others_wrote(pdu, sender, text, at):
    told = deliver(pdu)
    assert isinstance(told, Deliver)
    assert told.sender == sender
    assert told.text.startswith(text[:20])
    assert at is None or told.at == at


def test_a_header_is_no_part_of_the_text():
    told = deliver(
        "0591721891F1400781721881F800003160526104848059050003C30101916536FB1DCABEEB2074D85E064941B1"
        "9CAB060319A5C522289C96D3D3ED32286C0FA7D96131BBEC024941B19CAB0603DDD36C36A88C87A7E565D0DB0D"
        "82C55EB0DB4B068BCD5C20"
    )
    assert isinstance(told, Deliver)
    assert told.text.startswith("Hello!You have R 19.50 FREE airtime")
    assert told.text.rstrip().endswith("01/07/2013.")
    assert told.at == "2013-06-25T16:40:48+02:00"


def test_a_status_report():
    told = deliver("07911326040000F0061B0B811326880736F4111011719551401110117195714000")
    assert told == Report("31628870634", 27, 0)


def as_deliver(pdu: str) -> Deliver:
    """A SUBMIT as the DELIVER that reaches its number."""
    data = bytes.fromhex(pdu)
    length = data[3]
    address = data[3 : 5 + (length + 1) // 2]
    rest = data[5 + (length + 1) // 2 :]
    first = bytes((data[1] & 0x40,))
    stamp = bytes.fromhex("62112370000082")
    told = deliver((b"\0" + first + address + rest[:2] + stamp + rest[2:]).hex())
    assert isinstance(told, Deliver)
    return told


@given(st.text(ALPHABET, min_size=1, max_size=900), st.integers(0, 255))
def test_any_gsm_text_arrives_whole(text, reference):
    check_arrives(text, reference)


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=400))
def test_any_text_arrives_whole(text):
    check_arrives(text, 1)


def check_arrives(text: str, reference: int) -> None:
    parts = submits(DialString("+84912345678"), text, reference)
    joiner = Joiner(8)
    told = []
    for place, part in enumerate(reversed(parts)):
        data = bytes.fromhex(part.hex)
        assert len(data) - 1 == part.length
        assert len(data) <= 1 + 14 + 140
        told += joiner.add(as_deliver(part.hex), place, 0)
    assert [(each.text, whole) for each, _, whole in told] == [(text, True)]
    assert told[0][0].sender == "+84912345678"


def test_lengths_at_the_edges():
    number = DialString("112")
    for text, count in (("x" * 160, 1), ("x" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ạ" * 70, 1),
                        ("ạ" * 71, 2), ("x" * 153 * SMS_PARTS_MAX, SMS_PARTS_MAX)):  # fmt: skip
        assert len(submits(number, text, 1)) == count
    with pytest.raises(RefusedError, match="parts"):
        submits(number, "x" * (153 * SMS_PARTS_MAX + 1), 1)


def test_no_character_is_cut_in_two():
    text = "x" * 152 + "€" + "y" * 100
    assert "".join(as_deliver(p.hex).text for p in submits(DialString("1"), text, 1)) == text
    text = "ạ" * 66 + "😀" + "ạ" * 30
    assert "".join(as_deliver(p.hex).text for p in submits(DialString("1"), text, 1)) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_an_error(data):
    try:
        told = deliver(data.hex())
    except (ValueError, IndexError):
        return
    assert isinstance(told, Deliver | Report)


@given(st.text(max_size=80))
def test_any_characters_are_a_pdu_or_an_error(text):
    with contextlib.suppress(ValueError, IndexError):
        assert deliver(text) is not None


def test_waiting_parts_are_bounded():
    joiner = Joiner(4)
    told = []
    for number in range(50):
        told += joiner.add(Deliver("a", "x", "", number, 2, 1), number, number)
    assert len(told) == 46
    assert not any(whole for _, _, whole in told)
    assert len(joiner.overdue(100)) == 4
    assert joiner.overdue(10**30) == []


# alphabets


@given(st.text(ALPHABET, max_size=200), st.integers(0, 6))
def test_septets_there_and_back(text, fill):
    codes = septets(text)
    assert codes is not None
    assert from_septets(codes) == text
    assert unpack(pack(codes, fill), len(codes), fill) == codes


@given(st.text(ALPHABET.replace("\r", ""), max_size=182))
def test_ussd_septets_there_and_back(text):
    codes = septets(text)
    assert codes is not None
    assert from_septets(unpack_ussd(pack_ussd(codes))).rstrip("@") == text.rstrip("@")


@given(st.text())
def test_ucs2_of_anything(text):
    assert from_ucs2(to_ucs2(text)) == text.encode("utf-16", "replace").decode("utf-16")


def test_coding_schemes():
    assert [alphabet(dcs) for dcs in (0, 4, 8, 0xF0, 0xF4, 0xE0, 0xC8, 0x18)] == [
        "gsm7", "8bit", "ucs2", "gsm7", "8bit", "ucs2", "gsm7", "ucs2",
    ]  # fmt: skip
    assert [ussd_alphabet(dcs) for dcs in (15, 0x11, 0x48, 0x44, 0xF4, 0x40)] == [
        "gsm7", "ucs2", "ucs2", "8bit", "8bit", "gsm7",
    ]  # fmt: skip


def test_codes_in_the_three_spellings():
    assert ussd.encode("*101#", "plain") == "*101#"
    assert ussd.encode("*101#", "hex7") == "AA182C3602"
    assert ussd.encode("*101#", "ucs2") == "002A0031003000310023"
    for how in ("hex7", "ucs2"):
        dcs = 72 if how == "ucs2" else 15
        assert ussd.decode(ussd.encode("*101*1#", how), dcs) == "*101*1#"


@pytest.mark.parametrize(
    ("text", "dcs", "meant"),
    [
        ("1234", 15, "1234"), ("0912345678", 15, "0912345678"), ("Hello", 15, "Hello"),
        ("54C3A06920", 15, None), ("C8329BFD06", 15, "Hello"),
        ("00480065006C006C006F", 15, "Hello"), ("48656C6C6F2C20796F75", 15, "Hello, you"),
        ("", 15, ""), ("004", 72, "004"),
    ],
)  # fmt: skip
def test_answers_are_read_by_what_they_look_like(text, dcs, meant):
    told = ussd.decode(text, dcs)
    assert meant is None or told == meant


@given(st.text(max_size=300))
def test_any_ussd_line_is_read_without_harm(text):
    for line in (text, f"+CUSD: {text}", f'+CUSD: 0,"{text}",15', f'+CUSD: 1,"{text}'):
        told = ussd.read(line)
        assert told is None or len(told.text) <= 2_048
