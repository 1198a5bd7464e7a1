"""INVITE server transaction: RFC 3261 section 17.2.1 with RFC 6026's Accepted state.

A 2xx is retransmitted by its user (13.3.1.4), see `Answer`; this machine only absorbs the INVITE's
repetitions then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fastpath.wheel import Timer
from sip.events import Address
from sip.limits import NEVER, T1, T2, TIMEOUT

if TYPE_CHECKING:
    from sip.transactions.serving import Serving

STATES = ("proceeding", "completed", "confirmed", "accepted", "terminated")
PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED, TERMINATED = range(5)

EVENTS = (
    "INVITE again",
    "send 1xx",
    "send 2xx",
    "send 3xx-6xx",
    "ACK",
    "timer G",
    "timer H",
    "timer I",
    "timer L",
)
REPEATED, PROVISIONAL, ACCEPT, REFUSE, ACKED, TIMER_G, TIMER_H, TIMER_I, TIMER_L = range(9)

RESEND = 1  # the last response
SEND = 2  # the new response
START_G = 4  # and H
START_I = 8
START_L = 16
FAIL = 32  # no ACK came

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (PROCEEDING, REPEATED): (PROCEEDING, RESEND),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, SEND),
    (PROCEEDING, ACCEPT): (ACCEPTED, SEND | START_L),
    (PROCEEDING, REFUSE): (COMPLETED, SEND | START_G),
    (COMPLETED, REPEATED): (COMPLETED, RESEND),
    (COMPLETED, TIMER_G): (COMPLETED, RESEND),
    (COMPLETED, TIMER_H): (TERMINATED, FAIL),
    (COMPLETED, ACKED): (CONFIRMED, START_I),
    (CONFIRMED, TIMER_I): (TERMINATED, 0),
    (ACCEPTED, TIMER_L): (TERMINATED, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(5))


class ServerInvite(Timer):
    """One INVITE that came. `head` and `to` are what each response repeats of it."""

    __slots__ = (
        "give_up_ns",
        "head",
        "interval_ns",
        "key",
        "layer",
        "merge",
        "response",
        "state",
        "target",
        "to",
        "user",
    )

    def __init__(self, layer: Serving, key: bytes, merge: tuple[bytes, bytes, int]) -> None:
        self.layer = layer
        self.key = key
        self.merge = merge
        self.state = PROCEEDING
        self.head = b""
        self.to = b""
        self.target: Address = ("", 0, 0)
        self.response = b""
        self.user: CancelUser | None = None
        self.interval_ns = 0
        self.give_up_ns = NEVER

    def step(self, event: int) -> int:
        """Take the transition; the actions it asks for."""
        self.state, actions = ROWS[self.state][event]
        return actions

    def timer(self, now_ns: int) -> int:
        """Which timer a due time means in the present state."""
        if self.state == ACCEPTED:
            return TIMER_L
        if self.state == CONFIRMED:
            return TIMER_I
        return TIMER_G if now_ns < self.give_up_ns else TIMER_H

    def tick(self, now_ns: int) -> None:
        """Timers G, H, I, L."""
        self.layer.served_tick(self, now_ns)


class CancelUser(Protocol):
    """Who is told that the caller gave up."""

    def on_cancel(self, q850: int, now_ns: int) -> None:
        """A CANCEL matched the INVITE; it has been answered."""


class AnswerUser(Protocol):
    """Who waits for the ACK of a 2xx."""

    def on_no_ack(self, answer: Answer, now_ns: int) -> None:
        """64*T1 went by without one (13.3.1.4)."""


class Answer(Timer):
    """A 2xx of ours to an INVITE, sent again and again until its ACK comes (13.3.1.4)."""

    __slots__ = (
        "cseq",
        "give_up_ns",
        "interval_ns",
        "layer",
        "response",
        "target",
        "user",
    )

    def __init__(
        self,
        layer: Serving,
        user: AnswerUser,
        cseq: int,
        response: bytes,
        target: Address,
        now_ns: int,
    ) -> None:
        self.layer = layer
        self.user = user
        self.cseq = cseq
        self.response = response
        self.target = target
        self.interval_ns = T1
        self.give_up_ns = now_ns + TIMEOUT
        layer.timers.arm(self, now_ns + T1)

    def acked(self) -> None:
        """Stop."""
        self.layer.timers.arm(self, NEVER)

    def tick(self, now_ns: int) -> None:
        """Send it again, or give up."""
        if now_ns >= self.give_up_ns:
            self.user.on_no_ack(self, now_ns)
            return
        self.layer.resend(self.response, self.target)
        self.interval_ns = min(2 * self.interval_ns, T2)
        self.layer.timers.arm(self, min(now_ns + self.interval_ns, self.give_up_ns))
