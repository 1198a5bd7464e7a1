"""Codes, texts and operators' commands of a port."""

from __future__ import annotations

import pytest

from gsm.care import balance_of
from gsm.events import (
    AtReply,
    Balance,
    Locked,
    SmsFailed,
    SmsIn,
    SmsSent,
    Unlocked,
    UssdReply,
)
from gsm.number import DialString
from gsm.settings import Care
from tests.gsm.calls import OUT, port
from tests.gsm.drive import Hand, carriers
from tests.gsm.scripted import ERROR, OK, Scripted, lines

ONE = "07916407058099F9040B916407950303F100008921222140140004D4E2940A"  # TEST
PART_1 = (
    "0591721891F1400781721881F800003160526104848059050003C30201916536FB1DCABEEB2074D85E064941"
    "B19CAB060319A5C522289C96D3D3ED32286C0FA7D96131BBEC024941B19CAB0603DDD36C36A88C87A7E565D0"
    "DB0D82C55EB0DB4B068BCD5C20"
)
PART_2 = PART_1.replace("050003C30201", "050003C30202")


def ask(hand: Hand, code: str = "*101#") -> None:
    assert hand.port.ussd(code, hand.now) == ""
    hand.settle()


def replies(hand: Hand) -> list[tuple[str, str]]:
    return [(reply.kind, reply.text) for reply in hand.told(UssdReply)]


# codes


def test_an_answer_before_the_ok_and_after_it():
    hand, modem = port()
    modem.set(r"AT\+CUSD=1.*", '\r\n+CUSD: 0,"before",15\r\n' + OK)
    ask(hand)
    hand.run(1)
    modem.set(r"AT\+CUSD=1.*", OK)
    modem.say_in(4, '\r\n+CUSD: 0,"after",15\r\n')
    ask(hand, "*102#")
    hand.run(5)
    assert replies(hand) == [("done", "before"), ("done", "after")]
    assert hand.port.state == "ready"
    assert 'AT+CUSD=1,"*101#",15' in hand.words()


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        ('+CUSD: 0,"So du: 5.000 d",15', "done", "So du: 5.000 d"),
        ('+CUSD: 2,"",15', "ended", ""),
        ("+CUSD: 4", "unsupported", ""),
        ("+CUSD: 5", "timeout", ""),
        ('+CUSD: 0,"AA180C3602",15', "done", "*100#"),
        ('+CUSD: 0,"00540069", 72', "done", "Ti"),
        (
            '+CUSD: 0,"0054006B0020006700681ED1006300200031002E003000300030",72',
            "done",
            "Tk gốc 1.000"[:2] + " ghốc 1.000",
        ),
        ('+CUSD: 0,"Tài khoản",15', "done", "Tài khoản"),
        ('+CUSD:0,"cut',"done","cut"),
    ],
)  # fmt: skip
def test_answers_in_every_spelling(line, kind, text):
    hand, modem = port("huawei")
    modem.set(r"AT\+CUSD=1.*", OK)
    ask(hand)
    hand.run(0.5)
    for _ in range(3):  # where it is refused, it is asked in another spelling
        if hand.port.state == "ussd":
            hand.say(f"\r\n{line}\r\n\r\nOK\r\n".encode())
            hand.run(1)
    assert replies(hand) == [(kind, text)]


def test_a_refused_spelling_is_followed_by_the_next_and_remembered():
    hand, modem = port()
    modem.set(r'AT\+CUSD=1,"\*.*', "\r\n+CME ERROR: 100\r\n")
    modem.set(r'AT\+CUSD=1,"AA.*', OK + '\r\n+CUSD: 0,"ok",15\r\n')
    ask(hand)
    hand.run(2)
    ask(hand)
    hand.run(2)
    assert [w for w in hand.words() if "CUSD=1" in w] == [
        'AT+CUSD=1,"*101#",15',
        'AT+CUSD=1,"AA182C3602",15',
        'AT+CUSD=1,"AA182C3602",15',
    ]
    assert replies(hand) == [("done", "ok")] * 2


def test_a_code_that_the_network_does_not_know_is_told_so_after_silence_at_another_spelling():
    hand, modem = port()
    modem.set(r'AT\+CUSD=1,"\*.*', "\r\n+CUSD: 4\r\n" + OK)
    modem.set(r'AT\+CUSD=1,"AA.*', OK)
    ask(hand)
    hand.run(60)
    assert replies(hand) == [("unsupported", "")]


def test_no_answer_is_told_and_the_session_cancelled():
    hand, _ = port()
    ask(hand)
    hand.expect_state("ready", 60)
    assert replies(hand) == [("timeout", "the network did not answer")]
    assert "AT+CUSD=2" in hand.words()


