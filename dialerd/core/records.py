"""What the store keeps, as typed records.

Records are MessagePack arrays (`array_like`): fields are only ever appended, never removed or
reordered, so that an older record decodes with the new fields' defaults. Times ending in `_ms` are
wall-clock Unix milliseconds, those in `_s` Unix seconds or durations in seconds. `phone` is the
E.164 number without the plus, as an integer.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final

from dialerd.core.agent_records import AgentSettings
from dialerd.core.detection_records import Detection
from dialerd.core.flow_records import Flow as Flow  # noqa: PLC0414 - found here too
from dialerd.core.flow_records import FlowChoice
from dialerd.core.flow_records import FlowStep as FlowStep  # noqa: PLC0414
from dialerd.core.flow_records import Part as Part  # noqa: PLC0414
from dialerd.core.list_records import AudiencePart, ListMix, ListShare, Newcomers
from dialerd.core.list_records import Contact as Contact  # noqa: PLC0414
from dialerd.core.list_records import ContactList as ContactList  # noqa: PLC0414
from dialerd.core.list_records import ImportMark as ImportMark  # noqa: PLC0414
from dialerd.core.list_records import OtherPhone as OtherPhone  # noqa: PLC0414
from dialerd.core.record import Fields, Record
from dialerd.core.return_records import ReturnSettings


class CampaignState(StrEnum):
    """Life of a campaign; the legal moves are in `dialerd.core.campaign`."""

    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class DialMode(StrEnum):
    """Who acts to place a call. Only broadcast runs without agents."""

    BROADCAST = "broadcast"
    MANUAL = "manual"  # the agent asks for one customer, looks, and has it dialed
    PREVIEW = "preview"  # the agent sees the customer first, then it is dialed
    PROGRESSIVE = "progressive"  # one call for each ready agent
    PREDICTIVE = "predictive"  # more calls than agents, as many as the pacer finds safe


class Direction(StrEnum):
    """Which way the leg of an attempt goes."""

    OUT = "out"  # we call the customer
    IN = "in"  # the customer calls back
    OVER = "over"  # we call somebody else whom the customer is put through to


class LeadState(IntEnum):
    """Where one person stands in one campaign. Stored in the due index, so the values are fixed."""

    READY = 0
    RETRY = 1  # tried, not reached, attempts left: due later
    CLAIMED = 2  # leased to the dialer, not dialed yet
    DIALING = 3  # an INVITE or ATD may have left
    DONE = 4  # reached
    EXHAUSTED = 5  # attempts used up without reaching anybody
    CAPPED = 6  # waits for its frequency cap: due later
    BLOCKED = 7  # on a do-not-call list
    INTERRUPTED = 8  # a crash fell into its call; never redialed inside the cap
    RECHECK = 9  # found switched off: on the waiting list until it is tried again
    UNREACHABLE = 10  # found switched off by its last recheck: off the dialing list
    RESTING = 11  # not to be called for a while: then again as if nothing had been
    CALLBACK = 12  # booked: due at its time, or, an agent's own, when it becomes anybody's


WAITING: Final = (
    LeadState.CALLBACK,
    LeadState.RETRY,
    LeadState.RECHECK,
    LeadState.CAPPED,
    LeadState.RESTING,
    LeadState.READY,
)
"""States of leads that are to be dialed, in the order in which they are claimed."""

IN_HAND: Final = (LeadState.CLAIMED, LeadState.DIALING)
"""States of leads in the dialer's hands."""


