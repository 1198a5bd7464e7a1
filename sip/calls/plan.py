"""What our INVITE says, and how a refusal changes it (RFC 3261 sections 8.1.3.4, 8.1.3.5, 22.2).

It goes again with credentials, for a longer session (RFC 4028 section 7.3), without or with an
extension (420, 421), to another place (3xx). Each has its limit, so the tries end.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from fastpath.sipwrite import request, uri_text
from sip.calls import session_timer
from sip.errors import SipError
from sip.events import Address, Invite, Redirected
from sip.limits import FIELD_MAX, REDIRECTS_MAX, SECOND, SESSION_RETRIES_MAX, TARGETS_MAX
from sip.messages.contacts import contact, elements
from sip.messages.header_map import decoded
from sip.messages.headers import extra, quoted, route_lines, text
from sip.messages.message import SDP_KIND
from sip.messages.options import REL100, tags
from sip.messages.uri import parse
from sip.transport.local import Identity, Reach

if TYPE_CHECKING:
    from sip.calls.outgoing import Outgoing


_USUAL = b"Supported: 100rel, timer\r\n"
_KNOWN = {"off": b"Supported: timer\r\n", "required": _USUAL + b"Require: 100rel\r\n"}
said_before = lru_cache(maxsize=1_024)(extra)  # the headers of a trunk or a campaign: few differ


def odd_uri(value: str, what: str) -> bytes:
    """A URI of a scheme that is not ours; SipError when it is none, or too long."""
    parse(value)
    return text(value, what).encode()


class Plan:
    """The INVITE of one leg as it would be sent next."""

    __slots__ = (
        "been",
        "by_udp",
        "contact_user",
        "credentials",
        "journaled",
        "large",
        "lines",
        "min_se_s",
        "ours",
        "places",
        "raised",
        "redirects",
        "rel100",
        "routes",
        "said",
        "session_s",
        "silence_ns",
        "targets",
        "to",
        "uri",
        "where",
    )

    def __init__(self, invite: Invite, tag: bytes) -> None:
        uri = uri_text(invite.request_uri, FIELD_MAX)
        if uri is None:
            raise SipError(f"not a SIP URI: {invite.request_uri!r}")
        sender = uri_text(invite.from_uri, FIELD_MAX) or odd_uri(invite.from_uri, "from_uri")
        to = uri_text(invite.to_uri, FIELD_MAX) or odd_uri(invite.to_uri, "to_uri")
        if not invite.targets:
            raise SipError("an INVITE without a target")
        if min(invite.session_s, invite.min_se_s, invite.redirects, invite.silence_s) < 0:
            raise SipError("session_s, min_se_s, redirects and silence_s are not negative")
        if invite.contact_user:
            parse(f"sip:{invite.contact_user}@a")
        self.contact_user = invite.contact_user
        display = quoted(invite.display, "display").encode() + b" " if invite.display else b""
        self.ours = b"".join((display, b"<", sender, b">;tag=", tag))
        self.to = b"".join((b"<", to, b">"))
        self.uri = uri
        self.lines = said_before(invite.headers) if invite.headers else b""
        self.targets = invite.targets[:TARGETS_MAX]
        self.where = self.targets[0]
        self.large = invite.large_by_tcp
        self.journaled = invite.journaled
        self.by_udp: Address | None = None  # where a large one went by TCP first
        self.rel100 = invite.rel100
        self.session_s = invite.session_s
        self.min_se_s = invite.min_se_s
        self.silence_ns = invite.silence_s * SECOND
        self.raised = 0
        self.redirects = min(invite.redirects, REDIRECTS_MAX)
        self.places: tuple[str, ...] = ()  # of a 3xx, not tried yet
        self.been: tuple[str, ...] = ()
        self.credentials = b""  # lines for the next one only
        self.said = b""  # those of the last one: its ACK says them again (13.2.2.4)
        self.routes = route_lines(invite.routes) if invite.routes else b""

    def build(
        self, identity: Identity, branch: bytes, call_id: bytes, cseq: int, sdp: bytes
    ) -> bytes:
        """The next INVITE."""
        user = self.contact_user
        contact = identity.contact_of(user) if user else identity.contact
        session = b""
        if self.session_s or self.min_se_s:
            session = session_timer.wanted(self.session_s, self.min_se_s)
        known = _KNOWN.get(self.rel100, _USUAL)
        lines = b"".join((contact, identity.about, known, session, self.lines, self.credentials))
        self.said, self.credentials = self.credentials, b""
        ours, to, uri, routes = self.ours, self.to, self.uri, self.routes
        return request(
            b"INVITE", uri, identity.via, branch, ours, to, call_id, cseq, lines, sdp, SDP_KIND,
            routes,
        )  # fmt: skip

    def by_tcp(self, reach: Reach) -> bool:
        """18.1.1: from UDP to TCP at the same address; False when that cannot be, or was tried."""
        if not self.large or self.where == self.by_udp:
            return False
        host, port, near = self.where
        here = reach.locals[near]
        flow = reach.flow("tcp", v6=here.v6, near=near) if here.transport == "udp" else None
        if flow is None:
            return False
        self.by_udp = self.where
        self.where = host, port, flow
        self.targets = (self.where, *self.targets)
        return True

    def move(self) -> bool:
        """To the next target; False when there is none."""
        if len(self.targets) < 2:
            return False
        self.targets = self.targets[1:]
        self.where = self.targets[0]
        return True

    def amend(self, leg: Outgoing, message: Message) -> bool:
        """Change what the next INVITE says; False when there is no reason to send one."""
        status = message.status
        if status in {401, 407}:
            self.credentials = leg.authorize(message, "INVITE", self.uri)
            return bool(self.credentials)
        if status == 422:
            return self._longer(message)
        if status in {420, 421} and self._extension(message, status):
            return True
        if 300 <= status < 400:
            leg.contacts = tuple(contacts(message))
            self.places = tuple(place for place in leg.contacts if place not in self.been)
        if status >= 600:
            self.places = ()  # 21.6: nobody else would say otherwise
        return self._elsewhere(leg)

    def _longer(self, message: Message) -> bool:
        floor_s = session_timer.min_se(message)
        if not floor_s or self.raised >= SESSION_RETRIES_MAX or floor_s <= self.session_s:
            return False
        self.raised += 1
        self.session_s = self.min_se_s = floor_s
        return True

    def _extension(self, message: Message, status: int) -> bool:
        """8.1.3.5: without what it does not know; 21.4.16: with what it needs, if we know it."""
        if status == 420 and self.rel100 == "required" and REL100 in tags(message, "Unsupported"):
            self.rel100 = "supported"
            return True
        if status == 421 and self.rel100 == "off" and tags(message, "Require") == [REL100]:
            self.rel100 = "supported"
            return True
        return False

    def _elsewhere(self, leg: Outgoing) -> bool:
        """8.1.3.4: the next place that a 3xx named, as long as the caller allows."""
        if not self.places or self.redirects <= 0:
            return False
        self.redirects -= 1
        if leg.digest is not None:
            leg.digest.forget()  # what one server asked for is not told to another
        place, *rest = self.places
        self.places = tuple(rest)
        self.been += (place,)
        self.uri = place.encode()
        self.where = leg.layer.reach.address(self.uri, self.where)
        self.targets = (self.where,)
        leg.layer.out.append(Redirected(leg.number, place))
        return True


def contacts(message: Message) -> list[str]:
    """The SIP URIs of the Contact headers, the most wanted first (20.10), without headers."""
    found: list[tuple[int, str]] = []
    for part in (p for value in message.get_all("Contact") for p in elements(decoded(value))):
        if len(found) >= REDIRECTS_MAX:
            break
        try:
            one = contact(part)
            uri = one.uri.partition("?")[0]
            if parse(uri).scheme in {"sip", "sips"}:
                found.append((one.q, uri))
        except SipError:
            continue
    found.sort(key=lambda one: -one[0])
    return [uri for _, uri in found]
