"""Modems as they are sold: what each make adds, leaves out, and says in its own way.

From the vendors' AT manuals (named at each) and from what owners of such modems have recorded.
It does not read the daemon's own tables (conf/gsm): the two are to find each other's mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.sim.modem_calls import Leg, press, release, result
from dialerd.sim.modem_commands import COMMON, ceer, iccid, kept, said, taken
from dialerd.sim.modem_kit import Answer, Habits, Handler, RefusalError
from dialerd.sim.modem_line import Command, Kind

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem


def without(*names: str) -> dict[str, Handler]:
    """What all have, but for some."""
    return {name: handler for name, handler in COMMON.items() if name not in names}


def unasked(_m: Modem, leg: Leg, what: str) -> list[str]:
    """27.007 only: a result code at the end, nothing before."""
    return [result(leg)] if what in ("ended", "missed") and not leg.by_us else []


# ---- Huawei: "HUAWEI UMTS Datacard Modem AT Command Interface Specification"


def huawei_tells(m: Modem, leg: Leg, what: str) -> list[str]:
    """^ORIG, ^CONF, ^CONN, ^CEND; 29 is our own end, 104 the network's with its cause."""
    if what == "dialing":
        return [f"^ORIG:{leg.index},0"]
    if what == "alerting":
        return [f"^CONF:{leg.index}"]
    if what == "answered":
        return [f"^CONN:{leg.index},0"]
    if what in ("ended", "missed"):
        status = 29 if leg.by_us else 104
        return [f"^CEND:{leg.index},{leg.seconds(m.agenda.now_ns)},{status},{leg.q850}"]
    return []


def ddsetex(m: Modem, c: Command) -> Answer:
    """^DDSETEX=2: samples on the second device."""
    if c.kind is Kind.SET:
        m.set["audio_on"] = int(c.number(0, 0) == 2)
        m.sound()
    return []


def huawei_dtmf(m: Modem, c: Command) -> Answer:
    """^DTMF=call,key."""
    values = c.values
    if len(values) < 2 or int(values[0]) not in {leg.index for leg in m.calls.live()}:
        raise RefusalError()
    return press(m, values[1])


HUAWEI = Habits(
    name="huawei", maker="huawei", model="E1550", revision="11.608.14.15.311", tac="35307904",
    commands=without("+VTS", "+CPINR") | {
        "^DDSETEX": ddsetex, "^DTMF": huawei_dtmf, "^CVOICE": said("^CVOICE:0,8000,16,20"),
        "^CURC": kept("chatter", "(0,1)", "^CURC"), "^USSDMODE": kept("ussd_hex7", "(0,1)"),
        "^SYSINFO": said("^SYSINFO:2,3,0,5,1,,4"), "^U2DIAG": taken, "^BOOT": taken,
        "^CARDMODE": said("^CARDMODE:1"), "^ICCID": iccid("^ICCID: {0}"), "^STSF": taken,
        "^PORTSEL": taken,
        "^HS": taken, "^CMSR": taken, "^RSSI": taken, "^VERSION": said("^VERSION:EXTS:11.608"),
        "+CEER": ceer("+CEER: {cause},{text}"),
    },
    tells=huawei_tells, audio=True, ussd_hex7=True, wedged_by_early_chld=True, cme=0,
    results={"ERROR": "ERROR"}, unknown="COMMAND NOT SUPPORT", needs_semicolon=False,
    boot_s=10.0, boot_says=("^SIMST:1", "^SRVST:2"), chatter=("^RSSI:18", "^BOOT:20003641,0,0,0,6"),
    chatter_s=5.0,
)  # fmt: skip


# ---- Quectel: "EC2x&EG9x AT Commands Manual", "M35 AT Commands Manual"


def quectel_tells(m: Modem, leg: Leg, what: str) -> list[str]:
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


def qindcfg(m: Modem, c: Command) -> Answer:
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


def qpcmv(m: Modem, c: Command) -> Answer:
    """+QPCMV: samples by the second device (0) or as a sound card (2)."""
    if c.kind is Kind.TEST:
        return ["+QPCMV: (0,1),(0-2)"]
    if c.kind is Kind.READ:
        return [f"+QPCMV: {m.set['audio_on']},0"]
    m.set["audio_on"] = int(c.number(0, 0) == 1 and c.number(1, 0) == 0)
    m.sound()
    return []


def dsci(m: Modem, c: Command) -> Answer:
    """^DSCI: call states unasked."""
    if c.kind is Kind.READ:
        return [f"^DSCI: {m.set.get('dsci', 0)}"]
    if c.kind is Kind.SET:
        m.set["dsci"] = c.number(0, 0)
    return []


def qhup(m: Modem, c: Command) -> Answer:
    """+QHUP=cause,call."""
    if c.kind is Kind.TEST:
        return []
    index = c.number(1, 0)
    release(m, index or None)
    m.later(0.1, m.finish, [])
    return None


QUECTEL_COMMON: dict[str, Handler] = {
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
    commands=COMMON | QUECTEL_COMMON | {
        "+QINDCFG": qindcfg, "^DSCI": dsci, "+QPCMV": qpcmv, "+QHUP": qhup,
        "+QCCID": iccid("+QCCID: {0}"), "+CCID": iccid("+CCID: {0}"), "+CEREG": COMMON["+CREG"],
        "+QNWINFO": said('+QNWINFO: "FDD LTE","45204","LTE BAND 3",1750'),
        "+QINISTAT": said("+QINISTAT: 7"), "+QSIMSTAT": said("+QSIMSTAT: 0,1"),
    },
    tells=quectel_tells, audio=True, cme=1, key_urc="+QTONEDET: {code}", released_s=1.5,
    boot_s=12.0, boot_says=("RDY", "+CFUN: 1", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE",
                            "+QIND: PB DONE"),
)  # fmt: skip
GENERIC = Habits(
    name="generic", maker="Generic", model="GSM Modem", revision="1.0", tac="35000000",
    commands=COMMON, tells=unasked, ussd_early=True,
)  # fmt: skip
DIALECTS: dict[str, Habits] = {h.name: h for h in (HUAWEI, EC20, GENERIC)}
