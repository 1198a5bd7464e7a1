"""What a called customer gets who calls back, as stored with the campaign.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from enum import StrEnum

from dialerd.core.flow_records import OWN, Flow, FlowStep, TargetKind, Transfer
from dialerd.core.record import Record


class ReturnAnswer(StrEnum):
    """What such a caller gets."""

    REFUSE = "refuse"  # as anybody whom nobody has called
    MESSAGE = "message"  # the message that the campaign has for this person
    FLOW = "flow"  # another one
    AGENTS = "agents"  # an agent


class ReturnSettings(Record):
    """How a campaign answers people whom it has called and who call back.

    Attributes:
        answer: what they get.
        flow, flow_name, flow_version: the flow of `FLOW`, saved or the campaign's own.
        queue: whose agents take them; empty: the agents who work in the campaign.
        wait_s: how long they wait for an agent.
        hold_prompt: what they hear meanwhile, over and over; empty: silence.
        sorry_prompt: what they hear when no agent came.
        days: so long after the campaign's last call to them.
        counts: whether a message that they heard counts as one of ours, for caps too; then who has
            heard it is not dialed for it any more.
    """

    answer: ReturnAnswer = ReturnAnswer.REFUSE
    flow: Flow = Flow(())
    flow_name: str = ""
    flow_version: int = 0
    queue: str = ""
    wait_s: int = 60
    hold_prompt: str = ""
    sorry_prompt: str = ""
    days: int = 30
    counts: bool = True


def agents_flow(wanted: ReturnSettings) -> Flow:
    """The flow of one who gets an agent: a transfer, and a word when nobody came."""
    sorry = (FlowStep("sorry", wanted.sorry_prompt),) if wanted.sorry_prompt else ()
    deed = Transfer(TargetKind.QUEUE, wanted.queue or OWN, wanted.hold_prompt, wanted.wait_s)
    agents = FlowStep("agents", "", otherwise="sorry" if sorry else "end", does=deed, then="end")
    return Flow((agents, *sorry))
