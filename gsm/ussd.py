"""USSD strings of AT+CUSD (27.007 7.15), in whichever way a modem writes them.

Modems disagree about what stands between the quotes: the text itself, packed septets as hex, or
UCS2 as hex; the coding scheme after it tells the network's alphabet, not the modem's spelling.
An answer is therefore read by what it looks like.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gsm.charset import (
    clean,
    from_septets,
    from_ucs2,
    pack_ussd,
    septets,
    to_ucs2,
    unpack_ussd,
    ussd_alphabet,
)
from gsm.events import UssdKind
from gsm.limits import TEXT_MAX

KINDS: Final[dict[int, UssdKind]] = {
    0: "done", 1: "question", 2: "ended", 3: "busy", 4: "unsupported", 5: "timeout",
}  # fmt: skip
_CUSD: Final = re.compile(
    r'\+CUSD ?: ?(?P<kind>\d)(?: ?, ?(?:"(?P<text>.*)"|(?P<bare>[^",]*)))?(?: ?, ?(?P<dcs>\d+))?'
    r"(?P<cut>.*)$(?!\n)",
    re.DOTALL,
)
_CUT: Final = re.compile(r'\+CUSD ?: ?(?P<kind>\d) ?, ?"(?P<text>.*)$(?!\n)', re.DOTALL)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){2,}$(?!\n)")


class Answer(NamedTuple):
    """What the network said."""

    kind: UssdKind
    text: str


def read(line: str) -> Answer | None:
    """A `+CUSD:` line; None when it is none."""
    match = _CUSD.match(line)
    if match is None:
        return None
    text, dcs = match["text"], match["dcs"]
    if text is None:
        text = match["bare"] or ""
        if match["cut"] and (cut := _CUT.match(line)) is not None:  # its last quote was lost
            text = cut["text"]
    kind = KINDS.get(int(match["kind"]), "error")
    said = decode(text, int(dcs) if dcs and len(dcs) < 4 else 15)
    return Answer(kind, clean(said)[:TEXT_MAX])


def decode(text: str, dcs: int) -> str:
    """The text of an answer, as it was meant."""
    flat = re.sub(r"\s", "", text)
    ucs2 = ussd_alphabet(dcs & 0xFF) == "ucs2" and len(flat) % 4 == 0
    if not _HEX.match(flat) or (flat.isdigit() and len(flat) < 16 and not ucs2):
        return text  # also `1234`: a number, not hex
    data = bytes.fromhex(flat)
    if ucs2 or _looks_ucs2(data):
        return from_ucs2(data)
    packed = from_septets(unpack_ussd(data))
    octets = data.decode("latin-1")
    # Some write one octet per character as hex.
    return octets if all(32 <= b < 127 or b in (10, 13) for b in data) else packed


def _looks_ucs2(data: bytes) -> bool:
    """Half of the even bytes are zero, as in every European text; Vietnamese has 1E besides."""
    if len(data) % 2:
        return False
    high = data[::2]
    return sum(b in (0x00, 0x01, 0x1E, 0x20) for b in high) * 10 >= len(high) * 9 and 0 in high


def encode(code: str, how: str) -> str:
    """A code as the modem wants it: `plain`, `hex7` (packed septets), `ucs2`."""
    if how == "plain":
        return code
    if how == "ucs2":
        return to_ucs2(code).hex().upper()
    return pack_ussd(septets(code) or b"").hex().upper()
