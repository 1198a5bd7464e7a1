"""The INVITE of a leg that we call: how it leaves, the first time and changed ones.

What becomes of it is `outgoing.py`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sip.accounts.auth import DigestClient
from sip.calls import journal
from sip.calls.branches import Branches
from sip.calls.dialog import Dialog
from sip.calls.leg import Leg
from sip.calls.plan import Plan
from sip.errors import SipError
from sip.events import Invite
from sip.limits import UDP_BYTES_MAX
from sip.messages.headers import call_id
from sip.transactions.client_invite import ClientInvite

if TYPE_CHECKING:
    from sip.endpoint import Endpoint


class Inviting(Leg):
    """See the module's text. `held`: branch and INVITE that wait for the journal."""

    __slots__ = ("branches", "cseq", "delayed", "held", "plan", "tx")

    def __init__(self, endpoint: Endpoint, invite: Invite, tag: bytes) -> None:
        super().__init__(endpoint, invite.leg, call_id(invite.call_id), tag)
        self.plan = Plan(invite, tag)
        if any(not 0 <= target[2] < len(self.layer.identities) for target in invite.targets):
            raise SipError("a target by a transport that we do not have")
        self.sdp = invite.sdp
        if invite.credentials is not None:
            self.digest = DigestClient(invite.credentials)
        self.cseq = 0
        self.tx: ClientInvite | None = None
        self.branches = Branches(self)  # type: ignore[arg-type]  # each is an Outgoing
        self.delayed = not invite.sdp
        self.held: tuple[bytes, bytes] | None = None
        if self.delayed and invite.journaled:
            raise SipError("an INVITE without an offer cannot be journaled")

    def call(self, now_ns: int) -> journal.Keep | None:
        """Send the INVITE, the first or a changed one: same Call-ID and tag, next CSeq (22.2).

        Or hold it, and say what is to be kept first.
        """
        layer, plan = self.layer, self.plan
        self.cseq = max(self.cseq, self.branches.clear()) + 1
        branch = layer.branch()
        identity = layer.identities[plan.where[2]]
        sdp = b"" if self.delayed else self.sdp
        credentials = plan.credentials = plan.credentials or self.foresee("INVITE", plan.uri)
        data = plan.build(identity, branch, self.call_id, self.cseq, sdp)
        if len(data) > UDP_BYTES_MAX and plan.by_tcp(layer.reach):
            plan.credentials, identity = credentials, layer.identities[plan.where[2]]
            data = plan.build(identity, branch, self.call_id, self.cseq, sdp)
        if not plan.journaled:
            self.leave(branch, data, now_ns)
            return None
        self.tx, self.held = None, (branch, data)  # without one, what is late is known as such
        line = journal.invited(data, plan.where, layer.reach, heard=False)
        return journal.Keep(self.number, line)

    def leave(self, branch: bytes, data: bytes, now_ns: int) -> None:
        """Hand it to its transaction."""
        plan = self.plan
        self.held = None
        layer = self.layer
        self.tx = tx = layer.invite(self, branch, data, plan.where, now_ns)  # type: ignore[arg-type]
        if plan.silence_ns:
            tx.give_up_ns = min(tx.give_up_ns, now_ns + plan.silence_ns)

    def again(self, now_ns: int) -> None:
        """Send it as it has become, or say what is to be kept before."""
        asked = self.call(now_ns)
        if asked is not None:
            self.layer.out.append(asked)

    def offer_refusal(self, dialog: Dialog) -> int:
        """See `Leg`."""
        return self.branches.offer_refusal(dialog)

    def contact_line(self, dialog: Dialog) -> bytes:
        """Our Contact, with the user that the INVITE showed."""
        identity, user = self.layer.identities[dialog.next_hop[2]], self.plan.contact_user
        return identity.contact_of(user) if user else identity.contact

    def described(self, dialog: Dialog, sdp: bytes) -> None:
        """What an early dialog's 2xx will not say again."""
        heard = self.branches.heard.get(dialog.remote_tag)
        if heard is not None:
            heard.sdp = sdp
