"""What an answered customer of an agents' campaign goes through, in place of a flow.

    | state      | what it waits for              | and then                                      |
    |------------|--------------------------------|-----------------------------------------------|
    | verdict    | who answered                   | a person wants an agent, a machine: see below |
    | waiting    | an agent, `grace_s`            | the message for nobody there, and the end     |
    | connecting | the agent's telephone, as long | the same                                      |
    | bridged    | the end of the conversation    |                                               |
    | held       | an agent who was lost, or who  | as if it had vanished                         |
    |            | lets the customer wait         |                                               |
    | beep       | the end of a machine's greeting | the message for machines                     |
    | passed     | the end of a transfer          | the end                                       |
    | message    | the end of the message         | the end                                       |
    |            | a beep, where none was before  | a machine's message anew                      |

Of a machine the campaign says what becomes: it is hung up on, told something, or gets an agent like
a person; the same of one that nothing was found out of (`on_unknown`: as a person, unless it says
otherwise). Who is in doubt when `verdict_s` are over is a person; a verdict that comes later still
keeps a machine from an agent, but for one who hears it already.

An agent who hangs up ends the call. One who vanishes leaves the customer to another ready agent
(`hand_over`) or to a message; the outcome is then `agent_left`. The time of grace runs from the
moment at which it was sure that a person answered, and is not begun anew by a second agent.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from dialerd.core.agent import ns
from dialerd.core.agent_records import OnMachine
from dialerd.core.clock import NEVER
from dialerd.core.effects import Bridge, Hold, Unbridge
from dialerd.core.keeping import recorded
from dialerd.core.manners import manners
from dialerd.core.records import Answerer, EventKind, Outcome
from dialerd.core.saying import Saying

if TYPE_CHECKING:
    from dialerd.core.agent import Agent
    from dialerd.core.agent_call import AgentCall
    from dialerd.core.call import Call


class TalkState(IntEnum):
    """Where a customer stands."""

    IDLE = 0
    VERDICT = 1
    WAITING = 2
    CONNECTING = 3
    BRIDGED = 4
    HELD = 5
    MESSAGE = 6
    OVER = 7
    BEEP = 8
    PASSED = 9


IDLE, VERDICT, WAITING, CONNECTING, BRIDGED, HELD, MESSAGE, OVER, BEEP, PASSED = TalkState

# (state, trigger) -> the states it may lead to. What is not in it is ignored: it came too late.
# Triggers: start, verdict, agent (one is given), up and gone (the agent's telephone), hung_up (by
# the agent), held, passed (to other agents), through (to a number), parted (that one has left),
# played (the message), beep (a machine's greeting is over), fax (no person), and time.
MOVES: Final[dict[tuple[TalkState, str], tuple[TalkState, ...]]] = {
    (IDLE, "start"): (VERDICT, WAITING, CONNECTING, BRIDGED),
    (VERDICT, "verdict"): (WAITING, CONNECTING, BRIDGED, BEEP, OVER),
    (VERDICT, "fax"): (OVER,),
    (VERDICT, "time"): (WAITING, CONNECTING, BRIDGED),
    (WAITING, "agent"): (CONNECTING, BRIDGED),
    (WAITING, "time"): (MESSAGE, OVER),
    (WAITING, "verdict"): (WAITING, BEEP, OVER),
    (WAITING, "fax"): (OVER,),
    (CONNECTING, "verdict"): (CONNECTING, BEEP, OVER),
    (CONNECTING, "fax"): (OVER,),
    (CONNECTING, "up"): (BRIDGED,),
    (CONNECTING, "gone"): (WAITING, CONNECTING, BRIDGED),
    (CONNECTING, "time"): (MESSAGE, OVER),
    (BRIDGED, "hung_up"): (OVER,),
    (BRIDGED, "held"): (HELD,),
    (BRIDGED, "passed"): (WAITING, CONNECTING, BRIDGED),
    (HELD, "passed"): (WAITING, CONNECTING, BRIDGED),
    (HELD, "through"): (PASSED,),
    (PASSED, "parted"): (OVER,),
    (BRIDGED, "gone"): (WAITING, CONNECTING, BRIDGED, MESSAGE, OVER),
    (HELD, "up"): (BRIDGED,),
    (HELD, "hung_up"): (OVER,),
    (HELD, "gone"): (WAITING, CONNECTING, BRIDGED, MESSAGE, OVER),
    (BEEP, "beep"): (MESSAGE, OVER),
    (BEEP, "fax"): (OVER,),
    (BEEP, "time"): (MESSAGE, OVER),
    (MESSAGE, "beep"): (MESSAGE,),
    (MESSAGE, "played"): (OVER,),
    (MESSAGE, "time"): (OVER,),
}
_MESSAGE: Final = 1  # the token of what is said at the end


class Reception(Protocol):
    """Who finds agents for customers."""

    def staffed(self, place: int | str) -> bool:
        """Whether somebody is at work who takes the customers of a place."""
        ...

    def picked_up(self, call: AgentCall, now_ns: int) -> None:
        """Somebody or something has answered; who, is not known yet."""

    def human(self, call: AgentCall, now_ns: int) -> None:
        """A person has answered."""

    def machine(self, call: AgentCall, now_ns: int) -> None:
        """It is a machine: no agent is needed for it."""

    def seek(self, call: AgentCall, now_ns: int) -> None:
        """Give an agent (`Talk.give`) now, or as soon as one is ready."""

    def unserved(self, call: AgentCall, now_ns: int) -> None:
        """There was no agent in time."""

    def connected(self, call: AgentCall, now_ns: int) -> None:
        """The agent of the call and its customer hear each other."""

    def passed(self, call: AgentCall, now_ns: int) -> None:
        """The agent of the call has put the customer through, and is out of it."""


class Talk:
    """One customer."""

    __slots__ = (
        "_call", "_desk", "_passed", "_saying", "_settings", "_sorry_ns", "deadline_ns", "state",
    )  # fmt: skip

    def __init__(self, call: AgentCall, desk: Reception) -> None:
        """`start` begins it."""
        self._call = call
        self._desk = desk
        self._settings = call.settings.agents
        self._saying = Saying(call, _MESSAGE)
        self._passed = False  # by an agent, to others
        self._sorry_ns = NEVER  # when the customer has waited long enough
        self.state = IDLE
        self.deadline_ns = NEVER

    @property
    def waits(self) -> bool:
        """Whether the customer has no agent yet, and may still get one."""
        return self.state in (WAITING, CONNECTING)

    def start(self, now_ns: int) -> None:
        """The customer picked up."""
        if self._settings.machines:
            self.state = VERDICT
            self._desk.picked_up(self._call, now_ns)
            self.deadline_ns = now_ns + ns(self._settings.verdict_s)
        else:
            self._human(now_ns)

    def verdict(self, who: Answerer, now_ns: int) -> None:
        """Who it is."""
        if (self.state, "verdict") not in MOVES or self._passed:
            return
        if who is Answerer.UNKNOWN and self.state is not VERDICT:
            return  # it was counted as a person
        treated = manners(self._call.settings)
        policy = treated.towards(who)
        if policy is OnMachine.CONNECT:
            if self.state is VERDICT:
                self._human(now_ns)
        elif who is Answerer.UNKNOWN and policy is OnMachine.HANG_UP:
            self._unknown(now_ns)
        elif self._call.spoken is not Outcome.AGENT_LEFT:  # else a person was talked with before
            self._machine(now_ns)
            if policy is OnMachine.LEAVE_MESSAGE:
                self.state = BEEP
                self.deadline_ns = now_ns + ns(treated.beep_s_max)
            else:
                self._over(now_ns)

    def _unknown(self, now_ns: int) -> None:
        """Hung up on unheard: it may have been a person, and is counted as one whom nobody met."""
        self._desk.human(self._call, now_ns)
        self._desk.unserved(self._call, now_ns)
        self._over(now_ns)

    def _machine(self, now_ns: int) -> None:
        self._call.mark_machine()
        self._desk.machine(self._call, now_ns)

    def no_person(self, now_ns: int) -> None:
        """Nobody is there to talk to, nor to leave a message for, unless an agent has met one."""
        if (self.state, "fax") in MOVES and not self._call.connected_ms:
            if self.state is not BEEP:
                self._machine(now_ns)
            self._over(now_ns)

    def nobody_there(self, now_ns: int, *, only_sign: bool) -> None:
        """A tone says that the far end is gone: nobody was there, or a person has hung up."""
        if self.state is VERDICT:
            self.no_person(now_ns)
        elif only_sign or self._call.spoken is Outcome.MACHINE:
            self._call.talk_over(now_ns)

    def beep(self, now_ns: int, *, guessed: bool = False) -> None:
        """A machine's greeting is over; `guessed`: as far as silence or waiting tell."""
        if self.state is MESSAGE and not guessed:
            self.deadline_ns = self._saying.beep(now_ns) or self.deadline_ns
        elif self.state is BEEP:
            self._sorry(self._settings.machine_prompt, now_ns, guessed=guessed)

    def _human(self, now_ns: int) -> None:
        call = self._call
        self._sorry_ns = now_ns + ns(self._settings.grace_s)
        self._desk.human(call, now_ns)
        self._want(now_ns)

    def _want(self, now_ns: int) -> None:
        """Wait for an agent; one who was reserved for this call is there already."""
        call = self._call
        self.state = WAITING
        self.deadline_ns = self._sorry_ns
        if call.agent is not None:
            self.give(call.agent, now_ns)
        else:
            self._desk.seek(call, now_ns)
        if self.state is WAITING:
            call.record(EventKind.QUEUED, "", now_ns)

    def give(self, agent: Agent, now_ns: int) -> None:
        """An agent takes the customer."""
        if (self.state, "agent") not in MOVES:
            return
        self._call.agent = agent
        if agent.leg_up:
            self._bridge(agent, now_ns)
            return
        self.state = CONNECTING
        self._call.record(EventKind.AGENT_RUNG, agent.name, now_ns)

    def up(self, now_ns: int) -> None:
        """The agent's telephone was answered."""
        agent = self._call.agent
        if (self.state, "up") in MOVES and agent is not None:
            self._bridge(agent, now_ns)

    def _bridge(self, agent: Agent, now_ns: int) -> None:
        call = self._call
        if self.state is not HELD:
            call.ask_anew(now_ns)
        self.state = BRIDGED
        self.deadline_ns = NEVER
        call.bridged(agent, now_ns)
        call.record(EventKind.CONNECTED, agent.name, now_ns)
        call.out.append(Bridge(call.claim.attempt_id, call.leg, agent.leg, call.recorded(agent)))
        self._desk.connected(call, now_ns)

    def held(self, now_ns: int) -> None:
        """The agent lets the customer wait, or was lost and so is its leg."""
        if (self.state, "held") not in MOVES:
            return
        call, prompt = self._call, self._settings.hold_prompt
        self.state = HELD
        attempt_id = call.claim.attempt_id
        call.record(EventKind.HELD, call.agent_name, now_ns)
        call.out.append(Unbridge(attempt_id, call.leg))
        if prompt:
            call.out.append(Hold(attempt_id, call.leg, prompt))

    def passed(self, place: str, ring_s: int, now_ns: int) -> None:
        """Its agent leaves the customer to the agents of a place, who have so long to take it."""
        call = self._call
        self._passed = True
        self.held(now_ns)
        call.place = place
        self._desk.passed(call, now_ns)
        self._sorry_ns = now_ns + ns(ring_s)
        self._want(now_ns)

    def through(self, other: Call, now_ns: int) -> None:
        """The customer, who waited, and who was dialed for it hear each other."""
        call = self._call
        self._passed = True
        self.state, self.deadline_ns = PASSED, NEVER
        call.record(EventKind.TRANSFERRED, other.number.e164, now_ns)
        record = recorded(call.settings, call.claim.attempt_id)
        call.out.append(Bridge(call.claim.attempt_id, call.leg, other.leg, record))

    def parted(self, now_ns: int) -> None:
        """Who was dialed for the customer has hung up."""
        if (self.state, "parted") in MOVES:
            self._over(now_ns)

    def hung_up(self, now_ns: int) -> None:
        """The agent ended the conversation, and is out of it before the customer's leg is gone."""
        if (self.state, "hung_up") in MOVES:
            if self.state is BRIDGED:
                self._call.out.append(Unbridge(self._call.claim.attempt_id, self._call.leg))
            self._over(now_ns)

    def gone(self, now_ns: int) -> None:
        """The agent is not there (any more): `call.agent` is nobody by now."""
        if (self.state, "gone") not in MOVES:
            return
        call = self._call
        if self.state is CONNECTING:
            self._want(now_ns)
            return
        call.record(EventKind.LEFT, call.agent_name, now_ns)
        call.spoken = Outcome.AGENT_LEFT
        if self.state is BRIDGED:
            call.out.append(Unbridge(call.claim.attempt_id, call.leg))
        if self._settings.hand_over:
            self._sorry_ns = now_ns + ns(self._settings.grace_s)
            self._want(now_ns)
        else:
            self._sorry(self._settings.left_prompt, now_ns)

    def tick(self, now_ns: int) -> None:
        """What it waited for has not come."""
        if now_ns < self.deadline_ns or (self.state, "time") not in MOVES:
            return
        if self.state is VERDICT:
            self._human(now_ns)
        elif self.state is BEEP:
            self.beep(now_ns, guessed=True)
        elif self.state is MESSAGE:
            self._over(now_ns)
        else:
            self._desk.unserved(self._call, now_ns)
            if self._passed:
                self._call.record(EventKind.TRANSFER_FAILED, "nobody took it", now_ns)
            left = self._passed or self._call.spoken is Outcome.AGENT_LEFT
            prompt = self._settings.left_prompt if left else self._call.settings.abandoned_prompt
            self._sorry(prompt, now_ns)

    def _sorry(self, prompt: str, now_ns: int, *, guessed: bool = False) -> None:
        self.deadline_ns = NEVER
        if not prompt:
            self._over(now_ns)
            return
        self.state = MESSAGE
        self.deadline_ns = self._saying.begin(prompt, now_ns, guessed=guessed)

    def played(self, token: int, now_ns: int) -> None:
        """The message ran to its end."""
        if (self.state, "played") in MOVES and self._saying.ended(token, now_ns):
            self._over(now_ns)

    def key(self, key: str, now_ns: int) -> None:
        """A key: in the history, and for nobody else."""

    def _over(self, now_ns: int) -> None:
        self.state = OVER
        self.deadline_ns = NEVER
        self._call.talk_over(now_ns)
