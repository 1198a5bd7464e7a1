"""Codes and texts of simulated modems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.sim import modem_text
from dialerd.sim.modem_pdu import Deliver, deliver, parts, submit
from tests.sim.modem_bench import Bench

VIETNAMESE = "Tài khoản của quý khách còn 5.014 đồng, hạn dùng 31-12."


def reply(bench: Bench, code: str, slot: int = 0) -> str:
    """What +CUSD says."""
    bench.at(slot, "AT^CURC=0")
    said = bench.at(slot, f'AT+CUSD=1,"{code}",15', 8)
    return "\n".join(line for line in said if line != "OK")


def test_a_balance_in_plain_text() -> None:
    bench = Bench("quectel", carriers=("gmobile",))
    card = bench.modem().card
    assert card is not None
    assert reply(bench, "*101#") == (
        f'+CUSD: 0,"+{card.number}. GTEL. TKC {card.balance_d} d, TK no 0VND, '
        f'HSD: 00:00 31-12-2027. TK KM: 0 VND",15'
    )


def test_a_balance_with_accents_is_ucs2() -> None:
    bench = Bench("generic", carriers=("vinaphone",))
    said = reply(bench, "*101#")
    assert said.endswith('",72')
    text = bytes.fromhex(said.split('"')[1]).decode("utf-16-be")
    assert "Tài khoản chính" in text


def test_huawei_wants_codes_packed() -> None:
    bench = Bench("huawei", carriers=("mobifone",))
    assert reply(bench, "*101#") == "ERROR"
    said = reply(bench, "AA182C3602")  # *101# packed, as chan_dongle and gammu send it
    text = modem_text.from_septets(modem_text.ussd_unpack(bytes.fromhex(said.split('"')[1])))
    assert text.startswith("TKC ")
    bench.at(0, "AT^USSDMODE=0")
    assert reply(bench, "*101#").startswith('+CUSD: 0,"TKC ')


def test_a_menu_waits_for_its_answer_and_can_be_left() -> None:
    bench = Bench("quectel")
    assert reply(bench, "*098#").startswith("+CUSD: 1,")
    assert "mien phi" in reply(bench, "1")
    reply(bench, "*098#")
    assert bench.at(0, "AT+CUSD=2") == ["OK"]
    assert "khong hop le" in reply(bench, "*9#")
    assert reply(bench, "hello") == "+CUSD: 4"


def test_a_code_under_ucs2_and_by_atd() -> None:
    bench = Bench("quectel", carriers=("mobifone",))
    bench.at(0, 'AT+CSCS="UCS2"')
    said = reply(bench, "002A0031003000310023")
    assert bytes.fromhex(said.split('"')[1]).decode("utf-16-be").startswith("TKC")
    bench.at(0, 'AT+CSCS="GSM"')
    assert bench.at(0, "ATD*101#;", 6)[1].startswith('+CUSD: 0,"TKC')


def test_a_long_text_comes_in_parts_and_is_read() -> None:
    bench = Bench("generic")
    bench.at(0, "AT+CNMI=2,1")
    bench.control(f"text slot00 +84980001 {VIETNAMESE * 3}")
    bench.run(1)
    assert bench.lines() == [f'+CMTI: "SM",{n}' for n in (1, 2, 3)]
    listed = bench.at(0, "AT+CMGL=4")
    assert listed[0].startswith("+CMGL: 1,0,,")
    pdu = bytes.fromhex(listed[1])
    assert len(pdu) - pdu[0] - 1 == int(listed[0].rsplit(",", 1)[1])
    assert bench.at(0, "AT+CMGL=4")[0].startswith("+CMGL: 1,1,,")  # read
    assert bench.at(0, "AT+CMGD=1,4") == ["OK"]
    assert bench.at(0, "AT+CMGL=4") == ["OK"]
    assert bench.at(0, "AT+CMGR=1") == ["+CMS ERROR: 321"]


def test_texts_between_two_cards_in_text_mode() -> None:
    bench = Bench("generic", "quectel")
    for slot in (0, 1):
        bench.at(slot, "AT+CMGF=1;+CNMI=2,2")
    number = bench.modem(1).card.number  # type: ignore[union-attr]
    bench.write(f'AT+CMGS="+{number}"\r'.encode())
    bench.run(0.5)
    assert bench.said() == b"\r\n> "
    bench.write(b"hello\r\nthere\x1a")
    bench.run(5)
    assert bench.lines() == ["+CMGS: 1", "OK"]
    head, *body = bench.lines(1)
    assert head.startswith('+CMT: "+84')
    assert "".join(body) == "hellothere"  # of CR and LF only CR counts in the prompt
    assert bench.control("texts")["texts"][0]["number"] == f"+{number}"


def test_a_text_can_be_given_up_and_a_wrong_one_is_refused() -> None:
    bench = Bench("generic")
    bench.at(0, "AT+CMEE=1")
    for text, answer in ((b"0011\x1b", "OK"), (b"0011\x1a", "+CMS ERROR: 304")):
        bench.at(0, "AT+CMGS=20")
        bench.write(text)
        bench.run(5)
        assert bench.lines() == [answer]
    assert bench.control("texts") == {"texts": []}


def test_a_full_card_leaves_texts_in_the_network() -> None:
    bench = Bench("generic")
    for n in range(60):
        bench.control(f"text slot00 +84980001 {n}")
    assert bench.at(0, "AT+CPMS?")[0].startswith('+CPMS: "SM",50,50')
    bench.at(0, "AT+CMGD=1,4", 1)
    assert bench.at(0, "AT+CPMS?")[0].startswith('+CPMS: "SM",10,50')


@given(st.text(alphabet=modem_text.BASIC.replace("\x1b", "") + "€{}[]", max_size=200))
def test_the_alphabet_goes_both_ways(text: str) -> None:
    septets = modem_text.to_septets(text)
    assert septets is not None
    assert modem_text.from_septets(septets) == text
    assert modem_text.unpack(modem_text.pack(septets), len(septets)) == septets
    packed = modem_text.ussd_pack(septets)
    if not septets.endswith((b"\r", b"\x00")):
        assert modem_text.ussd_unpack(packed) == septets


def test_packing_is_that_of_the_standard() -> None:
    assert modem_text.pack(modem_text.to_septets("hellohello") or b"").hex() == "e8329bfd4697d9ec37"
    assert modem_text.to_septets("ạ") is None


@given(st.text(max_size=700).filter(lambda text: "\ud800" not in text))
def test_parts_are_no_longer_than_may_be(text: str) -> None:
    cut = parts("+84980001", text, 0, 7)
    assert "".join(part.text for part in cut) == text
    for part in cut:
        _, length = deliver(part, "+84980200030")
        assert length <= 164  # TS 23.040, 9.2.3


@given(st.binary(max_size=60))
def test_no_octets_break_the_reader_of_submissions(octets: bytes) -> None:
    try:
        found = submit(octets)
    except ValueError:
        return
    assert found.number.removeprefix("+")


def test_a_submission_of_the_standard_examples() -> None:
    found = submit(bytes.fromhex("11000B914889673452F80000AA05E8329BFD06"))
    assert (found.number, found.text, found.part) == ("+84987643258", "hello", (0, 1, 1))
    named, _ = deliver(Deliver("VIETTEL", 0, "x", 0), "+84980200030")
    assert b"\xd0" in named
    with pytest.raises(ValueError, match="length"):
        submit(bytes.fromhex("11000B914889673452F80000AA06E8329BFD06"))
