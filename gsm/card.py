"""What belongs to a card wherever it is put."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from msgspec import Struct

ANY_PIN: Final = "*"
MODULE: Final = "imei:"
SLOT: Final = "slot:"


class CardState(Struct):
    """Kept by the card's ICCID, and told again to the port where it is next.

    Attributes:
        iccid: its number, the IMSI where a module cannot read that; of a card that is not known
            before its PIN: `imei:` or `slot:` and where it is.
        failed, unanswered, short: calls in a row.
        rests: rests in a row.
        calls: calls since its balance was asked.
        locks: reason to the time it ends on the machine's clock, -1 for never.
        refused_pin: a mark of the PIN that was refused, `*` of any while its answer is not known;
            empty for none. A PIN of that mark is not entered.
    """

    iccid: str = ""
    failed: int = 0
    unanswered: int = 0
    short: int = 0
    rests: int = 0
    calls: int = 0
    locks: dict[str, int] = {}
    refused_pin: str = ""

    def copy(self) -> CardState:
        """One that does not change with this."""
        return CardState(
            self.iccid, self.failed, self.unanswered, self.short, self.rests, self.calls,
            dict(self.locks), self.refused_pin,
        )  # fmt: skip

    @property
    def known(self) -> bool:
        """Whether it is a card's, not that of a place whose card is not known yet."""
        return bool(self.iccid) and not self.iccid.startswith((MODULE, SLOT))

    def refuses(self, pin: str) -> bool:
        """Whether that PIN was refused before, for all we know."""
        return self.refused_pin in (ANY_PIN, pin_mark(self.iccid, pin))


def is_pin(text: str) -> bool:
    """Whether it can be a PIN: 4 to 8 digits (GSM 02.17)."""
    return re.fullmatch(r"\d{4,8}", text, re.ASCII) is not None


def pin_mark(key: str, pin: str) -> str:
    """Tells a PIN from others. Only a wrong one's is ever kept."""
    return sha256(f"{key}:{pin}".encode()).hexdigest()[:12]
