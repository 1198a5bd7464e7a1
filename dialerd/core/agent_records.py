"""What is kept about agents: how a campaign works with them, their day, promises and notes.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from enum import StrEnum

from dialerd.core.record import Record


class Meaning(StrEnum):
    """What an agent's disposition means for the lead."""

    DONE = "done"
    RETRY = "retry"  # due again after the disposition's gap
    CALLBACK = "callback"  # wants a time
    REST = "rest"  # not to be called for the campaign's `rest_s`
    DO_NOT_CALL = "do_not_call"  # onto the do-not-call list
    WRONG_NUMBER = "wrong_number"  # nobody is to be reached there: the person's next number, if any


class Disposition(Record):
    """One outcome that agents of a campaign may choose. `gap_s` 0: the campaign's `retry_gap_s`."""

    name: str
    meaning: Meaning = Meaning.DONE
    gap_s: int = 0


class OnMachine(StrEnum):
    """What becomes of a call that a machine answered."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"  # `machine_prompt`, then the end
    CONNECT = "connect"  # an agent gets it as if a person had answered


class AgentSettings(Record):
    """How a campaign works with agents; means nothing in a broadcast.

    Attributes:
        members: names of agents and queues that may join; empty: every agent.
        preview_s: preview: how long a card is shown before the customer is dialed.
        may_skip: preview: whether an agent may ask for another customer.
        abandon_target: predictive: share of people who answer and find no agent in time.
        lines_per_agent_max: predictive: calls in progress for each agent at work.
        grace_s: how long a person who answered waits for an agent.
        ring_agent_s: how long an agent's telephone rings.
        wrap_up_s: longest time after a call to dispose of it; 0: until it is disposed of.
        rest_s: pause between an agent's calls.
        lost_s: how long an agent whose page is gone is waited for.
        hand_over: an agent vanished: another ready one takes the customer.
        dispositions: what agents may choose; empty: any name, and it means done.
        overdue_s: when an agent's own callback is anybody's: so long after its time; 0: never.
        left_prompt: what a customer hears whose agent vanished.
        hold_prompt: what a customer hears meanwhile.
        machines: who answered is found out (`events.Verdict`) before an agent is given.
        verdict_s: how long that is waited for; then it was a person.
        window_s: over what time abandonment is shown.
        unrecorded: agents and queues whose conversations are never recorded.
        on_machine: what becomes of a call that a machine answered.
        machine_prompt: what a machine is told.
        transfer_numbers: to whom agents may put customers through: numbers in E.164, or beginnings
            with a `*` behind them.
    """

    members: tuple[str, ...] = ()
    preview_s: int = 20
    may_skip: bool = False
    abandon_target: float = 0.03
    lines_per_agent_max: float = 3.0
    grace_s: float = 2.0
    ring_agent_s: int = 20
    wrap_up_s: int = 30
    rest_s: int = 0
    lost_s: int = 30
    hand_over: bool = False
    dispositions: tuple[Disposition, ...] = ()
    overdue_s: int = 3_600
    left_prompt: str = ""
    hold_prompt: str = ""
    machines: bool = False
    verdict_s: float = 3.0
    window_s: int = 86_400
    unrecorded: tuple[str, ...] = ()
    on_machine: OnMachine = OnMachine.HANG_UP
    machine_prompt: str = ""
    transfer_numbers: tuple[str, ...] = ("*",)


class AgentState(StrEnum):
    """Where an agent stands; the moves are in `dialerd.core.agent`."""

    OFFLINE = "offline"
    PAUSED = "paused"  # reason: what the agent gave, or "phone" while a leg of the shift is rung
    READY = "ready"
    RESERVED = "reserved"  # has a card, or a call is being placed for this agent
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    LOST = "lost"  # the page is gone; waited for


class AgentMove(Record):
    """One line of an agent's day. `seq` tells lines of one millisecond apart."""

    agent: str
    at_ms: int
    state: AgentState
    reason: str = ""
    campaign_id: int = 0
    attempt_id: int = 0
    seq: int = 0


class Standing(Record):
    """Where an agent stands, for the daemon after this one.

    `attempt_id` is the customer on the card, in the call or to be disposed of; `then` is where the
    agent goes after it. `was` is the state before the page was lost.
    """

    agent: str
    phone: str
    nailed_up: bool
    campaigns: tuple[int, ...]
    queues: tuple[str, ...]
    state: AgentState
    since_ms: int
    reason: str = ""
    then: AgentState = AgentState.PAUSED
    then_reason: str = ""
    was: AgentState = AgentState.OFFLINE
    attempt_id: int = 0
    seq: int = 0  # within one daemon: what is written late does not undo what came after


class Callback(Record):
    """A call that was promised: one at most for each lead. It goes when the lead is claimed.

    `agent` is who promised it and makes it; empty: anybody. `open_s` is from when anybody may make
    an agent's own (0: never).
    """

    campaign_id: int
    lead_id: int
    phone: int
    due_s: int
    agent: str = ""
    open_s: int = 0
    booked_ms: int = 0
    booked_by: str = ""
    attempt_id: int = 0  # in which it was booked
    note: str = ""


class Note(Record):
    """What an agent wrote about a customer in one attempt; seen by whoever has the number next."""

    phone: int
    attempt_id: int
    campaign_id: int
    lead_id: int
    agent: str
    at_ms: int
    text: str
