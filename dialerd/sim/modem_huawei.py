"""Huawei's sticks ("HUAWEI UMTS Datacard Modem AT Command Interface Specification").

Letting go of a call by its number before ^CONF makes the module dead until its power is gone, which
is known of the E1550 and its kin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.sim.modem_calls import Leg
from dialerd.sim.modem_commands import ceer, iccid, kept, said, taken, without
from dialerd.sim.modem_dialing import press
from dialerd.sim.modem_kit import Answer, Habits, RefusalError
from dialerd.sim.modem_line import Command, Kind

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem


def _tells(m: Modem, leg: Leg, what: str) -> list[str]:
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


def _ddsetex(m: Modem, c: Command) -> Answer:
    """^DDSETEX=2: samples on the second device."""
    if c.kind is Kind.SET:
        m.set["audio_on"] = int(c.number(0, 0) == 2)
        m.sound()
    return []


def _dtmf(m: Modem, c: Command) -> Answer:
    """^DTMF=call,key."""
    values = c.values
    if len(values) < 2 or int(values[0]) not in {leg.index for leg in m.calls.live()}:
        raise RefusalError()
    return press(m, values[1])


HUAWEI = Habits(
    name="huawei", maker="huawei", model="E1550", revision="11.608.14.15.311", tac="35307904",
    commands=without("+VTS", "+CPINR") | {
        "^DDSETEX": _ddsetex, "^DTMF": _dtmf, "^CVOICE": said("^CVOICE:0,8000,16,20"),
        "^CURC": kept("chatter", "(0,1)", "^CURC"), "^USSDMODE": kept("ussd_hex7", "(0,1)"),
        "^SYSINFO": said("^SYSINFO:2,3,0,5,1,,4"), "^U2DIAG": taken, "^BOOT": taken,
        "^CARDMODE": said("^CARDMODE:1"), "^ICCID": iccid("^ICCID: {0}"), "^STSF": taken,
        "^PORTSEL": taken,
        "^HS": taken, "^CMSR": taken, "^RSSI": taken, "^VERSION": said("^VERSION:EXTS:11.608"),
        "+CEER": ceer("+CEER: {cause},{text}"),
    },
    tells=_tells, audio=True, ussd_hex7=True, wedged_by_early_chld=True, cme=0,
    unknown="COMMAND NOT SUPPORT", needs_semicolon=False,
    boot_s=10.0, boot_says=("^SIMST:1", "^SRVST:2"), chatter=("^RSSI:18", "^BOOT:20003641,0,0,0,6"),
    chatter_s=5.0,
)  # fmt: skip