def test_a_menu_is_answered_or_left():
    hand, modem = port()
    modem.set(r"AT\+CUSD=1.*", OK + '\r\n+CUSD: 1,"1. Data 2. Voice",15\r\n')
    ask(hand)
    hand.run(2)
    assert hand.port.state == "ussd"
    assert hand.dial() == "ussd"
    modem.set(r"AT\+CUSD=1.*", OK + '\r\n+CUSD: 2,"Done",15\r\n')
    ask(hand, "1")
    hand.run(2)
    assert replies(hand) == [("question", "1. Data 2. Voice"), ("ended", "Done")]
    assert hand.port.state == "ready"
    modem.set(r"AT\+CUSD=1.*", OK + '\r\n+CUSD: 1,"Menu",15\r\n')
    ask(hand)
    hand.run(2)
    hand.expect_state("ready", 40)
    assert hand.words()[-1] != 'AT+CUSD=1,"*101#",15'
    assert "AT+CUSD=2" in hand.words()


def test_what_is_no_code_is_refused_and_nothing_is_sent_in_a_call():
    hand, modem = port()
    for code in ('*101#"', "*101#\r", "", "abc", "*" * 200):
        assert "not a USSD code" in hand.port.ussd(code, hand.now)
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    assert hand.port.ussd("*101#", hand.now) == "not now: active"
    assert not [w for w in hand.words() if "CUSD" in w]


def test_a_call_to_us_goes_before_a_code():
    hand, modem = port()
    ask(hand)
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    hand.say("\r\nRING\r\n")
    assert hand.port.state == "incoming"


def test_the_balance_is_asked_by_itself_and_locks_the_card():
    care = Care(balance_hours=1, balance_milli_min=10_000_000)
    modem = Scripted()
    texts = ["TKC: 5.000 d, HSD: 17-11-2027", "TKC: 50.000 d, HSD: 17-11-2027"]
    modem.set(r"AT\+CUSD=1.*", lambda _line: OK + f'\r\n+CUSD: 0,"{texts.pop(0)}",15\r\n')
    hand = Hand(modem, care=care)
    hand.start()
    hand.expect_state("locked", 60)
    assert hand.told(Balance)[0].milli == 5_000_000
    assert hand.told(Locked) == [Locked("balance", None)]
    assert hand.dial() == "locked: balance"
    hand.run(3_700)
    assert hand.told(Unlocked) == [Unlocked("balance")]
    assert hand.port.state == "ready"


def test_validity_is_heeded_where_the_day_is_known():
    modem = Scripted()
    modem.set(r"AT\+CUSD=1.*", OK + '\r\n+CUSD: 0,"TKC: 5.000 d, HSD: 17-11-2026",15\r\n')
    hand = Hand(modem, care=Care(balance_hours=1, days_left_min=3))
    hand.port.today = 20_771  # 2026-11-14
    hand.start()
    hand.run(30)
    assert hand.port.state == "ready"
    hand.port.today = 20_772
    hand.run(3_700)
    assert (hand.port.state, hand.port.why) == ("locked", "validity")


def test_a_balance_menu_is_left_by_itself():
    modem = Scripted()
    modem.set(r"AT\+CUSD=1.*", OK + '\r\n+CUSD: 1,"TKC 5014 d\n1. More",15\r\n')
    hand = Hand(modem, care=Care(balance_hours=1))
    hand.up()
    assert hand.told(Balance)[0].milli == 5_014_000
    assert "AT+CUSD=2" in hand.words()


# texts out


def send(hand: Hand, text: str, ref: int = 1) -> str:
    why = hand.port.sms(ref, DialString("+84912345678"), text, hand.now)
    hand.settle()
    return why


def test_a_text_is_sent_and_told():
    hand, modem = port()
    assert send(hand, "hello") == ""
    hand.run(2)
    assert hand.told(SmsSent) == [SmsSent(1, 1)]
    assert "PDU 0001000B914819325476F8000005E8329BFD06" in modem.heard
    assert hand.port.state == "ready"


def test_a_long_text_goes_in_parts():
    hand, modem = port()
    assert send(hand, "Kính chào quý khách, " * 10) == ""
    hand.run(10)
    assert hand.told(SmsSent) == [SmsSent(1, 4)]
    assert modem.count("PDU .*") == 4


def test_texts_that_cannot_be_sent():
    hand, modem = port()
    assert send(hand, "") == "an empty text"
    assert "parts" in send(hand, "x" * 2_000)
    modem.set(r"PDU.*", "\r\n+CMS ERROR: 38\r\n")
    assert send(hand, "hello", 7) == ""
    hand.run(2)
    assert hand.told(SmsFailed) == [SmsFailed(7, 38, "+CMS ERROR: 38")]
    for ref in range(40):
        why = send(hand, "x", ref)
    assert why == "too many texts wait"


def test_a_prompt_that_never_comes_is_escaped():
    hand, modem = port()
    modem.set(r"AT\+CMGS=.*", None)
    send(hand, "hello")
    hand.run(70)
    assert [fact.ref for fact in hand.told(SmsFailed)] == [1]
    assert b"\x1b" in modem.raw
    hand.expect_state("ready", 20)


def test_texts_wait_for_the_end_of_a_call():
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    send(hand, "later")
    hand.run(5)
    assert modem.count("PDU.*") == 0
    hand.hang_up()
    hand.run(10)
    assert hand.told(SmsSent) == [SmsSent(1, 1)]


