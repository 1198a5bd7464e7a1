"""Quectel's modules ("EC2x&EG9x&EG2x-G AT Commands Manual", "M35 AT Commands Manual")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dialerd.sim.modem_calls import Leg, unasked
from dialerd.sim.modem_commands import COMMON, ceer, iccid, kept, said, taken
from dialerd.sim.modem_dialing import release
from dialerd.sim.modem_files import QUECTEL as FILES
from dialerd.sim.modem_kit import Answer, Habits, Handler, RefusalError
from dialerd.sim.modem_line import Command, Kind

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem


def _tells(m: Modem, leg: Leg, what: str) -> list[str]:
    """+QIND: "ccinfo" and ^DSCI, each where it was asked for; result codes in any case."""
    lines: list[str] = []
    way, state = (0 if leg.outgoing else 1), int(leg.stat)
    if m.set.get("ccinfo") and what not in ("ringing",):
        shown = -1 if what in ("ended", "missed") else state
        lines.append(f'+QIND: "ccinfo",{leg.index},{way},{shown},0,0,"{leg.number}",{leg.type}')
    if m.set.get("dsci"):
        stat = {"dialing": 2, "alerting": 7, "answered": 3, "ringing": 4}.get(what, 6)
        lines.append(f"^DSCI: {leg.index},{way},{stat},0,{leg.number},{leg.type}")
    return lines + unasked(m, leg, what)


def _qindcfg(m: Modem, c: Command) -> Answer:
    """+QINDCFG="ccinfo",1."""
    if c.kind is Kind.TEST:
        return ['+QINDCFG: ("all","csq","smsfull","ring","smsincoming","act","ccinfo"),(0,1),(0,1)']
    values = c.values
    if not values:
        raise RefusalError(50)
    if len(values) == 1:
        return [f'+QINDCFG: "{values[0]}",{m.set.get(values[0], 0)}']
    m.set[values[0]] = int(values[1])
    return []


def _qpcmv(m: Modem, c: Command) -> Answer:
    """+QPCMV: samples by the second device (0) or as a sound card (2)."""
    if c.kind is Kind.TEST:
        return ["+QPCMV: (0,1),(0-2)"]
    if c.kind is Kind.READ:
        return [f"+QPCMV: {m.set['audio_on']},0"]
    m.set["audio_on"] = int(c.number(0, 0) == 1 and c.number(1, 0) == 0)
    m.sound()
    return []


def _dsci(m: Modem, c: Command) -> Answer:
    """^DSCI: call states unasked."""
    if c.kind is Kind.READ:
        return [f"^DSCI: {m.set.get('dsci', 0)}"]
    if c.kind is Kind.SET:
        m.set["dsci"] = c.number(0, 0)
    return []


def _qhup(m: Modem, c: Command) -> Answer:
    """+QHUP=cause,call."""
    if c.kind is Kind.TEST:
        return []
    index = c.number(1, 0)
    release(m, index or None)
    m.later(0.1, m.finish, [])
    return None


_BOTH: dict[str, Handler] = {
    "+QTONEDET": kept("keys", "(0-2)"),
    "+QCFG": taken,
    "+QSPN": taken,
    "+QURCCFG": taken,
    "+QGPSCFG": taken,
    "+QMIC": taken,
    "+QRXGAIN": taken,
    "+QAUDMOD": taken,
    "+QSIDET": taken,
}
EC20 = Habits(
    name="quectel", maker="Quectel", model="EC20F", revision="EC20CEFAGR06A05M4G", tac="86459203",
    commands=COMMON | _BOTH | FILES | {
        "+QINDCFG": _qindcfg, "^DSCI": _dsci, "+QPCMV": _qpcmv, "+QHUP": _qhup,
        "+QCCID": iccid("+QCCID: {0}"), "+CCID": iccid("+CCID: {0}"), "+CEREG": COMMON["+CREG"],
        "+QNWINFO": said('+QNWINFO: "FDD LTE","45204","LTE BAND 3",1750'),
        "+QINISTAT": said("+QINISTAT: 7"), "+QSIMSTAT": said("+QSIMSTAT: 0,1"),
    },
    tells=_tells, audio=True, cme=1, key_urc="+QTONEDET: {code}", released_s=1.5,
    boot_s=12.0, boot_says=("RDY", "+CFUN: 1", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE",
                            "+QIND: PB DONE"),
)  # fmt: skip
EC25 = msgspec.structs.replace(
    EC20, name="ec25", model="EC25", revision="EC25EFAR06A11M4G", data_call=True
)  # its packet connection is a call of +CLCC
M35 = Habits(
    name="m35", maker="Quectel_Ltd", model="Quectel_M35", revision="M35FAR02A01", tac="86193202",
    commands=COMMON | _BOTH | {
        "+QCCID": iccid("{0}"), "+CCID": iccid("{0}"), "+CEER": ceer("+CEER: 1,{cause}"),
        "+QNITZ": taken, "+QAUDCH": taken,
    },
    tells=unasked, cme=1, key_urc="+QTONEDET: {code}", boot_s=9.0,
    boot_says=("RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready"),
)  # fmt: skip
