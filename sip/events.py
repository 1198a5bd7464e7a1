"""What goes into and comes out of the `Endpoint`.

Requests of the caller, datagrams to send, facts about legs.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from fastpath.sipscan import Message
from sip.accounts.auth import Credentials
from sip.messages.caller_identity import Caller, read
from sip.messages.causes import Reason

Address = tuple[str, int, int]
"""Numeric host, port, and the index of the `Local` of ours that leads there."""


class Invite(msgspec.Struct, frozen=True):
    """An outgoing call. `leg` is the caller's own number, not negative.

    `targets` are where it may go, best first: the next one is tried after a 503, a timeout or an
    unreachable one (RFC 3263 section 4.3).

    URIs are given without angle brackets; `headers` are added as they are (identity headers and
    such), and may not repeat one that the stack itself writes.

    Without `sdp` the peer is to offer: `Offered` tells its offer, `Endpoint.acknowledge` answers.

    Attributes:
        session_s: the session is to be refreshed this often at least (RFC 4028); 0 leaves it to
            the peer, whose wish is met in any case.
        min_se_s: the shortest refresh interval that we accept.
        rel100: whether the peer may, or must, send provisional responses reliably (RFC 3262).
        redirects: how many places of a 3xx's Contact are tried; 0 ends the call with the 3xx.
        contact_user: the user part of our Contact.
        silence_s: how long one target may say nothing at all; 0: timer B, 32 seconds. Where there
            is another trunk to try, that is too long for a person who waits.
        large_by_tcp: what is longer than 1,300 bytes goes by TCP to where UDP was meant, and by
            UDP after all when nobody takes it there (RFC 3261 section 18.1.1).
        routes: a route set to travel, as header values (`<sip:proxy;lr>`): outbound proxies, the
            Service-Route of a registration (RFC 3608), the Path of a telephone (RFC 3327).
        journaled: INVITE and ACK wait until their records are kept (`sip.calls.journal`).
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
    session_s: int = 0
    min_se_s: int = 0
    rel100: Literal["off", "supported", "required"] = "supported"
    redirects: int = 0
    contact_user: str = ""
    silence_s: int = 0
    large_by_tcp: bool = False
    routes: tuple[str, ...] = ()
    journaled: bool = False


class Ask(msgspec.Struct, frozen=True):
    """A request outside of any call: REGISTER, OPTIONS, MESSAGE. `number` is the asker's own.

    `targets` are tried like an INVITE's. URIs are given without angle brackets.

    Attributes:
        cseq: the first one used; a challenge or another target takes the next (see `Told.cseq`).
        contact_user: our Contact on the transport it leaves by, with this user ("" without one).
        contact_params: what follows it, `;expires=60`.
        contact: a whole Contact value instead.
        routes: a route set to travel, as header values (`<sip:proxy;lr>`).
        wait_s: how long one target may be silent, at most 32 seconds (timer F).
    """

    number: int
    method: str
    targets: tuple[Address, ...]
    request_uri: str
    from_uri: str
    to_uri: str
    call_id: str
    cseq: int = 1
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = "text/plain"
    credentials: Credentials | None = None
    contact_user: str | None = None
    contact_params: str = ""
    contact: str = ""
    routes: tuple[str, ...] = ()
    wait_s: int = 32


class Account(msgspec.Struct, frozen=True):
    """A registration of ours with somebody's registrar. `name` is the caller's own.

    Attributes:
        aor: the address of record, `sip:1900@carrier.vn`.
        registrar: the Request-URI, `sip:carrier.vn`.
        targets: where it may be sent, tried in order; the one that answered is kept to.
        expires_s: asked for; the registrar's answer holds.
        contact_user: of our Contact; the aor's user when empty.
        instance: a URN, for `+sip.instance` (RFC 5626 section 4.1).
        routes: outbound proxies to travel, as header values.
        learn: register the address that the registrar sees us at, behind a NAT without a fixed one.
        keepalive_s: CRLFs over UDP at this interval hold a NAT's mapping; 0 is none.
        retry_s: the first wait after a failure is one to two times this, the next ones double.
    """

    name: str
    aor: str
    registrar: str
    targets: tuple[Address, ...]
    credentials: Credentials | None = None
    expires_s: int = 600
    contact_user: str = ""
    instance: str = ""
    routes: tuple[str, ...] = ()
    learn: bool = False
    keepalive_s: int = 0
    retry_s: int = 30


class Send(msgspec.Struct, frozen=True, gc=False):
    """A datagram for the network."""

    data: bytes
    target: Address


NO_LEG = -(1 << 62)
"""In place of a leg's number, in what is told about no leg."""


class SipEvent(msgspec.Struct, frozen=True, gc=False):
    """Base of what is told about a leg. Legs that came in have negative numbers."""

    leg: int


class Told(SipEvent, frozen=True, kw_only=True):
    """The one answer to an `Ask`.

    Attributes:
        code: the final status; 0 when none came.
        phrase: its reason; "no reply" or "unreachable" with 0.
        cseq: the last number used.
        target: who answered, or the last who did not.
        q850: the Reason header's cause, 0 when there is none.
        headers: those of the answer that an asker may want (`asking.WANTED`), by full name.
        seen_at: the address the peer saw us at (RFC 3581).
    """

    number: int
    code: int
    phrase: str
    cseq: int
    target: Address
    q850: int = 0
    retry_after_s: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seen_at: tuple[str, int] | None = None
    leg: int = NO_LEG

    def values(self, name: str) -> list[str]:
        """The values of one header, given by its full name."""
        return [value for named, value in self.headers if named == name]


RegistrationState = Literal["trying", "registered", "refused", "waiting", "off"]


