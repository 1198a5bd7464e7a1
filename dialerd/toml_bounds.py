"""Bounds of a TOML text, looked at before any parser sees it.

`tomllib` needs quadratic time for long dotted keys and recurses into every bracket, so that a file
of a megabyte could hold it for minutes. One pass over the text, linear whatever it holds.
"""

from __future__ import annotations

import re
from typing import Final

LINE_MAX: Final = 16_384  # characters
NESTING_MAX: Final = 16  # brackets open at once
KEY_PARTS_MAX: Final = 16  # of a dotted key

_TOKEN: Final = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"""'
    r"|\'\'\'[\s\S]*?\'\'\'"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}.=,\n]"
)


def outsized(text: str) -> tuple[int, str] | None:
    """The line (from 1) that goes past a bound, and which; None when there is none."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LINE_MAX:
            return number, f"longer than {LINE_MAX} characters"
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == ".":
            dots += 1
        elif sign in {"[", "{"}:
            depth += 1
        elif sign in {"]", "}"}:
            depth = max(0, depth - 1)
        elif sign in {"=", ",", "\n"}:
            dots = 0
        if depth > NESTING_MAX or dots >= KEY_PARTS_MAX:
            what = "nested too deeply" if depth > NESTING_MAX else "a key of too many parts"
            return text.count("\n", 0, token.start()) + 1, what
    return None
