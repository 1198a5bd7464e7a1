"""One agent: where they stand, from login to logout.

Rules:
1. An agent is in one call at most: only a READY one is reserved, and is READY no more.
2. A pause or a logout in the middle of a call is kept in `then` and comes true after it.
3. The wrap-up ends when the call is disposed of, or with its time.
4. A lost agent gets nothing new. The conversation goes on for as long as its leg does; a leg that
   falls is waited for until the grace is over.
5. Nailed up: READY only while the leg of the shift is up; until then PAUSED, reason "phone".

What follows from a move (ringing, bridging, the next customer) is `dialerd.core.desk`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dialerd.core.agent_records import AgentState
from dialerd.core.clock import NEVER
from dialerd.core.pacing import NS

if TYPE_CHECKING:
    from dialerd.core.agent_call import AgentCall
    from dialerd.core.running import Held, Run
    from dialerd.core.standing import Owed

OFFLINE, PAUSED, READY, RESERVED, TALKING, WRAP_UP, LOST = AgentState
PHONE: Final = "phone"  # why an agent of a shift is not ready yet
REST: Final = "rest"

# (state, trigger) -> (method, the states it may lead to). Triggers of the agent: login, ready,
# pause, logout, lost, back. Of the dialer: up and gone (the agent's leg), reserve, connect, free
# (the customer did not answer, or the card went), over (the conversation), time, and restore, after
# a restart (`dialerd.core.standing`). What is not in it is refused with words when the agent asked
# for it, and a fault of ours otherwise.
MOVES: Final[dict[tuple[AgentState, str], tuple[str, tuple[AgentState, ...]]]] = {
    (OFFLINE, "login"): ("_login", (PAUSED,)),
    (OFFLINE, "restore"): ("_restore", (PAUSED, READY, RESERVED, WRAP_UP)),
    (PAUSED, "ready"): ("_ready", (READY, PAUSED)),
    (PAUSED, "pause"): ("_pause", (PAUSED,)),
    (PAUSED, "logout"): ("_logout", (OFFLINE,)),
    (PAUSED, "lost"): ("_lost", (LOST,)),
    (PAUSED, "up"): ("_shift_up", (READY, PAUSED)),
    (PAUSED, "time"): ("_rested", (READY, PAUSED)),
    (READY, "ready"): ("_stay", (READY,)),
    (READY, "pause"): ("_pause", (PAUSED,)),
    (READY, "logout"): ("_logout", (OFFLINE,)),
    (READY, "lost"): ("_lost", (LOST,)),
    (READY, "gone"): ("_no_phone", (PAUSED,)),
    (READY, "reserve"): ("_reserve", (RESERVED,)),
    (RESERVED, "ready"): ("_then_ready", (RESERVED,)),
    (RESERVED, "pause"): ("_then_pause", (RESERVED,)),
    (RESERVED, "logout"): ("_logout", (OFFLINE,)),
    (RESERVED, "lost"): ("_lost", (LOST,)),
    (RESERVED, "gone"): ("_no_phone", (PAUSED,)),
    (RESERVED, "connect"): ("_connect", (TALKING,)),
    (RESERVED, "free"): ("_next", (READY, PAUSED, OFFLINE)),
    (TALKING, "ready"): ("_then_ready", (TALKING,)),
    (TALKING, "pause"): ("_then_pause", (TALKING,)),
    (TALKING, "logout"): ("_then_logout", (TALKING,)),
    (TALKING, "lost"): ("_lost", (LOST,)),
    (TALKING, "over"): ("_over", (WRAP_UP,)),
    (TALKING, "gone"): ("_no_phone", (PAUSED,)),
    (WRAP_UP, "ready"): ("_wrapped", (READY, PAUSED)),
    (WRAP_UP, "pause"): ("_then_pause", (WRAP_UP,)),
    (WRAP_UP, "logout"): ("_logout", (OFFLINE,)),
    (WRAP_UP, "lost"): ("_lost", (LOST,)),
    (WRAP_UP, "free"): ("_next", (READY, PAUSED, OFFLINE)),
    (WRAP_UP, "time"): ("_next", (READY, PAUSED, OFFLINE)),
    (LOST, "back"): ("_back", (READY, PAUSED, TALKING, WRAP_UP)),
    (LOST, "login"): ("_back", (READY, PAUSED, TALKING, WRAP_UP)),
    (LOST, "over"): ("_over_lost", (LOST, OFFLINE)),
    (LOST, "time"): ("_given_up", (LOST, OFFLINE)),
    (LOST, "logout"): ("_logout", (OFFLINE,)),
}

_WORDS: Final = {
    "login": "you are in a call",
    "ready": "not logged in at a telephone",
    "pause": "not logged in at a telephone",
    "logout": "not logged in at a telephone",
    "lost": "not logged in at a telephone",
    "back": "you were not away",
}


class Refusal(Exception):  # noqa: N818
    """What an agent asked for is not possible now; the text says why."""


class Agent:
    """The machine of one agent. Owned by a `Desk`."""

    __slots__ = (
        "asked",
        "asked_own",
        "call",
        "calls",
        "campaigns",
        "card",
        "deadline_ns",
        "grace_ns",
        "home",
        "idle_ns",
        "leg",
        "leg_up",
        "nailed_up",
        "name",
        "number",
        "owed",
        "own",
        "phone",
        "queues",
        "reason",
        "rest_ns",
        "return_ns",
        "ring_ns",
        "run",
        "since_ns",
        "spent",
        "state",
        "then",
        "then_reason",
        "timer_ns",
        "was",
        "wrap_ns",
    )  # fmt: skip

    def __init__(self, name: str, number: int) -> None:
        """Offline. `number` stands for the name where names are not wanted."""
        self.name = name
        self.number = number
        self.phone = ""
        self.nailed_up = False
        self.campaigns: tuple[int, ...] = ()
        self.queues: tuple[str, ...] = ()
        self.state = OFFLINE
        self.reason = ""
        self.since_ns = 0
        self.deadline_ns = NEVER  # of the state
        self.timer_ns = NEVER  # the owner's: when it next looks at this agent
        self.then = READY  # where it goes after the call
        self.then_reason = ""
        self.was = OFFLINE  # before it was lost, or the daemon was
        self.wrap_ns = 0  # longest wrap-up of its present campaign; 0: until it is disposed of
        self.rest_ns = 0
        self.grace_ns = 0
        self.idle_ns = 0  # since when it has not talked
        self.leg = 0  # at its telephone; 0: none
        self.leg_up = False
        self.ring_ns = NEVER  # until when its telephone rings
        self.return_ns = 0  # until when a telephone that does not answer is rung again
        self.asked: Run | None = None  # a customer was asked for and has not come yet
        self.asked_own = False  # only one of its own callbacks
        self.card: Held | None = None  # a customer that is not dialed yet
        self.call: AgentCall | None = None  # being placed, or talked with
        self.run: Run | None = None  # of its card or call, also in the wrap-up
        self.owed: AgentCall | Owed | None = None  # ended, and not disposed of
        self.home: Run | None = None  # whose pacer counts on it
        self.own: dict[int, int] = {}  # when its next callback of a campaign is due; none: unknown
        self.spent = dict.fromkeys(AgentState, 0)  # ns
        self.calls = 0

    @property
    def places(self) -> tuple[int | str, ...]:
        """Where customers wait for it: campaigns, queues, and those who want nobody else."""
        return *self.campaigns, *(f"queue {name}" for name in self.queues), f"agent {self.name}"

    @property
    def at_phone(self) -> bool:
        """Whether its leg is up, or will be rung when there is a call."""
        return self.leg_up or not self.nailed_up

    def can(self, trigger: str) -> bool:
        """Whether its state knows a trigger."""
        return (self.state, trigger) in MOVES

    def go(self, trigger: str, now_ns: int, reason: str = "") -> AgentState:
        """Move; the state it comes from. Refusal when the state does not know the trigger."""
        action = _ACTIONS.get((self.state, trigger))
        if action is None:
            raise Refusal(_WORDS.get(trigger, f"not while you are {self.state}"))
        before = self.state
        action(self, now_ns, reason)
        return before

    # -- the table's actions ---------------------------------------------------------------------

    def _enter(self, state: AgentState, now_ns: int, reason: str = "") -> None:
        if state is not self.state:
            self.spent[self.state] += now_ns - self.since_ns
            self.since_ns = now_ns
        self.state = state
        self.reason = reason
        self.deadline_ns = NEVER

    def _stay(self, _: int, __: str) -> None:
        """As it is."""

    def _login(self, now_ns: int, _: str) -> None:
        self.then, self.then_reason = PAUSED, ""
        self.idle_ns = now_ns
        self._enter(PAUSED, now_ns)

    def _restore(self, now_ns: int, reason: str) -> None:
        if self.was is READY:
            self._ready(now_ns, "")
            return
        self._enter(self.was, now_ns, reason if self.was is PAUSED else "")
        if self.was is WRAP_UP and self.wrap_ns:
            self.deadline_ns = now_ns + self.wrap_ns

    def _ready(self, now_ns: int, _: str) -> None:
        self.then, self.then_reason = READY, ""
        if self.at_phone:
            self._enter(READY, now_ns)
        else:
            self._enter(PAUSED, now_ns, PHONE)

    def _pause(self, now_ns: int, reason: str) -> None:
        self.then, self.then_reason = PAUSED, reason
        self._enter(PAUSED, now_ns, reason)

    def _shift_up(self, now_ns: int, _: str) -> None:
        if self.then is READY and self.reason == PHONE:
            self._enter(READY, now_ns)

    def _rested(self, now_ns: int, _: str) -> None:
        if self.reason == REST:
            self._ready(now_ns, "")

    def _no_phone(self, now_ns: int, reason: str) -> None:
        self._enter(PAUSED, now_ns, reason or PHONE)

    def _logout(self, now_ns: int, _: str) -> None:
        self._enter(OFFLINE, now_ns)

    def _reserve(self, now_ns: int, _: str) -> None:
        self._enter(RESERVED, now_ns)

    def _connect(self, now_ns: int, _: str) -> None:
        self.calls += 1
        self._enter(TALKING, now_ns)

    def _then_ready(self, _: int, __: str) -> None:
        self.then, self.then_reason = READY, ""

    def _then_pause(self, _: int, reason: str) -> None:
        self.then, self.then_reason = PAUSED, reason

    def _then_logout(self, _: int, __: str) -> None:
        self.then = OFFLINE

    def _over(self, now_ns: int, _: str) -> None:
        self.idle_ns = now_ns
        self._enter(WRAP_UP, now_ns)
        if self.wrap_ns:
            self.deadline_ns = now_ns + self.wrap_ns

    def _wrapped(self, now_ns: int, _: str) -> None:
        if not self.wrap_ns:
            raise Refusal("say first what came of the call")
        self.then, self.then_reason = READY, ""
        self._next(now_ns, "")

    def _next(self, now_ns: int, _: str) -> None:
        """After a call: what was asked for meanwhile, a rest, or the next one."""
        rests = self.state is WRAP_UP and self.rest_ns > 0
        if self.then is READY and rests:
            self._enter(PAUSED, now_ns, REST)
            self.deadline_ns = now_ns + self.rest_ns
        elif self.then is READY:
            self._ready(now_ns, "")
        else:
            self._enter(self.then, now_ns, self.then_reason)

    def _lost(self, now_ns: int, _: str) -> None:
        self.was = READY if self.state is RESERVED else self.state
        self._enter(LOST, now_ns)
        self.deadline_ns = now_ns + self.grace_ns

    def _back(self, now_ns: int, _: str) -> None:
        if self.was is READY or (self.was is PAUSED and self.then is READY):
            self._ready(now_ns, "")
            return
        self._enter(self.was, now_ns, self.then_reason if self.was is PAUSED else "")
        if self.was is WRAP_UP and self.wrap_ns:
            self.deadline_ns = now_ns + self.wrap_ns

    def _over_lost(self, now_ns: int, _: str) -> None:
        self.idle_ns = now_ns
        self.was = WRAP_UP
        if self.deadline_ns >= NEVER:  # the grace was over long ago
            self._enter(OFFLINE, now_ns)

    def _given_up(self, now_ns: int, _: str) -> None:
        if self.was is TALKING and self.leg_up:
            self.deadline_ns = NEVER  # they still talk; after that it is over
        else:
            self._enter(OFFLINE, now_ns)


_ACTIONS: Final[dict[tuple[AgentState, str], Callable[[Agent, int, str], None]]] = {
    key: getattr(Agent, method) for key, (method, _) in MOVES.items()
}


def ns(seconds: float) -> int:
    """Seconds of a setting as nanoseconds."""
    return round(seconds * NS)
