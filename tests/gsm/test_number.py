"""Only digits, `*`, `#` and one plus can be dialed; nothing of an operator's harms a module."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsm.command_line import calls_by
from gsm.number import (
    DANGEROUS,
    DialString,
    RefusedError,
    keys,
    number_to_call,
    operator_command,
    ussd_code,
)

HOSTILE = (
    "", "+", "0912345678;", "0912345678;+CPOF", "0912\r", "0912\n", "0912\0", "0912,1", "0912w",
    "0912W1", "0912A", "+84+91", "84+91", "0912 345", "0912-345", "１２３", "٠٩١٢", "0" * 33,
    ">Bob", '"0912"', "0912!", "0912@", "*\x1b#", "0912\x1a", "112I", "112i", "112G",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_number_is_no_dial_string(text):
    with pytest.raises(RefusedError) as caught:
        DialString(text)
    assert not any(ord(c) < 32 for c in str(caught.value))


@pytest.mark.parametrize("text", ["112", "0912345678", "+84912345678", "*101#", "#31#0912345678"])
def test_numbers_and_codes_are(text):
    assert DialString(text).text == text
    assert DialString(text) == DialString(text)
    assert len({DialString(text), DialString(text)}) == 1
    assert DialString(text) != DialString("1" + text.lstrip("+"))


def test_a_code_is_no_call_and_a_number_has_an_end():
    for text in ("112", "+84912345678", "*31#0912345678", "#31#112"):
        assert number_to_call(text) == DialString(text)
    for text in ("*101#", "**05*12345678*1111*1111#", "#"):
        with pytest.raises(RefusedError, match="dialerd port ussd"):
            number_to_call(text)
    assert number_to_call("9" * 31).text == "9" * 31
    with pytest.raises(RefusedError, match="longer than 31 digits"):
        number_to_call("9" * 41)
    with pytest.raises(RefusedError, match="not a number"):
        number_to_call("0912;")


def test_it_does_not_change():
    number = DialString("112")
    with pytest.raises(AttributeError):
        number.text = "113;"


@given(st.text())
def test_any_text_is_a_safe_number_or_refused(text):
    try:
        held = DialString(text).text
    except RefusedError:
        return
    assert set(held) <= set("0123456789*#+")
    assert 1 <= len(held) <= 32


@given(st.text())
def test_codes_and_keys_are_safe_or_refused(text):
    for check, allowed in ((ussd_code, "0123456789*#+"), (keys, "0123456789*#ABCD")):
        try:
            held = check(text)
        except RefusedError:
            continue
        assert held
        assert set(held) <= set(allowed)


def test_keys_are_made_capitals():
    assert keys("12ab*#") == "12AB*#"


@pytest.mark.parametrize("name", [name for name, _ in DANGEROUS])
def test_dangerous_commands_are_named(name):
    shown = name.strip("+^=*$")
    for text in (f"AT{name}=1,7", f"at+csq;{name.lower()}=1", f"AT {name} = 1"):
        with pytest.raises(RefusedError, match="refused"):
            operator_command(text)
    with pytest.raises(RefusedError) as caught:
        operator_command(f'AT{name}=1,7,"490154203237518"')
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "CSQ", "AT+CSQ\r", "AT\n", "AT+CSQ\x1a", "AT\x1b", "AT\0", "AT+CSQé", "AT" + "9" * 500,
     "ATD112;", "atd112;", "ATE0D112;", "AT+CSQ;D112;", "ATA", "ATDL", "AT D112;"],
)  # fmt: skip
def test_what_is_no_single_harmless_command_is_refused(text):
    with pytest.raises(RefusedError):
        operator_command(text)


@pytest.mark.parametrize(
    "text", ["AT", "ATI", "at+csq", "AT+CSQ;+CREG?", "AT+CLCK=?", "AT+CHUP", "ATH", "AT&F", "ATZ",
             'AT+CUSD=1,"*101#",15', "AT+CPIN?", "AT+DDET=1", "AT^DTMF=1,5", "AT+CADC?"],
)  # fmt: skip
def test_an_operators_usual_commands_pass(text):
    assert operator_command(text) == text


SECRETS = (
    'AT+CPIN="1111"', "at+cpin=1111", 'AT + CPIN = "1111"', 'AT+CMEE=1;+CPIN="1111"',
    'AT+CPIN?;+CPIN="1111"', 'AT+CPIN=?;+cpin="1"', 'AT+CPIN="12345678","1111"', "AT+CPIN2=1111",
    'AT^CPIN="1111"', 'AT+QPIN="1111"', 'AT*EPIN=1,"1111"', 'AT#PUK="12345678"', 'AT+CP"IN"=1111',
    'AT+CSIM=26,"0020000108313131FFFFFFFF"', "AT+CSIM=42,a02c0000", "AT+CGLA=1,26,012400010831",
    'AT+CUSD=1,"**04*1111*2222*2222#",15', 'AT+CUSD=1,"**052*12345678*1*1#"', "ATZ;+CPIN=?1111",
)  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_no_spelling_of_a_pin_is_passed_on(text):
    with pytest.raises(RefusedError, match="--pin-file") as caught:
        operator_command(text)
    assert "1111" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["AT+CPIN?", "at+cpin?", "AT+CPIN=?", "AT+CMEE=1;+CPIN?", "AT+CPIN=?;+CSQ", "AT^CPIN?",
     "AT+CPINR", 'AT+CPINR="SIM PIN"', 'AT+QPINC="SC"', "AT^SPIC", "AT#PCT", "AT+CGPIO=1",
     'AT+CSIM=14,"00A40004023F00"', 'AT+CUSD=1,"*104*12#",15', "AT+CCID", "AT+CGLA=1,14,00A4"],
)  # fmt: skip
def test_what_asks_for_the_state_of_a_pin_passes(text):
    assert operator_command(text) == text


@pytest.mark.parametrize("code", ["**04*1111*2222*2222#", "**05*12345678*1*1#", "**042*1*2*2#"])
def test_codes_that_change_a_pin_are_refused(code):
    with pytest.raises(RefusedError, match="PIN"):
        ussd_code(code)
    assert ussd_code("*104*12#") == "*104*12#"


@given(st.text())
def test_no_control_character_passes(text):
    for given_text in (text, "AT" + text):
        try:
            passed = operator_command(given_text)
        except RefusedError:
            continue
        assert all(32 <= ord(c) < 127 for c in passed)


CALLING = (
    "ATL1M0D0912345678;", "ATS7=30D0912345678;", "AT\\Q0D112;", "AT%C0D112;", "ATT D112;",
    "ATPD112", "AT$D112", "AT*D112", "AT+CDV=0912345678", 'AT+CKPD="0912345678S"', "ATS0=1",
    "ATS0 = 2", "ATS=1", "AT+CSQ;S0=1;&F", "AT+CSQ;D112;", "at&d2d112", "ATA", "ATE1A", "AT+CSQ;A",
    "ATO", "ATO0", "ATD>1;", "ATDL", "AT+CHLD=2", 'AT+X="a;b";D112;', "AT D 112", "ATX4&K3DT112",
    "ATS00=3", "AT&C1&D2S0=1",
)  # fmt: skip
HARMLESS = (
    "AT&D2", "AT&C1&D2&K3", "ATE0V1Q0X4", "ATS0?", "ATS7=30", "ATI", "ATZ", "ATH", "AT&F", "AT&W0",
    "AT+COPS=0", "AT+CHLD=?", "AT+CHUP", "AT^DDSETEX=2", "AT+QCFG=\"nwscanmode\",3,1", "AT*PSNWID?",
    "AT+CSQ;+CREG?", "AT#CCID", 'AT+CSCS="D;A"', "AT$QCPWRDN?", "AT+DDET=1", "AT+CADC?",
    "AT+COPS=?", "AT", "AT;",
)  # fmt: skip


@pytest.mark.parametrize("text", CALLING)
def test_no_spelling_of_a_call_is_passed_on(text):
    with pytest.raises(RefusedError, match="calls are made by"):
        operator_command(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_makes_no_call_is_passed_on(text):
    assert operator_command(text) == text


@given(st.from_regex(r"[Aa][Tt][ -~]{0,60}", fullmatch=True))
def test_every_line_is_read_to_its_end(text):
    assert calls_by(text) in (True, False)
