"""Every row of the port's table and of the channel's is passed by a scenario, to where it says."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from gsm import port_table as table
from gsm.dialect import Dialect, Files, Init
from gsm.floor import Floor
from tests.gsm import drive
from tests.gsm.bringing import IN, OUT, bring
from tests.gsm.drive import Hand
from tests.gsm.scripted import ERROR, Scripted, lines


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
        table.FILE: lambda: filed(hand),
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


def filed(hand: Hand) -> None:
    hand.port._floor.dialect = msgspec.structs.replace(
        hand.port._floor.dialect,
        files=Files(play="AT+P", stop="AT+S", record="AT+R", record_stop="AT+T", get="AT+GET"),
    )
    assert hand.port.get_file("a", hand.now) == ""


def leg_of(hand: Hand) -> int:
    return -1 if hand.port.state == "incoming" else 1


def lose(hand: Hand) -> None:
    if hand.open:
        hand.unplug()
    else:
        hand.port.lost("no such device", hand.now)


def silence(hand: Hand, modem: Scripted) -> None:
    modem.mute = True
    if hand.port.state in ("cool down", "ussd", "sms", "files", "draining"):
        # Each of these is over before a command of its own has been given up: it is one of before
        # that finds the modem dead, whose channel tells so by this.
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
    elif hand.port.state == "ready":  # it is taken out in the midst of something
        hand.port.ussd("*101#", hand.now)
        hand.settle()
        hand.say("\r\n+CPIN: NOT INSERTED\r\n")
        hand.say('\r\n+CUSD: 0,"",15\r\n')
        hand.run(1)
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
