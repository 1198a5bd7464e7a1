"""Rests, locks, balances; when a port resets, drains and looks for its network."""

from __future__ import annotations

import pytest

from gsm.card import CardState
from gsm.care import BALANCE, FAILED, SHORT, UNANSWERED, CardCare, balance_of, carrier_of, milli
from gsm.carrier import Answers, Carrier, Carriers
from gsm.dialect_check import carrier_faults
from gsm.events import Cause, Ended, Locked, PortState, Restarted, Unlocked
from gsm.limits import LOCKS_MAX
from gsm.settings import Care
from tests.gsm.calls import HANG_UP, OUT, ended, port
from tests.gsm.drive import Hand, S, carriers
from tests.gsm.scripted import ERROR, OK, Scripted, lines


def over(care: CardCare, cause: Cause, **named: object) -> list[str]:
    given = {"rang": False, "talk_ms": None, "by_us": False, "now_ns": 0} | named
    return [reason for reason, _ in care.call_over(cause, **given)]


def test_failures_in_a_row_lock_and_a_ring_between_them_does_not():
    care = CardCare(Care(failed_max=3))
    for _ in range(2):
        assert over(care, Cause.NETWORK) == []
    assert over(care, Cause.REJECTED, rang=True) == []
    assert over(care, Cause.NETWORK) == over(care, Cause.UNREACHABLE) == []
    assert over(care, Cause.BARRED) == [FAILED]


def test_what_is_the_others_fault_is_no_failure():
    care = CardCare(Care(failed_max=1))
    for cause in (Cause.BUSY, Cause.INVALID, Cause.CANCELLED, Cause.REJECTED):
        assert over(care, cause) == []


def test_unanswered_and_short_calls():
    care = CardCare(Care(unanswered_max=2, short_max=2, short_s=6))
    assert over(care, Cause.NO_ANSWER, rang=True) == []
    assert over(care, Cause.CANCELLED, rang=True) == [], "we hung up ourselves"
    assert over(care, Cause.NO_ANSWER, rang=True) == [UNANSWERED]
    assert over(care, Cause.ANSWERED, talk_ms=5_999) == []
    assert over(care, Cause.ANSWERED, talk_ms=1_000, by_us=True) == [], "short by our own will"
    assert over(care, Cause.ANSWERED, talk_ms=5_999) == []
    assert over(care, Cause.ANSWERED, talk_ms=100) == [SHORT]


def test_each_further_rest_is_twice_as_long_up_to_its_bound():
    care = CardCare(Care(failed_max=1, rest_s=100, rest_s_max=350))
    ends = []
    for _ in range(4):
        ((_, until),) = care.call_over(
            Cause.NETWORK, rang=False, talk_ms=None, by_us=False, now_ns=0
        )
        ends.append(until // S)
        care.expired(until)
    assert ends == [100, 200, 350, 350]
    over(care, Cause.ANSWERED, talk_ms=60_000)
    assert care.card.rests == 0


def test_locks_have_an_end_a_reason_and_a_bound():
    care = CardCare(Care())
    assert care.lock("blocked", None)
    assert not care.lock("blocked", None)
    assert care.lock("rest", 5 * S)
    assert care.locked() == ("blocked", None)
    assert care.next_ns() == 5 * S
    assert care.expired(5 * S) == ["rest"]
    for number in range(20):
        care.lock(f"reason {number}", number * S)
    assert len(care.card.locks) == LOCKS_MAX
    assert care.locked() == ("blocked", None)
    assert len(care.unlock("")) == LOCKS_MAX
    assert care.locked() is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [("5014", 5_014_000), ("12.500", 12_500_000), ("12,500", 12_500_000), ("0", 0),
     ("1 234 567", 1_234_567_000),
     ("12.50", 12_500), ("1.234,56", 1_234_560), ("", None), ("x", None), ("1..2", None),
     ("9" * 40, None)],
)  # fmt: skip
def test_amounts(text, amount):
    assert milli(text) == amount


