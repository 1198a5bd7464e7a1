"""How calls end: the ladder, the cause, the time."""

from __future__ import annotations

import pytest

from gsm.events import Alerting, Cause, Reached, Restarted
from gsm.limits import CAUSE_TEXT_MAX
from tests.gsm.calls import HANG_UP, OUT, ended, port
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import ERROR, OK, Scripted, lines


@pytest.mark.parametrize(
    ("maker", "model"), [("Acme", "M1"), ("huawei", "E173"), ("Quectel", "EC25")]
)
def test_before_it_rings_only_chup_and_ath_end_a_call(maker, model):
    """AT+CHLD=1x before ^CONF wedges a Huawei module for good."""
    hand, modem = port(maker, model)
    modem.set(HANG_UP, OK)  # and the call stands
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(2)
    hand.hang_up()
    hand.run(30)
    assert not any(word.startswith("AT+CHLD=1") for word in hand.words())
    assert "AT+CHUP" in hand.words()
    assert "ATH" in hand.words()


def test_the_ladder_goes_on_until_a_listing_agrees_and_ends_in_a_reset():
    hand, modem = port()
    modem.set(HANG_UP, OK)
    modem.calls = ['3,0,0,0,0,"0912345678",129', '1,1,0,1,0,"",128']
    hand.dial()
    hand.run(2)
    hand.hang_up()
    hand.expect_state("resetting", 30)
    rungs = [w for w in hand.words() if w in ("AT+CHUP", "AT+CHLD=13", "ATH", "AT+CFUN=1,1")]
    assert rungs == ["AT+CHUP", "AT+CHLD=13", "ATH", "AT+CFUN=1,1"]
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.LOCAL, "port")
    assert hand.told(Restarted)


def test_a_rung_that_is_not_answered_is_followed_by_the_next():
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    modem.set(r"AT\+CHUP", None)
    hand.hang_up()
    assert ended(hand).cause is Cause.ANSWERED
    assert "AT+CHLD=11" in hand.words()


def test_hanging_up_before_the_answer_is_cancelled_by_us():
    hand, modem = port()
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(2)
    hand.hang_up()
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.CANCELLED, "us")
    assert hand.hang_up() == "no such call"


def test_an_answer_that_crosses_our_hang_up_counts_as_one():
    hand, modem = port()
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(2)
    modem.set(r"AT\+CHUP", None)
    hand.hang_up()
    hand.run(0.1)
    assert hand.hang_up() == ""
    assert hand.port.state == "releasing"
    assert ended(hand).cause is Cause.CANCELLED


@pytest.mark.parametrize(
    ("word", "report", "cause"),
    [
        ("BUSY", None, Cause.BUSY),
        ("NO ANSWER", None, Cause.NO_ANSWER),
        ("NO CARRIER", "+CEER: 17", Cause.BUSY),
        ("NO CARRIER", "+CEER: 5,1,User busy", Cause.BUSY),
        ("NO CARRIER", "+CEER: Release, call rejected", Cause.REJECTED),
        ("NO CARRIER", '+CEER: "CC setup error",21,"Call rejected"', Cause.REJECTED),
        ("NO CARRIER", "+CEER: Unassigned (unallocated) number", Cause.INVALID),
        ("NO CARRIER", "+CEER: 0,20", Cause.UNREACHABLE),
        ("NO CARRIER", "+CEER: No circuit/channel available", Cause.CONGESTION),
        ("NO CARRIER", "+CEER: Operator determined barring", Cause.BARRED),
    ],
)
def test_why_a_call_failed(word, report, cause):
    hand, modem = port()
    modem.set(r"AT\+CEER", lines(report) if report else ERROR)
    modem.set(r"ATD.*", lambda _line: None)
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(2)
    modem.calls = []
    hand.say(f"\r\n{word}\r\n")
    assert ended(hand).cause is cause


