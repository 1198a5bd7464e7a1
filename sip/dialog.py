"""A dialog (RFC 3261 section 12).

Who the two ends are, where the next request goes, which number it bears.
"""

from __future__ import annotations

from fastpath.sipscan import Message, parse_address
from sip.errors import SipError
from sip.events import Address
from sip.limits import ROUTES_MAX
from sip.local import Identity, Reach
from sip.message import request
from sip.uri import parse


class Dialog:
    """Both ends' identifiers and the route between them.

    Values are header values as bytes, tags included.
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
        self.target = target
        self.route_lines = b""
        self.next_hop = fallback
        if routes:
            self._set_routes(routes)
        else:
            self._hop(target)

    def _hop(self, uri: bytes) -> None:
        """Requests go where `uri` leads.

        Names are not resolved here, they keep the address the peer spoke from.
        """
        self.next_hop = self.reach.address(uri, self.next_hop)

    def _set_routes(self, routes: list[bytes]) -> None:
        """12.2.1.1.

        A first hop without `lr` is a strict router, the target moves behind the routes.
        """
        if len(routes) > ROUTES_MAX:
            raise SipError("the route set is too long")
        first, _ = parse_address(routes[0])
        self._hop(first)
        if not parse(first).loose:
            routes = [*routes[1:], b"<" + self.target + b">"]
            self.target = first
        self.route_lines = b"".join(b"Route: %b\r\n" % route for route in routes)

    @classmethod
    def of_answer(
        cls,
        message: Message,
        ours: bytes,
        request_uri: bytes,
        cseq: int,
        source: Address,
        reach: Reach,
    ) -> Dialog:
        """The caller's side, from a 2xx (12.1.2)."""
        return cls(
            message.call_id,
            ours,
            message.to_value,
            message.to_tag,
            cseq,
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

    def retarget(self, uri: bytes) -> None:
        """A target refresh (12.2.2) of a dialog without routes."""
        self.target = uri
        self._hop(uri)

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
    ) -> bytes:
        """A request in the dialog, without a body."""
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
        )
