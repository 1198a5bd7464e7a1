"""Codes and texts that a call, or another answer, comes in the midst of."""

from __future__ import annotations

import pytest

from gsm.events import Incoming, SmsFailed, SmsIn, SmsSent, UssdReply
from gsm.number import DialString
from tests.gsm.calls import port
from tests.gsm.drive import Hand
from tests.gsm.scripted import OK, Scripted, lines

IN = '1,1,4,0,0,"0987654321",129'
DELIVER = "07914889200009F1040B914889214365F700006270102143650004C8329BFD"


def rings(hand: Hand, modem: Scripted) -> None:
    modem.calls = [IN]
    hand.say("\r\nRING\r\n")
    hand.run(1)
    assert hand.told(Incoming)


def gives_up(hand: Hand, modem: Scripted) -> None:
    modem.calls = []
    hand.expect_state("ready", 120)


def test_a_text_under_way_is_told_and_those_behind_it_are_sent_later():
    hand, modem = port()
    modem.set(r"PDU.*", None)
    for ref in (1, 2):
        assert hand.port.sms(ref, DialString("112"), "Hello", hand.now) == ""
    hand.settle()
    hand.run(1)
    rings(hand, modem)
    (failed,) = hand.told(SmsFailed)
    assert failed.ref == 1
    assert "call" in failed.why
    modem.set(r"PDU.*", lines("+CMGS: 17"))
    gives_up(hand, modem)
    assert hand.run(120, lambda: bool(hand.told(SmsSent))), hand.story()
    assert [fact.ref for fact in hand.told(SmsSent)] == [2]
    assert len(hand.told(SmsFailed)) == 1


def test_a_text_that_was_being_read_is_read_afterwards():
    hand, modem = port()
    modem.set(r"AT\+CMGR=3", None)
    hand.say('\r\n+CMTI: "SM",3\r\n')
    hand.run(1)
    assert hand.port.state == "sms"
    rings(hand, modem)
    modem.set(r"AT\+CMGR=3", lines("+CMGR: 0,,30", DELIVER))
    gives_up(hand, modem)
    assert hand.run(60, lambda: bool(hand.told(SmsIn))), hand.story()


@pytest.mark.parametrize("what", ["call", "restart", "loss"])
def test_a_code_under_way_is_told_as_ended(what):
    hand, modem = port()
    assert hand.port.ussd("*101#", hand.now) == ""
    hand.settle()
    hand.run(2)
    if what == "call":
        rings(hand, modem)
    elif what == "restart":
        hand.port._life.floor.restart_why = "another card"
        hand.port.tick(hand.now)
        hand.settle()
    else:
        hand.unplug()
    assert [fact.kind for fact in hand.told(UssdReply)] == ["ended"]


def test_a_balance_that_a_call_cut_short_closes_nobodys_menu():
    hand, modem = port()
    assert hand.port._life.texts.ask_balance(hand.now)
    hand.settle()
    hand.run(1)
    rings(hand, modem)
    gives_up(hand, modem)
    assert hand.port.ussd("*100#", hand.now) == ""
    hand.settle()
    hand.run(1)
    hand.say('\r\n+CUSD: 1,"1. More",15\r\n')
    hand.run(1)
    assert hand.port.state == "ussd", "the menu waits for an answer"


def test_a_late_answer_is_not_the_next_codes():
    hand, modem = port()
    assert hand.port.ussd("*101#", hand.now) == ""
    hand.settle()
    assert hand.run(100, lambda: bool(hand.told(UssdReply)))
    assert hand.told(UssdReply)[0].kind == "timeout"
    hand.expect_state("ready", 10)

    def soon(_line: str) -> str:
        modem.say_in(3, '\r\n+CUSD: 0,"of *102#",15\r\n')
        return OK

    modem.set(r"AT\+CUSD=1,.\*102.*", soon)
    assert hand.port.ussd("*102#", hand.now) == ""
    hand.settle()
    hand.run(1)
    hand.say('\r\n+CUSD: 0,"of *101#",15\r\n')
    hand.run(1)
    assert hand.run(60, lambda: len(hand.told(UssdReply)) > 1)
    assert hand.told(UssdReply)[1].text == "of *102#"
    sent = [word for word in hand.words() if word.startswith("AT+CUSD=1")]
    assert len(sent) == 2


def test_the_end_of_a_menu_that_nobody_answered_is_nobodys_answer():
    hand, modem = port()
    modem.set(r"AT\+CUSD=1.*", OK)
    assert hand.port.ussd("*100#", hand.now) == ""
    hand.settle()
    hand.run(1)
    hand.say('\r\n+CUSD: 1,"1. More",15\r\n')
    hand.expect_state("ready", 60)
    hand.say("\r\n+CUSD: 2\r\n")
    assert [fact.kind for fact in hand.told(UssdReply)] == ["question"]
