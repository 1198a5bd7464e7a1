"""What is kept of a campaign's calls: which interactions, and the sound of which calls."""

from __future__ import annotations

from typing import Final

from dialerd.core.records import LOG_ALL, CampaignSettings, EventKind

ALWAYS: Final = frozenset(
    {EventKind.RECORDED, EventKind.TAPING, EventKind.SUPERVISED, EventKind.UNSUPERVISED}
)
"""What names a file, without which nobody would find it again to remove it; and who listened in."""

_MASK: Final = (1 << 64) - 1


def logged(settings: CampaignSettings) -> frozenset[EventKind] | None:
    """The kinds of interactions that are written down; None: all."""
    if LOG_ALL in settings.log:
        return None
    return ALWAYS | {EventKind(kind) for kind in settings.log}


def recorded(settings: CampaignSettings, attempt_id: int) -> bool:
    """Whether a call is one of those that are recorded.

    The share is of attempts, by a hash of their numbers (splitmix64): the same attempt gets the
    same answer on every trunk and after every restart, and no row of them is all in or all out.
    """
    if not settings.record or settings.record_share >= 100:
        return settings.record
    mixed = (attempt_id * 0x9E37_79B9_7F4A_7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return (mixed ^ (mixed >> 31)) % 100 < settings.record_share