@pytest.mark.parametrize("word", ["NO CARRIER", "ERROR"])
def test_a_call_that_the_module_refuses_at_once_says_nothing_of_the_number(word):
    """AT+CEER is still of the call before: a lead would be unreachable that nobody has called."""
    hand, modem = port()
    modem.set(r"AT\+CEER", lines("+CEER: 20"))
    modem.set(r"ATD.*", f"\r\n{word}\r\n")
    hand.dial()
    assert ended(hand).cause in (Cause.NETWORK, Cause.LOCAL)
    assert "AT+CEER" not in hand.words()


@pytest.mark.parametrize(
    ("code", "cause"),
    [(17, Cause.BUSY), (1, Cause.INVALID), (19, Cause.NO_ANSWER), (21, Cause.REJECTED),
     (20, Cause.UNREACHABLE), (34, Cause.CONGESTION), (8, Cause.BARRED), (38, Cause.NETWORK)],
)  # fmt: skip
def test_huaweis_cause_is_the_networks(code, cause):
    hand, modem = port("huawei")
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.run(3)
    modem.calls = []
    hand.say(f"\r\n^CEND:1,0,29,{code}\r\n")
    end = ended(hand)
    assert (end.cause, end.code) == (cause, code)


@pytest.mark.parametrize(("rings_s", "cause"), [(6, Cause.REJECTED), (28, Cause.NO_ANSWER)])
def test_without_any_word_of_the_network_its_time_tells(rings_s, cause):
    hand, modem = port()
    modem.set(r"AT\+CEER", ERROR)
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(rings_s)
    modem.calls = []
    assert ended(hand).cause is cause


def test_a_refused_atd_is_told_by_its_code():
    for code, cause in ((30, Cause.NETWORK), (10, Cause.LOCAL), (32, Cause.BARRED)):
        hand, modem = port()
        modem.set(r"ATD.*", f"\r\n+CME ERROR: {code}\r\n")
        hand.dial()
        assert ended(hand).cause is cause
        hand.expect_state("ready", 10)


def test_nobody_answers_in_time():
    hand, modem = port(ring_ns_max=30 * S)
    modem.calls = [OUT.format(3)]
    hand.dial()
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.NO_ANSWER, "us")
    assert 28_000 <= end.ring_ms <= 31_000


def test_a_call_that_never_begins_is_given_up():
    hand, _ = port()
    hand.dial()
    at = hand.now
    end = ended(hand)
    assert (end.cause, end.by) == (Cause.NETWORK, "port")
    assert 9 * S <= hand.now - at <= 13 * S


def test_a_call_can_be_listed_late():
    hand, modem = port()
    hand.dial()
    hand.run(6)
    modem.calls = [OUT.format(3)]
    hand.run(1)
    assert hand.told(Alerting)


# calls whose ringing cannot be seen


@pytest.mark.parametrize("how", ["waits", "cannot list"])
@pytest.mark.parametrize("imsi", ["452040000000001", "452010000000001"])
@pytest.mark.parametrize("end", ["network", "us"])
def test_who_was_rung_unseen_is_not_called_by_another_line(how: str, imsi: str, end: str):
    modem = Scripted(CIMI=imsi)
    if how == "cannot list":
        modem.set(r"AT\+CLCC", ERROR)
    hand = Hand(modem)
    hand.up()
    if how == "waits":
        modem.set(r"ATD.*", None)
    hand.dial()
    if end == "network":
        modem.say_in(30, "\r\nNO CARRIER\r\n")
    assert ended(hand).cause is Cause.NO_ANSWER
    assert not hand.told(Reached)


def test_a_report_of_any_length_is_searched_in_its_beginning_only():
    hand, modem = port()
    modem.set(r"AT\+CEER", lines("+CEER: " + "x" * 200 + " 17"))
    modem.set(r"ATD.*", lambda _line: None)
    hand.dial()
    hand.run(2)
    hand.say("\r\nNO CARRIER\r\n")
    found = ended(hand)
    assert found.cause is Cause.NETWORK
    assert found.text == ("+CEER: " + "x" * 200)[:CAUSE_TEXT_MAX]
