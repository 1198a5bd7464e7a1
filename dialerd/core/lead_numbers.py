"""Several numbers of one person: which one is next, and when.

Numbers are tried in their order. One that is done with (it does not exist, nobody is to be reached
there, its tries are used up, it is on a do-not-call list for good) is `over`; then, and after the
outcomes that the campaign names (`next_number_on`), the next one is dialed. One that may be tried
again is not dialed before its own gap has passed, so a campaign that names `no_answer` goes through
all numbers first and then begins again. Tries, rechecks and gaps count for each number by itself;
do-not-call lists and caps always do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from dialerd.core.ops import Claim
from dialerd.core.outcome import AGAIN, Next, next_state
from dialerd.core.records import CampaignSettings, LeadNumber, LeadState, Outcome

Numbers = tuple[LeadNumber, ...]
_STAYS: Final = frozenset({LeadState.DONE, LeadState.INTERRUPTED})


def without(numbers: Sequence[LeadNumber], phone: int) -> Numbers:
    """A number is not dialed any more."""
    return tuple(
        msgspec.structs.replace(one, over=True) if one.phone == phone else one for one in numbers
    )


def following(numbers: Sequence[LeadNumber], phone: int, not_before_s: int) -> tuple[int, int]:
    """The number behind another one and when it is due; (0, 0) where all others are over.

    Of several the one that is due first, and among those the next in their order.
    """
    phones = [one.phone for one in numbers]
    at = phones.index(phone) + 1 if phone in phones else 0
    others = [one for one in (*numbers[at:], *numbers[:at]) if not one.over and one.phone != phone]
    if not others:
        return 0, 0
    found = min(others, key=lambda one: max(one.due_s, not_before_s))
    return found.phone, max(found.due_s, not_before_s)


def tries_of(claim: Claim) -> int:
    """Which try of its number a claim is, from 1."""
    for one in claim.numbers:
        if one.phone == claim.phone:
            return sum(one.tries.values()) + 1
    return claim.number


class Ending(msgspec.Struct, frozen=True):
    """Where a lead goes after a try.

    State and due second, the number that is next (0: the same), and how its numbers stand.
    """

    state: LeadState
    due_s: int = 0
    phone: int = 0
    numbers: Numbers = ()


def ending(settings: CampaignSettings, claim: Claim, outcome: Outcome, now_s: int) -> Ending:
    """What a try of a claim that ended in `outcome` at `now_s` means for its lead."""
    if not claim.numbers:
        same = claim.tries.get(outcome, 0) + 1
        found = next_state(settings, outcome, claim.number, same)
        return Ending(found.state, _due_s(found, now_s))
    tried = next((one for one in claim.numbers if one.phone == claim.phone), claim.numbers[0])
    tries = {**tried.tries, outcome: tried.tries.get(outcome, 0) + 1}
    found = next_state(settings, outcome, sum(tries.values()), tries[outcome])
    due_s = _due_s(found, now_s)
    over = found.state not in AGAIN and found.state not in _STAYS
    now = msgspec.structs.replace(tried, tries=tries, due_s=due_s, over=over)
    numbers = tuple(now if one is tried else one for one in claim.numbers)
    promised = claim.callback is not None and not over  # for this number
    moves = over or (outcome in settings.next_number_on and found.state in AGAIN)
    if moves and not promised:
        phone, next_s = following(numbers, claim.phone, now_s + settings.next_number_gap_s)
        if phone and (over or next_s < due_s):
            return Ending(LeadState.RETRY, next_s, phone, numbers)
    return Ending(found.state, due_s, 0, numbers)


def _due_s(found: Next, now_s: int) -> int:
    return now_s + found.gap_s if found.state in AGAIN else 0


def refused(claim: Claim, now_s: int) -> Ending:
    """A number that may never be dialed: the next one, or the lead is blocked."""
    numbers = without(claim.numbers, claim.phone)
    phone, due_s = following(numbers, claim.phone, now_s)
    return Ending(LeadState.RETRY if phone else LeadState.BLOCKED, due_s, phone, numbers)
