"""What the core asks of its driver.

Effects are frozen, small, and carried out in the order they were drained.

Record before ring: of one drained batch, the driver commits every `Write` in one transaction before
it carries out any other effect of that batch; later effects of the same call wait behind it. What
an agent is shown (`is_shown`) does not wait, so that no later news overtakes it.
"""

from __future__ import annotations

from typing import dataclass_transform

import msgspec

from dialerd.core.detection_records import Detection
from dialerd.core.limits import LEASE_S
from dialerd.core.ops import Claim, DialOp, ReturnCall
from dialerd.core.records import CampaignState
from dialerd.core.supervise_records import SuperviseMode
from fastpath.numbers import Number


@dataclass_transform(frozen_default=True)
class Effect(msgspec.Struct, frozen=True):
    """Base of all effects."""


class Write(Effect):
    """Store these operations durably."""

    call: int
    ops: tuple[DialOp, ...]


class WriteLater(Effect):
    """Store these with whatever is stored next, in a second at the latest: nothing waits for it."""

    ops: tuple[DialOp, ...]


class WantLeads(Effect):
    """Claim up to `n` due leads for `lease_s`; answered by `Claimed` or `ClaimFailed`.

    With an `n` of 0 nobody is claimed, and the answer tells whether anybody is left.

    For an `agent`: that agent's callbacks that are due come first, and with `own` nothing else.
    """

    campaign_id: int
    n: int
    agent: str = ""
    own: bool = False
    lease_s: int = LEASE_S


class Dial(Effect):
    """Originate one leg.

    `call_id` is the SIP Call-ID, recorded before this effect is carried out.
    """

    call: int
    leg: int
    trunk: str
    number: Number
    call_id: str
    caller_id: str
    port: str = ""  # of a gateway that is asked for one
    record: bool = False  # both sides, from the answer on (with agents: see `Bridge`)
    early: bool = False  # from the first sound on
    caller_name: str = ""  # shown beside the caller id
    detection: Detection | None = None  # who answers is to be found out
    ring_s_max: int = 0  # a modem's port ends it by itself then; 0: as the port is set


class Release(Effect):
    """Hang a leg up, in whatever state it is (CANCEL or BYE); answered by `Released`."""

    call: int
    leg: int


class Refuse(Effect):
    """Answer a call to us with a final refusal."""

    leg: int
    code: int


class WantReturn(Effect):
    """Find whose customer calls on this leg, and begin the attempt; answered by `ReturnFound`.

    Should the caller give up meanwhile, its `Released` comes all the same.
    """

    leg: int
    asked: ReturnCall


class WantOver(Effect):
    """Give an attempt for a number that a call's person is put through to, not dialed yet.

    Answered by `ReturnFound`; `leg` is the person's.
    """

    leg: int
    call: int
    phone: int


class Answer(Effect):
    """Answer a call to us; `Answered` follows when the caller has confirmed it, or `Released`.

    `record`: both sides, from then on.
    """

    call: int
    leg: int
    call_id: str
    record: bool = False


class Play(Effect):
    """Play prompts to a leg, one behind the other, instead of what plays.

    `PlayEnded` with the same token follows after the last unless they are stopped.
    """

    call: int
    leg: int
    prompts: tuple[str, ...]
    token: int


class StopPlay(Effect):
    """Stop what plays on a leg (barge-in)."""

    call: int
    leg: int


class Tape(Effect):
    """Record a part of a leg from now on, both sides, under the call's name and this one.

    An empty name ends it: `Recorded` tells of the file. A leg that is recorded as a whole goes on
    being so; that file has the part too.
    """

    call: int
    leg: int
    name: str


class SendKeys(Effect):
    """Press keys (0-9 * # A-D) towards the far end of a leg, one behind the other.

    By the way that its trunk or port has: RFC 4733, SIP INFO, tones, the modem's own command. The
    other side of a bridge does not hear them. More than the leg can hold are not sent.
    """

    call: int
    leg: int
    keys: str


class RingAgent(Effect):
    """Originate a leg to a telephone of ours; its `Released` follows as for any leg.

    `call` is the call that it is for, 0 for one of the shift (`nailed_up`). `phone` is what the
    agent logged in with. Nothing is recorded before it: an agent may be rung again.
    `answers`: the telephone is asked to answer by itself.
    """

    call: int
    leg: int
    agent: str
    phone: str
    call_id: str
    nailed_up: bool = False
    answers: bool = False


class Bridge(Effect):
    """Let the customer's leg `leg` and the agent's leg `other` hear each other, at once.

    It ends what plays on either. When one of the two ends, the other stays up and hears silence.
    `record`: both sides, as the customer's leg hears and says them, from now on; else a recording
    of that leg ends.
    """

    call: int
    leg: int
    other: int
    record: bool = False


class ListenIn(Effect):
    """A supervisor's leg `leg` hears the call of the customer's leg `other` until it is released.

    Neither side notices one who listens; the mode says who hears the supervisor, and a further
    effect changes it. Whoever is bridged with the customer is heard too, then and later.
    """

    call: int
    leg: int
    other: int
    mode: SuperviseMode


class Unbridge(Effect):
    """End the bridge of a customer's leg; both legs stay up."""

    call: int
    leg: int


class Hold(Effect):
    """Play a prompt to a leg over and over, until `Bridge`, `Play`, `StopPlay` or its end."""

    call: int
    leg: int
    prompt: str


class ShowCard(Effect):
    """The customer that an agent has now, before the call or as it is connected.

    `dial_at_ms` is when it is dialed without a word of the agent; 0: when the agent says so, or it
    is already. `dialed`: the call is under way.
    """

    agent: str
    claim: Claim
    dial_at_ms: int = 0
    may_skip: bool = False
    dialed: bool = False


class AgentAnswer(Effect):
    """The answer to an agent's event that came with `ask`; `refusal` is empty when it was done."""

    ask: int
    agent: str
    refusal: str = ""


class MoveCampaign(Effect):
    """The dialer itself moves a campaign (list exhausted, end time reached)."""

    campaign_id: int
    after: CampaignState
    reason: str


class Notify(Effect):
    """Something for the live event stream; `data` holds plain JSON-able values."""

    topic: str
    data: dict[str, object]


LegEffect = (
    Dial | Release | Play | StopPlay | Tape | SendKeys
    | RingAgent | Bridge | ListenIn | Unbridge | Hold | Answer
)  # fmt: skip
"""What is done to the legs of one call: it waits for what its call waits for."""

AgentEffect = (
    WriteLater | RingAgent | Bridge | ListenIn | Unbridge | Hold | ShowCard | AgentAnswer
)  # fmt: skip

AnyEffect = (
    Write
    | WantLeads
    | Dial
    | Release
    | Refuse
    | WantReturn
    | WantOver
    | Answer
    | Play
    | StopPlay
    | Tape
    | SendKeys
    | MoveCampaign
    | Notify
    | AgentEffect
)


def is_shown(effect: AnyEffect) -> bool:
    """Whether an effect is what an agent's page shows: where the agent stands, and its customer."""
    if type(effect) is Notify:
        return effect.topic in {"agent", "card"}
    return type(effect) is ShowCard
