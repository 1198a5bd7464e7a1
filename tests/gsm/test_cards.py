"""A card's PIN, blocks and books: kept where it was, found where it is."""

from __future__ import annotations

import itertools

import pytest

from gsm.card import CardState
from gsm.events import CardChanged, CardSeen, Ended, Identified
from tests.gsm.calls import OUT, port
from tests.gsm.drive import Hand, S
from tests.gsm.scripted import ERROR, OK, Scripted, lines

ICCID, OTHER = "89840100000000000017", "89840400000000000025"
MODULE = "imei:490154203237518"


class Sim:
    """A card that wants a PIN, in modules that come and go; `late_s` until it says READY."""

    def __init__(self, pin: str = "1234", *, hidden: bool = False, late_s: float = 0.0) -> None:
        self.pin, self.hidden, self.late_s = pin, hidden, late_s
        self.left = 3
        self.sent: list[str] = []
        self.open_at = -1

    def module(self) -> Scripted:
        """A module that was just switched on, with the card in it."""
        self.open_at = -1
        modem = Scripted()
        modem.set(r"AT\+CPIN=.*", lambda line: self._enter(modem, line))
        modem.set(r"AT\+CPIN\?", lambda _line: self._state(modem))
        modem.set(r"AT\+CPINR", lambda _line: lines(f"+CPINR: SIM PIN, {self.left}, 3"))
        if self.hidden:
            shown = lines(f"+CCID: {ICCID}")
            modem.set(r"AT\+CCID", lambda _line: shown if self._is_open(modem) else ERROR)
            modem.set(r"AT\+ICCID|AT\+CRSM.*", ERROR)
        return modem

    def _is_open(self, modem: Scripted) -> bool:
        return 0 <= self.open_at <= modem.hand.now

    def _state(self, modem: Scripted) -> str:
        return lines("+CPIN: READY" if self._is_open(modem) else "+CPIN: SIM PIN")

    def _enter(self, modem: Scripted, line: str) -> str:
        self.sent.append(line)
        if self.open_at >= 0:
            return "\r\n+CME ERROR: 3\r\n"  # a second one during the lag is refused
        if line != f'AT+CPIN="{self.pin}"':
            self.left -= 1
            return "\r\n+CME ERROR: 16\r\n"
        self.open_at = modem.hand.now + round(self.late_s * S)
        return OK


class Keeper:
    """What a process keeps of cards, in the way of a daemon's store: all or nothing is in time."""

    def __init__(self) -> None:
        self.cards: dict[str, CardState] = {}
        self._seen: dict[Hand, int] = {}

    def run(self, hand: Hand, seconds: float, until: str = "") -> None:
        """Let time pass, keeping and giving back as facts come."""
        seen = self._seen.get(hand, 0)
        end = hand.now + round(seconds * S)
        while hand.now < end and not (until and hand.port.state == until):
            hand.run(0.05)
            for _, fact in hand.facts[seen:]:
                if isinstance(fact, CardSeen) and fact.key in self.cards:
                    hand.port.know(self.cards[fact.key], hand.now)
                    hand.settle()
                elif isinstance(fact, CardChanged):
                    self.cards[fact.card.iccid] = fact.card
            self._seen[hand] = seen = len(hand.facts)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_refused_pin_is_told_at_once_and_not_sent_by_the_next_process(hidden):
    sim, keeper = Sim("9999", hidden=hidden), Keeper()
    for _ in range(3):
        hand = Hand(sim.module(), pin="1234")
        hand.start()
        keeper.run(hand, 200)
        assert hand.port.state == "sim fault"
        assert "PIN was refused" in hand.port.why
    assert sim.sent == ['AT+CPIN="1234"']
    assert sim.left == 2
    assert set(keeper.cards) == {MODULE if hidden else ICCID}


