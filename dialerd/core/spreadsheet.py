"""Texts for CSV files that people open in a spreadsheet."""

from __future__ import annotations

from typing import Final

# A cell that begins so is run as a formula (OWASP, CSV injection); full-width forms too.
_FORMULA: Final = tuple("=+-@\t\r＝＋－＠")
# Control characters as their pictures: a line break inside a cell breaks careless readers.
_VISIBLE: Final = {c: 0x2400 + c for c in range(0x20)} | {0x7F: 0x2421}


def safe_cell(text: str) -> str:
    """The text as a spreadsheet shows it without running it: an apostrophe before a formula."""
    if text.startswith(_FORMULA):
        text = "'" + text
    return text if text.isprintable() else text.translate(_VISIBLE)
