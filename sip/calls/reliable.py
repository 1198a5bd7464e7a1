"""Reliable provisional responses (RFC 3262): PRACK both ways.

Called side: one is on its way at a time, repeated until its PRACK; the next waits for that. Calling
side: each early dialog counts for itself; what does not come in order is not acknowledged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastpath.sipscan import Message
from fastpath.wheel import Timer
from sip.calls import reoffer
from sip.calls.dialog import Dialog
from sip.calls.within import Within
from sip.events import Address, Offered, Renegotiated
from sip.limits import NEVER, RELIABLES_MAX, T1, TIMEOUT
from sip.messages.message import sdp_of
from sip.messages.options import REL100, tags
from sip.transactions.client_other import PROCEEDING

if TYPE_CHECKING:
    from sip.calls.incoming import Incoming
    from sip.calls.leg import Leg
    from sip.calls.outgoing import Outgoing

NUMBER_MAX = (1 << 31) - 1
REQUIRE = b"Require: 100rel\r\n"
_RACK = re.compile(rb"\s*([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)\s*")
_NUMBER = re.compile(rb"[0-9]{1,10}")


def number_of(message: Message) -> int:
    """The RSeq of a provisional response that wants a PRACK; 0 when it wants none."""
    if not message.demands or REL100 not in tags(message, "Require"):
        return 0
    values = message.get_all("RSeq")
    number = int(values[0]) if len(values) == 1 and _NUMBER.fullmatch(values[0]) else 0
    return number if number <= NUMBER_MAX else 0


# calling side


class Heard:
    """What the reliable responses of one early dialog have brought so far.

    `settled`: offer and answer have been exchanged in them, `sdp` is the peer's part.
    """

    __slots__ = ("cseq", "dialog", "leg", "number", "prack", "sdp", "settled")

    def __init__(self, leg: Outgoing, dialog: Dialog) -> None:
        self.leg = leg
        self.dialog = dialog
        self.number = 0
        self.cseq = 0
        self.settled = False
        self.sdp = b""
        self.prack: Within | None = None

    def hear(self, message: Message, number: int, now_ns: int) -> bool:
        """Take a reliable response; False when it is a repetition or out of order (section 4)."""
        if self.number and number != self.number + 1:
            if number == self.number:
                self._again()
            else:
                self.leg.layer.count["stray"] += 1
            return False
        self.number, self.cseq = number, message.cseq
        body = sdp_of(message)
        if body and not self.settled:
            self.sdp = body
            if self.leg.delayed:
                # An offer: the PRACK waits for our answer (section 5).
                self.leg.branches.owed.append(self)
                self.leg.layer.out.append(Offered(self.leg.number, body, early=True))
                return True
            self.settled = True
        self.acknowledge(b"", now_ns)
        return True

    def acknowledge(self, answer: bytes, now_ns: int) -> None:
        """PRACK the last one."""
        self.settled = self.settled or bool(answer)
        line = b"RAck: %d %d INVITE\r\n" % (self.number, self.cseq)
        self.prack = Within(self.leg, self.dialog, "PRACK", self, line, answer, fatal=False)
        self.prack.send(now_ns)

    def _again(self) -> None:
        """The response was repeated: our PRACK seems lost."""
        tx = self.prack.tx if self.prack is not None else None
        if tx is not None and tx.state <= PROCEEDING and tx.request:
            self.leg.layer.resend(tx.request, tx.target)

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:  # noqa: ARG002
        """The PRACK is through."""
        if self.prack is asked:
            self.prack = None
        if not 200 <= code < 300:
            self.leg.on_prack_refused(self.dialog, code, now_ns)


# called side


class Reliable(Timer):
    """The reliable responses of one INVITE that came.

    `settled`: offer and answer have been exchanged in them and their PRACKs.
    """

    __slots__ = (
        "code",
        "give_up_ns",
        "interval_ns",
        "leg",
        "number",
        "queue",
        "response",
        "sdp",
        "settled",
        "waits",
    )

    def __init__(self, leg: Incoming) -> None:
        self.leg = leg
        self.number = leg.layer.rng.randrange(1, 1 << 30)  # room to count up, section 3
        self.queue: list[tuple[int, bytes]] = []
        self.waits = False  # for a PRACK
        self.response = b""
        self.sdp = b""  # of the response that waits
        self.settled = False
        self.interval_ns = T1
        self.give_up_ns = NEVER

    @property
    def holds(self) -> bool:
        """Whether a 2xx must wait: a description of ours is not acknowledged yet (section 3)."""
        return self.waits and bool(self.sdp)

    def ring(self, code: int, sdp: bytes, now_ns: int) -> None:
        """Send one, now or after the PRACK of the one before."""
        if not self.waits:
            self._send(code, sdp, now_ns)
        elif len(self.queue) < RELIABLES_MAX:
            self.queue.append((code, sdp))
        else:
            self.leg.layer.count["overload"] += 1

    def _send(self, code: int, sdp: bytes, now_ns: int) -> None:
        leg = self.leg
        self.number += 1
        self.sdp = b"" if self.settled else sdp
        lines = leg.lines + REQUIRE + b"RSeq: %d\r\n" % self.number
        leg.layer.respond(leg.tx, code, now_ns, lines, self.sdp)
        if self.sdp:
            leg.describe(self.sdp, offer=not leg.offered)
        self.response = leg.tx.response
        self.waits = True
        self.interval_ns = T1
        self.give_up_ns = now_ns + TIMEOUT
        leg.layer.timers.arm(self, now_ns + T1)

    def tick(self, now_ns: int) -> None:
        """Again, each time after twice as long, or the end (section 3)."""
        if now_ns >= self.give_up_ns:
            self.leg.layer.count["timeouts"] += 1
            self.leg.on_no_prack(now_ns)
            return
        self.leg.layer.resend(self.response, self.leg.tx.target)
        self.interval_ns *= 2
        self.leg.layer.timers.arm(self, min(now_ns + self.interval_ns, self.give_up_ns))

    def rest(self) -> None:
        """The INVITE has its final answer: repeat nothing, though a PRACK may still come."""
        self.queue.clear()
        self.leg.layer.timers.arm(self, NEVER)

    def matches(self, message: Message) -> bool | None:
        """Whether a PRACK acknowledges what waits (7.2); None when its RAck cannot be read."""
        values = message.get_all("RAck")
        found = _RACK.fullmatch(values[0]) if len(values) == 1 else None
        if found is None:
            return None
        number, cseq = int(found[1]), int(found[2])
        invite = self.leg.tx.merge[2]
        return self.waits and (number, cseq, found[3]) == (self.number, invite, b"INVITE")

    @property
    def offers(self) -> bool:
        """Whether what waits carries an offer of ours: the INVITE had none."""
        return self.holds and not self.settled and not self.leg.offered

    @property
    def answered(self) -> bool:
        """Whether the INVITE's offer is answered, now that what waits is acknowledged."""
        return self.settled or (self.holds and self.leg.offered)

    def acknowledged(self, now_ns: int, *, described: bool) -> None:
        """The PRACK came: the next one goes, or the 200 that was held back.

        `described`: with a session description.
        """
        self.settled = self.answered or (described and self.offers)
        self.waits = False
        self.leg.layer.timers.arm(self, NEVER)
        self.leg.on_prack(now_ns)
        if self.queue and not self.waits:
            code, sdp = self.queue.pop(0)
            self._send(code, sdp, now_ns)


def serve(leg: Leg, message: Message, key: bytes, source: Address, now_ns: int) -> None:
    """A PRACK of the caller."""
    state = leg.reliable
    match = state.matches(message) if state is not None else False
    if match is None:
        leg.refuse(message, key, source, 400, now_ns)
        return
    if state is None or not match:
        leg.refuse(message, key, source, 481, now_ns)
        return
    described = sdp_of(message)
    ours = b""
    if described and state.answered:
        try:
            ours = reoffer.renewed(leg, described)  # section 5: a further offer
        except ValueError:
            leg.refuse(message, key, source, 488, now_ns)
            return
    leg.layer.answer(message, key, source, 200, now_ns, b"", b"", ours)
    if described and (ours or state.offers):
        leg.layer.out.append(Renegotiated(leg.number, described))
    state.acknowledged(now_ns, described=bool(described))
