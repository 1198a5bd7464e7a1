"""What a bank of modems did in a run, by its network's own ledger; and its ports now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dialerd.core.ports_view import ModemPort
from dialerd.sim.ledger import Books, Call

#: States in which a port is at work, though it cannot take a call at that moment.
AT_WORK = frozenset({"releasing", "cool down", "incoming", "ussd", "sms"})


def is_lost(port: ModemPort) -> bool:
    """Whether something keeps it from calls: its network, card, modem, a lock."""
    return not (port.ready or port.busy or port.state in AT_WORK)


class Away(msgspec.Struct, frozen=True):
    """A port without signal, and how long, in ms since the epoch; `to_ms` 0: still."""

    slot: str
    from_ms: int
    to_ms: int = 0


class BankFigures(msgspec.Struct, frozen=True):
    """Part of the result of a run; all 0 without a bank."""

    ports: int = 0
    ready_max: int = 0  # ports that were ready or at work, at most at once
    calls: int = 0
    answered: int = 0
    rtp_received: int = 0  # frames of samples that its network heard
    lost: str = ""  # the port that lost its signal for a time
    lost_s: float = 0.0  # how long
    lost_seen: bool = False  # whether the daemon told it as not ready
    lost_calls: int = 0  # that the network saw from it in that time
    around: int = 0  # and from the other ports


def bank_figures(
    books: Books, ports: int, ready_max: int, away: Away | None, *, seen: bool
) -> BankFigures:
    """Put a bank into figures.

    Args:
        books: its ledger.
        ports: how many it has.
        ready_max: how many the daemon told as ready or at work, at most at once.
        away: the port that lost its signal; None: none did.
        seen: whether the daemon told that port as not ready.
    """
    meanwhile: Sequence[Call] = ()
    if away is not None:
        to_ms = away.to_ms or float("inf")
        meanwhile = [call for call in books.calls if away.from_ms <= call.seen.at_ms < to_ms]
    by_it = sum(call.seen.source == away.slot for call in meanwhile) if away else 0
    ends = [call.ended for call in books.calls if call.ended is not None]
    return BankFigures(
        ports=ports,
        ready_max=ready_max,
        calls=len(books.calls),
        answered=sum(end.answered_ms > 0 for end in ends),
        rtp_received=sum(end.rtp_received for end in ends),
        lost=away.slot if away else "",
        lost_s=round((away.to_ms - away.from_ms) / 1000, 1) if away and away.to_ms else 0.0,
        lost_seen=seen,
        lost_calls=by_it,
        around=len(meanwhile) - by_it,
    )
