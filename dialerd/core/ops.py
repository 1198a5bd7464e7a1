"""What the core asks the store to write.

Small frozen operations, applied in order in one transaction.

Every operation is idempotent on its attempt, so that a batch may be tried again after a failed
commit.
"""

from __future__ import annotations

from typing import Final, dataclass_transform

import msgspec

from dialerd.core.agent_records import AgentMove, Callback, Note, Standing
from dialerd.core.record import Record
from dialerd.core.records import (
    Answerer,
    CallEvent,
    Campaign,
    Direction,
    DoNotCall,
    LeadNumber,
    LeadState,
    Outcome,
    Usage,
)
from dialerd.core.script_records import Answer

PHONE_LEGS: Final = 1 << 63  # attempts have lower numbers


@dataclass_transform(frozen_default=True)
class Op(msgspec.Struct, frozen=True, gc=False):
    """Base of the store operations of the dialing path."""


class BeginDial(Op):
    """The durable mark before an INVITE or ATD: from here on a crash counts as an attempt.

    `line` is what a later process needs to end the call, and the line's own business.
    """

    attempt_id: int
    trunk: str
    call_id: str
    rule: str
    at_ms: int
    port: str = ""
    minute_milli: int = 0
    usage_day: int = 0
    line: bytes = b""


class KeepLine(Op):
    """What a later process needs to end the call has changed.

    Numbers from `PHONE_LEGS` on are legs to agents' telephones; their last line is empty.
    """

    attempt_id: int
    line: bytes


class AppendEvents(Op):
    """Interactions of a call in progress.

    `first` is the index of the first one in the call's history.
    """

    attempt_id: int
    first: int
    events: tuple[CallEvent, ...]


class Finish(Op):
    """The end of an attempt: its outcome, and where its lead goes next.

    `due_s` is the Unix second at which a RETRY becomes due. `heard` tells whether a message was
    heard or an agent spoken to (for caps that count that). `used` is what the call used of its
    line. `wraps`: an agent or the flow is to say what came of it, in a `Dispose` that follows;
    until then the attempt is not among what ended. `fields` are what a flow set. Of a lead with
    several numbers, `numbers` is how they stand now and `phone` the one that is next (0: the same).
    `answerer` is who answered, found out `verdict_ms` after the answer; `revised` who it was after
    all, told `revised_ms` after it.
    Applying it twice changes nothing.
    """

    attempt_id: int
    outcome: Outcome
    lead_state: LeadState
    due_s: int
    at_ms: int
    answered_ms: int = 0
    code: int = 0
    q850: int = 0
    released_by: str = ""
    keys: str = ""
    heard: bool = False
    first: int = 0
    events: tuple[CallEvent, ...] = ()
    used: Usage | None = None
    agent: str = ""
    human_ms: int = 0
    connected_ms: int = 0
    wraps: bool = False
    fields: dict[str, str] = {}
    phone: int = 0
    numbers: tuple[LeadNumber, ...] = ()
    answerer: Answerer | None = None
    verdict_ms: int = 0
    verdict_sure: float = 0.0
    revised: Answerer | None = None
    revised_ms: int = 0


class Dispose(Op):
    """What an agent said came of an attempt that has ended and `wraps`, or of a claim never dialed.

    `lead_state` is where the lead goes (None: where it is), due at `due_s`; CALLBACK books
    `callback`. `do_not_call` puts the number on the do-not-call list; `wrong` says that nobody is
    to be reached there: the person's next number is due at `due_s`, if there is one. Applying it
    twice changes nothing.
    """

    attempt_id: int
    agent: str
    at_ms: int
    disposition: str = ""
    lead_state: LeadState | None = None
    due_s: int = 0
    callback: Callback | None = None
    do_not_call: bool = False
    wrong: bool = False


class Ban(Op):
    """Put a number on a do-not-call list, as one asked for in a call; not bound to its attempt."""

    entry: DoNotCall


