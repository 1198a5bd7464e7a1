"""Calls to us, calls of nobody, and what a number is good for."""

from __future__ import annotations

import pytest

from gsm.events import Answered, Cause, Ended, Incoming, Reached
from tests.gsm.calls import HANG_UP, OUT, ended, port
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import OK, Scripted, lines

# to us


def test_a_call_to_us_is_told_with_its_number_and_answered():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    hand.say("\r\nRING\r\n")
    hand.run(1)
    assert hand.told(Incoming) == [Incoming(-1, "0987654321")]
    assert hand.port.answer(7, hand.now) == "no such call rings"
    assert hand.port.answer(-1, hand.now) == ""
    modem.calls = ['1,1,0,0,0,"0987654321",129']
    hand.settle()
    hand.run(2)
    assert "ATA" in hand.words()
    assert hand.told(Answered) == [Answered(-1, True)]
    modem.calls = []
    assert ended(hand).cause is Cause.ANSWERED


def test_the_number_may_come_after_the_ring_or_never():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"",128']
    hand.say("\r\nRING\r\n")
    hand.run(0.2)
    assert not hand.told(Incoming)
    hand.say('\r\n+CLIP: "0987654321",129\r\n')
    assert hand.told(Incoming) == [Incoming(-1, "0987654321")]
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"",128']
    hand.say("\r\nRING\r\n")
    hand.run(1)
    assert hand.told(Incoming) == [Incoming(-1, "")]


def test_a_caller_who_gives_up():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    hand.say("\r\nRING\r\n")
    hand.run(5)
    modem.calls = []
    end = ended(hand)
    assert end.leg == -1
    assert end.talk_ms == 0
    hand.expect_state("ready", 10)


def test_an_incoming_call_that_nobody_told_of_is_found():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    assert hand.run(15, lambda: bool(hand.told(Incoming))), "the idle listing finds it"


def test_a_call_that_nobody_takes_is_refused_in_the_end():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"0987654321",129']

    def ring() -> None:
        if modem.calls:
            hand.say("\r\nRING\r\n")
            hand.later(4, ring)

    begun = hand.now
    ring()
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.REJECTED, "us")
    assert 118 * S <= hand.now - begun <= 125 * S


def test_a_caller_is_refused_by_hanging_up():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    hand.say("\r\nRING\r\n")
    hand.run(1)
    assert hand.hang_up(leg=-1) == ""
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.REJECTED, "us")
    assert "AT+CHUP" in hand.words()


def test_calls_to_us_can_be_refused():
    hand, modem = port(incoming="reject")
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    hand.say("\r\nRING\r\n")
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.REJECTED, "us")
    assert not hand.told(Incoming)


def test_a_second_caller_is_told_busy():
    hand, modem = port()
    mine = OUT.format(0)
    modem.calls = [mine, '2,1,5,0,0,"0987654321",129']

    def waiting_only(_line: str) -> str:
        modem.calls = [mine]
        return OK

    modem.set(r"AT\+CHLD=0", waiting_only)
    hand.dial()
    hand.run(8)
    assert "AT+CHLD=0" in hand.words()
    assert hand.port.state == "active"
    assert not hand.told(Incoming)


def test_a_call_that_nobody_is_in_is_ended():
    hand, modem = port()
    modem.calls = ['1,0,0,0,0,"0912345678",129']
    hand.run(15)
    assert modem.calls == []
    assert "AT+CHUP" in hand.words()
    assert not hand.told(Ended)


def test_a_data_connection_is_no_call():
    hand, modem = port("Quectel", "EC25")
    modem.calls = ['1,0,0,1,0,"",128']
    hand.run(30)
    assert "AT+CHUP" not in hand.words()
    assert hand.port.state == "ready"


def test_what_an_earlier_process_left_up_is_ended_before_anything_else():
    modem = Scripted()
    modem.calls = [OUT.format(0)]
    hand = Hand(modem)
    hand.up()
    assert modem.calls == []
    words = hand.words()
    assert words.index("AT+CHUP") < words.index("AT+CLIP=1")


def test_an_orphan_that_nothing_ends_is_ended_by_a_reset():
    modem = Scripted()
    modem.calls = [OUT.format(0)]
    modem.set(HANG_UP, OK)
    hand = Hand(modem)
    hand.start()
    hand.run(120)
    assert hand.words().count("AT+CFUN=1,1") == 2, "a reset that does not help is not repeated"
    assert hand.port.state == "degraded"
    assert "neither a command nor a reset" in hand.port.why
    modem.set(HANG_UP, None)
    modem.calls = []
    hand.expect_state("ready", 400)


# what a number is good for


def reach(hand: Hand) -> list[tuple[str, str]]:
    return [(fact.verdict, fact.rule) for fact in hand.told(Reached)]


def test_reachability_by_the_rules_of_the_carrier():
    hand, modem = port()
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(5)
    modem.calls = [OUT.format(3)]
    hand.run(2)
    assert reach(hand) == [("reachable", "rang in time")]

    hand, modem = port()
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(12)
    assert reach(hand) == [("unreachable", "did not ring")]

    hand, modem = port()
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(1)
    modem.calls = []
    hand.say("\r\nNO CARRIER\r\n")
    assert ended(hand).cause is Cause.UNREACHABLE
    assert reach(hand) == [("unreachable", "off or without coverage")]

    hand, modem = port()
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(6)
    modem.calls = []
    hand.say("\r\nNO CARRIER\r\n")
    assert ended(hand).cause is Cause.REJECTED
    assert reach(hand) == [("rejected", "rejected")]


@pytest.mark.parametrize("how", ["told", "cancelled"])
def test_an_end_whose_cause_is_known_is_not_guessed_at(how):
    """The rules would take it for rejected: it ended after 6 s without ringing."""
    hand, modem = port()
    modem.calls = [OUT.format(2)]
    if how == "told":
        modem.set(r"AT\+CEER", lines("+CEER: 3,20,Subscriber absent"))
    hand.dial()
    hand.run(6)
    if how == "cancelled":
        hand.port.hang_up(1, hand.now)
        hand.settle()
    modem.calls = []
    hand.say("\r\nNO CARRIER\r\n")
    hand.run(5)
    assert ended(hand).cause is (Cause.UNREACHABLE if how == "told" else Cause.CANCELLED)
    assert reach(hand) == []


def test_a_call_in_another_state_is_refused_with_the_reason():
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    assert hand.dial(leg=2).startswith("dialing")
    hand.run(2)
    assert hand.dial(leg=2).startswith("active")
    hand.hang_up()
    ended(hand)
    assert hand.dial(leg=2).startswith("cool down: rest after a call")
    assert [fact.leg for fact in hand.told(Ended)] == [1]
