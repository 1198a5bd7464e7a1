"""CRLFs between registrations, so that a NAT keeps its mapping (RFC 5626 section 4.4.1).

Only over UDP: over a connection its transport does it.
"""

from __future__ import annotations

from fastpath.wheel import Timer
from sip.events import Address, Send
from sip.limits import NEVER, SECOND
from sip.transactions.table import Transactions


class KeepAlive(Timer):
    """CRLFs to one address at an interval; no interval, no CRLFs."""

    __slots__ = ("_every_ns", "_layer", "target")

    def __init__(self, layer: Transactions, every_s: int) -> None:
        self._layer = layer
        self._every_ns = every_s * SECOND
        self.target: Address | None = None

    def begin(self, target: Address, now_ns: int) -> None:
        """From now on to there; nothing over a reliable transport."""
        self.target = None if self._layer.identities[target[2]].reliable else target
        due = self._every_ns and self.target is not None
        self._layer.timers.arm(self, now_ns + self._every_ns if due else NEVER)

    def stop(self) -> None:
        """No more."""
        self._layer.timers.arm(self, NEVER)

    def tick(self, now_ns: int) -> None:
        """Send one."""
        if self.target is not None:
            self._layer.out.append(Send(b"\r\n\r\n", self.target))
            self._layer.timers.arm(self, now_ns + self._every_ns)
