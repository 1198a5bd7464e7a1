"""Lines that come unasked: those of 27.007, 27.005 and V.250, and a dialect's own before them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from gsm.dialect import CallState, Meaning, Urc
from gsm.limits import NAME_MAX

STANDARD: Final = (
    Urc(match=r"RING$", means="ring"),
    Urc(match=r"\+CRING ?:", means="ring"),
    Urc(match=r'\+CLIP ?: ?"(?P<number>[^"]*)"', means="caller"),
    Urc(match=r"NO CARRIER|NO ANSWER|NO DIAL ?TONE", means="ended"),
    Urc(match=r"BUSY$", means="ended"),
    Urc(match=r"\+(?:CREG|CGREG|CEREG) ?:", means="registration", prefixes=True),
    Urc(match=r"\+CPIN ?: ?(?P<value>.*)", means="sim", prefixes=True),
    Urc(match=r'\+CMTI ?: ?"?\w{0,8}"? ?, ?(?P<value>\d{1,5})', means="sms"),
    Urc(match=r'\+CDSI ?: ?"?\w{0,8}"? ?, ?(?P<value>\d{1,5})', means="report"),
    Urc(match=r"\+CUSD ?:", means="ussd"),
    Urc(match=r"\+CLCC ?: ?(?P<id>\d{1,3}) ?, ?\d ?, ?(?P<stat>\d{1,2})", means="call",
        prefixes=True),
    Urc(match=r"\+CSQ ?:", means="signal", prefixes=True),
    Urc(match=r"\+(?:COLP|CCWA|CSSI|CSSU|CTZV|CTZE|CIEV|CGEV|CCCM|CNAP|CCWV) ?:", means="ignored",
        prefixes=True),
    Urc(match=r"RDY$|START$|\+CFUN ?: ?1$", means="ignored", prefixes=True),
)  # fmt: skip
FINAL: Final = re.compile(
    r"OK|ERROR|\+CM[ES] ERROR ?: ?(?P<code>.*)|COMMAND NOT SUPPORT.*|TOO MANY PARAMETERS"
    r"|OPERATION NOT (?:ALLOWED|SUPPORTED)|NOT SUPPORTED"
)
MATCHED_MAX: Final = 500  # characters of a line that patterns look at
_META: Final = set(".^$*+?{}[]\\|()")


class Hit(NamedTuple):
    """What a line tells. `state` is that of `stat`, where its rule names one."""

    means: Meaning
    line: str
    id: int | None = None
    state: CallState | None = None
    cause: int = 0
    number: str = ""
    digit: str = ""
    value: str = ""
    prefixes: bool = False


def literal(pattern: str) -> str:
    """The fixed beginning of a pattern, by which most lines are told apart without it."""
    out = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\" and index + 1 < len(pattern) and not pattern[index + 1].isalnum():
            char = pattern[index + 1]
            index += 1
        elif char in _META:
            break
        out.append(char)
        index += 1
    if index < len(pattern) and pattern[index] in "*?{" and out:
        out.pop()  # what is repeated may be absent
    return "" if "|" in pattern else "".join(out)


class Urcs:
    """The lines of a dialect, made ready."""

    __slots__ = ("_rules",)

    def __init__(self, own: Iterable[Urc] = ()) -> None:
        """A dialect's own lines are looked at first."""
        self._rules = [
            (literal(rule.match), re.compile(rule.match), rule) for rule in (*own, *STANDARD)
        ]

    def read(self, line: str) -> Hit | None:
        """What an unasked line tells; None when it is none of them."""
        for start, pattern, rule in self._rules:
            if not line.startswith(start):
                continue
            if (match := pattern.match(line, 0, MATCHED_MAX)) is not None:
                return _hit(line, match, rule)
        return None


def _hit(line: str, match: re.Match[str], rule: Urc) -> Hit:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    digit = found.get("digit", "")
    if rule.ascii_code and digit.isdigit() and len(digit) <= 3:
        digit = chr(int(digit))
    return Hit(
        rule.means, line, _number(found.get("id")), rule.states.get(found.get("stat", "")),
        _number(found.get("cause")) or 0, found.get("number", "")[:NAME_MAX],
        digit.upper() if len(digit) == 1 and digit.upper() in "0123456789*#ABCD" else "",
        found.get("value", ""), rule.prefixes,
    )  # fmt: skip


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None


def dbm(line: str) -> int | None:
    """Of `+CSQ: rssi,ber` (27.007 8.5); None when it is unknown."""
    match = re.match(r"\+CSQ ?: ?(\d{1,3})", line)
    level = int(match[1]) if match else 99
    if level <= 31:
        return -113 + 2 * level
    return -116 + (level - 100) if 100 <= level <= 191 else None  # TD-SCDMA's scale of the same


_CREG: Final = re.compile(r"\+C(?:|G|E)REG ?: ?(\d{1,2})(?: ?, ?(\d{1,2})(?=$| ?,))?")
_STATES: Final = {0: "off", 1: "home", 2: "searching", 3: "denied", 4: "unknown", 5: "roaming",
                  6: "home", 7: "roaming", 8: "off", 9: "home", 10: "roaming"}  # fmt: skip


def registration(line: str, *, asked: bool) -> str | None:
    """Of a `+CREG:` line (27.007 7.2): `<n>,<stat>` when asked, `<stat>` when not."""
    match = _CREG.match(line)
    if match is None:
        return None
    stat = match[2] if asked and match[2] is not None else match[1]
    return _STATES.get(int(stat), "unknown")


def is_asked_registration(line: str) -> bool:
    """Whether it has the form of an answer: the second field is a lone number of one digit."""
    return re.match(r"\+C(?:|G|E)REG ?: ?[0-5] ?, ?\d{1,2}(?:$| ?,)", line) is not None


def operator(line: str) -> str:
    """Of `+COPS: mode,format,"name"[,act]`; empty without one."""
    match = re.match(r'\+COPS ?: ?\d ?, ?\d ?, ?"([^"]{0,80})"', line)
    return match[1][:NAME_MAX] if match else ""
