"""Calls to us: what the driver tells the core of them."""

from __future__ import annotations

from dialerd.core.event import Event
from dialerd.core.ops import Returned


class Incoming(Event):
    """Somebody calls one of our lines: `Refuse` or `Answer` answers, exactly once.

    Attributes:
        trunk: the one it came by, known by its source; empty for a telephone's call.
        called: the number called as the trunk tells it, rewritten to E.164 digits where it can be.
        caller: the caller's number, empty when it shows none.
        asserted: whether the network vouches for it.
        withheld: whether the caller asked not to be shown.
        diverted: who sent the call on, the last one first.
        phone: the account of the telephone that calls.
        replaces: it wants to take the place of another call (RFC 3891).
        port: of a modem bank, that is called.
    """

    leg: int
    trunk: str
    called: str
    caller: str = ""
    asserted: bool = False
    withheld: bool = False
    diverted: tuple[str, ...] = ()
    phone: str = ""
    call_id: str = ""
    replaces: bool = False
    port: str = ""


class ReturnFound(Event, frozen=True):
    """The answer to `WantReturn`, or to `WantOver` of `phone`; None: the store could not tell."""

    leg: int
    returned: Returned | None
    phone: int = 0
