"""Who listens in on calls: telephones that are rung for it, and how they speak.

    | state     | what it waits for           | and then                     |
    |-----------|-----------------------------|------------------------------|
    | ringing   | the telephone, `RING_S`     | the mode that was asked for  |
    | listen    | another order, key, the end | another mode, or leaving     |
    | whisper   | the same                    |                              |
    | barge     | the same                    |                              |
    | leaving   | the end of its leg          | over                         |

Keys of that telephone order, too: 4 listen, 5 whisper, 6 barge. Whispering needs an agent who hears
the customer; when that agent has gone, nobody hears the whispers until another one is there. The
call itself is neither asked nor told: it gets lines in its history and nothing else.
"""

from __future__ import annotations

from enum import StrEnum
from heapq import heappop, heappush
from typing import Final

from dialerd.core.agent_call import AgentCall
from dialerd.core.call import UP, Call
from dialerd.core.clock import NEVER
from dialerd.core.effects import ListenIn, Release, RingAgent
from dialerd.core.events import Answered, Digit, LegEvent, MediaLost, Released
from dialerd.core.floor import Floor
from dialerd.core.limits import SUPERVISORS_MAX
from dialerd.core.over_call import OverCall
from dialerd.core.pacing import NS
from dialerd.core.records import EventKind
from dialerd.core.supervise_records import Supervise, SuperviseMode
from dialerd.core.talk import BRIDGED

RING_S: Final = 30
KEYS: Final = {
    "4": SuperviseMode.LISTEN,
    "5": SuperviseMode.WHISPER,
    "6": SuperviseMode.BARGE,
}


class State(StrEnum):
    """Where a supervisor stands."""

    RINGING = "ringing"
    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    LEAVING = "leaving"
    OVER = "over"


RINGING, LISTEN, WHISPER, BARGE, LEAVING, OVER = State
_HEARING: Final = (LISTEN, WHISPER, BARGE)

# (state, trigger) -> the states it may lead to. What is not in it is ignored: it came too late.
# Triggers: up and gone (the telephone), listen, whisper and barge (an order or a key), leave (an
# order, lost media), ended (the call is over), and time.
MOVES: Final[dict[tuple[State, str], tuple[State, ...]]] = {
    (RINGING, "up"): _HEARING,
    (RINGING, "time"): (LEAVING,),
    **{(RINGING, mode): (RINGING,) for mode in _HEARING},
    **{(state, mode): (mode,) for state in _HEARING for mode in _HEARING},
    **{(state, "leave"): (LEAVING,) for state in (RINGING, *_HEARING)},
    **{(state, "ended"): (LEAVING,) for state in (RINGING, *_HEARING)},
    **{(state, "gone"): (OVER,) for state in (RINGING, *_HEARING, LEAVING)},
}


class Supervisor:
    """One person at one call."""

    __slots__ = ("call", "leg", "mode", "phone", "ring_ns", "since_ms", "state", "who")

    def __init__(self, call: Call, order: Supervise, leg: int, now_ns: int, now_ms: int) -> None:
        """The telephone rings."""
        self.call = call
        self.who = order.who
        self.mode = order.mode or SuperviseMode.LISTEN
        self.phone = order.phone
        self.leg = leg
        self.state = RINGING
        self.since_ms = now_ms
        self.ring_ns = now_ns + RING_S * NS

    @property
    def ringing(self) -> bool:
        """Whether the telephone is not answered yet."""
        return self.state is RINGING

    def may(self, trigger: str) -> bool:
        """Whether its state knows this."""
        return (self.state, trigger) in MOVES


