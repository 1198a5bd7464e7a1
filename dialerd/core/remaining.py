"""When a campaign will be over: its pace so far, within the hours in which it may dial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dialerd.core.pacing import NS
from dialerd.core.records import CampaignMove, CampaignSettings, CampaignState
from dialerd.core.regime import window

KNOWN_NS: Final = 60 * NS  # what was dialed in less time tells of no pace
WINDOWS_MAX: Final = 200  # openings and closings looked at, back and ahead: about three months
MS_NS: Final = 1_000_000
_RUNNING: Final = CampaignState.RUNNING


def eta_ms(
    settings: CampaignSettings,
    moves: Sequence[CampaignMove],
    over: int,
    left: int,
    now_ms: int,
) -> int | None:
    """When nobody will be left, Unix ms; None: nobody can tell.

    Pauses, and hours in which it may not dial, are neither in the pace nor in what it still takes.
    Where hours are judged for each person, any hour counts as one in which it may dial.

    Args:
        settings: of the campaign.
        moves: how it moved, oldest first.
        over: people who left its list for good since its first start.
        left: people who may still be dialed.
        now_ms: Unix ms.
    """
    if not moves or moves[-1].after is not _RUNNING or over <= 0 or left <= 0:
        return None
    now_ns = now_ms * MS_NS
    try:
        found = [_open_ns(settings, *span) for span in _ran(moves, now_ns)]
        worked_ns = sum(one for one in found if one is not None)
        if None in found or worked_ns < KNOWN_NS:
            return None
        return _after(settings, now_ns, worked_ns * left // over)
    except ValueError:  # its regime is not known any more
        return None


def _ran(moves: Sequence[CampaignMove], now_ns: int) -> Iterator[tuple[int, int]]:
    """From when to when it was running."""
    begun_ns = -1
    for move in moves:
        if move.after is _RUNNING and begun_ns < 0:
            begun_ns = move.at_ms * MS_NS
        elif move.after is not _RUNNING and begun_ns >= 0:
            yield begun_ns, move.at_ms * MS_NS
            begun_ns = -1
    if begun_ns >= 0:
        yield begun_ns, now_ns


def _windows(settings: CampaignSettings, at_ns: int) -> Iterator[tuple[bool, int, int]]:
    """What follows a moment: whether it may dial, from when to when."""
    for _ in range(WINDOWS_MAX):
        found = window(settings, at_ns)
        if found.until_ns is None:
            return
        yield found.open, at_ns, found.until_ns
        at_ns = found.until_ns


def _open_ns(settings: CampaignSettings, from_ns: int, to_ns: int) -> int | None:
    """For how long of a span it was allowed to dial; None: that was too long ago to say."""
    total = 0
    for is_open, begun_ns, until_ns in _windows(settings, from_ns):
        if is_open:
            total += max(0, min(until_ns, to_ns) - begun_ns)
        if until_ns >= to_ns:
            return total
    return None


def _after(settings: CampaignSettings, now_ns: int, needed_ns: int) -> int | None:
    """When it will have dialed for so long; None: it ends before, or that is too far off."""
    for is_open, begun_ns, until_ns in _windows(settings, now_ns):
        if is_open and needed_ns <= until_ns - begun_ns:
            return (begun_ns + needed_ns) // MS_NS
        needed_ns -= until_ns - begun_ns if is_open else 0
    return None
