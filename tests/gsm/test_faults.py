"""Whatever goes wrong with a simulated modem, its port comes back, and each call ends once."""

from __future__ import annotations

import pytest

from dialerd.sim.modem_faults import KINDS
from gsm.events import Answered, Cause, Ended
from tests.gsm.bank import BankModem
from tests.gsm.drive import Hand

FAULT_S = 40.0
BACK_S = 900.0  # longer than any back-off, reset or search
MAKES = ("huawei", "quectel", "generic", "wavecom")


def faulty(dialect: str) -> tuple[Hand, BankModem]:
    modem = BankModem(dialect)
    hand = Hand(modem)
    hand.up(200)
    return hand, modem


def check_call(hand: Hand, leg: int) -> None:
    """A call from beginning to end, as if nothing had been."""
    assert hand.run(BACK_S, lambda: hand.port.ready), hand.story(80)
    assert hand.dial(leg=leg) == "", hand.story(80)
    assert hand.run(60, lambda: any(a.leg == leg for a in hand.told(Answered))), hand.story(80)
    hand.hang_up(leg)
    assert hand.run(60, lambda: any(e.leg == leg for e in hand.told(Ended))), hand.story(80)
    (end,) = (e for e in hand.told(Ended) if e.leg == leg)
    assert end.cause is Cause.ANSWERED


@pytest.mark.parametrize("dialect", MAKES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fault_while_idle(kind, dialect):
    hand, modem = faulty(dialect)
    faults = modem.bank.slots[0].faults
    faults.begin(kind)
    modem._arm()
    hand.run(FAULT_S)
    faults.begin("none")
    if kind in ("wedge", "unplug"):
        modem.bank.slots[0].unplug()
        hand.run(1)
        modem.bank.slots[0].plug()
    modem._arm()
    hand.run(1)
    check_call(hand, 5)


@pytest.mark.parametrize("dialect", MAKES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fault_in_a_call(kind, dialect):
    hand, modem = faulty(dialect)
    faults = modem.bank.slots[0].faults
    hand.dial()
    assert hand.run(60, lambda: bool(hand.told(Answered)))
    faults.begin(kind)
    modem._arm()
    hand.run(FAULT_S)
    faults.begin("none")
    if kind in ("wedge", "unplug"):
        modem.bank.slots[0].unplug()
        hand.run(1)
        modem.bank.slots[0].plug()
    modem._arm()
    hand.hang_up()
    assert hand.run(300, lambda: bool(hand.told(Ended))), hand.story(80)
    check_call(hand, 5)
    assert [end.leg for end in hand.told(Ended)] == [1, 5]
