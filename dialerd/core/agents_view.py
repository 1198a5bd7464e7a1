"""What may be asked about agents, and as an agent, of the running daemon.

An agent's page or program says what its person does by `AsAgent`; every change of any agent comes
as a live event of the topic "agent", and each customer that an agent gets as one of "card".
"""

from __future__ import annotations

from typing import Annotated, Protocol, dataclass_transform

import msgspec
from msgspec import Meta

from dialerd.core.agent_records import AgentState
from dialerd.core.calls_view import Target
from dialerd.core.control_base import Instant, Reply, Request
from dialerd.core.flow_records import TargetKind
from dialerd.core.limits import (
    AGENT_CAMPAIGNS_MAX,
    AGENT_NAME_CHARS_MAX,
    CALLBACKS_SHOWN_MAX,
    NOTE_CHARS_MAX,
    QUEUES_MAX,
    REASON_CHARS_MAX,
    SENT_KEYS_MAX,
)
from dialerd.core.records import DialMode

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"

AgentName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=AGENT_NAME_CHARS_MAX,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)",
        extra={"hint": "printable characters"},
    ),
]
Telephone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_.!~*'()+-]+$(?!\n)",
        extra={"hint": "an account of [[phones.user]]"},
    ),
]
Words = Annotated[str, Meta(max_length=REASON_CHARS_MAX, pattern=_PRINTABLE)]
CampaignRef = Annotated[str, Meta(min_length=1, max_length=200)]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="act"):
    """Base of what an agent does."""


class LogIn(Act, tag="login"):
    """Come to work at a telephone, in some campaigns; paused until `Ready`."""

    phone: Telephone
    campaigns: Annotated[tuple[CampaignRef, ...], Meta(max_length=AGENT_CAMPAIGNS_MAX)] = ()
    nailed_up: bool = False  # the telephone is rung once, and stays up until logout
    queues: Annotated[tuple[AgentName, ...], Meta(max_length=QUEUES_MAX)] = ()


class Join(Act, tag="join"):
    """Work in these campaigns from now on, and in no other."""

    campaigns: Annotated[tuple[CampaignRef, ...], Meta(max_length=AGENT_CAMPAIGNS_MAX)]


class Ready(Act, tag="ready"):
    """Give me customers."""


class Pause(Act, tag="pause"):
    """None for now; a call in progress goes on to its end."""

    reason: Words = ""


class LogOut(Act, tag="logout"):
    """Gone home."""


class Lost(Act, tag="lost"):
    """The page or program is gone; a call in progress goes on."""


class Back(Act, tag="back"):
    """It is there again."""


class Take(Act, tag="take"):
    """Manual: give me one customer."""

    campaign: CampaignRef


class Dial(Act, tag="dial"):
    """Dial the customer on the card now."""


class Skip(Act, tag="skip"):
    """Another customer, please."""


class HangUp(Act, tag="hangup"):
    """End the call with the customer."""


class Hold(Act, tag="hold"):
    """Let the customer wait; the agent's telephone stays up."""


class Resume(Act, tag="resume"):
    """Talk with the customer again."""


class Digits(Act, tag="digits"):
    """Press keys towards the customer of the conversation."""

    digits: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=SENT_KEYS_MAX,
            pattern=r"^[0-9*#A-Da-d]+$(?!\n)",
            extra={"hint": "0-9 * # A-D"},
        ),
    ]


class PutThrough(Act, tag="transfer"):
    """Put the customer through. To agents it waits without me; for a number I keep it until then.

    `ring_s_max` is how long agents have to take it.
    """

    kind: TargetKind
    target: Target
    ring_s_max: Annotated[int, Meta(ge=1, le=600)] = 30


class Answer(Act, tag="answer"):
    """Answer my telephone, which rings: it is called anew, and asked to answer by itself."""


class Dispose(Act, tag="dispose"):
    """What came of the customer. `callback_at` books a call, mine when `to_me`."""

    disposition: Words = ""
    callback_at: Instant | None = None
    to_me: bool = True
    do_not_call: bool = False
    note: Annotated[str, Meta(max_length=NOTE_CHARS_MAX)] = ""


class WriteNote(Act, tag="note"):
    """The note on the present customer reads so now."""

    text: Annotated[str, Meta(max_length=NOTE_CHARS_MAX)]


AnyAct = (
    LogIn
    | Join
    | Ready
    | Pause
    | LogOut
    | Lost
    | Back
    | Take
    | Dial
    | Skip
    | HangUp
    | Hold
    | Resume
    | Digits
    | Answer
    | PutThrough
    | Dispose
    | WriteNote
)


