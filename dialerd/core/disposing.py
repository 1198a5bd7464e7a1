"""What an agent says came of a customer, as what the store is to do about it.

| meaning     | the lead                                                            |
|-------------|---------------------------------------------------------------------|
| done        | done                                                                |
| retry       | retry after the disposition's gap while tries are left, else exhausted |
| callback    | callback: to that agent, and after `overdue_s` to anybody; or to anybody at once |
| rest        | resting for the campaign's `rest_s`                                 |
| do_not_call | blocked, its number on the do-not-call list                         |
| wrong_number | retry at the person's next number, else exhausted                  |

A callback that is booked and a do-not-call mark stand above what the disposition means.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.agent import Refusal
from dialerd.core.agent_records import Callback, Disposition, Meaning
from dialerd.core.events import AgentDisposed
from dialerd.core.lead_numbers import tries_of
from dialerd.core.limits import CALLBACK_AHEAD_S_MAX, NOTE_CHARS_MAX
from dialerd.core.ops import Claim, Dispose
from dialerd.core.records import CampaignSettings, LeadState

NEVER_S: Final = 0xFFFF_FFFE  # the last second that an index knows


def disposal(settings: CampaignSettings, claim: Claim, said: AgentDisposed, now_ms: int) -> Dispose:
    """The store's part of what an agent said; Refusal where it does not fit the campaign."""
    chosen = _chosen(settings, said)
    now_s = now_ms // 1000
    meaning = chosen.meaning
    if said.do_not_call or meaning is Meaning.DO_NOT_CALL:
        state, due_s = LeadState.BLOCKED, 0
    elif said.callback_s or meaning is Meaning.CALLBACK:
        return _booked(settings, claim, said, now_ms)
    elif meaning is Meaning.RETRY:
        again = tries_of(claim) < settings.attempts_max
        state = LeadState.RETRY if again else LeadState.EXHAUSTED
        due_s = now_s + (chosen.gap_s or settings.retry_gap_s) if again else 0
    elif meaning is Meaning.WRONG_NUMBER:
        state, due_s = LeadState.EXHAUSTED, now_s + settings.next_number_gap_s
    elif meaning is Meaning.REST:
        state, due_s = LeadState.RESTING, now_s + settings.rest_s
    else:
        state, due_s = LeadState.DONE, 0
    never = state is LeadState.BLOCKED
    return Dispose(
        claim.attempt_id, said.agent, now_ms, chosen.name, state, due_s, do_not_call=never,
        wrong=meaning is Meaning.WRONG_NUMBER and not never,
    )  # fmt: skip


def nothing_said(claim: Claim, agent: str, now_ms: int) -> Dispose:
    """The time to say something is over: the lead stays where the call's outcome put it."""
    return Dispose(claim.attempt_id, agent, now_ms)


def _chosen(settings: CampaignSettings, said: AgentDisposed) -> Disposition:
    known = settings.agents.dispositions
    if not said.disposition:
        if said.callback_s or said.do_not_call or not known:
            return Disposition("")
        raise Refusal(f"choose what came of it: {_names(settings)}")
    for one in known:
        if one.name == said.disposition:
            return one
    if known:
        raise Refusal(f"{said.disposition!r:.60} is not one of: {_names(settings)}")
    return Disposition(said.disposition[:NOTE_CHARS_MAX])


def _names(settings: CampaignSettings) -> str:
    return ", ".join(one.name for one in settings.agents.dispositions)


def open_at(settings: CampaignSettings, due_s: int) -> int:
    """From when an agent's own callback is anybody's; 0: never."""
    overdue_s = settings.agents.overdue_s
    return due_s + overdue_s if overdue_s else 0


def _booked(settings: CampaignSettings, claim: Claim, said: AgentDisposed, now_ms: int) -> Dispose:
    now_s, due_s = now_ms // 1000, said.callback_s
    if not now_s <= due_s <= now_s + CALLBACK_AHEAD_S_MAX:
        raise Refusal("a callback needs a time that is still to come, within a year")
    open_s = open_at(settings, due_s) if said.to_me else due_s
    booked = Callback(
        claim.campaign_id,
        claim.lead_id,
        claim.phone,
        due_s,
        said.agent if said.to_me else "",
        open_s,
        now_ms,
        said.agent,
        claim.attempt_id,
        said.note[:NOTE_CHARS_MAX],
    )
    return Dispose(
        claim.attempt_id,
        said.agent,
        now_ms,
        said.disposition,
        LeadState.CALLBACK,
        open_s or NEVER_S,
        booked,
    )
