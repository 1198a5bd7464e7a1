"""A PIN is entered where that is safe, once, and never shown."""

from __future__ import annotations

import pytest

from tests.gsm.calls import started
from tests.gsm.drive import Hand
from tests.gsm.scripted import ERROR, OK, Scripted, lines


def wants_pin(modem: Scripted, tries: str | None, pin: str = "1234") -> None:
    state = {"left": 3 if tries is None else int(tries), "open": False}

    def cpin(_line: str) -> str:
        return lines("+CPIN: READY" if state["open"] else "+CPIN: SIM PIN")

    def enter(line: str) -> str:
        if line == f'AT+CPIN="{pin}"':
            state["open"] = True
            return OK
        state["left"] -= 1
        return "\r\n+CME ERROR: 16\r\n"

    modem.set(r"AT\+CPIN=.*", enter)
    modem.set(r"AT\+CPIN\?", cpin)
    modem.set(
        r"AT\+CPINR",
        (lambda _line: lines(f"+CPINR: SIM PIN, {state['left']}, 3")) if tries else ERROR,
    )


def entered(hand: Hand) -> list[str]:
    return [word for word in hand.words() if word.startswith("AT+CPIN=")]


@pytest.mark.parametrize("tries", ["3", "2"])
def test_a_pin_is_entered_where_two_tries_are_left(tries):
    modem = Scripted()
    wants_pin(modem, tries)
    hand = started(modem, pin="1234")
    hand.expect_state("ready", 60)
    assert entered(hand) == ['AT+CPIN="1234"']


@pytest.mark.parametrize("tries", ["1", "0", None])
def test_a_pin_is_never_risked(tries):
    modem = Scripted()
    wants_pin(modem, tries)
    hand = started(modem, pin="1234")
    hand.expect_state("sim fault", 60)
    hand.run(600)
    assert entered(hand) == []
    assert "tries" in hand.port.why


def test_a_wrong_pin_is_entered_once_whatever_happens():
    modem = Scripted()
    wants_pin(modem, "3", pin="9999")
    hand = started(modem, pin="1234")
    hand.expect_state("sim fault", 60)
    assert hand.port.why == "the configured PIN was refused"
    hand.run(600)
    hand.unplug()
    hand.present = True
    hand.run(600)
    hand.port.reset(hand.now)
    hand.settle()
    hand.run(600)
    hand.port.drain_port(hand.now)
    hand.settle()
    hand.run(10)
    hand.start()
    hand.run(600)
    assert entered(hand) == ['AT+CPIN="1234"']
    again = Hand(modem, pin="1234")
    again.port.know(hand.port.card_state(), again.now)
    again.start()
    again.run(600)
    assert entered(again) == [], "what is kept about the card tells the next process"


def test_tries_that_the_module_does_not_tell_are_taken_by_somebodys_word():
    """And only then: a told number goes before it."""
    for tries, word, sent in ((None, 3, 1), (None, 1, 0), ("1", 3, 0), ("0", 3, 0)):
        modem = Scripted()
        wants_pin(modem, tries)
        hand = started(modem, pin="1234", pin_tries=word)
        hand.expect_state("ready" if sent else "sim fault", 60)
        hand.run(300)
        assert len(entered(hand)) == sent, (tries, word)
    modem = Scripted()
    wants_pin(modem, None, pin="9999")
    hand = started(modem, pin="1234", pin_tries=3)
    hand.expect_state("sim fault", 60)
    hand.run(600)
    assert len(entered(hand)) == 1, "a wrong one is sent once by the same word"


def test_a_huawei_that_does_not_know_its_own_question_is_asked_the_standards():
    modem = Scripted(CGMI="huawei", CGMM="E1550")
    modem.set(r"AT\^CPIN\?", ERROR)
    wants_pin(modem, "2")
    hand = started(modem, pin="1234")
    hand.expect_state("ready", 60)
    assert entered(hand) == ['AT+CPIN="1234"']


def test_a_pin_of_its_card_goes_before_the_ports():
    modem = Scripted()
    wants_pin(modem, "3", pin="4711")
    hand = started(modem, pin="1234", pins=(("89840100000000000017", "4711"),))
    hand.expect_state("ready", 60)
    assert entered(hand) == ['AT+CPIN="4711"']


def test_a_pin_is_never_traced():
    modem = Scripted()
    wants_pin(modem, "3")
    hand = started(modem, pin="1234", trace=True)
    hand.expect_state("ready", 60)
    said = [fact for _, fact in hand.facts]
    assert not any("1234" in str(fact) for fact in said if "CPIN" in str(fact))


@pytest.mark.parametrize("pin", ['1"+CPWD', "12", "abcd", "123456789", "1234\r"])
def test_what_is_no_pin_is_not_entered(pin):
    modem = Scripted()
    wants_pin(modem, "3")
    hand = started(modem, pin=pin)
    hand.expect_state("sim fault", 60)
    assert entered(hand) == []
    assert "not 4 to 8 digits" in hand.port.why
