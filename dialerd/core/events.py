"""What the driver tells the core. Line events speak of legs, never of SIP or AT."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec

from dialerd.core.line_spec import Trouble, TrunkSpec
from dialerd.core.ops import ClaimBatch
from dialerd.core.records import Campaign, Outcome, Usage
from fastpath.numbers import Numbering


@dataclass_transform(frozen_default=True)
class Event(msgspec.Struct, frozen=True):
    """Base of all events."""


class Dialed(Event, frozen=True):
    """A `Dial` was carried out just now: its commit is behind it and the line was asked.

    Only told to a dialer that was made with `confirms_dials`.
    """

    leg: int


class Ringing(Event):
    """The far end is being alerted.

    `early_media` tells that the network plays audio before the answer.
    """

    leg: int
    early_media: bool = False


class Answered(Event):
    """The far end answered and audio flows."""

    leg: int


class Released(Event):
    """The leg is gone, whoever ended it. Exactly one per dialed leg, and the last event of it.

    `outcome` is the line's reading of the protocol facts: ANSWERED when it was answered before it
    ended. `advance` says that nobody was alerted and another trunk may be tried for the same
    attempt. `trouble` is what it says of the trunk (None: a fault when `advance`, else nothing),
    `retry_after_s` how long the trunk asked to be left alone.
    """

    leg: int
    outcome: Outcome
    code: int = 0
    q850: int = 0
    by: str = "them"  # us, them, timeout
    advance: bool = False
    trouble: Trouble | None = None
    retry_after_s: int = 0


class Digit(Event):
    """A key was pressed, counted once whatever the network repeated."""

    leg: int
    digit: str
    source: str = "rfc4733"


class Recorded(Event):
    """A leg's recording was ended; comes before `Released`. `path` is below their folder."""

    leg: int
    path: str
    seconds: float
    size: int  # bytes
    channels: int


class MediaLost(Event):
    """No audio of the far end came for as long as the configuration allows."""

    leg: int


class MediaRoom(Event, frozen=True):
    """How many calls the media threads can carry in time; 0 binds nothing. `why` is for people."""

    calls_max: int
    why: str = ""


class LimitsChanged(Event, frozen=True):
    """The limits of the whole daemon are others now; what is up stays. 0 binds nothing.

    Calls to us are refused with `inbound_status`.
    """

    calls_per_s_max: float
    calls_max: int
    inbound_status: int


class NumberingChanged(Event, frozen=True):
    """Another numbering plan, or other destinations: leads that are held are judged by it anew."""

    numbering: Numbering


class Incoming(Event):
    """Somebody calls one of our lines: `Refuse` answers, exactly once.

    Attributes:
        trunk: the one it came by, known by its source; empty for a telephone's call.
        called: the number called as the trunk tells it, rewritten to E.164 digits where it can be.
        caller: the caller's number, empty when it shows none.
        asserted: whether the network vouches for it.
        withheld: whether the caller asked not to be shown.
        diverted: who sent the call on, the last one first.
        phone: the account of the telephone that calls.
    """

    leg: int
    trunk: str
    called: str
    caller: str = ""
    asserted: bool = False
    withheld: bool = False
    diverted: tuple[str, ...] = ()
    phone: str = ""
    call_id: str = ""


class PlayEnded(Event):
    """A prompt ran to its end."""

    leg: int
    token: int


class Claimed(Event):
    """The answer to `WantLeads`."""

    batch: ClaimBatch


class ClaimFailed(Event):
    """The store could not claim; the dialer asks again later."""

    campaign_id: int


class WriteFailed(Event):
    """A commit failed: nothing of that batch was carried out. Dialing stops, live calls drain."""

    call: int


class DialRefused(Event, frozen=True):
    """The store did not record a dial (do-not-call, campaign not running, lease over).

    So nothing was dialed. A call whose first leg this was has its lead given back by the store.
    """

    call: int


class StoreRecovered(Event):
    """Commits succeed again."""


class CampaignChanged(Event):
    """A campaign moved through its gate, or is told at start-up."""

    campaign: Campaign


class LinesChanged(Event):
    """The set of trunks, or what is configured of one, changed."""

    trunks: tuple[TrunkSpec, ...]
    utc_offset_s: int = 7 * 3600  # of the days that plans count


class LineHealth(Event, frozen=True):
    """What OPTIONS or REGISTER tell of a trunk; None: nothing new. `why` is for people."""

    trunk: str
    alive: bool | None = None
    registered: bool | None = None
    why: str = ""


class UsageKnown(Event, frozen=True):
    """What lines used in earlier runs: told once, at the start."""

    history: tuple[Usage, ...]


class ClockStepped(Event):
    """Wall clock = monotonic + `offset_ns` from now on."""

    offset_ns: int


class Drain(Event):
    """No new calls; live ones end by themselves, or at once when `hang_up`."""

    hang_up: bool = False


class Resume(Event, frozen=True):
    """Dial again after a drain (an emergency stop that a person undoes)."""


LegEvent = Ringing | Answered | Released | Digit | PlayEnded | Recorded | MediaLost

AnyEvent = (
    Dialed
    | Ringing
    | Answered
    | Released
    | Digit
    | MediaLost
    | MediaRoom
    | LimitsChanged
    | NumberingChanged
    | Incoming
    | PlayEnded
    | Recorded
    | Claimed
    | ClaimFailed
    | WriteFailed
    | DialRefused
    | StoreRecovered
    | CampaignChanged
    | LinesChanged
    | LineHealth
    | UsageKnown
    | ClockStepped
    | Drain
    | Resume
)
