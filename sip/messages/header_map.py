"""The header fields of one message: a multi-dict in the message's order, by any form of a name.

A value that is set is judged by the scanner, as if a peer had sent it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fastpath.sipscan import LINE_BYTES_MAX, ScanError, scan
from sip.errors import SipError
from sip.messages.header_names import canonical, key
from sip.messages.headers import text

_NAME = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
# NUL may stand in a received quoted-pair (RFC 3261 section 25.1); it never leaves us again.
_NUL = re.compile(r"(\\[^\x00])|\\?\x00")


def decoded(raw: bytes) -> str:
    """Text as it came: UTF-8, else Latin-1; NUL becomes U+FFFD."""
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        value = raw.decode("latin-1")
    if "\0" in value:
        value = _NUL.sub(lambda found: found[1] or "\ufffd", value)
    return value


def checked(name: str, value: str) -> tuple[str, str]:
    """The pair as it will be written; SipError when it cannot be."""
    if not _NAME.fullmatch(name):
        raise SipError(f"not a header name: {name!r}")
    name = canonical(name)
    if name == "Content-Length":
        raise SipError("Content-Length follows the body")
    value = text(value, name, LINE_BYTES_MAX).strip()
    # as of a request, where more is refused; but CSeq has to fit the start line there
    start = "SIP/2.0 200 OK" if name == "CSeq" else "OPTIONS sip:h SIP/2.0"
    try:
        scan(f"{start}\r\n{name}: {value}\r\n\r\n".encode())
    except ScanError as error:
        raise SipError(f"{name}: {error}") from None
    return name, value


class Headers:
    """Names in any case, long or compact; `[name]` is the first value of that name."""

    __slots__ = ("_pairs", "edited")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """`pairs` were scanned or checked."""
        self._pairs = list(pairs)
        self.edited = False

    def __getitem__(self, name: str) -> str:
        wanted = key(name)
        for found, value in self._pairs:
            if found.lower() == wanted:
                return value
        raise KeyError(name)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of this name."""
        return next(iter(self.get_all(name)), default)

    def get_all(self, name: str) -> list[str]:
        """The value of each line of this name, in order."""
        wanted = key(name)
        return [value for found, value in self._pairs if found.lower() == wanted]

    def __setitem__(self, name: str, value: str) -> None:
        """One line in place of all of this name; SipError when it would be broken."""
        pair = checked(name, value)
        wanted = key(name)
        at = next((i for i, (n, _) in enumerate(self._pairs) if n.lower() == wanted), None)
        kept = [p for i, p in enumerate(self._pairs) if i == at or p[0].lower() != wanted]
        if at is None:
            kept.append(pair)
        else:
            kept[kept.index(self._pairs[at])] = pair
        self._pairs = kept
        self.edited = True

    def add(self, name: str, value: str) -> None:
        """One more line, at the end; SipError when it would be broken."""
        self._pairs.append(checked(name, value))
        self.edited = True

    def __delitem__(self, name: str) -> None:
        """Remove every line of this name."""
        wanted = key(name)
        if name not in self:
            raise KeyError(name)
        if wanted == "content-length":
            raise SipError("Content-Length follows the body")
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != wanted]
        self.edited = True

    def body_is(self, size: int) -> None:
        """The one Content-Length line, where it stood."""
        line = ("Content-Length", str(size))
        places = [i for i, (name, _) in enumerate(self._pairs) if name == line[0]]
        for i in reversed(places[1:]):
            del self._pairs[i]
        if places:
            self._pairs[places[0]] = line
        else:
            self._pairs.append(line)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[str]:
        """Each line's name."""
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self) -> list[tuple[str, str]]:
        """Each line: (name, value)."""
        return list(self._pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._pairs == other._pairs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._pairs!r})"