class AsAgent(Request["AgentInfo"]):
    """One agent does something. Conflict, with words, when that is not possible now."""

    agent: AgentName
    act: AnyAct


class ListAgents(Request["AgentList"]):
    """Every agent since the daemon started; `name` asks for one."""

    name: Annotated[str, Meta(max_length=AGENT_NAME_CHARS_MAX)] = ""


class ListWork(Request["WorkList"]):
    """The campaigns that an agent of these queues may join now, and no other."""

    agent: AgentName
    queues: Annotated[tuple[AgentName, ...], Meta(max_length=QUEUES_MAX)] = ()


class ListCallbacks(Request["CallbackList"]):
    """What agents promised in a campaign and nobody has kept yet, by when it is due.

    `overdue`: only what is due already. Of very many the first that were promised are looked at.
    """

    campaign: CampaignRef
    overdue: bool = False
    limit: Annotated[int, Meta(ge=1, le=CALLBACKS_SHOWN_MAX)] = 100


class Work(Reply):
    """One campaign that may be joined; `why` says why it dials nobody now, as before its start."""

    campaign: str
    mode: DialMode
    joined: bool
    why: str = ""


class WorkList(Reply):
    """All of them."""

    items: tuple[Work, ...]


class CallbackInfo(Reply):
    """One promise: `agent` makes it at `due`, anybody from `anybody_at` on; no agent: anybody."""

    lead: int
    number: str
    due: Instant
    overdue: bool
    agent: str = ""
    anybody_at: Instant | None = None
    booked_at: Instant | None = None
    booked_by: str = ""
    note: str = ""


class CallbackList(Reply):
    """The earliest of them; `total` is how many there are, `overdue` how many of those are due."""

    items: tuple[CallbackInfo, ...]
    total: int
    overdue: int


class Earlier(Reply):
    """An earlier call to the same number, in whatever campaign."""

    campaign: str
    at: Instant
    outcome: str
    agent: str = ""
    disposition: str = ""
    note: str = ""


class Card(Reply):
    """The customer whom an agent has.

    `dial_at` is when it is dialed without a word of the agent; `dialed`: the call is under way.
    """

    campaign: str
    lead: int
    attempt: int
    number: str  # E.164
    carrier: str
    fields: dict[str, str]
    tries: int  # which try of this customer it is, from 1
    dial_at: Instant | None = None
    may_skip: bool = False
    dialed: bool = False
    promised: str = ""  # the note of the callback that it keeps
    past: tuple[Earlier, ...] = ()  # newest first, where one agent is asked for


class AgentInfo(Reply):
    """One agent now."""

    name: str
    state: AgentState
    since: Instant
    reason: str = ""
    phone: str = ""
    nailed_up: bool = False
    on_phone: bool = False  # the agent's leg is up
    on_hold: bool = False  # its customer waits, or the agent was lost in the conversation
    campaigns: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    calls: int = 0  # since the daemon started
    card: Card | None = None


class TeamInfo(Reply):
    """A campaign with agents, since the daemon started.

    `abandonment` is a share of the people who answered, over the campaign's window,
    `abandonment_legal` over the regime's; `calls_per_agent` are the calls under way for each agent
    who is there; `why` says why it dials nobody now.
    """

    campaign: str
    joined: int
    ready: int
    talking: int
    wrapping: int
    paused: int
    customers_waiting: int
    people: int
    conversations: int
    abandoned: int
    abandonment: float
    abandonment_legal: float
    waited_s: float
    utilisation: float
    calls_per_agent: float
    why: str = ""


class AgentList(Reply):
    """All of them, by name, and how their campaigns fare; of one that was named, only that one."""

    items: tuple[AgentInfo, ...]
    teams: tuple[TeamInfo, ...] = ()


class AgentControl(Protocol):
    """The agents' part of `dialerd.core.control.Control`."""

    async def agents(self, request: ListAgents) -> AgentList:
        """Where each stands; NotFound."""
        ...

    async def work(self, request: ListWork) -> WorkList:
        """Where that agent may work."""
        ...

    async def promised(self, request: ListCallbacks) -> CallbackList:
        """The callbacks of a campaign; NotFound."""
        ...

    async def as_agent(self, request: AsAgent) -> AgentInfo:
        """Do it, and tell where that agent stands then; Conflict, NotFound."""
        ...
