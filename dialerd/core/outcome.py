"""What an attempt's outcome means: where its lead goes next, and when.

| outcome     | next                                                             |
|-------------|------------------------------------------------------------------|
| answered    | done                                                             |
| no_answer   | retry after `retry_gap_s` while tries are left, else exhausted   |
| declined    | the same                                                         |
| busy        | the same                                                         |
| unreachable | recheck after `recheck_gap_s` while rechecks or tries are left,  |
|             | else exhausted: off the dialing list, on the unreachable list    |
| invalid     | exhausted at once: the number does not exist                     |
| failed      | our own fault: due again soon, and not held against the lead     |
| cancelled   | ours too, but the phone may have rung: due after `retry_gap_s`   |
| interrupted | interrupted: a crash fell into the call, nobody knows            |
| media_timeout | as no_answer: the network failed in the middle of the call      |
| too_long    | done                                                             |
| abandoned   | as no_answer: somebody was there, and we were not                |
| agent_left  | the same                                                         |
| machine     | the same                                                         |

A failed or cancelled try may exceed `attempts_max`, but only `OWN_FAULTS_MAX` times: a trunk that
refuses everything must not dial one lead for ever.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from dialerd.core.limits import OWN_FAULTS_MAX
from dialerd.core.records import CampaignSettings, LeadState, Outcome

FAILED_GAP_S: Final = 60  # how soon a lead is due again when our own line failed


class Next(NamedTuple):
    """Where a lead goes: its state, and how many seconds from now a RETRY is due."""

    state: LeadState
    gap_s: int = 0


_DONE: Final = Next(LeadState.DONE)
_EXHAUSTED: Final = Next(LeadState.EXHAUSTED)
_INTERRUPTED: Final = Next(LeadState.INTERRUPTED)


def next_state(settings: CampaignSettings, outcome: Outcome, number: int) -> Next:
    """Where a lead goes after its try `number` (from 1) ended in `outcome`."""
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
            return _again(number < settings.attempts_max, settings.retry_gap_s)
        case Outcome.UNREACHABLE:
            if number < settings.attempts_max:
                return _again(True, settings.recheck_gap_s or settings.retry_gap_s)
            return _again(number <= settings.rechecks_max, settings.recheck_gap_s)
        case Outcome.INVALID:
            return _EXHAUSTED
        case Outcome.FAILED:
            return _again(number < settings.attempts_max + OWN_FAULTS_MAX, FAILED_GAP_S)
        case Outcome.CANCELLED:
            return _again(number < settings.attempts_max + OWN_FAULTS_MAX, settings.retry_gap_s)
        case Outcome.INTERRUPTED:
            return _INTERRUPTED


def _again(allowed: bool, gap_s: int) -> Next:  # noqa: FBT001
    return Next(LeadState.RETRY, gap_s) if allowed else _EXHAUSTED
