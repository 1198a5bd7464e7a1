"""Commands about calls: TS 27.007, 6 and 7, TS 22.030, 6.5.5."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dialerd.sim import limits
from dialerd.sim.modem_calls import Stat, line_of
from dialerd.sim.modem_kit import Answer, Handler, RefusalError
from dialerd.sim.modem_line import Command, Kind

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem

_DIALED = re.compile(r"[0-9+*#]+")
_USSD = re.compile(r"[*#][0-9*#]*#")


def dial(m: Modem, c: Command) -> Answer:
    """ATD."""
    text = c.raw.replace(" ", "").upper()
    voice = text.endswith(";") or not m.habits.needs_semicolon
    text = re.sub(r"[TPWIG,!@;-]", "", text)
    if not _DIALED.fullmatch(text) or len(text) > limits.MODEM_NUMBER_MAX:
        raise RefusalError(result="ERROR" if text else "NO CARRIER")
    if not voice:
        raise RefusalError(result="NO CARRIER")
    if _USSD.fullmatch(text):
        m.messages.ask(text)
        return []
    late = m.habits.late_ok or bool(m.set["COLP"])
    m.calls.dial(text, late=late)
    if not late:
        return []
    m.finish([], final="")
    return None


def answer(m: Modem, _c: Command) -> Answer:
    """ATA."""
    legs = m.calls.live(Stat.INCOMING)
    if not legs:
        raise RefusalError(result="NO CARRIER")

    def taken() -> None:
        if legs[0].stat is Stat.INCOMING:
            m.calls.answer(legs[0])
            m.finish([])
        else:
            m.refuse(RefusalError(result="NO CARRIER"))

    m.later(m.rng.uniform(0.1, 0.3), taken)
    return None


def hang_up(m: Modem, c: Command) -> Answer:
    """ATH, +CHUP: all calls, answered or not."""
    if c.kind is Kind.TEST:
        return []
    for leg in m.calls.live():
        m.calls.hang_up(leg)
    m.later(0.1, m.finish, [])
    return None


def release(m: Modem, leg_index: int | None) -> None:
    """One call, or the active one; RefusalError when it is not there."""
    legs = [leg for leg in m.calls.live() if leg_index in (None, leg.index)]
    if not legs:
        raise RefusalError(3)
    if m.habits.wedged_by_early_chld and any(
        leg.outgoing and leg.stat is Stat.DIALING for leg in legs
    ):
        m.wedge()
    for leg in legs:
        m.calls.hang_up(leg)


def chld(m: Modem, c: Command) -> Answer:
    """+CHLD."""
    if c.kind is Kind.TEST:
        return ["+CHLD: (0,1,1x,2,2x,3)"]
    deed, index = c.raw[:1], int(c.raw[1:]) if len(c.raw) > 1 else None
    waiting = m.calls.live(Stat.WAITING, Stat.INCOMING)
    if deed == "1":
        release(m, index)
        if index is None and waiting:
            m.calls.answer(waiting[0])
    elif deed == "0":
        for leg in waiting or m.calls.live(Stat.HELD):
            m.calls.hang_up(leg)
    elif deed == "2":
        _swap(m, index)
    elif deed != "3":
        raise RefusalError(50)
    if m.power == "wedged":
        return None
    m.later(0.1, m.finish, [])
    return None


def _swap(m: Modem, index: int | None) -> None:
    """Hold what is active, and take the one named, the waiting one or the held one."""
    active, held = m.calls.live(Stat.ACTIVE), m.calls.live(Stat.HELD)
    for leg in active:
        leg.stat = Stat.HELD
    for leg in m.calls.live(Stat.WAITING, Stat.INCOMING)[:1]:
        m.calls.answer(leg)
        return
    for leg in held:
        if index in (None, leg.index):
            leg.stat = Stat.ACTIVE
    m.sound()


def clcc(m: Modem, c: Command) -> Answer:
    """+CLCC: the calls; +CLCC=1 where the dialect tells them unasked."""
    if c.kind is Kind.SET:
        if "+CLCC=" not in m.habits.commands:
            raise RefusalError(50)
        m.set["CLCC"] = c.number(0, 0)
        return []
    if c.kind is Kind.READ:
        return [f"+CLCC: {m.set['CLCC']}"]
    if c.kind is Kind.TEST:
        return []
    packet = ['+CLCC: 1,0,0,1,0,"",128'] if m.habits.data_call and m.registered else []
    return packet + [line_of(m, leg) for leg in m.calls.legs if leg.shown]


def cpas(m: Modem, c: Command) -> Answer:
    """+CPAS."""
    if c.kind is Kind.TEST:
        return ["+CPAS: (0,2,3,4)"]
    ringing = m.calls.live(Stat.INCOMING)
    return [f"+CPAS: {3 if ringing else 4 if m.calls.live() else 0}"]


def vts(m: Modem, c: Command) -> Answer:
    """+VTS: keys to the far side."""
    if c.kind is Kind.TEST:
        return ["+VTS: (0-9,*,#,A,B,C,D)"]
    return press(m, c.values[0].lstrip("{") if c.values else "")


def press(m: Modem, keys: str) -> Answer:
    """Keys to the far side of the active call; RefusalError."""
    legs = m.calls.live(Stat.ACTIVE)
    if not keys or any(key not in limits.KEYS for key in keys):
        raise RefusalError(50)
    if not legs or legs[0].connection is None:
        raise RefusalError(3)
    m.network.pressed(legs[0].connection, m, keys)
    return []


CALLS: dict[str, Handler] = {
    "D": dial, "A": answer, "H": hang_up, "+CHUP": hang_up, "+CHLD": chld, "+CLCC": clcc,
    "+CPAS": cpas, "+VTS": vts,
}  # fmt: skip
