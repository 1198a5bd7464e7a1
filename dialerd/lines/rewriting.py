"""Numbers as a carrier wants them, and as it tells them: strip, add, the longest beginning wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from fastpath.numbers import Number

DIGITS_MAX: Final = 15  # of an E.164 number
_SEPARATORS: Final = re.compile(r"[\s().\-]")
_E164: Final = re.compile(r"\+?[1-9][0-9]{0,14}")


class Rewrite(msgspec.Struct, frozen=True):
    """For what begins with `begins`: `strip` characters off the front, `add` in their place."""

    begins: str = ""
    strip: int = 0
    add: str = ""

    def __call__(self, text: str) -> str:
        """The text rewritten."""
        return self.add + text[self.strip :]


class Rewrites:
    """Rules by their beginning."""

    __slots__ = ("_lengths", "_rules")

    def __init__(self, rules: Iterable[Rewrite]) -> None:
        """Of two with one beginning the later holds."""
        self._rules = {rule.begins: rule for rule in rules}
        self._lengths = sorted({len(begins) for begins in self._rules}, reverse=True)

    def find(self, text: str) -> Rewrite | None:
        """The rule with the longest beginning; None when none fits."""
        for length in self._lengths:
            found = self._rules.get(text[:length])
            if found is not None:
                return found
        return None


def dialed(number: Number, form: str, rules: Rewrites) -> str:
    """The called number for a carrier: in its form, then rewritten by the rule of its prefix."""
    text = number.e164
    if form != "e164":
        text = number.digits if form == "digits" else number.national
    rule = rules.find(number.digits)
    return text if rule is None else rule(text)


def told(text: str, rules: Rewrites) -> str:
    """A number that a carrier tells, as E.164 digits without the plus; "" when it is none.

    Without a rule only what is written with a plus is taken: 0912 may be anybody's.
    """
    bare = _SEPARATORS.sub("", text[:64])
    rule = rules.find(bare)
    if rule is not None:
        bare = "+" + rule(bare).removeprefix("+")
    if not bare.startswith("+") or not _E164.fullmatch(bare):
        return ""
    return bare[1:]
