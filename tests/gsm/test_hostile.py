"""Whatever a modem says: a port never raises, never holds more, and ends each call once."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsm.events import Ended, PortState, Signal, Trace, UssdReply
from gsm.number import DialString
from gsm.port_table import READY
from tests.gsm.bringing import BRING, bring
from tests.gsm.drive import Hand
from tests.gsm.scripted import Scripted

LINES = (
    "OK", "ERROR", "RING", "NO CARRIER", "BUSY", "+CME ERROR: 10", "+CMS ERROR: 500", "CONNECT",
    '+CLIP: "0912345678",129', "+CREG: 1", "+CREG: 2,3", "+CPIN: READY", "+CPIN: NOT INSERTED",
    '+CMTI: "SM",3', '+CUSD: 1,"Menu', '+CUSD: 1,"Menu",15', "+CUSD: 2", "^SIMST: 255",
    "+QPSND: 0", '+CUSD: 0,"0041",72', "+CLCC: 1,0,0,0,0,\"1\",129",
    "+CLCC: 1,1,4,0,0", "+CLCC: 1,0,6,0,0", "^CEND:1,0,29,17", "^CONN:1,0", "^SYSSTART", "RDY",
    "> ", "490154203237518", "\x1b", "+CSQ: 99,99", "0" * 5_000, '+CMGL: 1,1,,29', "07" * 40,
    "NORMAL POWER DOWN", '+QIND: "ccinfo",1,0,-1,0,0,"1",129', "\0\xff\r", "VOICE CALL: END: 1",
)  # fmt: skip
END_STATES = ("ready", "locked", "sim fault", "degraded")
STEP = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(LINES),
    st.integers(1, 200),  # tenths of a second
    st.sampled_from(["dial", "hang up", "answer", "keys", "code", "text", "at", "reset", "block",
                     "unblock", "lost", "kept", "drain", "start", "play", "record", "put", "get",
                     "flooded"]),
)  # fmt: skip


def do(hand: Hand, deed: str, leg: int) -> int:
    """One thing that a user asks. Returns how many calls it began."""
    port, now = hand.port, hand.now
    began = 0
    if deed == "dial":
        began = port.dial(leg, DialString("0912345678"), now) == ""
    elif deed == "lost":
        hand.open = False
        port.lost("gone", now)
    else:
        deeds = {
            "hang up": lambda: [port.hang_up(each, now) for each in (leg, leg - 1, -1)],
            "answer": lambda: port.answer(-1, now),
            "keys": lambda: port.digits(leg, "12#", now),
            "code": lambda: port.ussd("*101#", now),
            "text": lambda: port.sms(1, DialString("112"), "Kính chào", now),
            "at": lambda: port.at("AT+CSQ", now),
            "reset": lambda: port.reset(now),
            "block": lambda: port.block("blocked", None, now),
            "unblock": lambda: port.unblock(now),
            "play": lambda: [port.play(each, "hello", now) for each in (leg, leg - 1, 1)],
            "record": lambda: [port.record(each, "said", now) for each in (leg, leg - 1, 1)],
            "put": lambda: port.put_file("hello", bytes(3_000), now),
            "get": lambda: port.get_file("hello", now),
            "flooded": lambda: port.flooded(now),
            "kept": lambda: port.sms_kept((1, 2, -5, 10**9), now),
            "drain": lambda: port.drain_port(now),
            "start": lambda: port.start(now),
        }
        deeds[deed]()
    hand.settle()
    return began


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(BRING)), st.lists(STEP, max_size=40), st.booleans())
def test_no_order_of_things_harms_a_port(state, steps, mute):
    hand, modem = bring(state)
    dialed = 1 if hand.port._life.calling.call is not None else 0
    dialed += len({e.leg for e in hand.told(Ended)})
    modem.mute = mute
    leg = 100
    for step in steps:
        if isinstance(step, bytes):
            hand.say(step)
        elif isinstance(step, int):
            hand.run(step / 10)
        elif step in LINES:
            hand.say(f"\r\n{step}\r\n")
        else:
            leg += 1
            do(hand, step, leg)
    modem.mute = False
    hand.present = True
    modem.calls = []
    hand.run(30)
    hand.port.drain_port(hand.now)
    hand.settle()
    hand.run(30)
    legs = [end.leg for end in hand.told(Ended)]
    assert len(legs) == len(set(legs)), hand.story()
    assert hand.port._life.calling.call is None
    assert hand.port.state == "closed"
    hand.start()
    assert hand.run(1_500, lambda: hand.port.state in END_STATES), hand.story(60)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=60))
def test_bytes_of_any_kind_come_up_to_nothing_or_to_a_port(chunks):
    modem = Scripted()
    modem.mute = True
    hand = Hand(modem)
    hand.start()
    hand.run(0.01)
    for chunk in chunks:
        hand.say(chunk)
        hand.run(0.5)
    assert hand.port.state in set(hand.states_seen)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_garbage_holds_no_memory(seed):
    """Ten thousand lines of noise, and the port is as large as before."""
    rng = random.Random(seed)
    modem = Scripted()
    hand = Hand(modem, trace=True)
    hand.up()

    def noise() -> None:
        for _ in range(2_500):
            line = rng.choice((*LINES, rng.randbytes(60).decode("latin-1")))
            if line not in ("^SYSSTART", "RDY", "NORMAL POWER DOWN"):
                hand.say(f"\r\n{line}\r\n")
            if rng.random() < 0.05:
                hand.run(rng.random())
            hand.facts.clear()
            hand.written.clear()
            hand.states_seen.clear()
            modem.heard.clear()
            modem.raw.clear()

    noise()
    tracemalloc.start()
    noise()
    before, _ = tracemalloc.get_traced_memory()
    noise()
    noise()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 60_000
    assert not hand.told(Trace)


@pytest.mark.parametrize("then", ["call", "lost", "code", "restart"])
def test_a_menu_that_is_open_when_something_else_happens_harms_nothing(then):
    """Whoever asks for a code next is answered or refused, never by a failure of the port."""
    hand, modem = bring(READY)
    assert hand.port.ussd("*100#", hand.now) == ""
    hand.settle()
    hand.run(1)
    hand.say('\r\n+CUSD: 1,"1. More",15\r\n')
    hand.run(1)
    assert hand.told(UssdReply)[-1].kind == "question"
    if then == "call":
        modem.calls = ['1,1,4,0,0,"0987654321",129']
        hand.say("\r\nRING\r\n")
    elif then == "lost":
        hand.unplug()
    elif then == "restart":
        hand.say("\r\n^SYSSTART\r\n")
    hand.run(0.5)
    why = hand.port.ussd("1", hand.now)
    hand.settle()
    assert (why == "") is (hand.port.state == "ussd"), why
    modem.calls, hand.present = [], True
    assert hand.run(300, lambda: hand.port.ready), hand.story()
    assert hand.port.ussd("*101#", hand.now) == ""


def test_a_flood_of_news_is_told_once_a_second():
    hand, _ = bring(READY)
    hand.facts.clear()
    begun = hand.now
    for index in range(2_000):
        hand.say(f'\r\n+CSQ: {index % 30},99\r\n+CUSD: 0,"{index}",15\r\n')
        hand.run(0.005)
    seconds = (hand.now - begun) / 1e9
    told = Counter(type(fact) for _, fact in hand.facts)
    assert told[Signal] <= seconds + 2
    assert told[UssdReply] <= seconds + 2
    hand.run(2)
    assert hand.told(Signal)[-1].rssi_dbm == -113 + 2 * (1_999 % 30), (
        "the last is told all the same"
    )


def test_a_card_whose_contact_chatters_is_looked_at_once_a_second():
    hand, modem = bring(READY)
    hand.facts.clear()
    before = modem.count(r"AT\+CPIN\?")
    for _ in range(500):
        hand.say("\r\n+CPIN: NOT INSERTED\r\n\r\n+CPIN: READY\r\n")
        hand.run(0.01)
    assert modem.count(r"AT\+CPIN\?") - before <= 7
    assert len(hand.told(PortState)) <= 4 * 7
    assert hand.run(120, lambda: hand.port.ready), hand.story()
