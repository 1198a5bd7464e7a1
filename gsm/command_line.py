"""What the commands of one line do about calls, read as V.250 5.2 has a modem read it.

After `AT` come basic commands (a letter, `&` and a letter, `S` and a register, each with digits),
one behind the other without anything between them, and extended ones (`+NAME=...`), which end at
`;`.
Blanks mean nothing outside quotes.
"""

from __future__ import annotations

import re
from typing import Final

_CALLS: Final = frozenset({"+CDV", "+CKPD", "+CHLD", "+CDIP"})  # dial, press keys, take a call
_EXTENDED: Final = re.compile(r'([+^$*#!_][A-Z0-9_+^$*#]*)((?:"[^"]*"|[^;"])*)')
_REGISTER: Final = re.compile(r"S(\d*)([=?]?)\d*")
_BASIC: Final = re.compile(r"[&\\%]?[A-Z]\d*")
_KEYPAD: Final = re.compile(r"[$*#!_]D[\d*#+]*$(?!\n)")


def calls_by(text: str) -> bool:
    """Whether a line dials, answers, or has the modem answer by itself."""
    line = _flat(text)[2:]
    at = 0
    while at < len(line):
        if (extended := _EXTENDED.match(line, at)) is not None:
            name, said = extended[1], extended[2]
            asks = said.startswith(("?", "=?"))
            if (name in _CALLS and not asks) or _KEYPAD.match(name):
                return True
            at = extended.end()
        elif (register := _REGISTER.match(line, at)) is not None:
            if register[2] == "=" and int(register[1] or "0") == 0:
                return True  # so many rings until it answers
            at = register.end()
        else:
            if line[at] in "DAO":  # dial, answer, back into a call
                return True
            basic = _BASIC.match(line, at)
            at = basic.end() if basic is not None else at + 1
    return False


def _flat(text: str) -> str:
    """In capitals, without the blanks outside quotes."""
    parts = text.upper().split('"')
    return '"'.join(part.replace(" ", "") if i % 2 == 0 else part for i, part in enumerate(parts))
