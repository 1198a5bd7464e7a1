"""What is kept of modem banks' SIMs and of the texts that reached them.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from dialerd.core.record import Record

NEVER = -1  # the end of a lock that only people take away


class SimCard(Record):
    """One SIM as it was last seen, wherever it was plugged in.

    Attributes:
        iccid: what it is found by; the IMSI where a module cannot read it; where it is, while
            that is all that is known (`gsm.card.CardState`).
        port: bank/slot.
        failed, unanswered, short: calls of that kind in a row.
        rests: how often in a row it was made to rest.
        calls: since its module was reset.
        locks: when each is over, Unix ms, by reason; NEVER: not by itself.
        pin_refused: its PIN was wrong once, and is not sent again.
        refused_pin: which one, as `gsm.card.CardState` marks it; empty in older records.
    """

    iccid: str
    imsi: str = ""
    number: str = ""
    carrier: str = ""
    port: str = ""
    seen_ms: int = 0
    failed: int = 0
    unanswered: int = 0
    short: int = 0
    rests: int = 0
    calls: int = 0
    locks: dict[str, int] = {}  # noqa: RUF012 - a Struct copies it
    pin_refused: bool = False
    refused_pin: str = ""


class SimText(Record):
    """A text that reached a SIM.

    Attributes:
        port: bank/slot.
        sender: as the network told it: a number or a name.
        phone: the sender as a number, E.164 digits; 0: it is none.
        at: its centre's time, ISO 8601 with its zone, or empty.
        whole: False when a part never came.
        arrived_ms: when it was read, Unix ms.
    """

    port: str
    iccid: str
    sender: str
    phone: int
    at: str
    text: str
    whole: bool
    arrived_ms: int
