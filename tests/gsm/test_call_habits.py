"""Modems with habits: an ATD that waits, nothing to list; times, audio and keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gsm.events import (
    Answered,
    AudioFailed,
    AudioStart,
    CallEnding,
    Cause,
    Digit,
    DigitsSent,
    Ended,
    Identified,
)
from tests.gsm.calls import OUT, ended, order, port
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import ERROR, Scripted, lines

# however they write

MANNERS: dict[str, Callable[[str], str]] = {
    "small letters": str.lower,
    "line feeds": lambda said: said.replace("\r", ""),
    "carriage returns": lambda said: said.replace("\n", ""),
    "blank lines": lambda said: said.replace("\r\n", "\r\n\r\n\r\n"),
    "chatter in the midst": lambda said: said.replace(
        "\r\nOK", "\r\n^RSSI:14\r\n\r\n+CREG: 1\r\n\r\nOK"
    ),
    "an echo in pieces": lambda said: "AT+C\r" + said,
    "all": lambda said: "\n^rssi:9\n\n" + said.lower().replace("\r", ""),
}


@pytest.mark.parametrize(
    "listed_after_end", [False, True], ids=["NO CARRIER first", "listing first"]
)
@pytest.mark.parametrize("manner", MANNERS)
def test_a_call_is_seen_however_the_modem_writes(manner, listed_after_end):
    modem = Scripted(CGMI="Acme", CGMM="M1")
    modem.manner = MANNERS[manner]
    modem.set("AT|ATE0", ERROR)
    hand = Hand(modem)
    hand.up()
    modem.calls = [OUT.format(2)]
    hand.dial()
    for state, seconds in ((3, 2), (0, 3)):
        hand.run(seconds)
        modem.calls = [OUT.format(state)]
    hand.run(3)
    assert order(hand) == ["Dialing", "Alerting", "Answered"]
    modem.calls = []
    if listed_after_end:
        hand.run(4)
    hand.say(MANNERS[manner]("\r\nNO CARRIER\r\n"))
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.ANSWERED, "peer")
    hand.run(10)
    assert modem.count("ATD.*") == 1
    assert hand.port.state == "ready"


# modems whose ATD waits for the answer


def waiting(maker: str, model: str) -> tuple[Hand, Scripted]:
    hand, modem = port(maker, model)
    modem.set(r"ATD.*", None)
    hand.dial()
    return hand, modem


@pytest.mark.parametrize(("maker", "model"), [("WAVECOM MODEM", "MULTIBAND"), ("Acme", "M1")])
def test_the_late_ok_of_atd_is_the_answer(maker, model):
    hand, modem = waiting(maker, model)
    hand.run(25)
    assert not hand.told(Ended)
    assert hand.words()[-1] == "ATD0912345678;", "whatever is written now ends the call"
    modem.calls = [OUT.format(0)]
    hand.say("\r\nOK\r\n")
    assert hand.run(1, lambda: bool(hand.told(Answered)))
    assert hand.told(Answered)[0].sure


def test_wavecoms_hints_tell_that_it_rings_while_atd_waits():
    hand, _ = waiting("WAVECOM MODEM", "MULTIBAND")
    hand.run(1)
    hand.say("\r\n+WIND: 5,1\r\n")
    hand.run(1)
    hand.say("\r\n+WIND: 2\r\n")
    hand.run(1)
    assert order(hand) == ["Dialing", "Alerting"]


def test_hanging_up_breaks_off_an_atd_that_waits():
    hand, modem = waiting("WAVECOM MODEM", "MULTIBAND")
    modem.set(r"ATH", "\r\nNO CARRIER\r\n")  # the first one only breaks off ATD
    hand.run(5)
    modem.calls = []
    hand.hang_up()
    end = ended(hand)
    assert end.cause is Cause.CANCELLED
    hand.expect_state("ready", 30)


def test_an_atd_without_any_answer_is_hung_up():
    hand, modem = port()
    modem.set(r"ATD.*", None)
    modem.set(r"AT\+CEER", ERROR)
    hand.dial()
    end = ended(hand)
    assert end.cause is Cause.NO_ANSWER, "it may have rung: no other line calls at once"


# modems that cannot list


def test_where_nothing_can_be_listed_hints_are_believed_and_said_to_be_unsure():
    hand, modem = port("ZTE CORPORATION", "MF190")
    modem.set(r"AT\+CLCC", ERROR)
    hand.dial()
    hand.run(4)
    hand.say("\r\nCONNECT\r\n")
    hand.run(1)
    assert hand.told(Answered) == [Answered(1, False)]
    hand.say("\r\nHANGUP: 1\r\n")
    assert ended(hand).cause is Cause.ANSWERED


# time


def test_the_longest_time_is_told_before_and_kept():
    hand, modem = port(call_s_max=600, end_early_s=5)
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(1)
    hand.run(700, lambda: bool(hand.told(CallEnding)))
    assert hand.told(CallEnding) == [CallEnding(1, 30)]
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.ANSWERED, "us")
    assert 590_000 <= end.talk_ms < 600_000


def test_a_calls_own_longest_time_goes_before_the_ports():
    hand, modem = port(call_s_max=600)
    modem.calls = [OUT.format(0)]
    hand.dial(call_s_max=60)
    assert 50_000 <= ended(hand).talk_ms < 60_000


# audio and keys


def test_audio_is_on_while_there_is_a_call():
    hand, modem = port("Quectel", "EC25")
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(2)
    assert hand.told(AudioStart) == [AudioStart(1)]
    hand.hang_up()
    ended(hand)
    assert order(hand) == ["Dialing", "AudioStart", "AudioStop", "Ended"]
    hand.run(1)
    assert hand.words()[-2:] == ["AT+QPCMV=0", "AT+CIMI"]


@pytest.mark.parametrize(
    ("maker", "model", "kind", "on"),
    [("Quectel", "EC25", "uac", "AT+QPCMV=1,2"),
     ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "pcm_tty", "AT+CPCMREG=1")],
)  # fmt: skip
def test_a_module_is_told_to_be_a_sound_card_where_it_can(maker, model, kind, on):
    hand, modem = port(maker, model, audio_uac=True)
    assert hand.told(Identified)[-1].audio == kind
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(3)
    assert on in hand.words()
    assert "AT+QPCMV=1,0" not in hand.words()
    assert hand.told(AudioStart) == [AudioStart(1)]


def test_audio_that_cannot_be_switched_on_is_told():
    hand, modem = port("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H")
    modem.set(r"AT\+CPCMREG=1", ERROR)
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(10)
    (failed,) = hand.told(AudioFailed)
    assert "AT+CPCMREG=1: ERROR" in failed.why
    assert modem.count(r"AT\+CPCMREG=1") == 5
    assert not hand.told(AudioStart)


def test_keys_one_at_a_time_with_a_pause():
    hand, modem = port("Acme")
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    at = hand.now
    assert hand.port.digits(1, "12#a", hand.now) == ""
    hand.settle()
    assert hand.run(10, lambda: bool(hand.told(DigitsSent)))
    assert [w for w in hand.words() if "VTS" in w] == [f"AT+VTS={d}" for d in "12#A"]
    assert hand.now - at >= 0.9 * S
    assert hand.port.digits(1, "1;", hand.now) == "not keys of a telephone: '1;'"
    assert hand.port.digits(1, "1" * 65, hand.now) == "too many keys wait"
    assert hand.port.digits(2, "1", hand.now) == "nobody talks on that call"


def test_keys_that_a_modem_cannot_send():
    hand, modem = port("huawei")
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    assert hand.port.digits(1, "1AD", hand.now) == "this modem cannot send A D"
    assert hand.port.digits(1, "5", hand.now) == ""
    hand.settle()
    hand.run(1)
    assert "AT^DTMF=1,5" in hand.words()


@pytest.mark.parametrize(
    ("maker", "model", "line", "digit"),
    [
        ("Quectel", "EC25", "+QTONEDET: 49", "1"),
        ("Quectel", "EC25", "+QTONEDET: 42", "*"),
        ("SIMCOM_Ltd", "SIMCOM_SIM800L", "+DTMF: #", "#"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "+RXDTMF: 7", "7"),
    ],
)
def test_keys_that_the_modem_hears(maker, model, line, digit):
    hand, modem = port(maker, model)
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    for _ in range(2):
        hand.say(f"\r\n{line}\r\n")  # told twice for one press
    hand.run(0.3)
    hand.say(f"\r\n{line}\r\n")
    assert hand.told(Digit) == [Digit(1, digit)] * 2


def test_connect_is_the_answer_where_atd_waits_for_it():
    hand, modem = waiting("ZTE CORPORATION", "K3565-Z")
    hand.run(12)
    modem.calls = [OUT.format(0)]
    hand.say("\r\nCONNECT\r\n")
    hand.run(1)
    assert hand.told(Answered) == [Answered(1, True)]


@pytest.mark.parametrize("listed", [(), (OUT.format(2),)])
def test_the_final_result_of_atd_is_believed_against_listings_that_never_know_it(listed):
    hand, modem = waiting("ZTE CORPORATION", "K3565-Z")
    modem.calls = list(listed)
    hand.run(12)
    assert not hand.told(Answered)
    hand.say("\r\nCONNECT\r\n")
    assert hand.run(4, lambda: bool(hand.told(Answered)))
    assert hand.told(Answered) == [Answered(1, False)]
    modem.calls = []
    hand.hang_up()
    assert ended(hand).cause is Cause.ANSWERED
    hand.expect_state("ready", 30)


def test_hints_alone_carry_a_call_on_a_modem_that_answers_clcc_and_lists_nothing():
    hand, modem = port("huawei", "K3715")
    modem.set(r"AT\+CLCC", lines())
    hand.dial()
    for line in ("^ORIG:1,0", "^CONF:1"):
        hand.say(f"\r\n{line}\r\n")
        hand.run(8)
    assert order(hand) == ["Dialing", "AudioStart"], "it rings for all we know"
    hand.say("\r\n^CONN:1,0\r\n")
    hand.run(4)
    assert hand.told(Answered) == [Answered(1, False)]
    hand.say("\r\n^CEND:1,5,29,16\r\n")
    assert ended(hand).cause is Cause.ANSWERED


def test_a_modem_that_has_listed_a_call_is_not_believed_without_one():
    hand, modem = port("huawei", "K3715")
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(1)
    modem.calls = []
    ended(hand)
    hand.facts.clear()
    hand.run(30)
    hand.dial(leg=2)
    hand.say("\r\n^CONN:1,0\r\n")  # of the call before, for all we know
    hand.run(9)
    assert not hand.told(Answered)


def test_a_late_ok_without_a_call_is_its_end():
    hand, _ = waiting("ZTE CORPORATION", "K3565-Z")
    hand.run(20)
    at = hand.now
    hand.say("\r\nOK\r\n")
    assert ended(hand).cause is Cause.NO_ANSWER, "it may have rung unseen"
    assert hand.now - at < 3 * S


def test_a_modem_that_neither_lists_nor_tells_anything_is_given_its_ring_time():
    hand, modem = port(ring_ns_max=30 * S)
    modem.set(r"AT\+CLCC|AT\+CEER", ERROR)
    at = hand.now
    hand.dial()
    end = ended(hand)
    assert end.by == "us"
    assert 30 <= (hand.now - at) / S <= 60


def test_a_change_told_in_the_middle_of_a_listing_is_older_than_the_listing():
    hand, modem = port("SIMCOM_Ltd", "SIMCOM_SIM800L")
    early, now = OUT.format(3), OUT.format(0)
    modem.set(r"AT\+CLCC", lines(f"+CLCC: {early}", f"+CLCC: {now}"))
    hand.dial()
    hand.run(1)
    assert hand.told(Answered) == [Answered(1, True)]


def test_audio_that_fails_twice_in_a_row_is_cured_by_a_reset():
    hand, modem = port("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H")
    modem.set(r"AT\+CPCMREG=1", ERROR)
    for leg in (1, 2):
        modem.calls = [OUT.format(0)]
        assert hand.dial(leg=leg) == ""
        hand.run(10)
        assert "AT+CRESET" not in hand.words()
        hand.hang_up(leg)
        hand.run(5)
    assert "AT+CRESET" in hand.words()
    hand.expect_state("ready", 120)
