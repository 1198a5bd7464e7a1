"""How much a modem may say: a listing fits, a flood does not."""

from __future__ import annotations

from gsm.events import Ended
from gsm.flood import Flood
from gsm.limits import FLOOD_BURST, FLOOD_RATE, FLOOD_TURNS
from tests.gsm.calls import OUT, ended, port
from tests.gsm.drive import S


def test_what_modems_say_by_themselves_is_no_flood():
    flood = Flood()
    now = S
    assert not flood.heard(25_000, now)  # sixty stored texts
    for _ in range(3_600):
        now += S
        assert not flood.heard(1_000, now)
    assert not flood.hopeless


def test_a_flood_is_bounded_over_any_time():
    flood, now, read = Flood(), S, 0
    for _ in range(600):
        now += S
        while not flood.heard(4_096, now):
            read += 4_096
        read += 4_096
    assert read <= FLOOD_BURST + 600 * (FLOOD_RATE + 4_096)
    assert flood.hopeless


def test_it_is_hopeless_only_after_some_time_and_gets_over_it():
    flood, now = Flood(), S
    turns = 0
    while not flood.hopeless:
        now += S
        turns += flood.heard(100_000, now)
    assert turns == FLOOD_TURNS
    assert not flood.heard(10, now + 60 * S)
    assert not flood.hopeless


def test_a_call_on_a_modem_that_floods_is_ended_unheard():
    hand, modem = port()
    modem.calls = [OUT.format(0)]
    hand.dial()
    hand.run(3)
    hand.port.flooded(hand.now)
    hand.settle()
    assert hand.written[-1][1] == b"AT+CHUP\r"
    assert (hand.port.state, hand.port.why) == ("dead", "the modem floods")
    assert ended(hand).by == "port"
    hand.run(1)
    hand.port.flooded(hand.now)  # a late one
    hand.expect_state("ready", 60)
    assert len(hand.told(Ended)) == 1
