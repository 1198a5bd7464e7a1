"""What is to be on disk before a call goes on, so that a later process can end it.

Of an `Invite` with `journaled` nothing leaves before its caller has kept it: `Endpoint.invite`
returns the line to keep, and `Endpoint.go_on` lets the INVITE go. From then on `Keep` brings the
lines that take its place: of an INVITE that is sent again, of a first sign from the far end (the
right to CANCEL, RFC 3261 section 9.1), of the dialog that a 2xx makes, whose ACK waits for `go_on`
as well, and of the target that the peer names later (12.2), for which nobody waits. A repeated 2xx
changes nothing meanwhile. `orphan.py` is what is done with a line that a process left behind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from sip.errors import SipError
from sip.events import Address, SipEvent
from sip.messages.message import head
from sip.transport.local import Reach

if TYPE_CHECKING:
    from sip.calls.dialog import Dialog


class Keep(SipEvent, frozen=True):
    """This line is to be kept in place of the leg's former one; with `waits`, `go_on` is due."""

    line: bytes
    waits: bool = True


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An address that means the same when the configuration has changed."""

    host: str
    port: int
    transport: str
    flow: int


class Invited(msgspec.Struct, frozen=True, array_like=True, tag="i"):
    """An INVITE without a final answer.

    `head` is the INVITE up to its CSeq, which its CANCEL must repeat; `heard` whether there was a
    provisional answer, without which there may be no CANCEL.
    """

    place: Place
    head: bytes
    heard: bool


class Confirmed(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """A call that was answered: its dialog (12.1.2), and the branch of our INVITE, if it was ours.

    `target` is the peer's Contact, `routes` the route set as it was learned.
    """

    place: Place
    branch: bytes
    call_id: bytes
    ours: bytes
    theirs: bytes
    tag: bytes
    cseq: int
    target: bytes
    routes: tuple[bytes, ...]


Line = Invited | Confirmed
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Line] = msgspec.msgpack.Decoder(Line)


def invited(request: bytes, where: Address, reach: Reach, *, heard: bool) -> bytes:
    """The line of an INVITE that leaves for `where`."""
    return _encode(Invited(_place(where, reach), head(request), heard))


def confirmed(dialog: Dialog, branch: bytes, cseq: int, reach: Reach) -> bytes:
    """The line of a dialog that a 2xx has made to the INVITE of that branch and number.

    `branch` is empty where the INVITE is the peer's: there is nothing to acknowledge.
    """
    return _encode(
        Confirmed(
            _place(dialog.next_hop, reach),
            branch,
            dialog.call_id,
            dialog.ours,
            dialog.theirs,
            dialog.remote_tag,
            cseq,
            dialog.remote_target(),
            tuple(dialog.routes),
        )
    )


def read(line: bytes) -> Line:
    """What was kept; SipError when these are no such bytes."""
    try:
        found = _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise SipError(f"not a line of a call: {error}") from None
    if isinstance(found, Confirmed):
        parts = (found.call_id, found.ours, found.theirs, found.tag, found.target, *found.routes)
        if any(_CONTROL.search(part) for part in parts):
            raise SipError("not a line of a call: control characters")
    return found


def address(place: Place, reach: Reach) -> Address:
    """Where that is now; SipError when nothing of ours speaks its transport any more."""
    flow = place.flow
    here = reach.locals[flow] if flow < len(reach.locals) else reach.locals[0]
    v6 = ":" in place.host
    if flow >= len(reach.locals) or (here.transport, here.v6) != (place.transport, v6):
        found = reach.flow(place.transport, v6=v6)
        if found is None:
            raise SipError(f"nothing of ours speaks {place.transport} to {place.host} any more")
        flow = found
    return place.host, place.port, flow


def _place(where: Address, reach: Reach) -> Place:
    where = reach.named.get(where, where)  # a name may lead elsewhere later
    host, port, flow = where
    return Place(host, port, reach.locals[flow].transport, flow)
