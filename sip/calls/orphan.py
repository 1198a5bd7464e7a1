"""A call that an earlier process left behind: ended by what its journal kept (`journal.py`).

Who was answered gets an ACK, should it have been lost, and a BYE; who called us gets a BYE. An
INVITE without a final answer gets its CANCEL when a provisional one is known of (RFC 3261 section
9.1). When none is, nothing may be sent: it is listened for, and for as long as a call may ring;
sending the INVITE again would ring a telephone that may never have rung. A 2xx that comes late is
acknowledged and hung up, for 64*T1 (13.2.2.4), whatever happened before; a refusal is acknowledged
by the INVITE's transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal

import msgspec

from fastpath.sipscan import Message, ScanError, scan
from fastpath.wheel import Timer
from sip.accounts.auth import Credentials, DigestClient
from sip.calls import journal
from sip.calls.dialog import Dialog
from sip.calls.journal import Confirmed, Invited
from sip.calls.within import Within
from sip.errors import SipError
from sip.events import NO_LEG, Address, SipEvent
from sip.limits import FORKS_MAX, ORPHAN_STEP, ORPHANS_PER_STEP, RINGING_MAX, TIMEOUT
from sip.transactions.client_invite import ACCEPTED, PROCEEDING, ClientInvite
from sip.transactions.table import Transactions

STATES = ("silent", "cancelling", "closing", "over")
SILENT, CANCELLING, CLOSING, OVER = range(4)

EVENTS = ("1xx", "2xx of a new tag", "3xx-6xx", "BYE answered", "no reply")
PROGRESS, ANSWER, REFUSE, CLOSED, SILENCE = range(5)

CANCEL = 1
HANG_UP = 2  # acknowledge and hang up
TELL = 4

TABLE: dict[tuple[int, int], tuple[int, int]] = {
    (SILENT, PROGRESS): (CANCELLING, CANCEL),
    (SILENT, ANSWER): (CLOSING, HANG_UP),
    (SILENT, REFUSE): (OVER, TELL),
    (SILENT, SILENCE): (OVER, TELL),
    (CANCELLING, ANSWER): (CLOSING, HANG_UP),
    (CANCELLING, REFUSE): (OVER, TELL),
    (CANCELLING, SILENCE): (OVER, TELL),
    (CLOSING, ANSWER): (CLOSING, HANG_UP),
    (CLOSING, CLOSED): (OVER, TELL),
    (OVER, ANSWER): (OVER, HANG_UP),
}
ROWS = tuple(tuple(TABLE.get((s, e), (s, 0)) for e in range(len(EVENTS))) for s in range(4))

CSEQ_AHEAD = 1 << 20  # what was sent in the dialog since its line was kept has lower numbers

How = Literal["hung up", "cancelled", "refused", "silent", "lost"]


class Old(msgspec.Struct, frozen=True):
    """A call of before: the caller's number for it, its line, and who we are to its trunk."""

    number: int
    line: bytes
    credentials: Credentials | None = None


class Cleared(SipEvent, frozen=True, kw_only=True):
    """An old call needs nothing more, but that late answers to it are still taken care of.

    `how`: "hung up" (its BYE is answered, or nobody is there to answer), "cancelled", "refused"
    (it had ended by itself), "silent" (nothing was heard of it, or no end of it), "lost" (`why`:
    its line cannot be used, or its BYE was refused).
    """

    number: int
    how: How
    why: str = ""
    leg: int = NO_LEG


