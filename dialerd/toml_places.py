"""Where things stand in a TOML text: the line and column of every key and value, by path.

`tomllib` gives values without positions. This scanner walks a text that `tomllib` has already
accepted, so it need not judge syntax, only follow it: tables, arrays of tables, dotted keys, inline
tables, arrays and the four kinds of string (TOML 1.0.0). A path is a tuple of keys and indexes:
`("trunk", 1, "host")`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Path = tuple[str | int, ...]


class Span(NamedTuple):
    """A place in the text: offset of its first character, and how many characters it has."""

    start: int
    length: int


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\[\s\S])*?"""+')
_LONG_LITERAL = re.compile(r"'''[\s\S]*?'''+")
_STRINGS = (_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL)
_ESCAPE = re.compile(r'\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[btnfr"\\])')
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        body = match[1]
        return chr(int(body[1:], 16)) if body[0] in "uU" else _ESCAPED[body]

    return _ESCAPE.sub(one, text)


class Places:
    """The keys and values of one TOML text, each with its place."""

    def __init__(self, text: str) -> None:
        """`text` must be valid TOML; of anything else a part is found, never an error."""
        self.text = text
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self._arrays: dict[Path, int] = {}  # last index of each array of tables
        self._pos = 0
        self._document()

    def find(self, path: Path, *, key: bool = False) -> Span:
        """The value at `path` (or its key), else what is around it, else the start of the text."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while path:
            span = first.get(path) or second.get(path)
            if span is not None:
                return span
            path = path[:-1]
        return Span(0, 0)

    def line_col(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self._pos)
        if found is None:
            return ""
        self._pos = found.end()
        return found[0]

    def _at(self, what: str) -> bool:
        return self.text.startswith(what, self._pos)

    def _document(self) -> None:
        table: Path = ()
        while True:
            self._match(_BLANK)
            if self._pos >= len(self.text):
                return
            before = self._pos
            if self._at("["):
                table = self._header()
            else:
                self._pair(table)
            if self._pos == before:  # not TOML: tomllib would have refused it
                return

    def _header(self) -> Path:
        many = self._at("[[")
        self._pos += 2 if many else 1
        names = self._dotted()
        self._pos += 2 if many else 1
        path: Path = ()
        for index, (name, span) in enumerate(names):
            path = (*path, name)
            self.keys.setdefault(path, span)
            last = index == len(names) - 1
            if last and many:
                self._arrays[path] = self._arrays.get(path, -1) + 1
            if path in self._arrays:
                path = (*path, self._arrays[path])
                self.keys.setdefault(path, span)
        return path

    def _dotted(self) -> list[tuple[str, Span]]:
        names: list[tuple[str, Span]] = []
        while True:
            self._match(_SPACE)
            start = self._pos
            if self._at('"'):
                name = _unescape(self._match(_BASIC)[1:-1])
            elif self._at("'"):
                name = self._match(_LITERAL)[1:-1]
            else:
                name = self._match(_BARE_KEY)
            if self._pos == start:
                return names
            names.append((name, Span(start, self._pos - start)))
            self._match(_SPACE)
            if not self._at("."):
                return names
            self._pos += 1

    def _pair(self, table: Path) -> None:
        path = table
        for name, span in self._dotted():
            path = (*path, name)
            self.keys.setdefault(path, span)
        self._match(_SPACE)
        if self._at("="):
            self._pos += 1
            self._match(_SPACE)
            self._value(path)

    def _value(self, path: Path) -> None:
        start = self._pos
        if self._at("["):
            self._array(path)
        elif self._at("{"):
            self._inline(path)
        else:
            for pattern in _STRINGS:
                if self._match(pattern):
                    break
            else:
                self._pos = start + len(self._match(_SCALAR).rstrip())
        end = self._pos
        first_line = self.text[start:end].split("\n", 1)[0]
        self.values[path] = Span(start, len(first_line))

    def _array(self, path: Path) -> None:
        self._pos += 1
        index = 0
        while True:
            self._match(_BLANK)
            if self._pos >= len(self.text):
                return
            if self._at("]"):
                self._pos += 1
                return
            before = self._pos
            self._value((*path, index))
            self._match(_BLANK)
            if self._at(","):
                self._pos += 1
            index += 1
            if self._pos == before:
                return

    def _inline(self, path: Path) -> None:
        self._pos += 1
        while True:
            self._match(_BLANK)
            if self._pos >= len(self.text):
                return
            if self._at("}"):
                self._pos += 1
                return
            before = self._pos
            self._pair(path)
            self._match(_BLANK)
            if self._at(","):
                self._pos += 1
            if self._pos == before:
                return
