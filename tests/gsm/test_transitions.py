"""Every row of the port's table and of the channel's is passed by a scenario, to where it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gsm import channel
from gsm import port_table as table
from gsm.channel import Channel
from gsm.command import Command, Haste, Result
from gsm.dialect import Dialect, Init
from gsm.floor import Floor
from gsm.limits import SECOND
from tests.gsm import drive
from tests.gsm.drive import Hand
from tests.gsm.scripted import ERROR, OK, Scripted, lines

OUT, IN = '1,0,{},0,0,"0912345678",129', '1,1,{},0,0,"0987654321",129'
SILENT = None


def bring(state: int) -> tuple[Hand, Scripted]:
    """A port in that state."""
    modem = Scripted()
    hand = Hand(modem, status_ns=10_000 * SECOND)
    BRING[state](hand, modem)
    assert hand.port.state == table.STATES[state], hand.story()
    return hand, modem


def held(pattern: str, state: int) -> Callable[[Hand, Scripted], None]:
    """Coming up stands still at a command that takes its time."""

    def go(hand: Hand, modem: Scripted) -> None:
        kept = modem.answers.get(pattern)
        modem.set(pattern, SILENT)
        hand.start()
        assert hand.run(5, lambda: hand.port.state == table.STATES[state])
        modem.set(pattern, kept if kept is not None else OK)

    return go


def dialing(hand: Hand, modem: Scripted) -> None:
    hand.up()
    modem.calls = [OUT.format(2)]
    assert hand.dial() == ""
    hand.run(1)


def alerting(hand: Hand, modem: Scripted) -> None:
    dialing(hand, modem)
    modem.calls = [OUT.format(3)]
    hand.run(1)


def active(hand: Hand, modem: Scripted) -> None:
    alerting(hand, modem)
    modem.calls = [OUT.format(0)]
    hand.run(1)


def releasing(hand: Hand, modem: Scripted) -> None:
    active(hand, modem)
    modem.set(r"AT\+CHUP|ATH|AT\+CHLD=.*", OK)  # and the call stands
    hand.hang_up()


def cool_down(hand: Hand, modem: Scripted) -> None:
    dialing(hand, modem)
    hand.hang_up()
    hand.run(5, lambda: hand.port.state == "cool down")


def incoming(hand: Hand, modem: Scripted) -> None:
    hand.up()
    modem.calls = [IN.format(4)]
    hand.say("\r\nRING\r\n")
    hand.run(0.6)


def ussd(hand: Hand, modem: Scripted) -> None:
    hand.up()
    assert hand.port.ussd("*101#", hand.now) == ""
    hand.settle()


def sms(hand: Hand, modem: Scripted) -> None:
    hand.up()
    modem.set(r"AT\+CMGR=3", SILENT)
    hand.say('\r\n+CMTI: "SM",3\r\n')
    hand.run(1)


def locked(hand: Hand, modem: Scripted) -> None:
    hand.up()
    hand.port.block("blocked", None, hand.now)
    hand.settle()


def card_fault(hand: Hand, modem: Scripted) -> None:
    modem.set(r"AT\+CPIN\?", "\r\n+CME ERROR: 10\r\n")
    hand.start()
    hand.run_to("sim fault", 30)


def degraded(hand: Hand, modem: Scripted) -> None:
    modem.set(r"AT\+CGMI", lines("huawei"))
    modem.set(r"AT\^CVOICE\?", ERROR)
    hand.start()
    hand.run_to("degraded", 30)


def resetting(hand: Hand, modem: Scripted) -> None:
    hand.up()
    hand.port.reset(hand.now)
    hand.settle()


def draining(hand: Hand, modem: Scripted) -> None:
    active(hand, modem)
    modem.set(r"AT\+CHUP|ATH|AT\+CHLD=.*", OK)
    hand.port.drain_port(hand.now)
    hand.settle()


def absent(hand: Hand, modem: Scripted) -> None:
    hand.present = False
    hand.start()
    hand.run(1)


def dead(hand: Hand, modem: Scripted) -> None:
    modem.mute = True
    hand.start()
    hand.run_to("dead", 60)


def opening(hand: Hand, modem: Scripted) -> None:
    hand.port.start(hand.now)


BRING: dict[int, Callable[[Hand, Scripted], None]] = {
    table.CLOSED: lambda _hand, _modem: None,
    table.OPENING: opening,
    table.ABSENT: absent,
    table.SYNC: held("AT", table.SYNC),
    table.IDENTIFY: held(r"AT\+CGMI", table.IDENTIFY),
    table.SIM: held(r"AT\+CPIN\?", table.SIM),
    table.REGISTER: held(r"AT\+CREG\?", table.REGISTER),
    table.READY: lambda hand, _modem: hand.up(),
    table.DIALING: dialing,
    table.ALERTING: alerting,
    table.ACTIVE: active,
    table.RELEASING: releasing,
    table.COOL_DOWN: cool_down,
    table.INCOMING: incoming,
    table.USSD: ussd,
    table.SMS: sms,
    table.LOCKED: locked,
    table.SIM_FAULT: card_fault,
    table.DEGRADED: degraded,
    table.RESETTING: resetting,
    table.DRAINING: draining,
    table.DEAD: dead,
}


def happen(event: int, hand: Hand, modem: Scripted) -> None:
    """Make it happen in whatever state the port is."""
    port = hand.port
    simple: dict[int, Callable[[], object]] = {
        table.START: lambda: port.start(hand.now),
        table.OPENED: lambda: (hand.settle(), hand.run(1)),
        table.LOST: lambda: lose(hand),
        table.SILENT: lambda: silence(hand, modem),
        table.ANSWERS: lambda: hand.run(30),
        table.IDENTIFIED: lambda: hand.run(30),
        table.CARD: lambda: usable(hand, modem),
        table.FAULT: lambda: fault(hand, modem),
        table.REGISTERED: lambda: hand.run(20),
        table.UNREGISTERED: lambda: unregister(hand, modem),
        table.DIAL: hand.dial,
        table.RINGS_THERE: lambda: listed(hand, modem, OUT.format(3)),
        table.ANSWER: lambda: answer(hand, modem),
        table.HANG_UP: lambda: hand.port.hang_up(leg_of(hand), hand.now),
        table.OVER: lambda: over(hand, modem),
        table.RESTED: lambda: hand.run(5),
        table.RINGS_HERE: lambda: hand.say("\r\nRING\r\n"),
        table.CODE: lambda: port.ussd("*101#", hand.now),
        table.TEXT: lambda: hand.say('\r\n+CMTI: "SM",3\r\n'),
        table.DONE: lambda: hand.run(60),
        table.LOCK: lambda: port.block("blocked", None, hand.now),
        table.UNLOCK: lambda: port.unblock(hand.now),
        table.UNFIT: lambda: unfit(hand, modem),
        table.RESET: lambda: reset(hand),
        table.RESTARTED: lambda: restart(hand),
        table.TIME: lambda: later(hand),
        table.DRAIN: lambda: port.drain_port(hand.now),
        table.DRAINED: lambda: hand.run(10),
    }
    simple[event]()
    hand.settle()


def leg_of(hand: Hand) -> int:
    return -1 if hand.port.state == "incoming" else 1


def lose(hand: Hand) -> None:
    if hand.open:
        hand.unplug()
    else:
        hand.port.lost("no such device", hand.now)


def silence(hand: Hand, modem: Scripted) -> None:
    modem.mute = True
    if hand.port.state in (
        "cool down",
        "ussd",
        "sms",
        "draining",
    ):  # a command of before was in flight
        hand.port._floor.dead(hand.now)
        return
    if hand.port.state in ("degraded", "sim fault"):
        hand.port.at("AT", hand.now)
        hand.settle()
    before = len(hand.states_seen)
    hand.run(400, lambda: {"dead", "closed"} & set(hand.states_seen[before:]))


def listed(hand: Hand, modem: Scripted, *calls: str) -> None:
    modem.calls = list(calls)
    hand.run(1)


def usable(hand: Hand, modem: Scripted) -> None:
    if hand.port.state == "sim fault":
        hand.say("\r\n+CPIN: READY\r\n")
    else:
        hand.run(30)


def fault(hand: Hand, modem: Scripted) -> None:
    if hand.port.state == "sim":
        modem.set(r"AT\+CPIN\?", "\r\n+CME ERROR: 10\r\n")
        hand.run(30, lambda: hand.port.state == "sim fault")
    else:
        hand.say("\r\n+CPIN: NOT INSERTED\r\n")


def unregister(hand: Hand, modem: Scripted) -> None:
    modem.set(r"AT\+CREG\?", lines("+CREG: 2,2"))
    modem.set(r"AT\+CEREG\?", ERROR)
    hand.say("\r\n+CREG: 2\r\n")
    hand.run(5, lambda: hand.port.state == "register")


def answer(hand: Hand, modem: Scripted) -> None:
    if hand.port.state == "incoming":
        assert hand.port.answer(-1, hand.now) == ""
        hand.settle()
        listed(hand, modem, IN.format(0))
    else:
        listed(hand, modem, OUT.format(0))


def over(hand: Hand, modem: Scripted) -> None:
    modem.calls = []
    hand.run(20, lambda: hand.port.state == "cool down")


def unfit(hand: Hand, modem: Scripted) -> None:
    if hand.port.state == "identify":
        degraded_answers(modem)
    hand.run(30, lambda: hand.port.state == "degraded")


def degraded_answers(modem: Scripted) -> None:
    modem.set(r"AT\+CGMI", lines("huawei"))
    modem.set(r"AT\^CVOICE\?", ERROR)


def reset(hand: Hand) -> None:
    hand.port.reset(hand.now)
    hand.settle()
    hand.run(60, lambda: hand.port.state == "resetting")


def restart(hand: Hand) -> None:
    hand.port._floor.restart_why = "the module has started anew"
    hand.port.tick(hand.now)


def later(hand: Hand) -> None:
    before = len(hand.states_seen)
    wanted = {"opening", "sync", "sim", "identify"}
    hand.run(700, lambda: bool(wanted & set(hand.states_seen[before:])))


ROWS = sorted(table.TABLE.items())


@pytest.fixture
def passed(monkeypatch):
    """Rows that were passed."""
    found: list[tuple[int, int]] = []
    plain = Floor.move

    def move(self: Floor, event: int, *args: object, **named: object) -> None:
        found.append((self.state, event))
        plain(self, event, *args, **named)

    monkeypatch.setattr(Floor, "move", move)
    return found


@pytest.mark.parametrize(
    ("row", "after"),
    ROWS,
    ids=[f"{table.STATES[s]}: {table.EVENTS[e]}" for (s, e), _ in ROWS],
)
def test_every_row_of_the_port_is_passed(row, after, passed, monkeypatch):
    state, event = row
    if event == table.UNFIT and state != table.IDENTIFY:
        when = "sim" if state == table.SIM else "ready"
        needed = Init(send="AT+NEEDED", when=when, needed=True)
        changed = Dialect(name="generic", init=(needed,))
        monkeypatch.setattr(drive, "dialects", lambda: {"generic": changed})
    hand, modem = bring(state)
    modem.set(r"AT\+NEEDED", ERROR)
    before = len(passed)
    happen(event, hand, modem)
    assert row in passed[before:], f"{hand.story()}\n{passed[before:]}"
    index = passed.index(row, before)
    if index + 1 < len(passed):
        assert passed[index + 1][0] == after, "the next row begins where this one leads"
    else:
        assert hand.port.state == table.STATES[after]


def test_what_the_table_does_not_have_is_our_mistake():
    hand, _ = bring(table.READY)
    with pytest.raises(KeyError):
        hand.port._floor.move(table.RINGS_THERE, hand.now)


class Line:
    """A channel and what it wrote."""

    def __init__(self) -> None:
        self.now = 0
        self.wrote: list[bytes] = []
        self.dead = 0
        self.results: list[Result] = []
        self.moves: set[tuple[int, int]] = set()
        self.channel = Channel(lambda _hit, _now: None, self.wrote.append, self._dead)
        plain = self.channel._move

        def move(event: int) -> None:
            self.moves.add((self.channel.state, event))
            plain(event)

        self.channel._move = move
        self.channel.opened(0)

    def _dead(self, _now: int) -> None:
        self.dead += 1

    def put(self, text: str, **named: object) -> bool:
        command = Command(text, **named)
        return self.channel.put(command, lambda r, _: self.results.append(r), self.now)

    def run(self, seconds: float) -> None:
        end = self.now + round(seconds * SECOND)
        while (due := self.channel.deadline_ns()) is not None and due <= end:
            self.now = max(self.now, due)
            self.channel.tick(self.now)
        self.now = end

    def say(self, text: str) -> None:
        self.channel.received(text.encode(), self.now)


def test_every_row_of_the_channel_is_passed():
    seen: set[tuple[int, int]] = set()

    def scenario(*steps: Callable[[Line], object]) -> Line:
        line = Line()
        for step in steps:
            step(line)
        seen.update(line.moves)
        return line

    def close(line: Line) -> None:
        line.channel.closed(line.now)

    put = lambda line: line.put("AT+X")  # noqa: E731
    text = lambda line: line.put("AT+CMGS=3", body="001122")  # noqa: E731
    ok = lambda line: line.say("\r\nOK\r\n")  # noqa: E731
    wait = lambda seconds: lambda line: line.run(seconds)  # noqa: E731
    scenario(close)
    scenario(put, ok, wait(1), put, close)
    scenario(put, ok, close)
    scenario(text, lambda line: line.say("\r\n> "), ok, wait(1))
    scenario(text, lambda line: line.say("\r\nERROR\r\n"))
    scenario(text, wait(5.1), close)
    scenario(text, close)
    scenario(put, wait(5.5), close)
    scenario(put, wait(5.5), ok, wait(1), put, ok)
    line = scenario(put, wait(60))
    assert line.dead == 1
    scenario(put, wait(60), close)

    def unanswered(line: Line, last: Callable[[Line], object]) -> None:
        """Alive at each proof, silent to each command."""
        for _ in range(9):
            put(line)
            line.run(5.5)
            ok(line)
            line.run(1)
        last(line)
        line.run(6)
        assert line.dead == 1

    scenario(lambda line: unanswered(line, put))
    scenario(lambda line: unanswered(line, text))
    scenario(
        lambda line: line.put("ATD1;", calls=True, yields=True, timeout_ns=90 * SECOND),
        lambda line: line.put("ATH", haste=Haste.HANG_UP),
    )
    names = [
        (channel.STATES[state], channel.EVENTS[event]) for state, event in set(channel.TABLE) - seen
    ]
    assert names == []
