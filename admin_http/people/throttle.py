"""Who guesses passwords waits: each failure of a user, or from an address, makes the wait longer.

Counted before the password is looked at, so that guesses at the same moment count, too. A user is
held by who guesses at it from anywhere: that is what a lock-out is. In memory, bounded: of very
many the one that was used least recently is forgotten.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

import msgspec

from admin_http.limits import ASKERS_MAX, LOCK_S_MAX

S: Final = 1_000_000_000
USER_FREE: Final = 5  # failures before a user waits
ADDRESS_FREE: Final = 20  # behind one address may be a whole office
FORGET_S: Final = 3_600  # without a failure for so long: none are remembered


class _Failures(msgspec.Struct):
    n: int = 0
    at_ns: int = 0


class Throttle:
    """The failures of log-ins."""

    def __init__(self) -> None:
        """None yet."""
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        """How many users and addresses are remembered."""
        return len(self._failures)

    def begin(self, user: str, address: str, now_ns: int) -> int:
        """Count a try as failed; 0, or the seconds to wait first: then nothing is counted."""
        keys = _keys(user, address)
        wait_ns = max(self._wait_ns(key, free, now_ns) for key, free in keys)
        if wait_ns > 0:
            return -(-wait_ns // S)
        for key, _ in keys:
            found = self._failures.pop(key, None) or _Failures()
            self._failures[key] = found
            found.n, found.at_ns = found.n + 1, now_ns
        while len(self._failures) > ASKERS_MAX:
            self._failures.popitem(last=False)
        return 0

    def succeed(self, user: str, address: str) -> None:
        """It was the right password: the user begins anew, the address is back where it was."""
        (user_key, _), (address_key, _) = _keys(user, address)
        self._failures.pop(user_key, None)
        if found := self._failures.get(address_key):
            found.n = max(0, found.n - 1)

    def undo(self, user: str, address: str) -> None:
        """Nobody looked at the password: the try counts for nothing."""
        for key, _ in _keys(user, address):
            if found := self._failures.get(key):
                found.n = max(0, found.n - 1)

    def _wait_ns(self, key: str, free: int, now_ns: int) -> int:
        found = self._failures.get(key)
        if found is None:
            return 0
        if now_ns - found.at_ns > FORGET_S * S:
            del self._failures[key]
            return 0
        over = found.n - free
        wait_s = 0 if over < 0 else min(LOCK_S_MAX, 1 << min(over, 20))
        return found.at_ns + wait_s * S - now_ns


def _keys(user: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
        if found.version == 6:  # whoever has one IPv6 address has its /64
            address = str(ipaddress.ip_network((found, 64), strict=False))
    except ValueError:
        address = "?"
    return (f"user {user}", USER_FREE), (f"address {address}", ADDRESS_FREE)