class Orphan:
    """One of them."""

    __slots__ = (
        "acks",
        "byes",
        "cancelled",
        "digest",
        "layer",
        "number",
        "ours",
        "state",
        "uri",
        "why",
    )

    def __init__(self, layer: Transactions, old: Old) -> None:
        self.layer = layer
        self.number = old.number
        self.digest = DigestClient(old.credentials) if old.credentials is not None else None
        self.state = SILENT
        self.ours = b""
        self.uri = b""
        self.cancelled = False
        self.why = ""
        self.byes = 0  # that wait for their answers
        self.acks: dict[bytes, tuple[bytes, Address]] = {}

    def begin(self, line: journal.Line, now_ns: int) -> None:
        """Send what may be sent; SipError when the line cannot be used."""
        where = journal.address(line.place, self.layer.reach)
        if isinstance(line, Confirmed):
            self._close(line, where, now_ns)
        else:
            self._cancel(line, where, now_ns)

    def _close(self, line: Confirmed, where: Address, now_ns: int) -> None:
        dialog = Dialog(
            line.call_id,
            line.ours,
            line.theirs,
            line.tag,
            line.cseq,
            line.target,
            list(line.routes),
            where,
            self.layer.reach,
        )
        self.ours = line.ours
        self.state = CLOSING
        if line.branch:
            self._adopt(line.branch, b"", where, ACCEPTED, now_ns + TIMEOUT)
            self._acknowledge(dialog, line.cseq)
        self._hang_up(dialog, now_ns, ahead=CSEQ_AHEAD)

    def _cancel(self, line: Invited, where: Address, now_ns: int) -> None:
        try:
            said = scan(line.head + b"Content-Length: 0\r\n\r\n")
        except ScanError as error:
            raise SipError(f"not an INVITE: {error}") from None
        if said.method != "INVITE" or said.fault:
            raise SipError("not an INVITE")
        self.ours, self.uri = said.from_value, said.uri
        tx = self._adopt(said.branch, line.head, where, PROCEEDING, now_ns + RINGING_MAX)
        if line.heard:
            self._progress(tx, now_ns)

    def _adopt(
        self, branch: bytes, head: bytes, where: Address, state: int, until_ns: int
    ) -> ClientInvite:
        """The INVITE's transaction goes on, in a later process."""
        tx = ClientInvite(self.layer, self, branch, head, where)
        tx.state, tx.give_up_ns = state, until_ns
        self.layer.client_invites[branch] = tx
        self.layer.timers.arm(tx, until_ns)
        return tx

    def _step(self, event: int) -> int:
        self.state, actions = ROWS[self.state][event]
        return actions

    def _tell(self, actions: int, how: How) -> None:
        if actions & TELL:
            self.layer.out.append(Cleared(number=self.number, how=how, why=self.why))

    # from the INVITE transaction

    def on_invite_response(
        self, tx: ClientInvite, message: Message, source: Address, now_ns: int
    ) -> None:
        """What came late."""
        if message.status < 200:
            self._progress(tx, now_ns)
        elif message.status < 300:
            self._answer(message, source, now_ns)
        else:
            self._tell(self._step(REFUSE), "cancelled" if self.cancelled else "refused")

    def on_invite_failure(self, tx: ClientInvite, phrase: str, now_ns: int) -> None:  # noqa: ARG002
        """No end of it was heard in time; 9.1: then it counts as cancelled."""
        self._tell(self._step(SILENCE), "cancelled" if self.cancelled else "silent")
        self.layer.forget(tx)

    def _progress(self, tx: ClientInvite, now_ns: int) -> None:
        if self._step(PROGRESS) & CANCEL:
            self.cancelled = True
            self.layer.cancel(tx, b"", now_ns)

    def _answer(self, message: Message, source: Address, now_ns: int) -> None:
        sent = self.acks.get(message.to_tag)
        if sent is not None:
            self.layer.resend(*sent)
            return
        if len(self.acks) >= FORKS_MAX:
            self.layer.count["stray"] += 1
            return
        reach, uri = self.layer.reach, self.uri or message.contact_uri
        try:
            dialog = Dialog.of_answer(message, self.ours, uri, source, reach)
        except SipError:  # its route cannot be travelled: straight to where it came from
            self.layer.count["malformed"] += 1
            dialog = Dialog(
                message.call_id, self.ours, message.to_value, message.to_tag, message.cseq,
                message.contact_uri or uri, [], source, reach,
            )  # fmt: skip
        if self._step(ANSWER) & HANG_UP:
            self._acknowledge(dialog, message.cseq)
            self._hang_up(dialog, now_ns)

    def _acknowledge(self, dialog: Dialog, cseq: int) -> None:
        layer = self.layer
        ack = dialog.build(layer.identities, b"ACK", layer.branch(), cseq)
        self.acks[dialog.remote_tag] = ack, dialog.next_hop
        layer.send(ack, dialog.next_hop)

    def _hang_up(self, dialog: Dialog, now_ns: int, ahead: int = 0) -> None:
        dialog.cseq += ahead
        self.byes += 1
        Within(self, dialog, "BYE", self, fatal=False).send(now_ns)  # type: ignore[arg-type]

    # as the leg of a BYE

    def on_done(self, asked: Within, code: int, message: Message | None, now_ns: int) -> None:  # noqa: ARG002
        """A BYE is answered, or given up (15.1.1)."""
        self.byes -= 1
        if code >= 300 and code not in {408, 481}:
            self.why = f"its BYE was answered {code}"
        if not self.byes:
            self._tell(self._step(CLOSED), "lost" if self.why else "hung up")

    def authorize(self, message: Message, method: str, uri: bytes) -> bytes:
        """The lines that answer a 401 or 407; empty when we cannot."""
        digest = self.digest
        return b"" if digest is None else digest.answer(message, method, uri, self.layer.token())

    def foresee(self, method: str, uri: bytes) -> bytes:
        """The lines of a request whose challenge is known: that of a former BYE."""
        return b"" if self.digest is None else self.digest.begin(method, uri)


class Orphans(Timer):
    """All of them: begun in steps, so that thousands do not flood the carrier's socket."""

    def __init__(self, layer: Transactions) -> None:
        self._layer = layer
        self._waiting: deque[tuple[Old, journal.Line]] = deque()

    def __len__(self) -> int:
        """Those whose turn has not come."""
        return len(self._waiting)

    def end(self, calls: Iterable[Old], now_ns: int) -> None:
        """End them, those that talk first; exactly one `Cleared` tells of each."""
        ringing: list[tuple[Old, journal.Line]] = []
        for old in calls:
            try:
                line = journal.read(old.line)
            except SipError as error:
                self._lost(old, error)
                continue
            (self._waiting if isinstance(line, Confirmed) else ringing).append((old, line))
        self._waiting.extend(ringing)
        self.tick(now_ns)

    def tick(self, now_ns: int) -> None:
        """The next ones."""
        for _ in range(min(ORPHANS_PER_STEP, len(self._waiting))):
            old, line = self._waiting.popleft()
            try:
                Orphan(self._layer, old).begin(line, now_ns)
            except SipError as error:
                self._lost(old, error)
        if self._waiting:
            self._layer.timers.arm(self, now_ns + ORPHAN_STEP)

    def _lost(self, old: Old, error: SipError) -> None:
        self._layer.out.append(Cleared(number=old.number, how="lost", why=str(error)))
