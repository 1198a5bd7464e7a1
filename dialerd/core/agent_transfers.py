"""An agent puts the customer of the conversation through: who may be dialed or asked for it.

To whom is looked at before the customer waits, so that a refusal leaves the conversation as it is.
Which numbers agents may dial so, the campaign says (`AgentSettings.transfer_numbers`); what was
tried beside them is in the call's history, as a transfer that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialerd.core.agent import OFFLINE, Agent, Refusal
from dialerd.core.agent_records import AgentSettings
from dialerd.core.events import AgentTransferred
from dialerd.core.flow_records import TargetKind
from dialerd.core.party_call import PartyCall
from dialerd.core.records import EventKind
from fastpath.numbers import Number, Numbering

if TYPE_CHECKING:
    from dialerd.core.agent_call import AgentCall
    from dialerd.core.desk import Desk
    from dialerd.core.talk import Talk

NOT_ALLOWED: Final = "agents of this campaign may not put anybody through to this number"


def may_dial(settings: AgentSettings, number: Number) -> bool:
    """Whether agents of a campaign may put its customers through to a number.

    Each of the campaign's patterns is a number in E.164, or the beginning of some with a `*`.
    """
    text = number.e164
    return any(
        text.startswith(one[:-1]) if one.endswith("*") else text == one
        for one in settings.transfer_numbers
    )


def put_through(
    desk: Desk,
    numbering: Numbering,
    asked: tuple[Agent, AgentCall, Talk],
    event: AgentTransferred,
    now_ns: int,
) -> None:
    """As an agent who has this call asks; Refusal when that may not be."""
    agent, call, talk = asked
    kind, target = event.kind, event.target
    if isinstance(call, PartyCall):
        raise Refusal("a flow put the customer through: it cannot be put through again")
    if desk.dials_for(call):
        raise Refusal("the customer is being put through already")
    if kind is TargetKind.NUMBER:
        number = _number(desk, numbering, call, target, now_ns)
        call.record(EventKind.TRANSFER, f"{kind} {target}", now_ns)
        talk.held(now_ns)
        desk.put_through(call, number.e164, now_ns)
    else:
        place = _place_of_others(desk, agent, kind, target)
        call.record(EventKind.TRANSFER, place, now_ns)
        talk.passed(place, event.ring_s_max, now_ns)
    desk.touch(call, now_ns)


def _number(desk: Desk, numbering: Numbering, call: AgentCall, target: str, now_ns: int) -> Number:
    try:
        number = numbering.number(target)
    except ValueError as error:
        raise Refusal(str(error)) from None
    if not may_dial(call.settings.agents, number):
        call.record(EventKind.TRANSFER_FAILED, f"not allowed: {number.e164}", now_ns)
        raise Refusal(NOT_ALLOWED)
    if desk.floor.draining or not desk.floor.store_ok:
        raise Refusal("no call may be begun now")
    return number


def _place_of_others(desk: Desk, agent: Agent, kind: TargetKind, target: str) -> str:
    place = f"{kind} {target}"
    if kind is TargetKind.AGENT and target == agent.name:
        raise Refusal("that is you")
    team = (one for one in desk.team.agents.values() if one is not agent)
    if not any(place in one.places and one.state is not OFFLINE for one in team):
        raise Refusal(f"nobody else is at work there: {place}")
    return place
