"""A port against the simulated bank's modems: each dialect from cold to a call and a code."""

from __future__ import annotations

import pytest

from dialerd.sim.modem_dialects import DIALECTS as DIALECTS_SOLD
from gsm.events import Alerting, Answered, Balance, Cause, Ended, Identified, Signal, UssdReply
from tests.gsm.bank import BankModem
from tests.gsm.drive import Hand

OURS_S = 4.5  # the last question into its boot, who it is, its card, its network
DIALECTS = ("huawei", "quectel", "generic")
MAKES = {
    "huawei": "huawei", "quectel": "quectel", "ec25": "quectel", "m35": "quectel_m35",
    "simcom": "simcom", "sim800": "simcom_sim800", "wavecom": "wavecom", "zte": "zte",
    "k3565": "zte", "generic": "generic", "awkward": "generic",
}  # fmt: skip


@pytest.mark.parametrize(("make", "dialect"), MAKES.items())
def test_it_comes_up_calls_and_asks_its_balance(make, dialect):
    hand = Hand(BankModem(make))
    hand.up()
    known = hand.told(Identified)[-1]
    assert known.dialect == dialect
    assert known.imei.isdigit()
    assert known.carrier == "Viettel"
    assert hand.told(Signal)[-1].registration == "home"
    assert hand.dial() == ""
    assert hand.run(60, lambda: bool(hand.told(Answered))), hand.story()
    assert hand.told(Alerting) or make in ("wavecom", "k3565"), "whose ATD waits"
    hand.hang_up()
    hand.expect_state("ready", 20)
    ended = hand.told(Ended)
    assert [(e.leg, e.cause, e.by) for e in ended] == [(1, Cause.ANSWERED, "us")]
    assert hand.port.ussd("*101#", hand.now) == ""
    hand.settle()
    hand.expect_state("ready", 60)
    assert [reply.kind for reply in hand.told(UssdReply)] == ["done"], hand.story()
    (balance,) = hand.told(Balance)
    assert balance.milli
    assert balance.until_day


@pytest.mark.parametrize("make", MAKES)
def test_from_cold_it_is_ready_soon_after_its_module(make):
    """Silence while it boots is no fault: a back-off of 15 s would cost more than it takes."""
    habits = DIALECTS_SOLD[make]
    own_s = habits.boot_s + habits.register_s[1] + (12 if make == "awkward" else 0)  # it is silent
    hand = Hand(BankModem(make, cold=True))
    hand.start()
    assert hand.run(own_s + OURS_S, lambda: hand.port.ready), hand.story()
    assert hand.reopens == [0]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("share", "cause"),
    [("busy", Cause.BUSY), ("no_answer", Cause.NO_ANSWER)],
)
def test_who_does_not_answer_is_told_by_cause(dialect, share, cause):
    hand = Hand(BankModem(dialect, shares={share: 1.0}))
    hand.up()
    hand.dial()
    assert hand.run(120, lambda: bool(hand.told(Ended))), hand.story()
    assert hand.told(Ended)[0].cause in (cause, Cause.REJECTED), hand.story()
    hand.expect_state("ready", 20)
