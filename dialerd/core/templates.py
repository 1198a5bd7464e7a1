"""Texts with fields: `"{caller_id}" <sip:{account}@{domain}>`.

A template is read once and refused then when it could break a SIP line: a control character, a
field that is not known, a brace that does not close. What is put into a field is checked by whoever
fills it, so a filled template needs no further look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

CHARS_MAX: Final = 512
PIECES_MAX: Final = 32
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PIECE: Final = re.compile(r"\{([a-z_]{1,32})\}|([^{}]+)")


class TemplateError(ValueError):
    """A template that cannot be used; the text says why."""


class Template:
    """A text whose fields are filled in for each call."""

    __slots__ = ("_pieces", "fields", "text")

    def __init__(self, text: str, known: Iterable[str]) -> None:
        """`known` are the fields it may name.

        Raises:
            TemplateError: an unknown field, a stray brace, a control character, or too long.
        """
        if len(text) > CHARS_MAX:
            raise TemplateError(f"longer than {CHARS_MAX} characters")
        if _CONTROL.search(text):
            raise TemplateError("holds a control character")
        self.text = text
        self._pieces: tuple[tuple[str, str], ...] = tuple(_read(text))
        self.fields = frozenset(field for field, _ in self._pieces if field)
        allowed = sorted(known)
        for field in sorted(self.fields):
            if field not in allowed:
                raise TemplateError(f"there is no field {{{field}}}, only {_listed(allowed)}")

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with its fields' values; KeyError when one is missing."""
        return "".join([values[field] if field else text for field, text in self._pieces])

    def bound(self, constants: Mapping[str, str]) -> Template:
        """The same template with what never changes already filled in."""
        made = Template.__new__(Template)
        made.text = self.text
        pieces: list[tuple[str, str]] = []
        for field, text in self._pieces:
            piece = ("", constants[field]) if field in constants else (field, text)
            if not piece[0] and pieces and not pieces[-1][0]:
                piece = ("", pieces.pop()[1] + piece[1])
            pieces.append(piece)
        made._pieces = tuple(pieces)
        made.fields = frozenset(field for field, _ in pieces if field)
        return made

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._pieces)


def _read(text: str) -> list[tuple[str, str]]:
    """(field, "") or ("", literal), in order."""
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise TemplateError("a brace that is not part of a {field}")
        pieces.append((found[1] or "", found[2] or ""))
        at = found.end()
    if len(pieces) > PIECES_MAX:
        raise TemplateError(f"more than {PIECES_MAX} pieces")
    return pieces


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names) or "plain text"
