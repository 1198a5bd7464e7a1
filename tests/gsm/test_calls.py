"""Calls: the listing is the truth, hints are hints."""

from __future__ import annotations

from gsm.events import Answered, Cause, Ended
from tests.gsm.calls import OUT, ended, order, port
from tests.gsm.drive import S
from tests.gsm.scripted import OK


def test_a_call_by_listings_alone():
    hand, modem = port()
    modem.calls = [OUT.format(2)]
    assert hand.dial("+84912345678") == ""
    assert "ATD+84912345678;" in hand.words()
    hand.run(2)
    modem.calls = [OUT.format(3)]
    hand.run(4)
    modem.calls = [OUT.format(0)]
    hand.run(20)
    modem.calls = []
    end = ended(hand)
    assert order(hand) == ["Dialing", "Alerting", "Answered", "Ended"]
    assert (end.cause, end.by) == (Cause.ANSWERED, "peer")
    assert 3_400 <= end.ring_ms <= 4_600
    assert 19_000 <= end.talk_ms <= 27_000
    hand.expect_state("ready", 5)


def test_polling_is_fast_while_setting_up_and_slow_while_talking():
    hand, modem = port()
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(10)
    setting_up = modem.count(r"AT\+CLCC")
    modem.calls = [OUT.format(0)]
    hand.run(1)
    before = modem.count(r"AT\+CLCC")
    hand.run(50)
    assert 18 <= setting_up <= 25
    assert 9 <= modem.count(r"AT\+CLCC") - before <= 12


def test_a_hint_of_the_answer_is_not_believed_by_itself():
    hand, modem = port("huawei")
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(3)
    hand.say("\r\n^CONN:1,0\r\n")
    hand.run(3)
    assert not hand.told(Answered)
    modem.calls = [OUT.format(0)]
    hand.run(1)
    assert hand.told(Answered) == [Answered(1, True)]


def test_a_hint_makes_the_port_list_at_once():
    hand, modem = port("huawei")
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(0.6)
    hand.run(1, lambda: not hand.port._floor.channel.busy())
    modem.calls = [OUT.format(0)]
    at = hand.now
    hand.say("\r\n^CONN:1,0\r\n")
    assert hand.run(1, lambda: bool(hand.told(Answered)))
    assert hand.now - at < 0.1 * S


def test_a_hint_of_the_end_ends_it_at_the_next_listing_only_if_that_agrees():
    hand, modem = port("huawei")
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(3)
    hand.say("\r\n^CEND:1,3,104,17\r\n")
    hand.run(10)
    assert not hand.told(Ended), "still listed: it was not ours"
    modem.calls = []
    at = hand.now
    hand.say("\r\n^CEND:1,13,104,16\r\n")
    assert ended(hand).code == 16
    assert hand.now - at < S


def test_a_stale_no_carrier_ends_no_call_that_is_listed():
    hand, modem = port()
    modem.calls = [OUT.format(2)]
    hand.dial()
    hand.say("\r\nNO CARRIER\r\n")  # of the call before; taken for ATD's result
    hand.run(5)
    assert not hand.told(Ended)
    modem.calls = [OUT.format(0)]
    hand.run(1)
    assert hand.told(Answered)


def test_three_listings_without_it_and_it_is_over():
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    modem.set(r"AT\+CLCC", lambda _line: OK)
    at = hand.now
    assert ended(hand).cause is Cause.ANSWERED
    assert hand.now - at <= 8 * S


def test_one_listing_without_it_is_nothing():
    hand, modem = port()
    modem.calls = [OUT.format(3)]
    hand.dial()
    hand.run(2)
    for _ in range(6):
        modem.calls = []
        hand.run(0.6)
        modem.calls = [OUT.format(3)]
        hand.run(1.2)
    assert not hand.told(Ended)
    assert hand.port.state == "alerting"
