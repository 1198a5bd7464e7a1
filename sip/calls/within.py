"""A request of ours inside a dialog, other than INVITE and ACK (RFC 3261 section 12.2.1).

It answers digest challenges, and knows that a 481, a 408 or silence means that the dialog is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fastpath.sipscan import Message
from sip.messages.message import SDP_KIND
from sip.transactions.client_other import ClientOther

if TYPE_CHECKING:
    from sip.calls.dialog import Dialog
    from sip.calls.leg import Leg


class Finisher(Protocol):
    """Who waits for the end of a request."""

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:
        """The final response; code 0 and no message when none came."""


class Within:
    """One request. `lines` are whole header lines; `fatal` whether a 481 or silence ends the leg.

    The common ones are the dialog's; Contact belongs to `lines` where the method refreshes the
    target (`Leg.contact_line`).
    """

    __slots__ = ("body", "dialog", "fatal", "kind", "leg", "lines", "method", "then", "tx")

    def __init__(
        self,
        leg: Leg,
        dialog: Dialog,
        method: str,
        then: Finisher | None,
        lines: bytes = b"",
        body: bytes = b"",
        kind: bytes = SDP_KIND,
        *,
        fatal: bool = True,
    ) -> None:
        self.leg = leg
        self.dialog = dialog
        self.method = method
        self.then = then
        self.lines = lines
        self.body = body
        self.kind = kind
        self.fatal = fatal
        self.tx: ClientOther | None = None

    def send(self, now_ns: int) -> None:
        """Send it, with the credentials that the path is known to want."""
        self._send(self.leg.foresee(self.method, self.dialog.target), now_ns)

    def _send(self, credentials: bytes, now_ns: int) -> None:
        layer = self.leg.layer
        branch = layer.branch()
        data = self.dialog.build(
            layer.identities,
            self.method.encode(),
            branch,
            self.dialog.next_cseq(),
            self.lines + credentials,
            self.body,
            self.kind,
        )
        self.tx = layer.request(self, (branch, self.method), data, self.dialog.next_hop, now_ns)

    def on_other_response(self, tx: ClientOther, message: Message, now_ns: int) -> None:  # noqa: ARG002
        """The final response; a challenged request goes again."""
        status = message.status
        if status in {401, 407}:
            line = self.leg.authorize(message, self.method, self.dialog.target)
            if line:
                self._send(line, now_ns)
                return
        self._finish(status, message, now_ns)

    def on_other_failure(self, tx: ClientOther, now_ns: int) -> None:  # noqa: ARG002
        """Nobody answered."""
        self._finish(0, None, now_ns)

    def _finish(self, code: int, message: Message | None, now_ns: int) -> None:
        if self.then is not None:
            self.then.on_done(self, code, message, now_ns)
        if self.fatal and code in {0, 408, 481}:
            self.leg.lost(now_ns)  # 12.2.1.2
