"""What belongs to a card wherever it is put."""

from __future__ import annotations

from msgspec import Struct


class CardState(Struct):
    """Kept by the card's ICCID, and told again to the port where it is next.

    Attributes:
        iccid: its number, the IMSI where a module cannot read that.
        failed, unanswered, short: calls in a row.
        rests: rests in a row.
        calls: calls since its balance was asked.
        locks: reason to the time it ends on the machine's clock, -1 for never.
        pin_refused: the configured PIN was wrong. It is not entered again.
    """

    iccid: str = ""
    failed: int = 0
    unanswered: int = 0
    short: int = 0
    rests: int = 0
    calls: int = 0
    locks: dict[str, int] = {}
    pin_refused: bool = False

    def copy(self) -> CardState:
        """One that does not change with this."""
        return CardState(
            self.iccid, self.failed, self.unanswered, self.short, self.rests, self.calls,
            dict(self.locks), self.pin_refused,
        )  # fmt: skip
