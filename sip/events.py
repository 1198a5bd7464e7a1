"""What goes into and comes out of the `Endpoint`.

Requests of the caller, datagrams to send, facts about legs.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sip.auth import Credentials

Address = tuple[str, int, int]
"""Numeric host, port, and the index of the `Local` of ours that leads there."""


class Invite(msgspec.Struct, frozen=True):
    """An outgoing call. `leg` is the caller's own number, not negative.

    `targets` are where it may go, best first: the next one is tried after a 503, a timeout or an
    unreachable one (RFC 3263 section 4.3).

    URIs are given without angle brackets; `headers` are added as they are (identity headers and
    such), and may not repeat one that the stack itself writes.
    """

    leg: int
    targets: tuple[Address, ...]
    request_uri: str
    from_uri: str
    to_uri: str
    call_id: str
    sdp: bytes
    display: str = ""
    credentials: Credentials | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Send(msgspec.Struct, frozen=True, gc=False):
    """A datagram for the network."""

    data: bytes
    target: Address


class SipEvent(msgspec.Struct, frozen=True, gc=False):
    """Base of what is told about a leg. Legs that came in have negative numbers."""

    leg: int


class Trying(SipEvent, frozen=True):
    """The next hop has the INVITE."""


class Failover(SipEvent, frozen=True):
    """`target` did not take the call (503, or 0: silence or unreachable): the next one is tried."""

    target: Address
    code: int


class Provisional(SipEvent, frozen=True):
    """The far end progresses (101-199); with `sdp` there is early media to listen to."""

    code: int
    sdp: bytes | None


class Accepted(SipEvent, frozen=True):
    """Answered; our ACK is on its way.

    `sdp` is the answer, maybe the one an 18x of the same dialog brought.
    """

    sdp: bytes


class Incoming(SipEvent, frozen=True):
    """Somebody calls us. `sdp` is empty when the caller wants our offer in the 200."""

    request_user: str
    from_user: str
    call_id: str
    sdp: bytes
    source: Address


class Established(SipEvent, frozen=True):
    """Called side: the ACK of our 200 came.

    `sdp` is its body (the answer to a delayed offer), mostly empty.
    """

    sdp: bytes = b""


class Renegotiated(SipEvent, frozen=True):
    """The peer offered anew in the call (hold, another address).

    It has been answered with what we already use.
    """

    sdp: bytes


class Digit(SipEvent, frozen=True):
    """A key told by INFO."""

    digit: str
    ms: int


class Ended(SipEvent, frozen=True):
    """The leg is over: exactly one, and the last event of it.

    `code` and `phrase` are the final answer's to the INVITE (200 when it was answered, 0 and a
    reason when none came); 200 with `answered` false: the answer crossed our CANCEL and was hung up
    at once. `q850` is the Reason header's cause, of the BYE or of the final answer, 0 when there is
    none. `by` tells who ended it.
    """

    code: int
    phrase: str
    q850: int
    by: Literal["us", "them", "timeout"]
    answered: bool
    retry_after_s: int = 0


AnyOutput = Send | SipEvent