@pytest.mark.parametrize(
    ("text", "amount", "day", "minutes"),
    [
        ("+84996800685. TTGTEL. TKC 5014 d, TK no 0VND, HSD: 00:00 17-11-2025. ...",
         5_014_000, 20_409, None),
        ("+84989379000. TKG: 126887d, dung den 0h ngay 31-12-2027. Bam chon",
         126_887_000, 21_183, None),
        ("Tài khoản gốc: 12.500đ, hạn sử dụng đến 31/12/2026. Gói V120B còn 45 phút",
         12_500_000, 20_818, 45),
        ("TK chinh=1.000 VND. Het han: 01/02/27", 1_000_000, 20_850, None),
        ("HSD: 31-02-2027", None, None, None),
        ("Quy khach vui long thu lai sau", None, None, None),
    ],
)  # fmt: skip
def test_what_carriers_say(text, amount, day, minutes):
    for carrier in carriers():
        told = balance_of(carrier, text)
        assert (told.milli, told.until_day, told.minutes) == (amount, day, minutes), carrier.name


def test_a_carrier_by_the_longest_beginning_of_the_imsi():
    names = {
        imsi: getattr(carrier_of(carriers(), imsi), "name", None)
        for imsi in ("452010000000001", "452020000000001", "452040000000001", "452050000000001",
                     "452070000000001", "310260000000001", "")
    }  # fmt: skip
    assert list(names.values()) == [
        "MobiFone", "VinaPhone", "Viettel", "Vietnamobile", "Gmobile", None, None,
    ]  # fmt: skip
    assert balance_of(None, "TKC 5 d").milli is None


# in a port


def test_a_card_rests_after_failures_and_comes_back_by_itself():
    hand, modem = port(care=Care(failed_max=2, rest_s=600))
    modem.set(r"ATD.*", "\r\n+CME ERROR: 30\r\n")
    for leg in (1, 2):
        hand.dial(leg=leg)
        hand.expect_state("ready" if leg == 1 else "locked", 20)
    (locked,) = hand.told(Locked)
    assert locked.reason == FAILED
    assert hand.dial() == f"locked: {FAILED}"
    state = hand.told(PortState)[-1]
    assert (state.ready, state.until_ns) == (False, locked.until_ns)
    hand.run(610)
    assert hand.told(Unlocked) == [Unlocked(FAILED)]
    assert hand.port.state == "ready"


def test_locks_travel_with_the_card_and_a_restart():
    hand, _ = port()
    hand.port.block("blocked", None, hand.now)
    kept = hand.port.card_state()
    assert kept.iccid == "89840100000000000017"
    other = Hand(Scripted())
    other.port.know(kept, other.now)
    other.start()
    other.expect_state("locked", 60)
    third, _ = port()
    third.port.know(CardState(iccid=kept.iccid, locks={BALANCE: -1}), third.now)
    third.settle()
    assert (third.port.state, third.port.why) == ("locked", BALANCE)
    third.port.unblock(third.now)
    third.settle()
    assert third.port.state == "ready"


def test_the_pause_after_a_call_has_a_chance_part():
    pauses = set()
    hand, modem = port(care=Care(gap_s=5, gap_s_spread=10))
    modem.set(r"ATD.*", "\r\n+CME ERROR: 30\r\n")
    for leg in range(4):
        hand.dial(leg=leg)
        hand.expect_state("cool down", 10)
        at = hand.now
        hand.expect_state("ready", 20)
        pauses.add(round((hand.now - at) / S, 2))
    assert all(5 <= pause <= 15.1 for pause in pauses)
    assert len(pauses) > 2


def test_a_reset_waits_for_the_end_of_a_call():
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(2)
    hand.port.reset(hand.now)
    hand.settle()
    hand.run(60)
    assert hand.port.state == "active"
    hand.hang_up()
    hand.expect_state("resetting", 20)
    hand.run(1)
    assert hand.words()[-1] == "AT+CFUN=1,1"
    assert hand.told(Restarted)
    hand.expect_state("ready", 120)


def test_a_module_is_reset_after_so_many_calls_and_hours():
    hand, modem = port(care=Care(reset_calls=2))
    modem.set(r"ATD.*", "\r\n+CME ERROR: 30\r\n")
    for leg in (1, 2):
        hand.dial(leg=leg)
        hand.run(5)
    hand.run(30)
    assert hand.words().count("AT+CFUN=1,1") == 1
    hand, _ = port(care=Care(reset_hours=2))
    hand.run(7_000)
    assert "AT+CFUN=1,1" not in hand.words()
    hand.run(400)
    assert "AT+CFUN=1,1" in hand.words()


