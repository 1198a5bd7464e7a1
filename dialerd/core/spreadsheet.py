"""Texts for CSV files that people open in a spreadsheet."""

from __future__ import annotations

import re
from typing import Final

FORMULA: Final = re.compile(r"(\A\s*|[,;\t\r\n]\s*)([=+\-@＝＋－＠])")
PICTURES: Final = {c: 0x2400 + c for c in range(0x20)} | {0x7F: 0x2421}


def safe(cell: str) -> str:
    """The cell as text that no spreadsheet takes for a formula.

    An apostrophe goes before a sign that starts a formula at the head of the cell, spaces aside, or
    after what a program may take for the end of a cell (a spreadsheet set to another delimiter
    does). One also goes before a control character at the head, which a program might drop.
    """
    if not cell:
        return cell
    cell = FORMULA.sub(r"\1'\2", cell).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cell if cell[0].isprintable() else "'" + cell


def visible(text: str) -> str:
    """Control characters as their pictures, so that one row stays one line for any reader."""
    return text if text.isprintable() else text.translate(PICTURES)