# texts in


def test_a_text_is_read_told_and_kept_until_it_is_on_disk():
    hand, modem = port()
    modem.set(r"AT\+CMGR=4", lines("+CMGR: 0,,29", ONE))
    hand.say('\r\n+CMTI: "SM",4\r\n')
    hand.run(2)
    (text,) = hand.told(SmsIn)
    assert (text.sender, text.text, text.places, text.whole) == ("+46705930301", "TEST", (4,), True)
    assert modem.count(r"AT\+CMGD=.*") == 0
    hand.port.sms_kept(text.places, hand.now)
    hand.settle()
    hand.run(2)
    assert modem.count(r"AT\+CMGD=4") == 1


def test_what_is_stored_is_read_when_the_port_comes_up_and_when_it_is_full():
    modem = Scripted()
    modem.set(r"AT\+CMGL=4", lines("+CMGL: 1,1,,29", ONE, "+CMGL: 2,1,,29", ONE))
    hand = Hand(modem, keep_sms=False)
    hand.up()
    assert [text.places for text in hand.told(SmsIn)] == [(1,), (2,)]
    assert modem.count(r"AT\+CMGD=[12]") == 2


def test_parts_are_joined_in_any_order_and_an_incomplete_text_is_told_in_the_end():
    hand, modem = port()
    modem.set(r"AT\+CMGR=1", lines("+CMGR: 0,,90", PART_2))
    modem.set(r"AT\+CMGR=2", lines("+CMGR: 0,,90", PART_1))
    hand.say('\r\n+CMTI: "SM",1\r\n')
    hand.run(2)
    assert not hand.told(SmsIn)
    hand.say('\r\n+CMTI: "SM",2\r\n')
    hand.run(2)
    (text,) = hand.told(SmsIn)
    assert text.places == (2, 1)
    assert text.text.startswith("Hello!")
    hand.say('\r\n+CMTI: "SM",1\r\n')
    hand.run(1_000)
    assert [fact.whole for fact in hand.told(SmsIn)] == [True, False]


def test_what_is_no_pdu_stays_where_it_is():
    hand, modem = port()
    modem.set(r"AT\+CMGR=4", lines("+CMGR: 0,,29", "07" * 30))
    modem.set(r"AT\+CMGR=5", ERROR)
    hand.say('\r\n+CMTI: "SM",4\r\n\r\n+CMTI: "SM",5\r\n')
    hand.run(5)
    assert not hand.told(SmsIn)
    assert hand.port.state == "ready"


# operators


def test_an_operators_command_is_answered():
    hand, modem = port()
    assert hand.port.at("AT+CSQ", hand.now) == ""
    hand.settle()
    hand.run(1)
    assert hand.told(AtReply) == [AtReply("AT+CSQ", ("+CSQ: 20,99", "OK"), True)]
    modem.set(r"AT\+X", "\r\n+CME ERROR: 100\r\n")
    hand.port.at("AT+X", hand.now)
    hand.settle()
    hand.run(1)
    assert hand.told(AtReply)[1] == AtReply("AT+X", ("+CME ERROR: 100",), False)


def test_what_would_harm_is_refused_and_never_written():
    hand, _ = port()
    for text in ('AT+EGMR=1,7,"1"', "ATD112;", "AT\r\nATD112;", "AT+CSQ;D112;"):
        assert hand.port.at(text, hand.now) != ""
    hand.run(1)
    assert not [w for w in hand.words() if "EGMR" in w or "D112" in w]


def test_operators_cannot_flood_a_port():
    hand, modem = port()
    modem.mute = True
    told = [hand.port.at("AT+CSQ", hand.now) for _ in range(8)]
    assert told.count("") == 4
    assert told[-1] == "too many commands wait"
    closed = Hand(Scripted())
    assert closed.port.at("AT", closed.now) == "the port is closed, or too much waits"


# menus that end without an answer


MENU = '\r\n+CUSD: 1,"1 balance 2 data",15\r\n'


@pytest.mark.parametrize("how", ["unplugged", "called"])
def test_a_menu_is_over_when_the_port_is_lost_or_called(how: str):
    hand, modem = port()
    modem.set(r"AT\+CUSD=1.*", MENU + OK)
    ask(hand)
    hand.run(1)
    assert hand.port.state == "ussd"
    if how == "unplugged":
        hand.unplug()
    else:
        modem.calls = ['4,1,4,0,0,"0987654321",129']
        hand.say("\r\nRING\r\n")
        hand.run(1)
    assert hand.port.ussd("1", hand.now) == f"not now: {hand.port.state}"


def test_an_answer_of_any_length_is_searched_in_its_beginning_only():
    (viettel,) = (one for one in carriers() if one.name == "Viettel")
    told = balance_of(viettel, "Con 1234 phut. " + "7" * 2_000)
    assert told.minutes == 1_234
    assert balance_of(viettel, "x" * 500 + "Con 1234 phut.").minutes is None
