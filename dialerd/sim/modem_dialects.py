"""Modems as they are sold: what each make adds, leaves out, and says in its own way.

From the vendors' AT manuals and from what owners of such modems have recorded. None of it reads
the daemon's own tables (conf/gsm): the two are to find each other's mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dialerd.sim.modem_calls import Leg, result, unasked
from dialerd.sim.modem_commands import COMMON, ceer, iccid, kept, said, taken, without
from dialerd.sim.modem_huawei import HUAWEI
from dialerd.sim.modem_kit import Habits
from dialerd.sim.modem_quectel import EC20, EC25, M35
from dialerd.sim.modem_simcom import SIM800, SIM7600

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem


def _wavecom(_m: Modem, leg: Leg, what: str) -> list[str]:
    """+WIND: 5 a call begins, 2 the called rings, 6 it is over. "AT Commands Interface Guide"."""
    index = leg.index
    if what in ("dialing", "alerting"):
        return [f"+WIND: 5,{index}"] if what == "dialing" else ["+WIND: 2"]
    if what in ("ended", "missed"):
        return ([] if leg.by_us else [result(leg)]) + [f"+WIND: 6,{index}"]
    return []


WAVECOM = Habits(
    name="wavecom", maker="WAVECOM MODEM", model="MULTIBAND  900E  1800",
    revision="641b09gg.Q2403A 1320676 061804 14:38", tac="33245100",
    commands=without("+CHUP", "+CPINR", "+CNMA") | {
        "+WIND": kept("WIND", "(0-255)"), "+CCID": iccid('+CCID: "{0}"'),
        "+CEER": ceer("+CEER: Error {cause}"),
        "+WOPEN": said("+WOPEN: 0"), "+SPEAKER": taken,
    },
    tells=_wavecom, late_ok=True, cpin_ok=False, boot_s=7.0,
    boot_says=("+WIND: 3", "+WIND: 7", "+WIND: 4"),
)  # fmt: skip


def _zte(_m: Modem, leg: Leg, what: str) -> list[str]:
    """CONNECT at the answer, HANGUP at the end. "ZTE AT Commands for WCDMA"."""
    if what == "answered":
        return ["CONNECT"]
    if what in ("ended", "missed"):
        return [f"HANGUP: {leg.index}"]
    return []


ZTE = Habits(
    name="zte", maker="ZTE CORPORATION", model="MF190", revision="BD_MF190V1.0.0B03",
    tac="86335801",
    commands=without("+CPINR") | {
        "+ZGETICCID": iccid("+ZGETICCID: {0}"), "+ZSNT": taken, "+ZPAS": said('+ZPAS: "HSDPA"'),
        "+ZOPRT": taken, "+ZSTM": taken,
        "+ZCDRUN": said("Close autorun state result(0:FAIL 1:SUCCESS):1"),
    },
    tells=_zte, boot_s=10.0, boot_says=("+ZUSIMR:2",),
    chatter=('+ZDONR: "VIETTEL",452,4,"CS_PS","ROAM_OFF"', '+ZPASR: "HSDPA"'), chatter_s=30.0,
)  # fmt: skip


def _zte_k3565(_m: Modem, leg: Leg, what: str) -> list[str]:
    """Nothing but what ATD is answered with, and HANGUP at the end of a call that was answered."""
    over = what in ("ended", "missed") and (leg.answered_ns or not leg.outgoing)
    return [f"HANGUP: {leg.index}"] if over else []


#: Sticks that answer ATD with CONNECT when the called does, and with OK when nobody does: recorded
#: by owners of the K3565-Z and K3772-Z.
K3565 = msgspec.structs.replace(
    ZTE, name="k3565", model="K3565-Z", revision="BD_K3565Z", tells=_zte_k3565, late_ok=True,
    late_says=("CONNECT", "OK"),
)  # fmt: skip
GENERIC = Habits(
    name="generic", maker="Generic", model="GSM Modem", revision="1.0", tac="35000000",
    commands=COMMON, tells=unasked, ussd_early=True,
)  # fmt: skip
#: One that is hard to get on with, as simulators and cheap modules are.
AWKWARD = Habits(
    name="awkward", maker="Acme", model="AW-1", revision="0.9", tac="35000001",
    commands=COMMON | {"E": taken}, tells=unasked, echoes=False, bare_at="ERROR", chains=False,
    unknown="", slow={"+CPIN": 2.0}, clcc_alpha=',""',
)  # fmt: skip
DIALECTS: dict[str, Habits] = {
    habits.name: habits
    for habits in (
        HUAWEI, EC20, EC25, M35, SIM7600, SIM800, WAVECOM, ZTE, K3565, GENERIC, AWKWARD,
    )
}  # fmt: skip
