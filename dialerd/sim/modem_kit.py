"""What the dialects of simulated modems are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from dialerd.sim.modem_line import Command

if TYPE_CHECKING:
    from dialerd.sim.modem import Modem
    from dialerd.sim.modem_calls import Leg

#: Information lines, then OK; None: the command will be answered later (`Modem.finish`).
Answer = list[str] | None
Handler = Callable[["Modem", Command], Answer]
#: What is said unasked when a call gets somewhere: dialing, alerting, answered, ended, ringing.
Tells = Callable[["Modem", "Leg", str], list[str]]

#: TS 27.007, 9.2.1 and TS 27.005, 3.2.5, as far as they are said here.
CME = {
    3: "operation not allowed", 4: "operation not supported", 10: "SIM not inserted",
    11: "SIM PIN required", 12: "SIM PUK required", 13: "SIM failure", 14: "SIM busy",
    16: "incorrect password", 30: "no network service", 50: "Incorrect parameters",
    100: "unknown",
}  # fmt: skip
CMS = {
    304: "Invalid PDU mode parameter", 305: "Invalid text mode parameter", 310: "SIM not inserted",
    311: "SIM PIN required", 321: "Invalid memory index", 322: "Memory full",
    331: "No network service", 332: "Network timeout", 500: "unknown error",
}  # fmt: skip

#: Commands that need a card (else: +CME ERROR: 10), and those that need no PIN for it (11).
NEEDS_CARD = frozenset((
    "D", "+CIMI", "+CCID", "+QCCID", "+CICCID", "^ICCID", "+ZGETICCID", "+CNUM", "+CUSD", "+CMGS",
    "+CMGL", "+CMGR", "+CMGD", "+CPMS", "+CSCA", "+CPBR", "+CPBS", "+CLCK", "+CMGW", "+CMSS",
))  # fmt: skip
NEED_NO_PIN = frozenset(("+CCID", "+QCCID", "+CICCID", "^ICCID", "+ZGETICCID"))
#: Results without words (ATV0), V.250 table 1.
NUMERIC = {
    "OK": "0", "RING": "2", "NO CARRIER": "3", "ERROR": "4", "NO DIALTONE": "6", "BUSY": "7",
    "NO ANSWER": "8",
}  # fmt: skip


class RefusalError(Exception):
    """A command that fails: plain ERROR, or +CME/+CMS ERROR where the program asked for codes."""

    def __init__(self, cme: int = 0, *, cms: int = 0, result: str = "ERROR") -> None:
        """`result` is another final result (NO CARRIER)."""
        super().__init__(cme or cms or result)
        self.cme, self.cms, self.result = cme, cms, result

    def told(self, cmee: int) -> str:
        """The final result, as +CMEE says."""
        code, words, kind = self.cme, CME, "CME"
        if self.cms:
            code, words, kind = self.cms, CMS, "CMS"
        if not code or (kind == "CME" and not cmee):
            return self.result
        return f"+{kind} ERROR: {words.get(code, 'unknown') if cmee == 2 else code}"


class Habits(msgspec.Struct, frozen=True):
    """How modems of one kind behave."""

    name: str
    maker: str
    model: str
    revision: str
    tac: str  # first 8 digits of the IMEI
    commands: Mapping[str, Handler]
    tells: Tells
    # the wire
    echoes: bool = True
    bare_at: str = "OK"
    chains: bool = True  # whether several commands may stand in a line
    unknown: str = "ERROR"  # to commands it does not know; "": silence
    cme: int = 0  # +CMEE after a reset
    cpin_ok: bool = True  # whether OK follows +CPIN: READY
    # its own delays, seconds
    reply_s: tuple[float, float] = (0.004, 0.02)
    slow: Mapping[str, float] = {}  # by command, on top
    boot_s: float = 8.0
    register_s: tuple[float, float] = (2.0, 5.0)
    ring_every_s: float = 4.0
    ussd_s: tuple[float, float] = (1.0, 4.0)
    sms_s: tuple[float, float] = (1.0, 3.0)
    # what it says by itself
    boot_says: tuple[str, ...] = ()
    chatter: tuple[str, ...] = ()  # now and then, until ^CURC=0
    chatter_s: float = 0.0
    # calls
    late_ok: bool = False  # OK of ATD is the answer of the called
    late_says: tuple[str, str] = ("OK", "")  # or this; and this when there is none
    needs_semicolon: bool = True  # ATD without one is a data call: NO CARRIER
    released_s: float = 0.0  # how long +CLCC shows a call that is over, as 6
    data_call: bool = False  # +CLCC shows the packet connection as a call of mode 1
    clcc_alpha: str = ""  # what stands behind number and type
    wedged_by_early_chld: bool = False
    key_urc: str = ""  # how a key of the far side is told, with {digit} or {code}
    audio: bool = False  # raw samples on a second device
    # texts
    ussd_hex7: bool = False  # USSD goes as packed hex (until ^USSDMODE=0)
    ussd_early: bool = False  # +CUSD comes before the OK of its command
    charset: str = "GSM"
    results: Mapping[str, str] = {}  # final results that it words in its own way


def settings(habits: Habits) -> dict[str, Any]:
    """What commands set, as it is after a reset."""
    return {
        "E": int(habits.echoes), "V": 1, "Q": 0, "S0": 0, "CMEE": habits.cme, "CREG": 0,
        "CGREG": 0, "CEREG": 0, "CSCS": habits.charset, "CLIP": 0, "CLIR": 0, "COLP": 0, "CRC": 0,
        "CCWA": 0, "CUSD": 0, "CMGF": 0, "CNMI": (0, 0), "CSMS": 0, "CSDH": 0, "CPMS": "SM",
        "COPS": 0, "CLCC": 0, "keys": 0, "chatter": 1, "ussd_hex7": int(habits.ussd_hex7),
        "CPBS": "SM", "audio_on": 0, "WIND": 255,
    }  # fmt: skip