def test_without_network_it_searches_switches_its_radio_and_resets_ever_more_seldom():
    modem = Scripted()
    modem.set(r"AT\+CREG\?", lines("+CREG: 2,2"))
    modem.set(r"AT\+CEREG\?", ERROR)
    hand = Hand(modem)
    hand.start()
    hand.run(400)
    wanted = ("AT+COPS=0", "AT+CFUN=0", "AT+CFUN=1", "AT+CFUN=1,1")
    when = [
        (round((at - 1_000 * S) / S), data.decode().strip())
        for at, data in hand.written
        if data.decode().strip() in wanted
    ]
    assert [word for _, word in when[:4]] == list(wanted)
    assert [abs(at - near) <= 10 for (at, _), near in zip(when, (61, 181, 184, 301), strict=False)]
    hand.run(4_000)
    resets = hand.words().count("AT+CFUN=1,1")
    assert 2 <= resets <= 5
    modem.set(r"AT\+CREG\?", lines("+CREG: 2,1"))
    hand.expect_state("ready", 400)


@pytest.mark.parametrize(("home_only", "state"), [(True, "register"), (False, "ready")])
def test_a_roaming_card(home_only, state):
    modem = Scripted()
    modem.set(r"AT\+CREG\?", lines("+CREG: 2,5"))
    modem.set(r"AT\+CEREG\?", ERROR)
    hand = Hand(modem, registered_at_home_only=home_only)
    hand.start()
    hand.run(30)
    assert hand.port.state == state
    assert (hand.port.why == "registered with a foreign network") == home_only


def test_lte_registration_is_enough():
    modem = Scripted()
    modem.set(r"AT\+CREG\?", lines("+CREG: 2,0"))
    modem.set(r"AT\+CEREG\?", lines('+CEREG: 2,1,"00A1","0B2C",7'))
    hand = Hand(modem)
    hand.start()
    hand.expect_state("ready", 30)


# the end


def drain(hand: Hand) -> float:
    at = hand.now
    hand.port.drain_port(hand.now)
    hand.settle()
    hand.run(10, lambda: hand.closed)
    return (hand.now - at) / S


def test_an_idle_port_closes_at_once_and_can_begin_again():
    hand, _ = port()
    assert drain(hand) < 0.5
    assert hand.port.state == "closed"
    hand.run(1_000)
    assert not hand.open
    hand.start()
    hand.expect_state("ready", 60)


def test_a_call_is_hung_up_before_the_port_closes():
    hand, modem = port("Quectel", "EC25")
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(3)
    assert drain(hand) < 3
    assert modem.calls == []
    assert ended(hand).cause is Cause.ANSWERED
    assert "AT+QPCMV=0" in hand.words()


@pytest.mark.parametrize("answer", [OK, None])
def test_within_three_seconds_whatever_the_modem_does(answer):
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(3)
    modem.set(HANG_UP, answer)
    assert drain(hand) <= 3.01
    assert len(hand.told(Ended)) == 1


def test_a_carrier_answers_as_all_of_its_file_where_it_says_nothing_else():
    common = Answers(balance=r"TK (?P<balance>\d+)", number="(?P<number>09)")
    own = Carrier(name="b", imsi=("45202",), balance=r"Rest (?P<balance>\d+)")
    first, second = Carriers(
        answers=common, carrier=(Carrier(name="a", imsi=("45201",)), own)
    ).whole()
    assert balance_of(first, "TK 12").milli == 12_000
    assert balance_of(second, "TK 12").milli is None
    found = balance_of(second, "Rest 7 09")
    assert (found.milli, found.number) == (7_000, "09")


def test_what_is_wrong_with_them_is_found_in_their_place():
    bad = Answers(balance="(a+)+", number="(?P<number>")
    found = list(carrier_faults(Carriers(answers=bad, carrier=(Carrier(name="a", imsi=("4",)),))))
    assert [path for path, _ in found] == [
        ("answers", "number"), ("answers", "balance"), ("answers", "balance"),
        ("carrier", 0, "imsi", 0),
    ]  # fmt: skip
