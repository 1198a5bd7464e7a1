"""Calls: the listing is the truth, hints are hints, whoever hangs up is sure of it."""

from __future__ import annotations

import pytest

from gsm.events import (
    Alerting,
    Answered,
    AudioFailed,
    AudioStart,
    AudioStop,
    CallEnding,
    Cause,
    Dialing,
    Digit,
    DigitsSent,
    Ended,
    Incoming,
    Reached,
    Restarted,
)
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import ERROR, OK, Scripted, lines

OUT = '1,0,{},0,0,"0912345678",129'
HANG_UP = r"AT\+CHUP|ATH|AT\+CHLD=.*"


def port(maker: str = "Acme", model: str = "M1", **settings: object) -> tuple[Hand, Scripted]:
    modem = Scripted(CGMI=maker, CGMM=model)
    modem.set(r"AT\^CVOICE\?", lines("^CVOICE: 0"))
    hand = Hand(modem, **settings)
    hand.up()
    return hand, modem


def ended(hand: Hand) -> Ended:
    assert hand.run(200, lambda: bool(hand.told(Ended))), hand.story()
    assert len(hand.told(Ended)) == 1, hand.story()
    return hand.told(Ended)[0]


def order(hand: Hand) -> list[str]:
    """Facts of calls, by name."""
    kinds = (Dialing, Alerting, Answered, Ended, AudioStart, AudioStop)
    return [type(fact).__name__ for _, fact in hand.facts if isinstance(fact, kinds)]


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
    hand.run_to("ready", 5)


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
    hand.run_to("resetting", 30)
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
        hand.run_to("ready", 10)


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
    hand.run_to("ready", 30)


def test_an_atd_without_any_answer_is_hung_up():
    hand, modem = port()
    modem.set(r"ATD.*", None)
    modem.set(r"AT\+CEER", ERROR)
    hand.dial()
    end = ended(hand)
    assert end.cause in (Cause.NETWORK, Cause.LOCAL)


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
    assert hand.words()[-1] == "AT+QPCMV=0"


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
    hand.run_to("ready", 10)


def test_an_incoming_call_that_nobody_told_of_is_found():
    hand, modem = port()
    modem.calls = ['1,1,4,0,0,"0987654321",129']
    assert hand.run(15, lambda: bool(hand.told(Incoming))), "the idle listing finds it"


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
    hand.run_to("ready", 400)


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
