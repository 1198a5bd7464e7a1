"""What an attempt's outcome means: where its lead goes next, and when.

| outcome     | next                                                             |
|-------------|------------------------------------------------------------------|
| answered    | done                                                             |
| no_answer   | retry after `retry_gap_s` while tries are left, else exhausted   |
| declined    | the same                                                         |
| busy        | the same                                                         |
| unreachable | on the waiting list: recheck after `recheck_gap_s` while         |
|             | rechecks or tries are left, else unreachable: off the dialing    |
|             | list, on the list of unreachable numbers                         |
| invalid     | exhausted at once: the number does not exist                     |
| failed      | our own fault: due again soon, and not held against the lead     |
| cancelled   | ours too, but the phone may have rung: due after `retry_gap_s`   |
| interrupted | interrupted: a crash fell into the call, nobody knows            |
| media_timeout | as no_answer: the network failed in the middle of the call      |
| too_long    | done                                                             |
| abandoned   | as no_answer: somebody was there, and we were not                |
| agent_left  | the same                                                         |
| machine     | the same                                                         |

`retries` has a gap of its own for an outcome, and how many tries of a lead may end so: then that
decides instead of `attempts_max`.

A failed or cancelled try may exceed `attempts_max`, but only `OWN_FAULTS_MAX` times: a trunk that
refuses everything must not dial one lead for ever.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from dialerd.core.limits import OWN_FAULTS_MAX
from dialerd.core.records import CampaignSettings, LeadState, Outcome

AGAIN: Final = (LeadState.RETRY, LeadState.RECHECK)  # dialed again when it is due
FAILED_GAP_S: Final = 60  # how soon a lead is due again when our own line failed


class Next(NamedTuple):
    """Where a lead goes: its state, and how many seconds from now a RETRY is due."""

    state: LeadState
    gap_s: int = 0


_DONE: Final = Next(LeadState.DONE)
_EXHAUSTED: Final = Next(LeadState.EXHAUSTED)
_UNREACHABLE: Final = Next(LeadState.UNREACHABLE)
_INTERRUPTED: Final = Next(LeadState.INTERRUPTED)


def next_state(
    settings: CampaignSettings, outcome: Outcome, number: int, same: int | None = None
) -> Next:
    """Where a lead goes after its try `number` (from 1) ended in `outcome`.

    `same` is how many of its tries ended so, this one included (None: as many as there were).
    """
    own = settings.retries.get(outcome)
    same = number if same is None else same
    match outcome:
        case Outcome.ANSWERED | Outcome.TOO_LONG:
            return _DONE
        case (
            Outcome.NO_ANSWER
            | Outcome.DECLINED
            | Outcome.BUSY
            | Outcome.MEDIA_TIMEOUT
            | Outcome.ABANDONED
            | Outcome.AGENT_LEFT
            | Outcome.MACHINE
        ):
            gap_s = settings.retry_gap_s if own is None else own.gap_s
            left = number < settings.attempts_max
            if own is not None and own.tries_max:
                left = same < own.tries_max
            return _again(left, gap_s)
        case Outcome.UNREACHABLE:
            return _recheck(settings, number, same)
        case Outcome.INVALID:
            return _EXHAUSTED
        case Outcome.FAILED:
            return _again(number < settings.attempts_max + OWN_FAULTS_MAX, FAILED_GAP_S)
        case Outcome.CANCELLED:
            return _again(number < settings.attempts_max + OWN_FAULTS_MAX, settings.retry_gap_s)
        case Outcome.INTERRUPTED:
            return _INTERRUPTED


def _recheck(settings: CampaignSettings, number: int, same: int) -> Next:
    """A phone that was off: the waiting list, or its end."""
    own = settings.retries.get(Outcome.UNREACHABLE)
    gap_s = settings.recheck_gap_s if own is None else own.gap_s
    if own is not None and own.tries_max:
        left = same < own.tries_max
    elif number < settings.attempts_max:
        left, gap_s = True, gap_s or settings.retry_gap_s
    else:
        left = number <= settings.rechecks_max
    return Next(LeadState.RECHECK, gap_s) if left else _UNREACHABLE


def _again(allowed: bool, gap_s: int) -> Next:  # noqa: FBT001
    return Next(LeadState.RETRY, gap_s) if allowed else _EXHAUSTED
