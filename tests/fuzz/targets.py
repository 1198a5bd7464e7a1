"""What is fuzzed: one function for each reader of a stranger's bytes.

Each takes any bytes, may raise nothing, and asserts what must hold for all of them. `make fuzz`
runs them under libFuzzer with AddressSanitizer; the kept corpus goes through them in every
`make test`.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import sip
from fastpath.rtp_jitter import RtpJitter
from fastpath.rtp_record import RecordPlacing
from fastpath.rtp_renumber import RtpRelay
from fastpath.rtp_tape import Tape
from fastpath.sipscan import Message, ScanError, parse_address, parse_uri, scan
from sip import sdp
from sip.endpoint import Endpoint
from sip.errors import SipError
from sip.events import Incoming, Invite, ReferAsked, Send, SipEvent
from sip.messages import address, caller_identity, replaces, tel
from sip.messages.causes import reason_lines, reasons
from sip.messages.header_map import decoded
from sip.transport.local import Local
from tests.fuzz import media_targets, modem_targets

SECOND = 1_000_000_000
FIELDS = (
    "is_request", "status", "method", "phrase", "uri", "uri_scheme", "uri_user", "call_id", "cseq",
    "branch", "vias", "sent_by", "rport", "from_value", "from_tag", "from_uri", "from_user",
    "to_value", "to_tag", "contact_uri", "contacts", "record_routes", "max_forwards", "expires",
    "retry_after", "content_type", "body", "q850", "problem", "demands", "transaction_key",
    "answerable",
)  # fmt: skip
US = ("192.0.2.1", 5060, 0)
THEM = ("192.0.2.2", 5060, 0)
OFFER = sdp.offer("192.0.2.1", 30_000, session_id=7)
BETWEEN = b"\0\0"  # datagrams of one conversation


def whole_lines(text: bytes) -> bool:
    """Whether every line of it ends in CRLF, with no CR or LF elsewhere."""
    rest = text.replace(b"\r\n", b"")
    return b"\r" not in rest and b"\n" not in rest


def message(data: bytes) -> None:
    """Ask a message all it can tell."""
    try:
        found = scan(data)
    except ScanError as error:
        assert error.status in {400, 505}  # noqa: PT017 - no test, and other bytes raise nothing
        if error.message is None:
            return
        found = error.message
        ask(found)
        return
    ask(found)
    assert whole_lines(found.reply_head(b"192.0.2.1", 5060))
    for name, value in found.headers():
        assert b"\n" not in name + value
        assert b"\r" not in name + value


def ask(found: Message) -> None:
    """Read every field; what is told lies in the datagram."""
    for field in FIELDS:
        value = getattr(found, field)
        assert not isinstance(value, bytes) or len(value) <= 3 * len(found.data) + 64
    found.get_all("Via")
    found.reply_head(b"192.0.2.1", 5060)


def uri(data: bytes) -> None:
    """A URI and an address; the parts lie in it."""
    for parse in (parse_uri, parse_address):
        try:
            parts = parse(data)
        except ScanError:
            continue
        assert all(part in data for part in parts if isinstance(part, bytes))


def description(data: bytes) -> None:
    """A session description, and the answer to it."""
    try:
        media = sdp.parse(data)
        answer = sdp.answer(data, "192.0.2.1", 4_000, session_id=1)
    except ValueError:
        return
    assert 0 < media.port < 65_536
    assert whole_lines(answer)
    assert b"\0" not in answer


def text_message(data: bytes) -> None:
    """The public seam: what it reads it writes, and reads back the same."""
    try:
        found = sip.parse_message(data)
    except sip.ParseError as error:
        reply = error.reply("192.0.2.1", 5060)
        assert reply is None or whole_lines(reply.partition(b"\r\n\r\n")[0])
        return
    written = bytes(found)
    head = written.partition(b"\r\n\r\n")[0]
    assert b"\0" not in head
    assert whole_lines(head)
    again = sip.parse_message(written)  # may say that the longer names make it too large
    assert again == found
    assert (found.vias, found.contacts, found.reasons) == (
        again.vias,
        again.contacts,
        again.reasons,
    )
    caller_identity.read(scan(data))


def field(data: bytes) -> None:
    """The value of a header field, in every grammar that we have for one."""
    text = decoded(data)
    for read in (address.parse, replaces.parse, tel.parse):
        try:
            found = read(text)
            written = str(found)
        except SipError:
            continue
        assert not set(written) & {"\r", "\n", "\0"}
        assert read(written) == found
    for part in address.split(text):
        assert len(part) <= len(text)
    for one in reasons([text]):
        try:
            assert whole_lines(reason_lines([one]))
        except SipError:
            continue
    tel.number_of(text)


class Talk:
    """One endpoint in the middle of things, and a stranger who speaks to it."""

    def __init__(self) -> None:
        """With one call of ours under way; what it sends is remembered for the peer to quote."""
        self.now_ns = SECOND
        self.endpoint = Endpoint(Local(*US[:2]), rng=random.Random(1), legs_max=8)
        self.endpoint.invite(
            Invite(1, (THEM,), "sip:1@192.0.2.2", "sip:2@192.0.2.1", "sip:1@192.0.2.2", "1@x",
                   OFFER),
            self.now_ns,
        )  # fmt: skip
        self.pump()

    def pump(self) -> None:
        """Do what an application does."""
        for out in self.endpoint.drain():
            if isinstance(out, Send):
                assert b"\r\n\r\n" in out.data
                assert whole_lines(out.data.partition(b"\r\n\r\n")[0])
            else:
                self.react(out)

    def react(self, event: SipEvent) -> None:
        """Answer whoever calls."""
        if isinstance(event, ReferAsked):
            self.endpoint.refer_answer(event.leg, 202, self.now_ns)
        if isinstance(event, Incoming):
            self.endpoint.ring(event.leg, self.now_ns)
            self.endpoint.accept(event.leg, OFFER, self.now_ns)

    def hear(self, data: bytes) -> None:
        """One datagram."""
        self.now_ns += SECOND // 100
        self.endpoint.receive(data, THEM, self.now_ns)
        self.pump()

    def close(self) -> None:
        """Hang up all there is; in the end nothing may be left."""
        for leg in (1, *range(-1, -10, -1)):
            self.endpoint.release(leg, self.now_ns)
        self.pump()
        for _ in range(2_000):
            due_ns = self.endpoint.deadline_ns()
            if due_ns is None:
                break
            self.now_ns = max(self.now_ns, due_ns)
            self.endpoint.tick(self.now_ns)
            self.pump()
        left = self.endpoint.statistics()
        names = ("legs", "client_invites", "client_others", "server_invites", "server_others")
        assert not any(left[name] for name in names), left


def conversation(data: bytes) -> None:
    """Several datagrams to one endpoint with a call under way."""
    talk = Talk()
    for piece in data.split(BETWEEN)[:16]:
        talk.hear(piece)
    talk.close()


def jitter(data: bytes) -> None:
    """Packets and pauses for a jitter buffer: eleven bytes each, or one that takes a frame."""
    buffer, now_ns, at, offered = RtpJitter(), SECOND, 0, 0
    while at < len(data):
        what, at = data[at], at + 1
        if what & 1:
            assert len(buffer.take(now_ns)[1]) == 320
            now_ns += SECOND // 50
        else:
            size, ssrc = int.from_bytes(data[at : at + 2], "big") % 1501, data[at + 2 : at + 3]
            timestamp = int.from_bytes(data[at + 3 : at + 7], "big")
            now_ns += int.from_bytes(data[at + 7 : at + 10], "big", signed=True) * 1_000
            law = (0, 8, 13, 0)[what >> 1 & 3]
            audio = bytes((what + n) & 255 for n in range(size))
            buffer.put(law, sum(ssrc), timestamp, audio, now_ns, bool(what & 8))
            at, offered = at + 10, offered + size
        assert 0 <= buffer.waiting_ms <= 512
        assert 5 <= buffer.target_ms <= 200
    assert buffer.counts()["played"] <= offered


def relay(data: bytes) -> None:
    """Packets that cross a bridge and are recorded: twelve bytes each, or one for a frame."""
    ours, placing, tape = RtpRelay(7, 65_500, 2**32 - 4_000), RecordPlacing(), Tape()
    ours.connect(data[0] & 8 if data else 0, 101 if len(data) % 3 else -1)
    at, frame, arrival, end = 0, 0, 0, 0
    while at < len(data):
        what, at = data[at], at + 1
        if what & 1:
            frame += 1 + (what >> 4)
            sent, _ = ours.frame(frame)
            assert all(len(packet) == 172 for packet in sent)
            continue
        size, ssrc = int.from_bytes(data[at : at + 2], "big") % 481, data[at + 2 : at + 3]
        timestamp = int.from_bytes(data[at + 3 : at + 7], "big")
        seq, step = int.from_bytes(data[at + 7 : at + 9], "big"), data[at + 9 : at + 11]
        law, event = (0, 8, 13, 101)[what >> 1 & 3], what & 6 == 6
        body = bytes((what + n) & 255 for n in range(max(size, 4)))
        passed = ours.pass_on(
            seq, timestamp, sum(ssrc), law, body, event=event, marker=bool(what & 8)
        )
        assert passed is None or len(passed) == 12 + len(body)
        arrival += sum(step)
        place = placing.hear(timestamp, arrival, body[:160])
        assert abs(place - arrival) <= 1_600
        entry = struct.pack("<qBBHI", place, what >> 4 & 1, law, min(size, 160), what >> 5 & 1)
        for position, audio in tape.take(entry + body[:160].ljust(160)):
            assert position >= end
            end = position + len(audio) // 4
        at += 11
    for position, _ in tape.take(b"", rest=True):
        assert position >= end


TARGETS: dict[str, Callable[[bytes], None]] = {
    "message": message,
    "uri": uri,
    "description": description,
    "conversation": conversation,
    "text_message": text_message,
    "field": field,
    "jitter": jitter,
    "relay": relay,
    "receive": media_targets.receive,
    "rtcp": media_targets.rtcp,
    "dtmf": media_targets.dtmf,
    "record": media_targets.record,
    "modem_lines": modem_targets.lines,
    "modem_texts": modem_targets.texts,
    "modem_port": modem_targets.port,
}