class KeepNote(Op):
    """Keep a note in place of the one of the same attempt; an empty text takes it away."""

    note: Note


class LogAgent(Op):
    """One line of an agent's day."""

    move: AgentMove


class KeepAgent(Op):
    """Where an agent stands now, for the daemon after this one."""

    standing: Standing


class SaveAnswer(Op):
    """Keep the answer to one question of the script in place of an older one.

    It belongs to the version of the script that the attempt began with. Applying it again, or
    after a later one, changes nothing; an attempt that was never dialed has no answers.
    """

    campaign_id: int
    lead_id: int
    attempt_id: int
    question: str
    value: Answer
    at_ms: int
    agent: str = ""


class ReleaseClaim(Op):
    """A claimed lead that was never dialed goes back.

    Due again at `due_s`, its cap reservation undone.
    """

    attempt_id: int
    due_s: int


AttemptOp = BeginDial | KeepLine | AppendEvents | Finish | Dispose | ReleaseClaim
DialOp = AttemptOp | KeepNote | LogAgent | KeepAgent | SaveAnswer | Ban


class OldCall(msgspec.Struct, frozen=True, array_like=True):
    """A call that an earlier process left behind, by the line that it kept last."""

    attempt_id: int
    trunk: str
    line: bytes


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A lead handed to the dialer: leased, cap reserved, not yet dialed.

    `zones` are where the person lives, where that matters for the hours; `tries` how many of its
    tries ended how.
    """

    attempt_id: int
    campaign_id: int
    lead_id: int
    phone: int
    number: int
    carrier: str
    fields: dict[str, str]
    callback: Callback | None = None  # the promise that this claim keeps
    zones: tuple[str, ...] = ()
    tries: dict[Outcome, int] = {}
    numbers: tuple[LeadNumber, ...] = ()  # all of them, where the person has several
    direction: Direction = Direction.OUT


class ReturnCall(msgspec.Struct, frozen=True):
    """Somebody calls one of our lines. `line` is what a later process needs to end the call.

    `phone` is the caller's number as the store knows numbers, `called` what was called as the trunk
    tells it, `port` that of a modem bank which was called.
    """

    phone: int
    trunk: str
    called: str
    call_id: str
    at_ms: int
    line: bytes = b""
    port: str = ""


class Returned(msgspec.Struct, frozen=True):
    """Whose customer that is: the lead is in our hands, its attempt is begun and durable.

    No `claim`: nobody's, or (`busy`) a call with this number is in progress already; `why` a number
    that somebody is put through to is left alone.
    """

    claim: Claim | None = None
    campaign: Campaign | None = None
    busy: bool = False
    why: str = ""


class AtWork(msgspec.Struct, frozen=True):
    """An agent who was logged in when a daemon ended, and the customer that is theirs still."""

    standing: Standing
    claim: Claim | None = None


class Met(Record):
    """People of a campaign who answered in one quarter of an hour, Unix ms.

    `served` talked to an agent, `lost` found none in time.
    """

    campaign_id: int
    begin_ms: int
    served: int = 0
    lost: int = 0


class ClaimBatch(msgspec.Struct, frozen=True):
    """What one claim found.

    `next_due_s` is the Unix second of the earliest lead that is not due yet (None: nothing waits).
    `exhausted` is true when the campaign has no lead left that could ever be claimed and none in
    the dialer's hands. For an `agent`, `own_due_s` is when its next callback is due.
    """

    campaign_id: int
    claims: tuple[Claim, ...]
    capped: int
    blocked: int
    next_due_s: int | None
    exhausted: bool
    agent: str = ""
    own_due_s: int | None = None

    def later(self, seconds: int) -> ClaimBatch:
        """The same for a dialer whose wall clock is ahead of the one that leads are due by."""
        if not seconds:
            return self
        due_s, own_s = self.next_due_s, self.own_due_s
        return msgspec.structs.replace(
            self,
            next_due_s=None if due_s is None else due_s + seconds,
            own_due_s=None if own_s is None else own_s + seconds,
        )