class Outcome(StrEnum):
    """How one attempt ended: exactly one per attempt (the system disposition)."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREACHABLE = "unreachable"  # switched off, out of coverage
    INVALID = "invalid"  # no such number
    FAILED = "failed"  # our line or trunk: congestion, no reply, authentication
    CANCELLED = "cancelled"  # ended by an operator or by a draining daemon before an answer
    INTERRUPTED = "interrupted"  # found begun and unfinished after a crash
    MEDIA_TIMEOUT = "media_timeout"  # answered, then no audio came for too long: hung up
    TOO_LONG = "too_long"  # answered, and still up at the line's longest call: hung up
    ABANDONED = "abandoned"  # a person answered, and no agent was there in time
    AGENT_LEFT = "agent_left"  # the agent vanished in the middle of the conversation
    MACHINE = "machine"  # a machine answered


SPOKEN: Final = frozenset(
    {
        Outcome.ANSWERED,
        Outcome.MEDIA_TIMEOUT,
        Outcome.TOO_LONG,
        Outcome.ABANDONED,
        Outcome.AGENT_LEFT,
        Outcome.MACHINE,
    }
)
"""Outcomes of calls that were answered."""


class CapCounts(StrEnum):
    """What uses up a frequency cap."""

    HEARD = "heard"
    ANSWERED = "answered"
    ATTEMPTED = "attempted"


class Answerer(StrEnum):
    """Who picked up."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"  # it was listened long enough


class EventKind(StrEnum):
    """One interaction of a call, in the order the customer lived it."""

    DIALED = "dialed"  # detail: trunk
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    ANSWERED = "answered"
    PROMPT_STARTED = "prompt_started"  # detail: prompt
    PROMPT_ENDED = "prompt_ended"  # detail: prompt
    DIGIT = "digit"  # detail: digit and how it came: rfc4733, inband, info
    NO_KEY = "no_key"
    PROMPT_CUT = "prompt_cut"  # by a key; detail: prompt, how long it was heard
    UNSAID = "unsaid"  # a value that could not be said was left out; detail: which and why
    MEDIA_LOST = "media_lost"  # no audio came for too long; detail: why none can come
    ADVANCED = "advanced"  # the attempt moved to another trunk; detail: trunk
    RECORDED = "recorded"  # detail: path, seconds, bytes, channels
    RELEASED = "released"  # detail: by us | by them | by timeout
    QUEUED = "queued"  # answered, and waits for an agent
    AGENT_RUNG = "agent_rung"  # detail: agent
    CONNECTED = "connected"  # detail: agent
    HELD = "held"  # the agent is away for a moment; detail: agent
    LEFT = "left"  # the agent vanished; detail: agent
    SENT_KEYS = "sent_keys"  # by the agent to the far end; detail: agent, how many
    FLOW = "flow"  # detail: the saved flow that plays, name@version
    FIELD = "field"  # detail: name = value, a secret's as x
    CHOSE = "chose"  # detail: by which field, and the step that it led to
    TAPING = "taping"  # what is said is recorded from here on; detail: step
    TAPED = "taped"  # to here; detail: step
    FORBIDDEN = "forbidden"  # onto the do-not-call list; detail: where and for how long
    PROMISED = "promised"  # a callback was booked; detail: when, and whose
    UNPROMISED = "unpromised"  # none was booked; detail: why
    TRANSFER = "transfer"  # begun; detail: kind, target
    TRANSFERRED = "transferred"  # they hear each other; detail: kind, target
    TRANSFER_FAILED = "transfer_failed"  # detail: why
    PARTED = "parted"  # the other side of a transfer has left
    RESULT = "result"  # what the flow, or an agent who was not the last, says came of it
    CALLED_BACK = "called_back"  # the customer calls us; detail: trunk, number called
    HEARD = "heard"  # a sound of the far end; detail: what, and how sure
    VERDICT = "verdict"  # who answered; detail: human, machine or unknown, and how sure
    SUPERVISED = "supervised"  # detail: listen, whisper or barge, and who
    UNSUPERVISED = "unsupervised"  # detail: who left


class CallEvent(Record):
    """One line of a call's history."""

    at_ms: int
    kind: EventKind
    detail: str = ""


class Hours(Record):
    """A daily calling window in local time.

    Minutes [start_minute, end_minute) of the given weekdays (0 = Monday).
    """

    start_minute: int
    end_minute: int
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)


