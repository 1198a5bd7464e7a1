"""A dialog (RFC 3261 section 12).

Who the two ends are, where the next request goes, which number it bears.
"""

from __future__ import annotations

from fastpath.sipscan import Message, parse_address
from fastpath.sipwrite import request
from sip.errors import SipError
from sip.events import Address
from sip.limits import ROUTES_MAX
from sip.messages.message import SDP_KIND
from sip.messages.uri import parse
from sip.transport.local import Identity, Reach


class Dialog:
    """Both ends' identifiers and the route between them.

    Values are header values as bytes, tags included. `target` is the Request-URI of what is sent:
    the peer's Contact, or the first route when that is a strict router.
    """

    __slots__ = (
        "call_id",
        "cseq",
        "next_hop",
        "ours",
        "reach",
        "remote_cseq",
        "remote_tag",
        "route_lines",
        "routes",
        "target",
        "theirs",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a dialog, each said once
        self,
        call_id: bytes,
        ours: bytes,
        theirs: bytes,
        remote_tag: bytes,
        cseq: int,
        target: bytes,
        routes: list[bytes],
        fallback: Address,
        reach: Reach,
    ) -> None:
        """`routes` in the order they are travelled.

        `fallback` is used while no address can be read from a URI.
        """
        self.reach = reach
        self.call_id = call_id
        self.ours = ours
        self.theirs = theirs
        self.remote_tag = remote_tag
        self.cseq = cseq
        self.remote_cseq = -1
        self.next_hop = fallback
        self._lead(target, routes)

    def _lead(self, target: bytes, routes: list[bytes]) -> None:
        """12.2.1.1: where requests go.

        A first hop without `lr` is a strict router: it stands in the Request-URI, and the target
        behind the routes. Names are not resolved here, they keep the address the peer spoke from.
        """
        if not routes:
            self.next_hop = self.reach.address(target, self.next_hop)
            self.target, self.routes, self.route_lines = target, routes, b""
            return
        if len(routes) > ROUTES_MAX:
            raise SipError(f"more than {ROUTES_MAX} Record-Routes")
        if not all(routes):
            raise SipError("a broken Record-Route")
        first, _ = parse_address(routes[0])
        travelled = routes
        loose = parse(first).loose
        if not loose:
            travelled = [*routes[1:], b"<" + target + b">"]
        self.next_hop = self.reach.address(first, self.next_hop)
        self.target = target if loose else first
        self.routes = routes
        self.route_lines = b"".join(b"Route: %b\r\n" % route for route in travelled)

    def remote_target(self) -> bytes:
        """The peer's own URI, which a strict router keeps out of the Request-URI."""
        if self.route_lines == b"".join(b"Route: %b\r\n" % route for route in self.routes):
            return self.target
        return self.route_lines.rpartition(b"<")[2].partition(b">")[0]

    @classmethod
    def of_answer(
        cls,
        message: Message,
        ours: bytes,
        request_uri: bytes,
        source: Address,
        reach: Reach,
    ) -> Dialog:
        """The caller's side, from a response to its INVITE (12.1.2)."""
        return cls(
            message.call_id,
            ours,
            message.to_value,
            message.to_tag,
            message.cseq,
            message.contact_uri or request_uri,
            message.record_routes[::-1],
            source,
            reach,
        )

    @classmethod
    def of_invite(cls, message: Message, ours: bytes, source: Address, reach: Reach) -> Dialog:
        """The called side, from the INVITE (12.1.1)."""
        dialog = cls(
            message.call_id,
            ours,
            message.from_value,
            message.from_tag,
            0,
            message.contact_uri or message.from_uri,
            message.record_routes,
            source,
            reach,
        )
        dialog.remote_cseq = message.cseq
        return dialog

    def confirm(self, message: Message) -> None:
        """13.2.2.4: an early dialog's 2xx says anew where its requests go; the numbers go on.

        SipError when that route cannot be travelled.
        """
        routes = message.record_routes[::-1]
        target = message.contact_uri
        if routes != self.routes:
            self._lead(target or self.target, routes)
        elif target:
            self.retarget(target)

    def retarget(self, uri: bytes) -> None:
        """A target refresh (12.2.1.2, 12.2.2): the route set stays as it is."""
        if uri and (uri != self.target or self.routes):
            self._lead(uri, self.routes)

    def next_cseq(self) -> int:
        """For each request but ACK and CANCEL."""
        self.cseq += 1
        return self.cseq

    def build(
        self,
        identities: tuple[Identity, ...],
        method: bytes,
        branch: bytes,
        cseq: int,
        extra: bytes = b"",
        body: bytes = b"",
        kind: bytes = SDP_KIND,
    ) -> bytes:
        """A request in the dialog."""
        return request(
            method,
            self.target,
            identities[self.next_hop[2]].via,
            branch,
            self.ours,
            self.theirs,
            self.call_id,
            cseq,
            self.route_lines + extra,
            body,
            kind,
        )
