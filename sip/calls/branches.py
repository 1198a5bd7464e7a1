"""The branches of one INVITE of ours: early dialogs (RFC 3261 section 12.1, RFC 3262 section 4).

A forking proxy may ring in several places, and a called side may change its tag between 18x and
200: each To tag is a dialog of its own, with its own numbers and its own offer and answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from sip.calls.dialog import Dialog
from sip.calls.reliable import Heard, number_of
from sip.errors import SipError
from sip.events import Address
from sip.limits import EARLY_MAX
from sip.messages.message import sdp_of

if TYPE_CHECKING:
    from sip.calls.outgoing import Outgoing


class Branches:
    """See the module's text."""

    __slots__ = ("dialogs", "heard", "leg", "owed", "sdp", "tag")

    def __init__(self, leg: Outgoing) -> None:
        self.leg = leg
        self.dialogs: dict[bytes, Dialog] = {}
        self.heard: dict[bytes, Heard] = {}  # of those with reliable responses
        self.owed: list[Heard] = []  # whose offers wait for our answer
        self.sdp = b""  # the last one of a provisional response, and
        self.tag = b""  # its dialog

    def clear(self) -> int:
        """The INVITE is sent anew: they are no more. The highest CSeq that was used in them."""
        highest = max((dialog.cseq for dialog in self.dialogs.values()), default=0)
        self.dialogs.clear()
        self.heard.clear()
        self.owed.clear()
        self.sdp = self.tag = b""
        return highest

    def progress(self, message: Message, source: Address, now_ns: int) -> bool:
        """Take a provisional response; False when it is a repetition, or not in order."""
        dialog = self._early(message, source) if message.to_tag else None
        number = number_of(message) if dialog is not None else 0
        if number and dialog is not None:
            heard = self.heard.get(dialog.remote_tag)
            if heard is None:
                heard = self.heard[dialog.remote_tag] = Heard(self.leg, dialog)
            if not heard.hear(message, number, now_ns):
                return False
        body = sdp_of(message)
        if body:
            self.sdp, self.tag = body, message.to_tag
        return True

    def _early(self, message: Message, source: Address) -> Dialog | None:
        """12.1: a provisional response with a tag makes a dialog."""
        tag, plan, layer = message.to_tag, self.leg.plan, self.leg.layer
        dialog = self.dialogs.get(tag)
        if dialog is None and len(self.dialogs) < EARLY_MAX:
            try:
                dialog = Dialog.of_answer(message, plan.ours, plan.uri, source, layer.reach)
            except SipError:
                layer.count["malformed"] += 1
                return None
            self.dialogs[tag] = dialog
        return dialog

    def confirm(self, message: Message, source: Address) -> tuple[Dialog, str]:
        """The dialog of a 2xx, and why its route cannot be travelled; empty when it can."""
        tag, plan, reach = message.to_tag, self.leg.plan, self.leg.layer.reach
        dialog = self.dialogs.get(tag)
        try:
            if dialog is None:
                return Dialog.of_answer(message, plan.ours, plan.uri, source, reach), ""
            dialog.confirm(message)
        except SipError as error:
            self.leg.layer.count["malformed"] += 1
            target, theirs = message.contact_uri or plan.uri, message.to_value
            call_id, cseq = message.call_id, message.cseq
            return Dialog(
                call_id, plan.ours, theirs, tag, cseq, target, [], source, reach
            ), f"its answer cannot be acknowledged: {error}"  # fmt: skip
        return dialog, ""

    def rest(self, tag: bytes) -> None:
        """This one is the call: what is kept is only the numbers of the others."""
        self.dialogs.pop(tag, None)
        if not self.dialogs:
            self.dialogs = {}  # a used table is larger than a new one
            self.heard = {}
            self.sdp = b""

    def settled(self, tag: bytes) -> bool:
        """Whether reliable responses of this dialog exchanged offer and answer."""
        heard = self.heard.get(tag)
        return heard is not None and heard.settled

    def described(self, message: Message) -> bytes:
        """The peer's description that holds once its 2xx is here.

        13.2.1: what reliable responses settled stays; unreliable ones may have brought the answer.
        """
        tag = message.to_tag
        if self.settled(tag):
            return self.heard[tag].sdp
        return sdp_of(message) or (self.sdp if tag == self.tag else b"")

    def negotiable(self) -> Dialog | None:
        """The last dialog that is settled: there an UPDATE may offer anew."""
        settled = [one.dialog for one in self.heard.values() if one.settled]
        return settled[-1] if settled else None

    def offer_refusal(self, dialog: Dialog) -> int:
        """See `Leg.offer_refusal`: our INVITE's offer is open until a reliable response answers."""
        heard = self.heard.get(dialog.remote_tag)
        if heard is not None and heard.settled:
            return 0
        return 500 if heard in self.owed else 491
