"""What may be written behind ATD and into USSD: types whose values cannot carry a command.

`;` ends a number and begins the next command, a comma or W waits, a letter is an option of ATD
(27.007 6.2, V.250 6.3.1): none of them can be in a `DialString`. The daemon's own numbers
(`fastpath.numbers.Number`) are digits already; an operator's text, a USSD code and a number to be
called back are made into one here or refused.
"""

from __future__ import annotations

import re
from typing import Final, final

from gsm.command_line import calls_by
from gsm.limits import COMMAND_MAX, NUMBER_MAX, USSD_MAX

_DIAL: Final = re.compile(rf"\+?[0-9*#]{{1,{NUMBER_MAX - 1}}}", re.ASCII)
_USSD: Final = re.compile(rf"[0-9*#+]{{1,{USSD_MAX}}}", re.ASCII)
_KEYS: Final = re.compile(r"[0-9*#A-D]+", re.ASCII)
# A PIN or PUK entered, by any maker's command: +CPIN=, ^CPIN=, +CPIN2=, *EPIN=. Asking is not:
# AT+CPIN?, AT+CPINR="SIM PIN", AT+QPINC="SC".
_SECRET: Final = re.compile(r"[+^*$#%][A-Z0-9_]*(?:PIN|PUK)\d?=(?!\?(?:;|$))", re.ASCII)
# The same as bytes for the card: VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK (TS 102 221, 11.1.9 on).
_APDU: Final = re.compile(r"\+(?:CSIM=\d*|CGLA=\d*,\d*),[0-9A-F]{2}(?:2[0468C])", re.ASCII)
_SECRET_CODE: Final = re.compile(r"\*\*0[45]2?\*", re.ASCII)  # 22.030 6.6: PIN, PUK, PIN2, PUK2
_AT: Final = re.compile(rf"[Aa][Tt][ -~]{{0,{COMMAND_MAX - 2}}}", re.ASCII)

# Commands that no operator sends by way of this program: what rewrites a module's identity, writes
# its memory or leaves the line in another mode. A SIM's codes and a network's are his to give.
DANGEROUS: Final = (
    ("EGMR", "rewrites the IMEI"),
    ("SIMEI", "rewrites the IMEI"),
    ("+MODIMEI", "rewrites the IMEI"),
    ("WIMEI", "rewrites the IMEI"),
    ("^CIMEI", "rewrites the IMEI"),
    ("^PHYNUM", "rewrites the IMEI"),
    ("*EPIMEI", "rewrites the IMEI"),
    ("+SPIMEI", "rewrites the IMEI"),
    ("+TRACK", "rewrites the IMEI"),
    ("^NVWR", "writes the module's memory"),
    ("+QNVFW", "writes the module's memory"),
    ("+QNVW", "writes the module's memory"),
    ("+CNVW", "writes the module's memory"),
    ("$NVW", "writes the module's memory"),
    ("$QCDMG", "leaves AT commands for the diagnostic mode"),
    ("^GODLOAD", "erases the module for a new firmware"),
    ("+QFOTA", "replaces the firmware"),
    ("+QDOWNLOAD", "replaces the firmware"),
    ("+CFOTA", "replaces the firmware"),
    ("+CLCK", "may lock the card or the module"),
    ("^CLCK", "may lock the card or the module"),
    ("*CLCK", "may lock the card or the module"),
    ("^SLCK", "may lock the card or the module"),
    ("CARDLOCK=", "may lock the module for good"),
    ("SIMLOCK=", "may lock the module for good"),
    ("SMLCK=", "may lock the module for good"),
    ("+CPWD", "changes a card's password"),
    ("^CPWD", "changes a card's password"),
    ("^SPWD", "changes a card's password"),
    ("+CMUX", "leaves AT commands for multiplexed frames"),
    ("+IPR=", "changes the line's speed"),
    ("+CPOF", "switches the module off"),
    ("+QPOWD", "switches the module off"),
    ("+CPOWD", "switches the module off"),
    ("^SMSO", "switches the module off"),
)


class RefusedError(ValueError):
    """A text that must not reach a modem. Its words are for people."""


@final
class DialString:
    """A number that ATD takes: digits, `*`, `#`, one leading `+`. Immutable.

    Raises:
        RefusedError: for anything else.
    """

    __slots__ = ("text",)
    text: str

    def __init__(self, text: str) -> None:
        """From text as it stands: nothing is stripped or repaired."""
        if _DIAL.fullmatch(text) is None:
            raise RefusedError(f"not a number that can be dialed: {_shown(text)}")
        object.__setattr__(self, "text", text)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a DialString does not change")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DialString) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"DialString({self.text!r})"


def number_to_call(text: str) -> DialString:
    """A number that becomes a call; `*31#0912345678` does, `*101#` is a code for the network.

    Raises:
        RefusedError: for anything else.
    """
    if len(text) > NUMBER_MAX and set(text) <= set("+0123456789*#"):
        raise RefusedError(f"longer than {NUMBER_MAX - 1} digits: {_shown(text)}")
    number = DialString(text)
    if text.endswith("#"):  # 22.030 6.5.2
        raise RefusedError(f"a code, no number: {_shown(text)}; `dialerd port ussd` sends codes")
    return number


def ussd_code(text: str) -> str:
    """A USSD code, or the answer to a USSD menu: digits, `*`, `#`, `+`.

    Raises:
        RefusedError: for anything else, and for what enters or changes a PIN (`**04*...#`).
    """
    if _USSD.fullmatch(text) is None:
        raise RefusedError(f"not a USSD code: {_shown(text)}")
    if _SECRET_CODE.match(text):
        raise RefusedError("refused, it enters or changes a card's PIN, which may lock the card")
    return text


def keys(text: str) -> str:
    """Keys to be sent as tones, in capitals: digits, `*`, `#`, A to D.

    Raises:
        RefusedError: for anything else.
    """
    upper = text.upper()
    if _KEYS.fullmatch(upper) is None:
        raise RefusedError(f"not keys of a telephone: {_shown(text)}")
    return upper


def operator_command(text: str) -> str:
    """One AT command of an operator: printable ASCII that begins with AT and is not dangerous.

    Raises:
        RefusedError: says why it is not sent.
    """
    if _AT.fullmatch(text) is None:
        raise RefusedError(f"not one AT command of printable ASCII: {_shown(text)}")
    bare = text.upper().replace(" ", "").replace('"', "")
    for name, why in DANGEROUS:
        if name in bare and not _harmless(name, bare):
            raise RefusedError(f"refused, it {why}: {name.strip('+^=*$')}")
    if _SECRET.search(bare) or _APDU.search(bare) or _SECRET_CODE.search(bare):
        raise RefusedError(
            "refused, it enters or changes a card's PIN, and wrong tries lock the card: "
            "name a file that holds the PIN by --pin-file of `port probe` or `port call`"
        )
    if calls_by(text):
        raise RefusedError("refused: calls are made by `call`, so that they are seen to end")
    return text


def _harmless(name: str, bare: str) -> bool:
    """Whether a named command is only asked about: `AT+CLCK=?`, `AT+CPWD=?`."""
    return name in ("+CLCK", "+CPWD", "+CMUX") and bare == f"AT{name}=?"


def _shown(text: object) -> str:
    """At most 40 characters of it, control characters escaped."""
    shown = repr(text)
    return shown if len(shown) <= 42 else shown[:38] + " ..."