class FrequencyCap(Record):
    """At most `calls_max` calls to one number in any `window_s`, across all campaigns."""

    calls_max: int = 1
    window_s: int = 30 * 86_400
    counts: CapCounts = CapCounts.HEARD


class Retry(Record):
    """How one outcome is tried again: after how long, and how many tries may end so (0: any)."""

    gap_s: int
    tries_max: int = 0


LOG_ALL: Final = "all"
"""In place of a kind: every one of them."""

AS_CONFIGURED: Final = -1
"""In place of days: those of the configuration."""


class CampaignSettings(Record):
    """What a supervisor sets; frozen at approval."""

    name: str
    list_id: int
    flow: Flow
    regime: str
    mode: DialMode = DialMode.BROADCAST
    caller_id: str = ""
    hours: tuple[Hours, ...] = ()  # empty: only the regime's hours bind
    cap: FrequencyCap = FrequencyCap()
    attempts_max: int = 1
    retry_gap_s: int = 3_600
    ring_s_max: int = 45
    calls_per_s_max: float = 0.0  # 0: only the trunks bind
    start_ms: int = 0
    end_ms: int = 0  # 0: until the list is exhausted
    rechecks_max: int = 0  # of a number found switched off, also beyond attempts_max
    recheck_gap_s: int = 7_200
    record: bool = False  # every answered call, both sides
    skip_holidays: bool = False  # the public ones of the regime's country; some regimes always do
    zone_column: str = ""  # of the list: where a person lives, such as Asia/Ho_Chi_Minh
    consent: str = ""  # where the consent of all people of the list is kept
    consent_column: str = ""  # of the list: each person's; without it nobody is called
    caller_name: str = ""  # the brand that the caller id is registered to
    abandoned_prompt: str = ""  # what plays when no agent is there for a person who answered
    cap_binds_retries: bool = False  # the campaign's cap also stops retries, rechecks, callbacks
    retries: dict[Outcome, Retry] = {}  # noqa: RUF012 - instead of retry_gap_s and attempts_max
    rest_s: int = 0  # how long a person who wants no call now is left alone
    weight: int = 1  # against other campaigns: its share of lines that all of them want
    after_campaign: int = 0  # only who heard that one's message; 0: everybody
    after_s: int = 0  # at least so long after it was heard
    agents: AgentSettings = AgentSettings()
    priority_column: str = ""  # of the list: 0 to 99, the highest is called first
    script: str = ""  # what agents go through with customers; empty: nothing
    script_version: int = 0  # set at approval, changed by a switch
    flow_name: str = ""  # the saved flow that `flow` is; empty: it is the campaign's own
    flow_version: int = 0
    flow_column: str = ""  # of the list: who has one of `flows`' values in it hears that one
    flows: tuple[FlowChoice, ...] = ()
    lists: tuple[ListShare, ...] = ()  # where there are several; the first one is `list_id`
    mix: ListMix = ListMix.SHARES
    next_number_on: tuple[Outcome, ...] = (Outcome.UNREACHABLE,)  # and always when one is done with
    next_number_gap_s: int = 60  # before another number of the same person
    returns: ReturnSettings = ReturnSettings()
    log: tuple[str, ...] = (LOG_ALL,)  # the kinds of interactions that are written down
    record_share: int = 100  # of 100 calls that would be recorded
    record_early: bool = False  # from the first sound on, not from the answer
    recordings_days: int = AS_CONFIGURED  # how long they are kept; 0: for ever
    events_days: int = AS_CONFIGURED
    consent_date_column: str = ""  # of the list: since when; before that day nobody is called
    detection: Detection = Detection()
    newcomers: Newcomers = Newcomers.LEAVE


