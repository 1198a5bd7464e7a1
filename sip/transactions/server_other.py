"""Non-INVITE server transaction: RFC 3261 section 17.2.2.

Every request but INVITE is answered at once here, so Trying and Proceeding last no time: what is
left is Completed, which repeats the answer until timer J.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.wheel import Timer
from sip.events import Address

if TYPE_CHECKING:
    from sip.transactions.serving import Serving

STATES = ("trying", "completed", "terminated")
TRYING, COMPLETED, TERMINATED = range(3)

EVENTS = ("request again", "send 2xx-6xx", "timer J")
REPEATED, FINAL, TIMER_J = range(3)

RESEND = 1
SEND = 2
START_J = 4

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (TRYING, FINAL): (COMPLETED, SEND | START_J),
    (COMPLETED, REPEATED): (COMPLETED, RESEND),
    (COMPLETED, TIMER_J): (TERMINATED, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(3))


class ServerOther(Timer):
    """One request other than INVITE that came, and our answer to it."""

    __slots__ = ("key", "layer", "response", "state", "target")

    def __init__(self, layer: Serving, key: tuple[bytes, str], target: Address) -> None:
        self.layer = layer
        self.key = key
        self.target = target
        self.state = TRYING
        self.response = b""

    def step(self, event: int) -> int:
        """Take the transition; the actions it asks for."""
        self.state, actions = ROWS[self.state][event]
        return actions

    def tick(self, now_ns: int) -> None:  # noqa: ARG002 - the owners' common form
        """Timer J."""
        self.layer.served_other_tick(self)
