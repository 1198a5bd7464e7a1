"""The telephones' side of an endpoint: who is heard, who is answered, who is let in.

A stranger there gets an answer to REGISTER and to INVITE only, and that answer is a challenge. For
anything else there is nobody: a scanner's OPTIONS finds no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastpath.sipscan import Message, ScanError, scan
from sip.accounts.admission import Admission
from sip.accounts.registrar import Phones, Registrar
from sip.events import Address
from sip.messages.headers import RETRY_LINE
from sip.transactions.table import Transactions

if TYPE_CHECKING:
    from sip.calls.leg import Leg

OPEN = frozenset({"REGISTER", "INVITE"})
SOMEBODY = "?"


class Door:
    """Admission and registrar, and which of our transports are the telephones'."""

    __slots__ = ("_layer", "_phones", "admission", "registrar")

    def __init__(
        self, layer: Transactions, phones: Phones | None, admission: Admission | None
    ) -> None:
        self._layer = layer
        self._phones = tuple(
            identity.local.side == "phone" and phones is not None for identity in layer.identities
        )
        self.admission = admission or Admission()
        self.registrar = Registrar(layer, phones, self.admission) if phones is not None else None

    def admits(self, data: bytes, source: Address, now_ns: int, legs: Mapping[bytes, Leg]) -> bool:
        """Whether a message from there is heard; `legs` are our calls by our tag."""
        phones = self._phones[source[2]]
        if self.admission.admit(source, now_ns, phones=phones):
            return True
        return not phones and bool(legs) and self._belongs(data, source, now_ns, legs)

    def _belongs(
        self, data: bytes, source: Address, now_ns: int, legs: Mapping[bytes, Leg]
    ) -> bool:
        """Whether a stranger's message belongs to a call of ours.

        A carrier may well answer and hang up from an address that it never named: requests in a
        dialog go straight to the Contact (RFC 3261 section 12.2). Looked at as far as the
        strangers' tokens go.
        """
        if not self.admission.take(source[0], now_ns):
            return False
        try:
            message = scan(data)
        except ScanError:
            return False
        if message.problem[0]:
            return False
        if not message.is_request:
            return self._layer.asked(message)
        leg = legs.get(message.to_tag)
        return leg is not None and leg.call_id == message.call_id

    def guards(self, source: Address) -> bool:
        """Whether who calls from there has to say who he is."""
        return self._phones[source[2]]

    def ignores(self, source: Address, message: Message | None = None) -> bool:
        """Whether a request from there that belongs to no call of ours gets no answer.

        None for what is no readable message.
        """
        if not self._phones[source[2]] or self.admission.known(source):
            return False
        if message is not None and not message.to_tag and message.method in OPEN:
            return False
        self.admission.count["silenced"] += 1
        return True

    def enter(self, message: Message, key: bytes, source: Address, now_ns: int) -> str:
        """Who opens something with this request; "" when it has been dealt with.

        A telephone that is registered from there may ask (OPTIONS) without saying who it is.
        """
        registrar = self.registrar
        if registrar is None or message.method not in OPEN:
            return SOMEBODY
        if self._layer.full():
            self._layer.refuse(message, source, 503, RETRY_LINE)
            return ""
        user = registrar.authenticate(message, source, now_ns)
        if user and message.method == "REGISTER":
            registrar.register(user, message, key, source, now_ns)
            return ""
        return user

    def sizes(self) -> dict[str, int]:
        """Counters and sizes of both."""
        phones = self.registrar.sizes() if self.registrar is not None else {}
        return {**self.admission.count, **self.admission.sizes(), **phones}
