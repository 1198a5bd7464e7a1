"""A port in any of its states."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gsm import port_table as table
from gsm.dialect import Files
from gsm.limits import SECOND
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


def files(hand: Hand, modem: Scripted) -> None:
    hand.up()
    hand.port._floor.dialect = msgspec.structs.replace(
        hand.port._floor.dialect,
        files=Files(play="AT+P", stop="AT+S", record="AT+R", record_stop="AT+T", get="AT+GET"),
    )
    modem.set(r"AT\+GET", SILENT)
    assert hand.port.get_file("a", hand.now) == ""
    hand.settle()


def locked(hand: Hand, modem: Scripted) -> None:
    hand.up()
    hand.port.block("blocked", None, hand.now)
    hand.settle()


def card_fault(hand: Hand, modem: Scripted) -> None:
    modem.set(r"AT\+CPIN\?", "\r\n+CME ERROR: 10\r\n")
    hand.start()
    hand.expect_state("sim fault", 30)


def degraded(hand: Hand, modem: Scripted) -> None:
    modem.set(r"AT\+CGMI", lines("huawei"))
    modem.set(r"AT\^CVOICE\?", ERROR)
    hand.start()
    hand.expect_state("degraded", 30)


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
    hand.expect_state("dead", 60)


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
    table.FILES: files,
    table.LOCKED: locked,
    table.SIM_FAULT: card_fault,
    table.DEGRADED: degraded,
    table.RESETTING: resetting,
    table.DRAINING: draining,
    table.DEAD: dead,
}
