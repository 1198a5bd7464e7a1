"""What the core asks of its driver.

Effects are frozen, small, and carried out in the order they were drained.

Record before ring: of one drained batch, the driver commits every `Write` in one transaction before
it carries out any other effect of that batch; later effects of the same call wait behind it.
"""

from __future__ import annotations

from typing import dataclass_transform

import msgspec

from dialerd.core.ops import DialOp
from dialerd.core.records import CampaignState
from fastpath.numbers import Number


@dataclass_transform(frozen_default=True)
class Effect(msgspec.Struct, frozen=True):
    """Base of all effects."""


class Write(Effect):
    """Store these operations durably."""

    call: int
    ops: tuple[DialOp, ...]


class WantLeads(Effect):
    """Claim up to `n` due leads; answered by `Claimed` or `ClaimFailed`."""

    campaign_id: int
    n: int


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
    record: bool = False  # both sides, from the answer on


class Release(Effect):
    """Hang a leg up, in whatever state it is (CANCEL or BYE); answered by `Released`."""

    call: int
    leg: int


class Refuse(Effect):
    """Answer a call to us with a final refusal."""

    leg: int
    code: int


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


class MoveCampaign(Effect):
    """The dialer itself moves a campaign (list exhausted, end time reached)."""

    campaign_id: int
    after: CampaignState
    reason: str


class Notify(Effect):
    """Something for the live event stream; `data` holds plain JSON-able values."""

    topic: str
    data: dict[str, object]


AnyEffect = Write | WantLeads | Dial | Release | Refuse | Play | StopPlay | MoveCampaign | Notify
