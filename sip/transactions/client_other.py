"""Non-INVITE client transaction: RFC 3261 section 17.1.2 (BYE, CANCEL).

See `client_invite` for how to read the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.wheel import Timer
from sip.events import Address
from sip.limits import NEVER

if TYPE_CHECKING:
    from sip.transactions.table import OtherUser, Transactions

STATES = ("trying", "proceeding", "completed", "terminated")
TRYING, PROCEEDING, COMPLETED, TERMINATED = range(4)

EVENTS = ("1xx", "2xx-6xx", "timer E", "timer F", "timer K", "unreachable")
PROVISIONAL, FINAL, TIMER_E, TIMER_F, TIMER_K, UNREACHABLE = range(6)

TELL = 1
RESEND = 2
FAIL = 4
START_K = 8

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (TRYING, PROVISIONAL): (PROCEEDING, 0),
    (TRYING, FINAL): (COMPLETED, TELL | START_K),
    (TRYING, TIMER_E): (TRYING, RESEND),
    (TRYING, TIMER_F): (TERMINATED, FAIL),
    (TRYING, UNREACHABLE): (TERMINATED, FAIL),
    (PROCEEDING, FINAL): (COMPLETED, TELL | START_K),
    (PROCEEDING, TIMER_E): (PROCEEDING, RESEND),
    (PROCEEDING, TIMER_F): (TERMINATED, FAIL),
    (COMPLETED, TIMER_K): (TERMINATED, 0),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(4))


class ClientOther(Timer):
    """One request other than INVITE on its way. `user` is None when nobody waits for its answer."""

    __slots__ = (
        "give_up_ns",
        "interval_ns",
        "key",
        "layer",
        "request",
        "state",
        "target",
        "user",
    )

    def __init__(
        self,
        layer: Transactions,
        user: OtherUser | None,
        key: tuple[bytes, str],
        request: bytes,
        target: Address,
    ) -> None:
        self.layer = layer
        self.user = user
        self.key = key
        self.request = request
        self.target = target
        self.state = TRYING
        self.interval_ns = 0
        self.give_up_ns = NEVER

    def step(self, event: int) -> int:
        """Take the transition; the actions it asks for."""
        self.state, actions = ROWS[self.state][event]
        return actions

    def timer(self, now_ns: int) -> int:
        """Which timer a due time means in the present state."""
        if self.state == COMPLETED:
            return TIMER_K
        return TIMER_E if now_ns < self.give_up_ns else TIMER_F

    def tick(self, now_ns: int) -> None:
        """Timers E, F, K."""
        self.layer.other_tick(self, now_ns)
