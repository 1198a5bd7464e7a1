"""INVITE client transaction: RFC 3261 section 17.1.1 with RFC 6026's Accepted state.

The table is the whole machine: (state, event) -> (next state, actions). An event that is not in it
changes nothing
(a late 1xx, a 2xx after a 486). States, events and actions are plain integers: they are compared
for every message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.wheel import Timer
from sip.events import Address
from sip.limits import NEVER

if TYPE_CHECKING:
    from sip.transactions.table import InviteUser, Transactions

STATES = ("calling", "proceeding", "completed", "accepted", "terminated", "expired")
CALLING, PROCEEDING, COMPLETED, ACCEPTED, TERMINATED, EXPIRED = range(6)

EVENTS = ("1xx", "2xx", "3xx-6xx", "timer A", "timer B", "timer D", "timer M", "unreachable")
PROVISIONAL, ACCEPT, REFUSE, TIMER_A, TIMER_B, TIMER_D, TIMER_M, UNREACHABLE = range(8)

TELL = 1  # hand the response to the user
ACK = 2  # acknowledge a refusal, on the same branch (17.1.1.3)
RESEND = 4
FAIL = 8  # tell the user that no answer came
START_B = 16  # in proceeding: how long it may ring
START_D = 32
START_M = 64

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (CALLING, PROVISIONAL): (PROCEEDING, TELL | START_B),
    (CALLING, ACCEPT): (ACCEPTED, TELL | START_M),
    (CALLING, REFUSE): (COMPLETED, TELL | ACK | START_D),
    (CALLING, TIMER_A): (CALLING, RESEND),
    (CALLING, TIMER_B): (EXPIRED, FAIL | START_M),
    (CALLING, UNREACHABLE): (TERMINATED, FAIL),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, TELL),
    (PROCEEDING, ACCEPT): (ACCEPTED, TELL | START_M),
    (PROCEEDING, REFUSE): (COMPLETED, TELL | ACK | START_D),
    (PROCEEDING, TIMER_B): (PROCEEDING, FAIL),
    (COMPLETED, REFUSE): (COMPLETED, ACK),
    (COMPLETED, TIMER_D): (TERMINATED, 0),
    (ACCEPTED, ACCEPT): (ACCEPTED, TELL),
    (ACCEPTED, TIMER_M): (TERMINATED, 0),
    # No RFC has this state: whoever answers after timer B must not be left with an open call.
    (EXPIRED, PROVISIONAL): (EXPIRED, TELL),
    (EXPIRED, ACCEPT): (ACCEPTED, TELL | START_M),
    (EXPIRED, REFUSE): (COMPLETED, ACK | START_D),
    (EXPIRED, TIMER_M): (TERMINATED, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(6))


class ClientInvite(Timer):
    """One INVITE on its way. The transaction layer owns the timers and what is sent."""

    __slots__ = (
        "ack",
        "branch",
        "cancelled",
        "give_up_ns",
        "interval_ns",
        "layer",
        "request",
        "state",
        "target",
        "user",
    )

    def __init__(
        self,
        layer: Transactions,
        user: InviteUser,
        branch: bytes,
        request: bytes,
        target: Address,
    ) -> None:
        self.layer = layer
        self.user = user
        self.branch = branch
        self.request = request
        self.target = target
        self.state = CALLING
        self.ack = b""  # of a refusal
        self.cancelled = False
        self.interval_ns = 0
        self.give_up_ns = NEVER

    def step(self, event: int) -> int:
        """Take the transition; the actions it asks for."""
        self.state, actions = ROWS[self.state][event]
        return actions

    def timer(self, now_ns: int) -> int:
        """Which timer a due time means in the present state."""
        if self.state == COMPLETED:
            return TIMER_D
        if self.state == ACCEPTED or self.state == EXPIRED:  # noqa: PLR1714 - no set is made
            return TIMER_M
        if self.state == CALLING and now_ns < self.give_up_ns:
            return TIMER_A
        return TIMER_B

    def tick(self, now_ns: int) -> None:
        """Timers A, B, D, M."""
        self.layer.invite_tick(self, now_ns)
