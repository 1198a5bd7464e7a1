r"""Bytes of a modem to lines.

Every habit is taken: `\r\n` round each line (V.250 5.7.1), `\r\r\n` of an echo, a bare `\r` or
`\n`, NULs, XON and XOFF, escape characters of an echoed PDU, lines without an end. A prompt
(27.005 3.5.1: `> ` at the beginning of a line, without an end) is a token of its own. A USSD
answer may hold line ends within its quotes (27.007 7.15): it is one line.

Bytes above 127 are UTF-8, or else each the character of its number; what would only disturb a
terminal that shows it is dropped. Results and the names before a colon are taken in small letters
too (`ok`, `+clcc: `).
"""

from __future__ import annotations

import re
from typing import Final

from gsm.charset import decoded
from gsm.limits import FEED_MAX, FILE_MAX, LINE_MAX, TOKENS_MAX

PROMPT: Final = "\0prompt"  # no line can be this: control characters are dropped
DATA: Final = "\0data"  # before a file's bytes, each the character of its number

_ENDS: Final = re.compile(rb"[\r\n]+")
_CONTROL: Final = bytes(c for c in range(32) if c not in (9, 10, 13)) + b"\x7f"
_QUOTED: Final = ("+CUSD:", "+CUSD :")
_FINAL: Final = re.compile(r"(?:OK|ERROR|\+CM[ES] ERROR.*|NO CARRIER|RING)$")
_QUOTED_LINES_MAX: Final = 32
_SMALL: Final = re.compile(
    r"(?:ok|error|ring|busy|no (?:carrier|answer|dial ?tone))$|[+^*][a-z0-9]{2,15}(?: error)? ?:"
)


class Lexer:
    """What a port said since it was opened. It holds at most `LINE_MAX` bytes twice over."""

    __slots__ = (
        "_dropping", "_partial", "_quoted", "_quoted_lines", "_raw", "_raw_left", "_swallow",
        "expects_data", "expects_prompt",
    )  # fmt: skip

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.expects_prompt = False  # then `>` without a blank is one too
        self.expects_data: re.Pattern[str] | None = None  # the line before a file's bytes
        self.reset()

    def reset(self) -> None:
        """Forget what was begun: the port was opened anew, or did not answer."""
        self._partial = b""
        self._quoted = ""
        self._quoted_lines = 0
        self._dropping = False
        self._swallow = False
        self._raw = bytearray()
        self._raw_left = 0  # bytes of a file that are still to come

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole now, without their ends, `PROMPT`s and `DATA`, in order."""
        out: list[str] = []
        data = data[:FEED_MAX]
        while data:
            if self._raw_left:
                data = self._take(data, out)
                continue
            if self.expects_data is None:
                self._lines(data, out)
                break
            end = data.find(b"\n") + 1 or len(data)  # bytes of a file begin right behind a line
            known = len(out)
            self._lines(data[:end], out)
            data = data[end:]
            for line in out[known:]:
                if (match := self.expects_data.match(line)) is not None:
                    self._raw_left = min(int(match["size"] or 0), FILE_MAX)
        return out

    def _take(self, data: bytes, out: list[str]) -> bytes:
        """Bytes of a file; what is left behind them."""
        count = min(self._raw_left, len(data))
        self._raw += data[:count]
        self._raw_left -= count
        if not self._raw_left:
            out.append(DATA + self._raw.decode("latin-1"))
            self._raw = bytearray()
        return data[count:]

    def _lines(self, data: bytes, out: list[str]) -> None:
        data = data.translate(None, _CONTROL)
        pieces = _ENDS.split(data)
        last = len(pieces) - 1
        for index, piece in enumerate(pieces):
            self._piece(piece, out)
            if index < last:
                self._end(out)
            if len(out) >= TOKENS_MAX:
                self.reset()
                break

    def _piece(self, piece: bytes, out: list[str]) -> None:
        """A part of a line."""
        if self._swallow and piece:
            self._swallow = False
            piece = piece[1:] if piece[:1] == b" " else piece
        if not piece or self._dropping:
            return
        fresh = not self._partial
        if fresh:
            piece = piece.lstrip(b" \t")
        held = self._partial + piece
        while held[:1] == b">" and (held[1:2] == b" " or (self.expects_prompt and len(held) == 1)):
            out.append(PROMPT)
            self.expects_prompt = False
            self._swallow = len(held) == 1
            held = held[2:]
        if len(held) > LINE_MAX:
            held, self._dropping = held[:LINE_MAX], True
        self._partial = held

    def _end(self, out: list[str]) -> None:
        """The end of a line."""
        self._dropping = self._swallow = False
        if not self._partial:
            return
        line = decoded(self._partial).strip()
        self._partial = b""
        if not self._quoted and (small := _SMALL.match(line)) is not None:
            line = small[0].upper() + line[small.end() :]
        if self._quoted and _FINAL.match(line):  # its quote was lost
            out.append(self._quoted)
            self._quoted = ""
        if self._quoted:
            line = f"{self._quoted}\n{line}"[:LINE_MAX]
            self._quoted = ""
            self._quoted_lines += 1
        if (
            line.startswith(_QUOTED)
            and line.count('"') % 2
            and len(line) < LINE_MAX
            and self._quoted_lines < _QUOTED_LINES_MAX
        ):
            self._quoted = line
            return
        self._quoted_lines = 0
        if line:
            out.append(line)
