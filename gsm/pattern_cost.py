r"""What a pattern of a file could cost, from its text alone.

Python's patterns try every way in which their repetitions can share a line. With two that have no
end, or one within another, a hostile line of 4 KB takes minutes, and meanwhile no port is served.
So: at most one repetition without an end, none of a group, the others short, and few ways in which
those share a line. Repetitions that take different characters (`\d{1,3}` and ` ?`), or have one
between them that neither takes, share it in one way only.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

COUNT_MAX: Final = 64  # of one repetition with an end
WAYS_MAX: Final = 5_000  # in which repetitions with an end can share a line
REFERENCE: Final = "a reference to a group takes its time"
GROUP: Final = "a group may be there or not, it may not be repeated"
ENDLESS: Final = "only one repetition may have no end; give the others one, as in {0,9}"
LONG: Final = f"a repetition may go up to {COUNT_MAX}, or have no end once"
MANY: Final = "its repetitions can share a line in too many ways"
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_QUANTIFIER: Final = re.compile(r"(?:[*+?]|\{(\d*)(,?)(\d*)\})[?+]?")
_DIGITS: Final = frozenset("0123456789")


class _Open(NamedTuple):
    """A group that is not closed yet: what was counted before it."""

    varied: int
    begin: int


class _Times(NamedTuple):
    """How often something is repeated; `most` None: without an end."""

    least: int
    most: int | None
    end: int


class _Scan:
    """One reading of a pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.endless = 0
        self.varied = 0  # parts that may take more or less
        self.ways = 1
        self.groups: list[_Open] = []
        self.free: list[frozenset[str] | None] = []  # what repetitions before may still take

    def step(self) -> str:
        """The next part; why the pattern is refused, or nothing."""
        text, at = self.text, self.at
        if text[at] in "(|^$":
            return self._mark()
        if text[at] == ")":
            return self._close()
        takes: frozenset[str] | None = None  # anything
        if text[at] == "\\":
            letter = text[at + 1 : at + 2]
            if letter.isdigit():
                return REFERENCE
            takes = _DIGITS if letter == "d" else None if letter.isalpha() else frozenset(letter)
            self.at += 2
        elif (held := _CLASS.match(text, at)) is not None:
            self.at = held.end()
        else:
            takes = None if text[at] == "." else frozenset(text[at].lower() + text[at].upper())
            self.at += 1
        times = _times(text, self.at)
        self.at = times.end
        return self._repeated(takes, times)

    def _mark(self) -> str:
        """A bracket that opens, a bar, an end: nothing of the line is taken."""
        if self.text.startswith("(?P=", self.at):
            return REFERENCE
        if self.text[self.at] == "(":
            self.groups.append(_Open(self.varied, self.at))
            mark = re.compile(r"\((?:\?(?:P<\w+>|[:=!>]|<[=!]))?").match(self.text, self.at)
            self.at = mark.end() if mark is not None else self.at + 1
        else:
            self.at += 1
        return ""

    def _close(self) -> str:
        begun = self.groups.pop() if self.groups else _Open(0, 0)
        plain = begun.varied == self.varied and "|" not in self.text[begun.begin : self.at]
        times = _times(self.text, self.at + 1)
        self.at = times.end
        if times.most == 1:
            self.varied += 1 - times.least
            self.ways *= 2 - times.least
            return MANY if self.ways > WAYS_MAX else ""
        return "" if plain and times.most == times.least else GROUP

    def _repeated(self, takes: frozenset[str] | None, times: _Times) -> str:
        if times.most is None:
            self.endless += 1
            self.varied += 1
            self.free.append(takes)
            return ENDLESS if self.endless > 1 else ""
        if times.most > COUNT_MAX and times.most != times.least:
            return LONG
        if times.least and takes is not None:  # nothing before it that does not take it goes on
            self.free = [held for held in self.free if held is None or held & takes]
        if times.most > times.least:
            self.varied += 1
            shared = any(held is None or takes is None or held & takes for held in self.free)
            if shared or takes is None:
                self.ways *= times.most - times.least + 1
            self.free.append(takes)
        return MANY if self.ways > WAYS_MAX else ""


def too_costly(text: str) -> str:
    """Why a pattern is refused; empty when it may be used. It is one that compiles."""
    scan = _Scan(text)
    while scan.at < len(text):
        why = scan.step()
        if why:
            return why
    return ""


def _times(text: str, at: int) -> _Times:
    """What stands there about the part before."""
    match = _QUANTIFIER.match(text, at)
    if match is None or match[0] in ("{}", "{,}"):
        return _Times(1, 1, at)
    sign = match[0][0]
    if sign == "?":
        return _Times(0, 1, match.end())
    if sign in "*+":
        return _Times(int(sign == "+"), None, match.end())
    least = int(match[1] or 0)
    if not match[2]:
        return _Times(least, least, match.end())
    return _Times(least, int(match[3]) if match[3] else None, match.end())
