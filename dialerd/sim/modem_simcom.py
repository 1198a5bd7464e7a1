"""SIMCom's modules ("SIM7500_SIM7600 Series" and "SIM800 Series AT Command Manual")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.sim import modem_files
from dialerd.sim.modem_calls import Leg, result, unasked
from dialerd.sim.modem_commands import COMMON, ceer, iccid, kept, said, taken
from dialerd.sim.modem_kit import Answer, Habits, Handler, RefusalError
from dialerd.sim.modem_line import Command, Kind
from dialerd.sim.modem_pdu import moment

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem


def _tells(m: Modem, leg: Leg, what: str) -> list[str]:
    """VOICE CALL: BEGIN and END with its length, hhmmss; nothing before the answer."""
    if what == "answered":
        return ["VOICE CALL: BEGIN"]
    if what == "missed":
        at = moment(m.network.wall_ms()).strftime("%I:%M%p")
        return [f"MISSED_CALL: {at} {leg.number}"]
    if what == "ended":
        minutes, seconds = divmod(leg.seconds(m.agenda.now_ns), 60)
        length = f": {minutes // 60:02d}{minutes % 60:02d}{seconds:02d}" if leg.answered_ns else ""
        return [f"VOICE CALL: END{length}"] + ([] if leg.by_us else [result(leg)])
    return []


def _cpcmreg(m: Modem, c: Command) -> Answer:
    """+CPCMREG=1: samples on the second device, only during a call."""
    if c.kind is Kind.TEST:
        return ["+CPCMREG: (0,1)"]
    if c.kind is Kind.READ:
        return [f"+CPCMREG: {m.set['audio_on']}"]
    on = c.number(0, 0)
    if on and (m.audio_stuck or not m.calls.sounding()):
        raise RefusalError()
    m.set["audio_on"] = on
    m.sound()
    return []


def _reset(m: Modem, _c: Command) -> Answer:
    """+CRESET."""
    m.finish([])
    m.later(0.2, m.reset)
    return None


_BOTH: dict[str, Handler] = {
    "+CLCC=": taken,  # it has +CLCC=1
    "+DDET": kept("keys", "(0,1)"), "+CLTS": taken, "+CSCLK": taken, "+CNMP": taken,
    "+CMICGAIN": taken, "+COUTGAIN": taken, "+CVAUXV": taken, "+CEXTERNTONE": taken,
}  # fmt: skip
SIM7600 = Habits(
    name="simcom", maker="SIMCOM INCORPORATED", model="SIMCOM_SIM7600E-H",
    revision="LE20B04SIM7600M22", tac="86147503",
    commands=COMMON | _BOTH | modem_files.SIM7600 | {
        "+CPCMREG": _cpcmreg, "+CPCMFRM": kept("CPCMFRM", "(0,1)"), "+CPCMBANDWIDTH": taken,
        "+CICCID": iccid("+ICCID: {0}"), "+CEREG": COMMON["+CREG"], "+CRESET": _reset,
        "+CNSMOD": said("+CNSMOD: 1,8"), "+AUTOCSQ": taken, "+EXUNSOL": taken,
        "+CPSI": said("+CPSI: LTE,Online,452-04,0x2D5C,27447299,273,EUTRAN-BAND3,1850,5,5,-101"),
    },
    tells=_tells, audio=True, key_urc="+RXDTMF: {digit}", clcc_alpha="", boot_s=14.0,
    boot_says=("+CPIN: READY", "SMS DONE", "PB DONE"),
)  # fmt: skip
SIM800 = Habits(
    name="sim800", maker="SIMCOM_Ltd", model="SIMCOM_SIM800L", revision="1418B05SIM800L24",
    tac="86971303",
    commands=COMMON | _BOTH | modem_files.SIM800 | {
        "+CCID": iccid("{0}"), "+CEER": ceer("+CEER: {text}"),
    },
    tells=unasked, key_urc="+DTMF: {digit}", clcc_alpha=',""', boot_s=6.0,
    boot_says=("RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready", "SMS Ready"),
)  # fmt: skip