class Supervisors:
    """All of them."""

    __slots__ = ("_calls", "_floor", "_legs", "_timers")

    def __init__(self, floor: Floor) -> None:
        """Nobody listens in."""
        self._floor = floor
        self._legs: dict[int, Supervisor] = {}
        self._calls: dict[int, dict[str, Supervisor]] = {}  # attempt -> by who
        self._timers: list[tuple[int, int]] = []  # (when, leg); a stale entry finds nothing due

    # -- what people ask -------------------------------------------------------------------------

    def of(self, attempt_id: int) -> tuple[Supervisor, ...]:
        """Who listens in on a call, the first to come first."""
        return tuple(self._calls.get(attempt_id, {}).values())

    def why_not(self, call: Call, order: Supervise) -> str:
        """Why an order cannot be carried out, in words; empty when it can."""
        there = self._calls.get(call.claim.attempt_id, {})
        if order.mode is None:
            return "" if order.who in there else f"{order.who} does not listen in on this call"
        if isinstance(call, OverCall):
            return "it is the call to one whom a person is put through to: listen in on that person"
        if call.state is not UP:
            return f"the call is {call.state.name.lower()}: nobody to hear"
        if order.mode is SuperviseMode.WHISPER and not has_agent(call):
            return "no agent talks with this customer: nobody to whisper to"
        if order.who in there:
            return ""
        if not order.phone:
            return "say which telephone is to ring (phone)"
        if len(there) >= SUPERVISORS_MAX:
            return f"{SUPERVISORS_MAX} listen in on this call already"
        return ""

    def ordered(self, call: Call, order: Supervise, now_ns: int) -> None:
        """Ring a telephone, change how somebody speaks, or let one go."""
        if self.why_not(call, order):
            return  # it was allowed when it was asked for
        attempt_id = call.claim.attempt_id
        one = self._calls.get(attempt_id, {}).get(order.who)
        if one is None:
            self._ring(call, order, now_ns)
        elif order.mode is None:
            self._leave(one, "leave", now_ns)
        else:
            self._speak(one, order.mode, now_ns)

    def ended(self, call: Call, now_ns: int) -> None:
        """A call is over: so is listening to it."""
        for one in list(self._calls.get(call.claim.attempt_id, {}).values()):
            self._leave(one, "ended", now_ns)

    # -- legs ------------------------------------------------------------------------------------

    def owns(self, leg: int) -> bool:
        """Whether a leg is a supervisor's."""
        return leg in self._legs

    def on_leg(self, event: LegEvent, now_ns: int) -> bool:
        """One event of a leg; False when it is no supervisor's."""
        one = self._legs.get(event.leg)
        if one is None:
            return False
        kind = type(event)
        if kind is Answered and one.may("up") and one.call.state is not UP:
            self._leave(one, "leave", now_ns)  # the call is being hung up: nobody to hear
        elif kind is Answered and one.may("up"):
            one.state = State(one.mode)
            one.ring_ns = NEVER
            self._tell(one, now_ns)
        elif isinstance(event, Digit) and one.state in _HEARING and event.digit in KEYS:
            mode = KEYS[event.digit]
            if mode is not SuperviseMode.WHISPER or has_agent(one.call):
                self._speak(one, mode, now_ns)
        elif kind is MediaLost:
            self._leave(one, "leave", now_ns)
        elif kind is Released:
            self._gone(one, now_ns)
        return True

    def _ring(self, call: Call, order: Supervise, now_ns: int) -> None:
        floor, attempt_id = self._floor, call.claim.attempt_id
        leg, now_ms = floor.next_leg(), floor.clock.ms(now_ns)
        one = Supervisor(call, order, leg, now_ns, now_ms)
        self._legs[leg] = one
        self._calls.setdefault(attempt_id, {})[one.who] = one
        heappush(self._timers, (one.ring_ns, leg))
        call_id = f"supervisor.{now_ms:x}.{leg}@{floor.host}"
        floor.out.append(RingAgent(attempt_id, leg, one.who, one.phone, call_id))

    def _speak(self, one: Supervisor, mode: SuperviseMode, now_ns: int) -> None:
        if not one.may(mode) or one.mode is mode:
            return
        one.mode = mode
        if one.state is not RINGING:
            one.state = State(mode)
            self._tell(one, now_ns)

    def _tell(self, one: Supervisor, now_ns: int) -> None:
        """From now on it is heard by whom its mode says; the call's history has it."""
        call = one.call
        call.record(EventKind.SUPERVISED, f"{one.mode} {one.who}", now_ns)
        self._floor.out.append(ListenIn(call.claim.attempt_id, one.leg, call.leg, one.mode))

    def _leave(self, one: Supervisor, trigger: str, now_ns: int) -> None:
        if not one.may(trigger):
            return
        if trigger != "ended":
            self._noted(one, now_ns)
        one.state = LEAVING
        one.ring_ns = NEVER
        self._forget(one)
        self._floor.out.append(Release(one.call.claim.attempt_id, one.leg))

    def _gone(self, one: Supervisor, now_ns: int) -> None:
        del self._legs[one.leg]
        if one.state is not LEAVING:
            self._noted(one, now_ns)
            self._forget(one)
        one.state = OVER

    def _noted(self, one: Supervisor, now_ns: int) -> None:
        """The history says that it left, if it heard anything."""
        if one.state in _HEARING:
            one.call.record(EventKind.UNSUPERVISED, one.who, now_ns)

    def _forget(self, one: Supervisor) -> None:
        attempt_id = one.call.claim.attempt_id
        there = self._calls[attempt_id]
        del there[one.who]
        if not there:
            del self._calls[attempt_id]

    # -- time ------------------------------------------------------------------------------------

    def deadline_ns(self) -> int:
        """When the next telephone has rung long enough."""
        return self._timers[0][0] if self._timers else NEVER

    def tick(self, now_ns: int) -> None:
        """Telephones that nobody answered."""
        while self._timers and self._timers[0][0] <= now_ns:
            one = self._legs.get(heappop(self._timers)[1])
            if one is not None and one.ring_ns <= now_ns and one.may("time"):
                self._leave(one, "leave", now_ns)


def has_agent(call: Call) -> bool:
    """Whether an agent and the customer of a call hear each other."""
    talk = call.talk if isinstance(call, AgentCall) else None
    return talk is not None and talk.state is BRIDGED