def test_a_process_that_is_killed_while_the_pin_is_under_way_has_kept_that():
    sim, keeper = Sim("9999"), Keeper()
    hand = Hand(modem := sim.module(), pin="1234")
    modem.set(r"AT\+CPIN=.*", None)  # and its answer is never seen
    hand.start()
    assert hand.run(60, lambda: any("CPIN=" in word for word in hand.words()))
    keeper.run(hand, 0.1)
    hand = Hand(sim.module(), pin="1234")
    hand.start()
    keeper.run(hand, 60, "sim fault")
    assert sim.sent == []


@pytest.mark.parametrize("hidden", [False, True])
def test_another_pin_is_tried_and_so_is_the_same_after_unblocking(hidden):
    sim, keeper = Sim("9999", hidden=hidden), Keeper()
    hand = Hand(sim.module(), pin="1234")
    hand.start()
    keeper.run(hand, 60, "sim fault")
    hand.port.unblock(hand.now)
    hand.settle()
    keeper.run(hand, 90)
    assert len(sim.sent) == 2, "who unblocks it wants it tried"
    sim.left = 3
    hand = Hand(sim.module(), pin="9999")
    hand.start()
    keeper.run(hand, 60, "ready")
    assert hand.port.state == "ready"
    assert len(sim.sent) == 3


@pytest.mark.parametrize("late_s", [0.0, 5.0, 20.0, 45.0])
def test_a_pin_is_sent_once_in_a_round_however_long_the_card_takes(late_s):
    sim, keeper = Sim(late_s=late_s), Keeper()
    hand = Hand(sim.module(), pin="1234")
    hand.start()
    keeper.run(hand, 200, "ready")
    assert hand.port.state == "ready", hand.story()
    assert len(sim.sent) == 1
    assert not any(card.refused_pin for card in keeper.cards.values())


def test_a_restart_keeps_the_blocks_of_a_card_that_wants_its_pin():
    sim, keeper = Sim(), Keeper()
    for _ in range(2):
        hand = Hand(sim.module(), pin="1234")
        hand.start()
        keeper.run(hand, 60)
        if hand.port.state == "ready":
            assert hand.port.block("topped up?", None, hand.now) == ""
            hand.settle()
            keeper.run(hand, 1)
    assert hand.port.state == "locked"
    assert hand.port.why == "topped up?"
    assert hand.told(Identified)[-1].iccid == ICCID


def test_what_is_kept_of_a_pin_has_two_seconds_before_it_is_written():
    sim = Sim("9999")
    hand = Hand(sim.module(), pin="1234")
    hand.start()
    assert hand.run(60, lambda: any("CPIN=" in word for word in hand.words()))
    told = [at for at, fact in hand.facts if isinstance(fact, CardChanged)]
    (written,) = [at for at, data in hand.written if b"CPIN=" in data]
    assert written - told[0] >= 2 * S


def test_a_card_that_is_ready_says_nothing_of_the_pin_of_another():
    sim, keeper = Sim("9999"), Keeper()
    hand = Hand(modem := sim.module(), pin="1234")
    hand.start()
    keeper.run(hand, 60, "sim fault")
    asks = dict(modem.answers)
    modem.set(r"AT\+CPIN\?", lines("+CPIN: READY"))
    swap(modem)
    hand.say("\r\n+CPIN: READY\r\n")
    keeper.run(hand, 60, "ready")
    assert hand.port.card_state().iccid == OTHER
    hand.unplug()
    modem.answers, hand.present = asks, True
    keeper.run(hand, 200)
    assert hand.port.state == "sim fault"
    assert sim.sent == ['AT+CPIN="1234"'], "it is the first one again"


def test_no_card_no_block():
    modem = Scripted()
    modem.set(r"AT\+CPIN\?", "\r\n+CME ERROR: 10\r\n")
    hand = Hand(modem)
    assert "no SIM" in hand.port.block("blocked", None, hand.now)
    hand.start()
    hand.expect_state("sim fault", 30)
    assert "no SIM" in hand.port.block("blocked", None, hand.now)
    assert hand.port.card_state().locks == {}


