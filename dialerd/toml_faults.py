"""What is wrong with a TOML file, as data and as text: place, line, caret, help."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path as FilePath

import msgspec

from dialerd.toml_places import Path, Places, Span

FAULTS_SHOWN_MAX = 20
LINE_SHOWN_MAX = 160
_SECRET = re.compile(r"""((?:password|secret|token|ha1|ha1_sha256)\s*=\s*)("[^"]*"?|'[^']*'?)""")


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong: where, what, and what to do. `key` puts the caret on the key."""

    path: Path
    text: str
    hint: str = ""
    key: bool = False


class Finding(msgspec.Struct, frozen=True):
    """A fault with its place in the file, as `--json` prints it. Line and column count from 1."""

    file: str
    line: int
    column: int
    text: str
    hint: str = ""
    key: str = ""


class TomlError(Exception):
    """The file cannot be used. `str()` is the whole rendered text; `findings` the same as data."""

    def __init__(self, text: str, findings: tuple[Finding, ...] = ()) -> None:
        """Keep both forms."""
        super().__init__(text)
        self.findings = findings


def located_error(path: FilePath, text: str, faults: Iterable[Fault]) -> TomlError:
    """Find each fault in the text; the rendered whole."""
    places = Places(text)
    lines = text.split("\n")
    located: list[tuple[Finding, Span]] = []
    for fault in faults:
        span = places.find(fault.path, key=fault.key)
        line, column = places.line_col(span.start)
        key = ".".join(str(part) for part in fault.path)
        located.append((Finding(str(path), line, column, fault.text, fault.hint, key), span))
    located.sort(key=lambda pair: (pair[0].line, pair[0].column))
    shown = [
        render(found, lines[found.line - 1], span.length)
        for found, span in located[:FAULTS_SHOWN_MAX]
    ]
    if len(located) > FAULTS_SHOWN_MAX:
        shown.append(f"... and {len(located) - FAULTS_SHOWN_MAX} more")
    return TomlError("\n".join(shown), tuple(found for found, _ in located))


def _printable(text: str) -> str:
    """Nothing of a file reaches the terminal as an escape sequence."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _hidden(match: re.Match[str]) -> str:
    """A secret in a shown line becomes stars of the same length, so that the caret stays right."""
    quote = match[2][0]
    return match[1] + quote + "*" * (len(match[2]) - 2) + quote


def render(found: Finding, line: str, length: int) -> str:
    """One finding with its line and a caret under `length` characters."""
    start = max(0, found.column - LINE_SHOWN_MAX // 2) if len(line) > LINE_SHOWN_MAX else 0
    line = _SECRET.sub(_hidden, line.replace("\t", " "))
    shown = _printable(line[start : start + LINE_SHOWN_MAX])
    room = max(1, len(shown) - (found.column - 1 - start))
    caret = " " * (found.column - 1 - start) + "^" * max(1, min(length, room))
    number = f"{found.line:>3}"
    parts = [
        f"error: {_printable(found.text)}",
        f"  --> {_printable(found.file)}:{found.line}:{found.column}",
        f"{number}| {shown}",
        f"{' ' * len(number)}| {caret}",
    ]
    if found.hint:
        parts.append(f"   = help: {_printable(found.hint)}")
    return "\n".join(parts)


def nearest(word: str, known: list[str], what: str = "keys") -> str:
    """Help for a word that is not known: the nearest one, and all."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    listed = f"known {what}: {', '.join(known)}"
    return f"did you mean {close[0]!r}?  {listed}" if close else listed