class Campaign(Record):
    """A campaign as stored."""

    campaign_id: int
    settings: CampaignSettings
    state: CampaignState = CampaignState.DRAFT
    created_ms: int = 0
    audience: int = 0  # leads since the approval, newcomers too
    parts: tuple[AudiencePart, ...] = ()  # of several lists, set at approval


class CampaignMove(Record):
    """One move through the gate: who, when, from where to where."""

    campaign_id: int
    at_ms: int
    who: str
    before: CampaignState
    after: CampaignState
    reason: str = ""


class LeadNumber(Record):
    """One of several numbers of a lead: how its tries ended; `over`: it is not dialed any more."""

    phone: int
    tries: dict[Outcome, int] = {}  # noqa: RUF012 - a Struct copies it
    due_s: int = 0  # not before
    over: bool = False


class Lead(Record):
    """One person in one campaign.

    `contact` is the row of the list that it came from, `phone` the number that is dialed next or
    was dialed last.
    """

    campaign_id: int
    lead_id: int
    contact: int
    phone: int
    state: LeadState = LeadState.READY
    attempts: int = 0
    due_s: int = 0
    attempt_id: int = 0  # the attempt that holds or last held it
    outcome: Outcome | None = None
    tries: dict[Outcome, int] = {}  # noqa: RUF012 - how many of its tries ended how
    numbers: tuple[LeadNumber, ...] = ()  # where it has several, in their order


class Attempt(Record):
    """One try: lead x line. Written before the INVITE leaves, completed when the call has ended."""

    attempt_id: int
    campaign_id: int
    lead_id: int
    phone: int
    number: int  # which try of the lead this is, from 1
    claimed_ms: int
    trunk: str = ""
    call_id: str = ""  # Call-ID of the (last) leg
    begun_ms: int = 0
    answered_ms: int = 0
    ended_ms: int = 0
    outcome: Outcome | None = None
    code: int = 0  # SIP status, 0 when none arrived
    q850: int = 0
    released_by: str = ""
    keys: str = ""
    rule: str = ""  # why this trunk was chosen
    port: str = ""  # of the trunk's gateway
    minute_milli: int = 0  # price of a minute when it was dialed, in thousandths
    usage_day: int = 0  # the local day it was dialed, counted from 1970-01-01
    evidence: str = ""  # by which rules it could be dialed; see `dialerd.core.rules`
    agent: str = ""  # who talked, or was reserved for it
    human_ms: int = 0  # when it was sure that a person answered; 0 in a broadcast
    connected_ms: int = 0  # when the agent and the customer could hear each other
    disposed_ms: int = 0
    disposition: str = ""  # the agent's, or the result of a flow
    fields: Fields = {}  # noqa: RUF012 - what its flow set, secrets as x
    direction: Direction = Direction.OUT
    called: str = ""  # the number of ours that a customer called back
    of: int = 0  # the attempt whose customer is put through by this one
    answerer: Answerer | None = None  # who answered, where that was to be found out
    verdict_ms: int = 0  # after the answer
    verdict_sure: float = 0.0  # from 0 to 1
    revised: Answerer | None = None  # who it was after all, as what it said later told
    revised_ms: int = 0  # after the answer


class Usage(Record):
    """What one line used on one local day: answered calls, talk time, cost in thousandths.

    `port` is empty on a trunk without ports.
    """

    trunk: str
    port: str
    day: int
    calls: int
    seconds: int
    milli: int


class BanList(StrEnum):
    """Which list keeps a number from being called."""

    OWN = "own"  # people who asked us
    REGISTER = "register"  # a public register of people who want no advertising
    BLACKLIST = "blacklist"  # nuisance callers, and numbers nobody wants to reach


class DoNotCall(Record):
    """A number that may not be dialed."""

    phone: int
    at_ms: int
    source: str = ""
    kind: BanList = BanList.OWN
    campaign_id: int = 0  # 0: in no campaign
    until_ms: int = 0  # 0: for good
    hits: int = 0  # calls that it kept from being made or taken
