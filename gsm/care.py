"""Care of a card: rests after calls that went wrong in a row, locks, and what its carrier says.

Minutes and calls per day and period, with their prices, are the trunk's plan in the daemon, not
repeated here. This is what only the port sees: how calls ended one after another, and the answers
to USSD codes.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from gsm.card import CardState
from gsm.carrier import Carrier
from gsm.events import Balance, Cause
from gsm.limits import LOCKS_MAX, NAME_MAX, SECOND, TEXT_MAX
from gsm.settings import Care

FAILED: Final = "calls that failed in a row"
UNANSWERED: Final = "calls that nobody answered in a row"
SHORT: Final = "short calls in a row"
BALANCE: Final = "balance"
VALIDITY: Final = "validity"
BLOCKED: Final = "blocked"
OTHERS_FAULT: Final = frozenset({Cause.BUSY, Cause.INVALID, Cause.CANCELLED, Cause.REJECTED})
NEVER: Final = -1
SEARCHED_MAX: Final = 500  # of an answer: patterns may take the square of it
DOUBLINGS_MAX: Final = 16


class CardCare:
    """The counters and locks of the card in a port."""

    __slots__ = ("_care", "card")

    def __init__(self, care: Care) -> None:
        """A card nothing is known of."""
        self._care = care
        self.card = CardState(locks={})

    def call_over(
        self, cause: Cause, *, rang: bool, talk_ms: int | None, by_us: bool, now_ns: int
    ) -> list[tuple[str, int]]:
        """Count a call of ours; `talk_ms` None: not answered. Returns the locks that it brings."""
        card, care = self.card, self._care
        card.calls += 1
        if talk_ms is not None:
            card.failed = card.unanswered = 0
            if talk_ms < care.short_s * 1000 and not by_us:
                card.short += 1
            else:
                card.short = card.rests = 0
        elif rang:
            card.failed = 0
            if cause is not Cause.CANCELLED:
                card.unanswered += 1
        elif cause not in OTHERS_FAULT:
            card.failed += 1
        over = (
            (FAILED, care.failed_max, card.failed),
            (UNANSWERED, care.unanswered_max, card.unanswered),
            (SHORT, care.short_max, card.short),
        )
        return [
            (reason, self._rest(reason, now_ns))
            for reason, limit, count in over
            if limit and count >= limit and reason not in card.locks
        ]

    def _rest(self, reason: str, now_ns: int) -> int:
        """The end of a rest; its counter begins anew after it."""
        card, care = self.card, self._care
        factor = 1 << min(card.rests, DOUBLINGS_MAX)
        rest_s = max(care.rest_s, min(care.rest_s * factor, care.rest_s_max))
        card.rests += 1
        if reason == FAILED:
            card.failed = 0
        elif reason == UNANSWERED:
            card.unanswered = 0
        else:
            card.short = 0
        until = now_ns + rest_s * SECOND
        self.lock(reason, until)
        return until

    def lock(self, reason: str, until_ns: int | None) -> bool:
        """Whether that is news. A further reason than `LOCKS_MAX` replaces the first to end."""
        locks = self.card.locks
        until = NEVER if until_ns is None else until_ns
        if locks.get(reason) == until:
            return False
        if reason not in locks and len(locks) >= LOCKS_MAX:
            first = min(locks, key=lambda key: (locks[key] == NEVER, locks[key]))
            del locks[first]
        locks[reason] = until
        return True

    def unlock(self, reason: str) -> list[str]:
        """Remove one lock, all of them for an empty reason. Returns what is gone."""
        locks = self.card.locks
        gone = [key for key in locks if not reason or key == reason]
        for key in gone:
            del locks[key]
        return gone

    def expired(self, now_ns: int) -> list[str]:
        """Remove the locks whose time is over."""
        gone = [key for key, until in self.card.locks.items() if until != NEVER and until <= now_ns]
        for key in gone:
            del self.card.locks[key]
        return gone

    def locked(self) -> tuple[str, int | None] | None:
        """The reason that ends last, and when; None when nothing locks it."""
        locks = self.card.locks
        if not locks:
            return None
        reason = max(locks, key=lambda key: (locks[key] == NEVER, locks[key]))
        return reason, None if locks[reason] == NEVER else locks[reason]

    def next_ns(self) -> int | None:
        """When the first lock is over by itself."""
        return min((until for until in self.card.locks.values() if until != NEVER), default=None)

    def read_balance(self, balance: Balance, today: int | None) -> list[tuple[str, bool]]:
        """Lock or unlock by what the carrier said: (reason, whether it is locked now) changes."""
        care = self._care
        news = []
        bars = []
        if balance.milli is not None and care.balance_milli_min:
            bars.append((BALANCE, balance.milli < care.balance_milli_min))
        if balance.until_day is not None and care.days_left_min and today is not None:
            bars.append((VALIDITY, balance.until_day - today < care.days_left_min))
        for reason, bad in bars:
            if bad and self.lock(reason, None):
                news.append((reason, True))
            elif not bad and self.unlock(reason):
                news.append((reason, False))
        return news


def carrier_of(carriers: tuple[Carrier, ...], imsi: str) -> Carrier | None:
    """By the longest beginning of the card's IMSI."""
    found = [
        (len(start), carrier)
        for carrier in carriers
        for start in carrier.imsi
        if start and imsi.startswith(start)
    ]
    return max(found, key=lambda item: item[0])[1] if found else None


def balance_of(carrier: Carrier | None, text: str) -> Balance:
    """What a carrier's answer says, by its patterns; what none matches is None or empty."""

    def group(pattern: str, name: str) -> str:
        match = re.search(pattern, text, re.IGNORECASE) if pattern else None
        return (match.groupdict().get(name) or "") if match else ""

    text = text[:SEARCHED_MAX]
    if carrier is None:
        return Balance(None, None, None, "", "", text[:TEXT_MAX])
    minutes = group(carrier.minutes, "minutes")
    return Balance(
        milli(group(carrier.balance, "balance")),
        _day(carrier.valid, text),
        int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 9 else None,
        group(carrier.package, "package").strip()[:NAME_MAX],
        group(carrier.number, "number")[:NAME_MAX],
        text[:TEXT_MAX],
    )


def milli(text: str) -> int | None:
    """An amount in thousandths: `12.500`, `12,500`, `12 500` are twelve thousand five hundred.

    A last separator with one or two digits after it is a decimal point.
    """
    flat = re.sub(r"\s", "", text)
    if not re.fullmatch(r"\d{1,12}(?:[.,]\d{1,3})*", flat, re.ASCII):
        return None
    whole, fraction = flat, ""
    if (match := re.fullmatch(r"(.*)[.,](\d{1,2})", flat)) is not None:
        whole, fraction = match[1], match[2]
    digits = re.sub(r"[.,]", "", whole)
    return int(digits) * 1000 + int(fraction.ljust(3, "0") or 0) if len(digits) <= 15 else None


def _day(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text, re.IGNORECASE) if pattern else None
    if match is None:
        return None
    found = match.groupdict()
    try:
        year = int(found.get("year") or "")
        day = date(year + 2000 if year < 100 else year, int(found["month"]), int(found["day"]))
    except (KeyError, TypeError, ValueError):
        return None
    return day.toordinal() - date(1970, 1, 1).toordinal()
