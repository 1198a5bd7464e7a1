"""How long a port rings, talks and waits for its device."""

from __future__ import annotations

import msgspec
import pytest

from gsm.command import Result
from gsm.events import Alerting, Answered, Cause, Ended
from gsm.port_table import RESETTING
from tests.gsm.bringing import bring
from tests.gsm.calls import OUT, ended, port
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import ERROR, Scripted


@pytest.mark.parametrize("ring_s", [20, 90, 180])
def test_a_calls_own_ring_limit_holds(ring_s):
    hand, modem = port()
    modem.calls = [OUT.format(3)]
    assert hand.dial(ring_s_max=ring_s) == ""
    begun = hand.now
    end = ended(hand)
    assert end.cause is Cause.NO_ANSWER
    assert ring_s <= (hand.now - begun) / S <= ring_s + 5


def test_without_one_it_is_the_ports_and_a_dialect_may_know_a_smaller():
    hand, modem = port()
    modem.calls = [OUT.format(3)]
    hand.dial()
    begun = hand.now
    ended(hand)
    assert (hand.now - begun) / S <= 50
    hand, modem = port()
    floor = hand.port._life.floor
    floor.dialect = msgspec.structs.replace(
        floor.dialect, calls=msgspec.structs.replace(floor.dialect.calls, ring_s_max=60)
    )
    modem.calls = [OUT.format(3)]
    hand.dial(ring_s_max=180)
    begun = hand.now
    ended(hand)
    assert (hand.now - begun) / S <= 65


@pytest.mark.parametrize("ring_s", [45, 180])
def test_an_atd_that_is_never_answered_may_have_rung(ring_s):
    hand, modem = port()
    modem.set(r"ATD.*", None)
    modem.set(r"AT\+CLCC", None)
    assert hand.dial(ring_s_max=ring_s) == ""
    begun = hand.now
    assert hand.run(400, lambda: bool(hand.told(Ended)))
    assert hand.told(Ended)[0].cause is Cause.NO_ANSWER
    assert (hand.now - begun) / S >= ring_s


def test_an_atd_that_times_out_by_itself_is_no_failure_of_the_port():
    modem = Scripted()
    modem.set(r"AT\+CLCC", ERROR)
    hand = Hand(modem)
    hand.up()
    modem.set(r"ATD.*", None)
    assert hand.dial(ring_s_max=180) == ""
    call = hand.port._life.calling.call
    hand.run(60)
    assert call is not None
    hand.port._life.calling._dialed(call, Result("timeout"), hand.now)
    hand.settle()
    assert ended(hand).cause is Cause.NO_ANSWER


@pytest.mark.parametrize(("asked", "lasts"), [(0, None), (None, 55), (30, 25)])
def test_nought_is_no_limit_and_none_is_the_ports(asked, lasts):
    hand, modem = port(call_s_max=60)
    modem.calls = [OUT.format(0)]
    assert hand.dial(call_s_max=asked) == ""
    hand.run(200, lambda: bool(hand.told(Answered)))
    begun = hand.now
    over = hand.run(300, lambda: bool(hand.told(Ended)))
    assert over is (lasts is not None)
    if lasts is not None:
        assert lasts <= (hand.now - begun) / S <= lasts + 5
    assert len(hand.told(Alerting)) <= 1


def test_a_device_that_is_never_opened_is_given_up_and_tried_again():
    hand = Hand(Scripted())
    hand.port.start(hand.now)
    hand.port.drain()
    assert hand.port.deadline_ns() is not None
    hand.run(11)
    assert hand.port.state == "absent"
    assert "not opened" in hand.port.why


def test_a_port_that_starts_late_has_its_time_after_that():
    hand = Hand(Scripted(), start_ns=30 * S)
    hand.port.start(hand.now)
    hand.port.drain()
    hand.run(35)
    assert hand.port.state == "opening"
    hand.run(10)
    assert hand.port.state == "absent"


def test_a_module_that_leaves_for_its_reset_and_hangs_in_opening_is_not_waited_for():
    hand, _ = bring(RESETTING)
    assert hand.port.state == "resetting"
    hand.present = hand.open = False
    hand.port.lost("gone", hand.now)
    hand.port.drain()
    assert hand.port.state == "opening"
    hand.run(20)
    assert hand.port.state == "absent"
