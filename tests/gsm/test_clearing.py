"""Calls that nobody of ours is in: found by a listing, ended with the commands that are safe."""

from __future__ import annotations

import pytest

from tests.gsm.calls import port
from tests.gsm.drive import Hand
from tests.gsm.scripted import ERROR, OK, Scripted, lines

HANG_UPS = ("AT+CHUP", "ATH", "AT+CHLD=")


def rungs(words: list[str]) -> list[str]:
    return [word for word in words if word.startswith(HANG_UPS)]


def huawei() -> Scripted:
    modem = Scripted(CGMI="huawei", CGMM="E1550")
    modem.set(r"AT\^CVOICE\?", lines("^CVOICE: 0"))
    return modem


@pytest.mark.parametrize("when", ["starting", "idle"])
def test_a_stranger_that_dials_is_never_released_by_its_number(when):
    """AT+CHLD=1x before ^CONF wedges a Huawei module for good."""
    modem = huawei()
    modem.set(r"AT\+CHUP|ATH", OK)  # and the call stands
    stranger = ['4,0,2,0,0,"0912345678",129']
    hand = Hand(modem)
    if when == "starting":
        modem.calls = stranger
        hand.start()
        hand.run(25)
    else:
        hand.up()
        modem.calls = stranger
        hand.run(30)
    assert rungs(hand.words())[:2] == ["AT+CHUP", "ATH"]
    assert not any(word.startswith("AT+CHLD") for word in hand.words())


@pytest.mark.parametrize("when", ["starting", "idle"])
def test_a_stranger_that_talks_is_released_by_the_number_that_it_is_listed_with(when):
    modem = huawei()
    stranger = ['4,0,0,0,0,"0912345678",129']
    modem.set(r"AT\+CHUP|ATH", OK)

    def released(line: str) -> str:
        if line == "AT+CHLD=14":
            modem.calls = []
        return OK

    modem.set(r"AT\+CHLD=.*", released)
    hand = Hand(modem)
    if when == "starting":
        modem.calls = stranger
        hand.start()
    else:
        hand.up()
        modem.calls = stranger
        hand.run(15)
    hand.expect_state("ready", 60)
    assert rungs(hand.words()) == ["AT+CHUP", "AT+CHLD=14"]


def test_a_port_that_ends_a_strangers_call_takes_none_meanwhile():
    hand, modem = port()
    modem.set(r"AT\+CHUP", None)
    modem.calls = ['1,0,0,0,0,"0912345678",129']
    assert hand.run(20, lambda: "AT+CHUP" in hand.words())
    assert "nobody is in" in hand.dial()


def test_where_calls_cannot_be_listed_the_port_hangs_up_once_in_the_blind():
    modem = Scripted()
    modem.set(r"AT\+CLCC", ERROR)
    hand = Hand(modem)
    hand.up()
    hand.run(60)
    assert rungs(hand.words()) == ["AT+CHUP", "ATH"]