class Registration(SipEvent, frozen=True, kw_only=True):
    """An account's state has changed.

    Attributes:
        state: "registered"; "trying" (the first answer is awaited); "waiting" (nobody answers, or
            not well: it goes on trying); "refused" (the registrar does not want us: it goes on
            trying, more and more seldom); "off".
        code: the registrar's last answer, 0 when none came.
        expires_s: how long the registration holds.
        retry_s: when the next attempt follows, of "waiting" and "refused".
        service_route: to be travelled by requests of this account (RFC 3608), as header values.
        aliases: other identities that are registered too (P-Associated-URI).
    """

    account: str
    state: RegistrationState
    code: int = 0
    reason: str = ""
    expires_s: int = 0
    retry_s: int = 0
    target: Address | None = None
    service_route: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    leg: int = NO_LEG


class Phone(SipEvent, frozen=True, kw_only=True):
    """A telephone has registered with us, moved, or is gone. A refresh is not told.

    Attributes:
        user: whose it is.
        contact: the URI it registered.
        source: where it is reached.
        registered: whether it is there now.
        left: how many addresses of this user are registered now.
    """

    user: str
    contact: str
    source: Address
    registered: bool
    left: int
    leg: int = NO_LEG


class Guessing(SipEvent, frozen=True, kw_only=True):
    """A host has shown wrong credentials too often, and is not answered for some time."""

    host: str
    silent_s: int
    leg: int = NO_LEG


class Trying(SipEvent, frozen=True):
    """The next hop has the INVITE."""


class Failover(SipEvent, frozen=True):
    """`target` did not take the call (503, or 0: silence or unreachable): the next one is tried."""

    target: Address
    code: int


class Redirected(SipEvent, frozen=True):
    """A 3xx sent us to `uri`, which is called now."""

    uri: str


class Provisional(SipEvent, frozen=True):
    """The far end progresses (101-199); with `sdp` there is early media to listen to."""

    code: int
    sdp: bytes | None


class Accepted(SipEvent, frozen=True):
    """Answered; our ACK is on its way.

    `sdp` is the answer, maybe the one an 18x of the same dialog brought.
    """

    sdp: bytes


class Offered(SipEvent, frozen=True):
    """Our INVITE had no offer, the peer made this one: `Endpoint.acknowledge` gives our answer.

    Until then its 200 is not acknowledged; `Accepted` follows. With `early` a reliable provisional
    response brought it: `Accepted` comes when the call is answered.
    """

    sdp: bytes
    early: bool = False


class Incoming(SipEvent, frozen=True):
    """Somebody calls us. `sdp` is empty when the caller wants our offer in the 200.

    `message` is the INVITE itself, for whatever else it says; `user` the one of a telephone of ours
    that has proved who it is, empty on the trunks' side; `replaces` the leg whose place this call
    takes (RFC 3891): accepting it hangs that one up.
    """

    request_user: str
    from_user: str
    call_id: str
    sdp: bytes
    source: Address
    message: Message | None = None
    user: str = ""
    replaces: int | None = None

    @property
    def caller(self) -> Caller:
        """Who calls, by every header that tells: read when asked for."""
        return Caller() if self.message is None else read(self.message)


class Established(SipEvent, frozen=True):
    """Called side: the ACK of our 200 came.

    `sdp` is its body (the answer to a delayed offer), mostly empty.
    """

    sdp: bytes = b""


class Renegotiated(SipEvent, frozen=True):
    """The peer describes itself anew (hold, another address).

    Its offer has been answered with what we already use, or this is its answer to an offer that it
    asked us for, or to a refresh.
    """

    sdp: bytes


class Modified(SipEvent, frozen=True):
    """The peer took the offer of `Endpoint.modify`; `sdp` is its answer."""

    sdp: bytes


class ModifyFailed(SipEvent, frozen=True):
    """The peer refused it with `code`: everything is as before.

    0: it could not be sent in this state, or a later offer has taken its place.
    """

    code: int


class Digit(SipEvent, frozen=True):
    """A key told by INFO."""

    digit: str
    ms: int


class ReferProgress(SipEvent, frozen=True):
    """How a REFER of ours goes: first its answer, then the state of the call that the peer makes.

    `code` 491: it was not sent, `phrase` says why. With `final` nothing more follows: 2xx, the peer
    talks to the other one; 300 and above, it was refused, by the peer or by the other one; 0, it is
    not known. Below 300 otherwise: the REFER was taken (202) and wants no more to be told.
    """

    code: int
    final: bool
    phrase: str = ""


class ReferAsked(SipEvent, frozen=True):
    """The peer asks us to call somebody: `refer_answer` within eight seconds, else it is refused.

    Attributes:
        refer_to: a SIP or tel URI, without headers.
        referred_by: who asks, as a URI; empty when the peer does not say.
        replaces: the value of the Replaces header that the new INVITE must bear; mostly empty.
        replaced: that call, when it is one of ours: then the two legs can simply be joined.
    """

    refer_to: str
    referred_by: str
    replaces: str
    replaced: int | None = None


class Ended(SipEvent, frozen=True):
    """The leg is over: exactly one, and the last event of it.

    `code` and `phrase` are the final answer's to the INVITE (200 when it was answered, 0 and a
    reason when none came); 200 with `answered` false: the answer crossed our CANCEL and was hung up
    at once. `q850` is the Reason header's cause, of the BYE or of the final answer, 0 when there is
    none. `by` tells who ended it. `contacts` are the URIs of a 3xx, best first; `reasons` what
    the peer gave as such (RFC 3326), with its words.
    """

    code: int
    phrase: str
    q850: int
    by: Literal["us", "them", "timeout"]
    answered: bool
    retry_after_s: int = 0
    contacts: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


AnyOutput = Send | SipEvent
