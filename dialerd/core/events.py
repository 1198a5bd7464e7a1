"""What the driver tells the core. Line events speak of legs, never of SIP or AT."""

from __future__ import annotations

from dialerd.core.event import Event
from dialerd.core.flow_records import TargetKind, Transfer
from dialerd.core.heard_events import Sound as Sound  # noqa: PLC0414 - found here too
from dialerd.core.heard_events import Verdict as Verdict  # noqa: PLC0414 - found here too
from dialerd.core.inbound_events import Incoming as Incoming  # noqa: PLC0414 - found here too
from dialerd.core.inbound_events import ReturnFound as ReturnFound  # noqa: PLC0414 - found here too
from dialerd.core.line_spec import Trouble, TrunkSpec
from dialerd.core.needs import Can
from dialerd.core.ops import AtWork, ClaimBatch, Met
from dialerd.core.records import Campaign, Outcome, Usage
from dialerd.core.supervise_records import Supervise
from fastpath.numbers import Numbering


class Dialed(Event, frozen=True):
    """A `Dial` was carried out just now: its commit is behind it and the line was asked.

    Only told to a dialer that was made with `confirms_dials`.
    """

    leg: int


class Ringing(Event):
    """The far end is being alerted; `early_media`: the network plays audio before the answer."""

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
    """No audio of the far end came for as long as the configuration allows, or none can come.

    The latter is told instead of `Answered`: `why` says what is wrong with the answer.
    """

    leg: int
    why: str = ""


class MediaRoom(Event, frozen=True):
    """How many calls the media threads can carry in time; 0 binds nothing. `why` is for people."""

    calls_max: int
    why: str = ""


class LimitsChanged(Event, frozen=True):
    """The limits of the whole daemon are others now; what is up stays. 0 binds nothing.

    Calls to us are refused with `inbound_status`. `inbound_…`: of customers who call back.
    """

    calls_per_s_max: float
    calls_max: int
    inbound_status: int
    inbound_calls_max: int = 0
    inbound_per_s_max: float = 0.0


class NumberingChanged(Event, frozen=True):
    """Another numbering plan, or other destinations: leads that are held are judged by it anew."""

    numbering: Numbering


class PlayEnded(Event):
    """A prompt ran to its end."""

    leg: int
    token: int


class Claimed(Event):
    """The answer to `WantLeads`."""

    batch: ClaimBatch


class ClaimFailed(Event):
    """The store could not claim; the dialer asks again later. `agent` as it was asked."""

    campaign_id: int
    agent: str = ""


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
    """A campaign moved through its gate, or is told at start-up, with whom it `met` before."""

    campaign: Campaign
    met: tuple[Met, ...] = ()


class LeadsJoined(Event, frozen=True):
    """People came into a list of a campaign and are leads of it now."""

    campaign_id: int


class LinesChanged(Event):
    """The set of trunks, or what is configured of one, changed."""

    trunks: tuple[TrunkSpec, ...]
    utc_offset_s: int = 7 * 3600  # of the days that plans count


class LineHealth(Event, frozen=True):
    """What OPTIONS or REGISTER tell of a trunk; None: nothing new. `why` is for people.

    With a `port`: whether it takes calls, on whose `account` (its SIM), and what it `can` do.
    """

    trunk: str
    alive: bool | None = None
    registered: bool | None = None
    why: str = ""
    port: str = ""
    account: str = ""
    can: Can | None = None


class UsageKnown(Event, frozen=True):
    """What lines used in earlier runs: told once, at the start."""

    history: tuple[Usage, ...]


class ClockStepped(Event):
    """Wall clock = monotonic + `offset_ns` from now on."""

    offset_ns: int


class Drain(Event):
    """No new calls; live ones end by themselves, or at once when `hang_up`."""

    hang_up: bool = False
    ends: bool = False  # so does the process: agents' telephones that no call needs are hung up


class Resume(Event, frozen=True):
    """Dial again after a drain (an emergency stop that a person undoes)."""


class CallOrdered(Event, frozen=True):
    """A person's word about one call: put it through, listen in, or (no deed) hang it up."""

    call: int
    deed: Transfer | Supervise | None = None


class AgentsKnown(Event, frozen=True):
    """Who was logged in when the last daemon ended: told once at the start, after the campaigns."""

    at_work: tuple[AtWork, ...]


# What agents do. An agent is known by a name, is at one telephone, and may have joined several
# campaigns. The states are those of `agent_records.AgentState`; `dialerd.core.agent` is the table.
#
# Legs of agents. `effects.RingAgent` asks for one; then `Ringing`, `Answered` and at last exactly
# one `Released` come for it as for any other leg. Nailed up: rung at login, up until logout.
# Otherwise rung when the agent is reserved, up until the conversation is over.
#
# In order, progressive: AgentReady, (RingAgent, Answered), ShowCard and Dial, Answered of the
# customer, Bridge, Released of either side, AgentDisposed, and the agent is ready again. Preview
# and manual: AgentReady (manual: and AgentTake), ShowCard, AgentDial or the preview's time, then as
# before. Predictive: Dial, Answered, (RingAgent, Answered), ShowCard, Bridge.