def test_the_pin_is_masked_both_ways():
    sim = Sim()
    modem = sim.module()
    modem.echo = True  # and ATE0 changes nothing
    hand = Hand(modem, pin="1234", trace=True)
    hand.start()
    hand.expect_state("ready", 60)
    assert sim.sent
    assert not any(b"1234" in getattr(fact, "data", b"") for _, fact in hand.facts
                   if b"PIN" in getattr(fact, "data", b""))  # fmt: skip


def test_the_pin_is_masked_in_pieces_too():
    sim = Sim()
    modem = sim.module()
    hand = Hand(modem, pin="1234", trace=True)
    hand.start()
    assert hand.run(60, lambda: any("CPIN=" in word for word in hand.words()))
    for piece in ('AT+CPIN="', "12", '34"\r'):
        hand.say(piece)
    told = b"|".join(getattr(fact, "data", b"") for _, fact in hand.facts)
    assert b"|12|" not in told
    assert b'34"' not in told


# taken out, changed

REMOVED = [
    ("Acme", "M1", "+CPIN: NOT INSERTED"),
    ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E", "+CPIN: SIM REMOVED"),
    ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E", "+CPIN: NOT INSERTED"),
    ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E", "+SIMCARD: NOT AVAILABLE"),
    ("huawei", "E1550", "^SIMST: 255"),
    ("Quectel", "EC25", "+QSIMSTAT: 1,0"),
]


@pytest.mark.parametrize(("maker", "model", "line"), REMOVED)
def test_a_card_that_is_pulled_out_is_seen_at_once(maker, model, line):
    hand, modem = port(maker, model)
    modem.set(r"AT\+CPIN\?", "\r\n+CME ERROR: 10\r\n")
    hand.say(f"\r\n{line}\r\n")
    assert hand.port.state == "sim fault"
    assert hand.port.why == "no card"


def swap(modem: Scripted) -> None:
    modem.set(r"AT\+CIMI", lines("452040000000002"))
    modem.set(r"AT\+Q?CCID|AT\+CICCID|AT\^ICCID\?", lines(f"+CCID: {OTHER}"))


BACK = {"^SIMST: 255": "^SIMST: 1", "+QSIMSTAT: 1,0": "+QSIMSTAT: 1,1",
        "+SIMCARD: NOT AVAILABLE": "+CPIN: READY"}  # fmt: skip


@pytest.mark.parametrize(("maker", "model", "line"), REMOVED)
def test_a_card_changed_in_mid_call_has_its_own_books_before_the_next_dial(maker, model, line):
    hand, modem = port(maker, model)
    modem.calls = [OUT.format(0)]
    assert hand.dial() == ""
    hand.run(3)
    assert hand.port.state == "active"
    swap(modem)
    hand.say(f"\r\n{line}\r\n")
    assert hand.port.state == "active", "the network ends the call, or does not"
    modem.calls = []
    hand.say("\r\nNO CARRIER\r\n")
    hand.say(f"\r\n{BACK.get(line, '+CPIN: READY')}\r\n")
    assert hand.run(10, lambda: bool(hand.told(Ended)))
    before = len(hand.facts)
    assert hand.run(30, lambda: hand.port.ready)
    assert OTHER in {fact.iccid for _, fact in hand.facts[before:] if isinstance(fact, Identified)}
    assert hand.port.card_state().iccid == OTHER


def test_a_card_changed_without_a_word_on_a_busy_port_is_found_before_the_next_dial():
    hand, modem = port()
    for leg in itertools.count(1):
        modem.calls = [OUT.format(0)]
        assert hand.dial(leg=leg) == ""
        hand.run(3)
        if leg == 2:
            swap(modem)
        modem.calls = []
        hand.say("\r\nNO CARRIER\r\n")
        hand.expect_state("ready", 20)
        if leg == 2:
            break
    hand.run(3)
    assert hand.port.card_state().iccid == OTHER
    assert hand.told(Identified)[-1].carrier == "Viettel"
