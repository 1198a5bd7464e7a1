"""The penalty box: addresses that failed are tried last for a while (RFC 3263 section 4.3).

An address goes in for `base_s` after a timeout, an ICMP error, a refused connection or a 503, for
as long as Retry-After says when it said so; each further failure doubles the time. When the time is
over it is on probation: used like any other, but its next failure counts on. A success frees it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sip.events import Address
from sip.limits import PENALTIES_MAX, PENALTY_GROWTH_MAX, PENALTY_TIME_MAX, SECOND


class Penalty(msgspec.Struct):
    """Of one address: until when, and how often in a row it has failed."""

    until_ns: int
    failures: int


class PenaltyBox:
    """See the module's text. `base_s` 0: nobody is ever in it."""

    __slots__ = ("_base_ns", "_box")

    def __init__(self, base_s: int) -> None:
        self._base_ns = base_s * SECOND
        self._box: dict[Address, Penalty] = {}

    def __len__(self) -> int:
        return len(self._box)

    def __contains__(self, address: object) -> bool:
        """Whether it has failed, and not answered since."""
        return address in self._box

    def failed(self, address: Address, now_ns: int, retry_after_s: int = 0) -> None:
        """It did not take a request."""
        if not self._base_ns:
            return
        found = self._box.pop(address, None)
        if found is None:
            if len(self._box) >= PENALTIES_MAX:
                del self._box[next(iter(self._box))]  # the one that failed longest ago
            found = Penalty(0, 0)
        elif now_ns < found.until_ns and not retry_after_s:
            self._box[address] = found  # requests that were under way together fail together
            return
        found.failures += 1
        grown_ns = self._base_ns << min(found.failures - 1, PENALTY_GROWTH_MAX)
        time_ns = retry_after_s * SECOND if retry_after_s > 0 else grown_ns
        found.until_ns = max(found.until_ns, now_ns + min(time_ns, PENALTY_TIME_MAX))
        self._box[address] = found

    def worked(self, address: Address) -> None:
        """It answered: all is forgiven."""
        self._box.pop(address, None)

    def boxed(self, address: Address, now_ns: int) -> bool:
        """Whether others should be tried first."""
        found = self._box.get(address)
        return found is not None and now_ns < found.until_ns

    def order(self, addresses: Iterable[Address], now_ns: int) -> tuple[Address, ...]:
        """The good ones as they stand, then the bad ones, soonest free first."""
        if not self._box:
            return tuple(addresses)
        good: list[Address] = []
        bad: list[Address] = []
        for address in addresses:
            (bad if self.boxed(address, now_ns) else good).append(address)
        bad.sort(key=lambda address: self._box[address].until_ns)
        return (*good, *bad)