class _Asked(Event, kw_only=True):
    ask: int = 0  # not 0: answered by exactly one `effects.AgentAnswer`, in the same drain


class AgentEvent(_Asked):
    """Base of what an agent does. What the agent's state does not allow is refused, with words."""

    agent: str


class AgentLoggedIn(AgentEvent, frozen=True):
    """An agent came to work, and is paused until `AgentReady`.

    `phone` is where the agent is rung: an account of the registrar, or an E.164 number with a plus.
    `campaigns` are those joined at once, `queues` the groups that the agent belongs to; a campaign
    that names agents or queues takes only those. Again, with another telephone or other campaigns,
    it moves the agent, unless a call is in progress.
    """

    phone: str
    campaigns: tuple[int, ...] = ()
    nailed_up: bool = False
    queues: tuple[str, ...] = ()


class AgentJoined(AgentEvent, frozen=True):
    """From now on the agent works in these campaigns and in no other."""

    campaigns: tuple[int, ...]


class AgentReady(AgentEvent, frozen=True):
    """Give me work. In the middle of a call it takes back a pause that was asked for."""


class AgentPaused(AgentEvent, frozen=True):
    """No more calls; one in progress goes on to its end first."""

    reason: str = ""


class AgentLoggedOut(AgentEvent, frozen=True):
    """Gone home; a call in progress goes on to its end first."""


class AgentLost(AgentEvent, frozen=True):
    """The agent's page or program is not there any more: no new calls.

    After the campaign's `lost_s` without `AgentBack` the agent is offline. A conversation goes on
    as long as the agent's leg does; a leg that falls within that time is waited for.
    """


class AgentBack(AgentEvent, frozen=True):
    """The page is there again, all as before."""


class AgentTake(AgentEvent, frozen=True):
    """Manual: give me one customer. Refused until the last one was called or disposed of."""

    campaign_id: int


class AgentDial(AgentEvent, frozen=True):
    """Manual and preview: dial the customer on the card now."""


class AgentSkip(AgentEvent, frozen=True):
    """Preview, where the campaign allows it: another customer."""


class AgentHangUp(AgentEvent, frozen=True):
    """End the customer's leg, or the dialing of it."""


class AgentHeld(AgentEvent, frozen=True):
    """Let the customer of the conversation wait, with the campaign's `hold_prompt`."""


class AgentResumed(AgentEvent, frozen=True):
    """Talk again with the customer who waits."""


class AgentKeyed(AgentEvent, frozen=True):
    """Press keys (0-9 * # A-D) towards the customer of the conversation."""

    digits: str


class AgentTransferred(AgentEvent, frozen=True):
    """Put the customer of the conversation through to a queue, an agent or a number.

    To agents the customer waits `ring_s_max` at most, without this one. For a number the customer
    is held until it answers; then this agent is out of the call, and one that does not answer
    leaves the customer held.
    """

    kind: TargetKind
    target: str
    ring_s_max: int = 30


class AgentPickedUp(AgentEvent, frozen=True):
    """Answer the agent's telephone, which rings: it is rung anew and asked to answer by itself."""


class AgentDisposed(AgentEvent, frozen=True):
    """What came of the customer: during the call, in the wrap-up, or of a card never dialed.

    `disposition` is a name of the campaign's list; the list may be empty, and so may the name where
    a callback is booked or `do_not_call` is set. `callback_s` books a callback at that Unix second,
    given to this agent when `to_me`, else to whoever is free. `note` is kept with the number.
    """

    disposition: str = ""
    callback_s: int = 0
    to_me: bool = True
    do_not_call: bool = False
    note: str = ""


class AgentNoted(AgentEvent, frozen=True):
    """The note on the present customer reads so now (saved again and again while it is written)."""

    text: str


LegEvent = (
    Ringing | Answered | Released | Digit | PlayEnded | Recorded | MediaLost | Verdict | Sound
)

AnyAgentEvent = (
    AgentLoggedIn | AgentJoined | AgentReady | AgentPaused | AgentLoggedOut | AgentLost | AgentBack
    | AgentTake | AgentDial | AgentSkip | AgentHangUp | AgentHeld | AgentResumed | AgentDisposed
    | AgentNoted | AgentKeyed | AgentPickedUp
    | AgentTransferred
)  # fmt: skip

AnyEvent = (
    LegEvent
    | Dialed
    | AnyAgentEvent
    | MediaRoom
    | LimitsChanged
    | NumberingChanged
    | Incoming
    | ReturnFound
    | Claimed
    | ClaimFailed
    | WriteFailed
    | DialRefused
    | StoreRecovered
    | AgentsKnown
    | CampaignChanged
    | LeadsJoined
    | LinesChanged
    | LineHealth
    | UsageKnown
    | ClockStepped
    | CallOrdered
    | Drain
    | Resume
)
