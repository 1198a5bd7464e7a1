"""One carrier's called side: each dialed number gets its person, each call its two ledger lines.

Sans-IO and free of SIP, so that any kind of line can drive it. What a person does is in `people`;
this machine lets it happen at the right time:

    DIALED ── ALERT ──> ALERTED ── FINAL ──> ANSWERED ── Confirmed ──> TALKING ── LEAVE ──> ENDING
       └────── FINAL ──────────────┴──> (another final answer) ENDING          └─ KEY (any number)

`Gone` ends a call in any state and writes its last line. A step that the table does not have for a
state is dropped: it belongs to a moment that the other side has made obsolete (a key before the ACK
came, hanging up twice).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

import msgspec

from dialerd.sim import limits
from dialerd.sim.ledger import Ended, Entry, Seen, phone_of
from dialerd.sim.people import Fate, Person, Town, person

S = 1_000_000_000
MS = 1_000_000


class State(StrEnum):
    """Where a call stands, as this carrier sees it."""

    DIALED = "dialed"
    ALERTED = "alerted"
    ANSWERED = "answered"  # 200 sent
    TALKING = "talking"  # and acknowledged
    ENDING = "ending"  # refused or hung up by us; `Gone` is awaited


class Step(StrEnum):
    """What a person, or the network for it, does next."""

    ALERT = "alert"
    FINAL = "final"
    KEY = "key"
    LEAVE = "leave"


#: (state, step) to the next state; FINAL leads to ENDING when the final answer is a refusal.
TRANSITIONS: dict[tuple[State, Step], State] = {
    (State.DIALED, Step.ALERT): State.ALERTED,
    (State.DIALED, Step.FINAL): State.ANSWERED,
    (State.ALERTED, Step.FINAL): State.ANSWERED,
    (State.TALKING, Step.KEY): State.TALKING,
    (State.ANSWERED, Step.LEAVE): State.ENDING,
    (State.TALKING, Step.LEAVE): State.ENDING,
}

By = Literal["caller", "called", "timeout", "shutdown"]


class Invited(msgspec.Struct, frozen=True):
    """A new call (never a retransmission)."""

    leg: int
    call_id: str
    user: str
    source: str = ""


class Confirmed(msgspec.Struct, frozen=True):
    """The caller knows that we answered (ACK)."""

    leg: int


class Unable(msgspec.Struct, frozen=True):
    """An `Answer` cannot be given: the caller offers no audio we know, or we have no port."""

    leg: int


class Gone(msgspec.Struct, frozen=True):
    """The call is over, whoever ended it; exactly one for each `Invited`."""

    leg: int
    by: By
    rtp_received: int = 0
    rtp_sent: int = 0


class Close(msgspec.Struct, frozen=True):
    """The carrier shuts down: every call is ended, new ones are refused."""


Event = Invited | Confirmed | Unable | Gone | Close


class Alert(msgspec.Struct, frozen=True):
    """180, or 183 with an announcement."""

    leg: int
    early_media: bool


class Answer(msgspec.Struct, frozen=True):
    """200 with SDP."""

    leg: int


class Refuse(msgspec.Struct, frozen=True):
    """A final answer of 400 or above."""

    leg: int
    code: int
    phrase: str
    q850: int


class HangUp(msgspec.Struct, frozen=True):
    """BYE."""

    leg: int


class Press(msgspec.Struct, frozen=True):
    """A key, as RFC 4733 packets."""

    leg: int
    digit: str


class Write(msgspec.Struct, frozen=True):
    """A line for the ledger. It comes before anything else that the same event causes."""

    entry: Entry


Effect = Alert | Answer | Refuse | HangUp | Press | Write


class _Call:
    """What is known of a live call."""

    __slots__ = (
        "answered_ms",
        "code",
        "digits",
        "invited",
        "person",
        "q850",
        "rang_ms",
        "seen",
        "state",
    )

    def __init__(self, invited: Invited, who: Person, seen: Seen) -> None:
        self.invited = invited
        self.person = who
        self.seen = seen
        self.state = State.DIALED
        self.code = 0
        self.q850 = 0
        self.rang_ms = 0
        self.answered_ms = 0
        self.digits = ""


class Callee:
    """The machine; its contract is the project's: handle, deadline_ns, tick, drain."""

    def __init__(
        self,
        name: str,
        town: Town,
        seed: int,
        *,
        wall_offset_ns: int,
        hears: Callable[[int], int],
        channels: int = limits.CALLS_MAX,
    ) -> None:
        """Set up a carrier without calls.

        Args:
            name: of the carrier, as the ledger shows it.
            town: settings of the people, checked.
            seed: of the run.
            wall_offset_ns: wall clock minus the monotonic time handed in.
            hears: RTP packets received so far on a leg; who has heard nothing presses nothing.
            channels: calls at once; the next one is refused with 503.
        """
        self.name = name
        self.calls_seen = 0
        self._town = town
        self._seed = seed
        self._offset_ns = wall_offset_ns
        self._hears = hears
        self._channels = channels
        self._closing = False
        self._calls: dict[int, _Call] = {}
        self._steps: list[tuple[int, int, int, Step, str]] = []  # heap: when, order, leg, step, key
        self._order = 0
        self._effects: list[Effect] = []

    @property
    def calls_up(self) -> int:
        """Calls that are not over."""
        return len(self._calls)

    def handle(self, event: Event, now_ns: int) -> None:
        """Take one event in; events of unknown legs are dropped."""
        if isinstance(event, Invited):
            self._invited(event, now_ns)
        elif isinstance(event, Confirmed):
            call = self._calls.get(event.leg)
            if call is not None and call.state is State.ANSWERED:
                call.state = State.TALKING
        elif isinstance(event, Unable):
            call = self._calls.get(event.leg)
            if call is not None and call.state is State.ANSWERED:
                call.answered_ms = 0
                self._end(event.leg, call, 488, "Not Acceptable Here", 88)
        elif isinstance(event, Gone):
            self._gone(event, now_ns)
        else:
            self._closing = True
            for leg, call in self._calls.items():
                self._end(leg, call, 503, "Service Unavailable", 41)

    def deadline_ns(self) -> int | None:
        """When `tick` has something to do; None: never by itself."""
        while self._steps and self._steps[0][2] not in self._calls:
            heapq.heappop(self._steps)
        return self._steps[0][0] if self._steps else None

    def tick(self, now_ns: int) -> None:
        """Let everything happen that is due."""
        while self._steps and self._steps[0][0] <= now_ns:
            _, _, leg, step, key = heapq.heappop(self._steps)
            call = self._calls.get(leg)
            if call is None:
                continue
            after = TRANSITIONS.get((call.state, step))
            if after is not None:
                self._step(leg, call, step, after, key, now_ns)

    def drain(self) -> list[Effect]:
        """What is to be done, in this order; each effect once."""
        effects, self._effects = self._effects, []
        return effects

    def _wall_ms(self, now_ns: int) -> int:
        return (now_ns + self._offset_ns) // MS

    def _invited(self, event: Invited, now_ns: int) -> None:
        seen = Seen(
            self._wall_ms(now_ns),
            self.name,
            event.call_id[: limits.CALL_ID_CHARS_MAX],
            event.user[: limits.USER_CHARS_MAX],
            event.source,
        )
        self._effects.append(Write(seen))
        self.calls_seen += 1
        number = phone_of(event.user)
        who = person(self._town, self._seed, str(number or event.user), self.name)
        call = _Call(event, who, seen)
        full = self._closing or len(self._calls) >= self._channels
        self._calls[event.leg] = call
        if full:
            self._end(event.leg, call, 503, "Service Unavailable", 34)
        elif number is None:
            self._end(event.leg, call, 404, "Not Found", 1)
        else:
            if who.alerts:
                self._at(now_ns, who.setup_s, event.leg, Step.ALERT)
            self._at(now_ns, who.final_s, event.leg, Step.FINAL)

    def _at(self, now_ns: int, after_s: float, leg: int, step: Step, key: str = "") -> None:
        self._order += 1
        entry = (now_ns + int(after_s * S), self._order, leg, step, key)
        heapq.heappush(self._steps, entry)

    def _step(self, leg: int, call: _Call, step: Step, after: State, key: str, now_ns: int) -> None:
        who = call.person
        if step is Step.ALERT:
            call.rang_ms = max(1, self._wall_ms(now_ns) - call.seen.at_ms)
            self._effects.append(Alert(leg, who.early_media))
        elif step is Step.FINAL:
            if who.fate is not Fate.ANSWERS:
                self._end(leg, call, who.code, who.phrase, who.q850)
                return
            call.code, call.answered_ms = 200, self._wall_ms(now_ns)
            self._effects.append(Answer(leg))
            for at_s, digit in who.keys:
                self._at(now_ns, at_s, leg, Step.KEY, digit)
            self._at(now_ns, who.leaves_s, leg, Step.LEAVE)
        elif step is Step.KEY and self._hears(leg) > 0:
            call.digits += key
            self._effects.append(Press(leg, key))
        else:  # it is time to go, or nothing was ever heard
            self._effects.append(HangUp(leg))
            after = State.ENDING
        call.state = after

    def _end(self, leg: int, call: _Call, code: int, phrase: str, q850: int) -> None:
        """Refuse a call that is not answered, hang up one that is."""
        if call.state is State.ENDING:
            return
        if call.answered_ms:
            self._effects.append(HangUp(leg))
        else:
            call.code, call.q850 = code, q850
            self._effects.append(Refuse(leg, code, phrase, q850))
        call.state = State.ENDING

    def _gone(self, event: Gone, now_ns: int) -> None:
        call = self._calls.pop(event.leg, None)
        if call is None:
            return
        what: Literal["answered", "cancelled", "rejected"] = "rejected"
        if call.answered_ms:
            what = "answered"
        elif call.code == 0:
            what, call.code = "cancelled", 487
        self._effects.append(
            Write(
                Ended(
                    self._wall_ms(now_ns),
                    self.name,
                    call.seen.call_id,
                    call.seen.user,
                    what,
                    "shutdown" if self._closing and event.by == "called" else event.by,
                    call.code,
                    call.q850,
                    call.rang_ms,
                    call.answered_ms,
                    call.digits,
                    event.rtp_received,
                    event.rtp_sent,
                )
            )
        )
