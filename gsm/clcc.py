"""The answer of AT+CLCC (27.007 7.18): the calls that there are. It is the truth.

Read leniently: modules leave fields out, add an empty name (`,""`), or put blanks anywhere.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gsm.dialect import CallState
from gsm.limits import CALLS_MAX, NAME_MAX

STATES: Final[dict[int, CallState]] = {
    0: "active", 1: "held", 2: "dialing", 3: "alerting", 4: "incoming", 5: "waiting",
}  # fmt: skip
VOICE: Final = (0, 9)  # mode; 9: unknown. A data connection (1) is none of our calls
_LINE: Final = re.compile(
    r"\+CLCC ?: ?(\d{1,3}) ?, ?(\d) ?, ?(\d{1,2})(?: ?, ?(\d{1,2}))?(?: ?, ?\d*)?(.*)$(?!\n)"
)
_NUMBER: Final = re.compile(r' ?, ?"([^"]{0,80})"')


class Listed(NamedTuple):
    """One call. `outgoing`: we dialed it."""

    id: int
    outgoing: bool
    state: CallState
    number: str


def read(line: str, released: int = 6) -> Listed | None:
    """One line; None for what is none, and for calls that are no voice calls."""
    match = _LINE.match(line)
    if match is None:
        return None
    mode = int(match[4]) if match[4] else 0
    stat = int(match[3])
    state = "released" if stat == released else STATES.get(stat)
    if mode not in VOICE or state is None:
        return None
    number = _NUMBER.match(match[5])
    return Listed(int(match[1]), match[2] == "0", state, number[1][:NAME_MAX] if number else "")


def read_all(lines: list[str], released: int = 6) -> list[Listed]:
    """All calls of an answer, those that are over left out."""
    found = [call for line in lines if (call := read(line, released)) is not None]
    return [call for call in found if call.state != "released"][:CALLS_MAX]
