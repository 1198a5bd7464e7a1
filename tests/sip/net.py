"""A network in virtual time: endpoints, lossy wires, hand-made peers. Nothing here sleeps."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import msgspec

from fastpath.sipscan import Message, ScanError, scan
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Address, AnyOutput, Ended, Invite, Send, SipEvent
from sip.limits import MS
from sip.transport.local import Local

US = ("192.0.2.1", 5060, 0)
THEM = ("192.0.2.2", 5060, 0)
OFFER = sdp.offer("192.0.2.1", 30_000, session_id=7)
ANSWER = sdp.answer(OFFER, "192.0.2.2", 40_000, session_id=9)


def invite(leg: int = 1, **changes: object) -> Invite:
    fields: dict[str, object] = {
        "leg": leg,
        "targets": (THEM,),
        "request_uri": "sip:84901234567@192.0.2.2",
        "from_uri": "sip:1900@192.0.2.1",
        "to_uri": "sip:84901234567@192.0.2.2",
        "call_id": f"call-{leg}@192.0.2.1",
        "sdp": OFFER,
    }
    fields.update(changes)
    return Invite(**fields)  # type: ignore[arg-type]


def read(data: bytes) -> Message:
    """What we sent. A 400 repeats the broken header that it refuses, so it may not scan itself."""
    try:
        return scan(data)
    except ScanError as error:
        message = error.message
    assert message is not None
    assert message.status >= 400
    return message


class Us:
    """One endpoint with its clock; what it sends and tells is kept in order."""

    def __init__(self, local: Address = US, seed: int = 1) -> None:
        self.endpoint = Endpoint(Local(*local[:2]), rng=random.Random(seed))
        self.now_ns = 1_000_000_000
        self.sent: list[Send] = []
        self.events: list[SipEvent] = []

    def pump(self) -> list[AnyOutput]:
        out = self.endpoint.drain()
        for effect in out:
            if isinstance(effect, Send):
                self.sent.append(effect)
            else:
                self.events.append(effect)
        return out

    def invite(self, **changes: object) -> Message:
        """Call; the INVITE that left."""
        self.endpoint.invite(invite(**changes), self.now_ns)  # type: ignore[arg-type]
        self.pump()
        return self.last()

    def release(self, leg: int = 1, q850: int = 0) -> list[AnyOutput]:
        self.endpoint.release(leg, self.now_ns, q850=q850)
        return self.pump()

    def receive(self, data: bytes, source: Address = THEM) -> list[AnyOutput]:
        self.endpoint.receive(data, source, self.now_ns)
        return self.pump()

    def last(self) -> Message:
        return read(self.sent[-1].data)

    def take(self) -> list[Message]:
        """Every message sent since the last call of this."""
        messages = [read(s.data) for s in self.sent]
        self.sent.clear()
        return messages

    def told(self) -> list[SipEvent]:
        """Every event since the last call of this."""
        events = self.events[:]
        self.events.clear()
        return events

    def run(self, ms: int) -> list[tuple[int, Message]]:
        """Let time pass, each deadline in its turn; (milliseconds from the start, message sent)."""
        start_ns, end_ns = self.now_ns, self.now_ns + ms * MS
        out: list[tuple[int, Message]] = []
        while (due_ns := self.endpoint.deadline_ns()) is not None and due_ns <= end_ns:
            self.now_ns = max(self.now_ns, due_ns)
            self.endpoint.tick(self.now_ns)
            at_ms = (self.now_ns - start_ns) // MS
            out += [(at_ms, read(e.data)) for e in self.pump() if isinstance(e, Send)]
        self.now_ns = end_ns
        return out

    def sizes(self) -> dict[str, int]:
        counts = self.endpoint.statistics()
        names = ("legs", "client_invites", "client_others", "server_invites", "server_others")
        return {name: counts[name] for name in (*names, "timers")}

    def empty(self) -> bool:
        """Whether nothing of any call is left."""
        inner = self.endpoint.layer
        return not any(self.sizes().values()) and not inner.merges and self.endpoint.tags == 0


def plain(event: SipEvent) -> SipEvent:
    """An event without the peer's reasons, which have tests of their own."""
    return msgspec.structs.replace(event, reasons=()) if isinstance(event, Ended) else event


def reply(
    request: Message,
    code: int,
    *,
    tag: str = "them",
    body: bytes = b"",
    extra: str = "",
    contact: str = "<sip:gw@192.0.2.2:5060>",
    phrase: str = "Some Phrase",
) -> bytes:
    """A response as a peer would write it, independent of our own builder."""
    lines = [f"SIP/2.0 {code} {phrase}"]
    lines += [f"Via: {v.decode()}" for v in request.get_all("Via")]
    to = request.to_value.decode()
    if code > 100 and not request.to_tag:
        to += f";tag={tag}"
    lines += [
        f"From: {request.from_value.decode()}",
        f"To: {to}",
        f"Call-ID: {request.call_id.decode()}",
        f"CSeq: {request.cseq} {request.method}",
    ]
    if contact and 100 < code < 300:
        lines.append(f"Contact: {contact}")
    if body:
        lines.append("Content-Type: application/sdp")
    head = "\r\n".join(lines) + "\r\n" + extra
    return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def request(  # the parts of a request, each with a usual value
    method: str,
    *,
    uri: str = "sip:1900@192.0.2.1",
    branch: str = "z9hG4bKpeer1",
    call_id: str = "theirs@192.0.2.2",
    from_tag: str = "ft1",
    to: str = "<sip:1900@192.0.2.1>",
    cseq: int = 1,
    extra: str = "",
    body: bytes = b"",
    kind: str = "application/sdp",
    via: str = "192.0.2.2:5060",
    contact: str = "<sip:84900000000@192.0.2.2:5060>",
    cseq_method: str = "",
) -> bytes:
    """A request as a peer would write it."""
    head = (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch={branch}\r\n"
        f"From: <sip:84900000000@192.0.2.2>;tag={from_tag}\r\nTo: {to}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq} {cseq_method or method}\r\nMax-Forwards: 70\r\n"
    )
    if contact:
        head += f"Contact: {contact}\r\n"
    if body:
        head += f"Content-Type: {kind}\r\n"
    return (head + extra).encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def answered(us: Us, **options: str) -> Message:
    """An answered call; the INVITE."""
    sent = us.invite()
    us.receive(reply(sent, 200, body=ANSWER, **options))
    us.take()
    us.told()
    return sent


def peer_bye(us: Us, sent: Message, **fields: object) -> bytes:
    """A BYE of the called side."""
    return request(
        "BYE",
        call_id=sent.call_id.decode(),
        from_tag="them",
        to=f"<sip:1900@192.0.2.1>;tag={sent.from_tag.decode()}",
        **fields,
    )


class Wire:
    """Several endpoints on one lossy network with a delay. `drop` may refuse any datagram."""

    DELAY_NS = 5 * MS

    def __init__(self, drop: Callable[[bytes, Address], bool] = lambda _d, _a: False) -> None:
        self.hosts: dict[Address, Us] = {}
        self.answer: dict[Address, Callable[[Us, SipEvent], None]] = {}
        self.drop = drop
        self.now_ns = 1_000_000_000
        self._serial = 0
        self._air: list[tuple[int, int, bytes, Address, Address]] = []

    def add(
        self,
        local: Address,
        on_event: Callable[[Us, SipEvent], None] = lambda _u, _e: None,
        seed: int = 1,
    ) -> Us:
        self.hosts[local] = host = Us(local, seed)
        self.answer[local] = on_event
        return host

    def collect(self) -> None:
        """Put what the hosts sent in the air, and let each hear its events."""
        busy = True
        while busy:
            busy = False
            for local, host in self.hosts.items():
                host.now_ns = self.now_ns
                for effect in host.pump():
                    busy = True
                    if not isinstance(effect, Send):
                        self.answer[local](host, effect)
                    elif not self.drop(effect.data, effect.target):
                        self._serial += 1
                        at_ns = self.now_ns + self.DELAY_NS
                        packet = (at_ns, self._serial, effect.data, local, effect.target)
                        heapq.heappush(self._air, packet)

    def run(self, ms: int) -> None:
        end_ns = self.now_ns + ms * MS
        self.collect()
        while True:
            dues = [d for h in self.hosts.values() if (d := h.endpoint.deadline_ns()) is not None]
            if self._air:
                dues.append(self._air[0][0])
            if not dues or min(dues) > end_ns:
                break
            self.now_ns = max(self.now_ns, min(dues))
            while self._air and self._air[0][0] <= self.now_ns:
                _, _, data, source, target = heapq.heappop(self._air)
                if target in self.hosts:
                    self.hosts[target].endpoint.receive(data, source, self.now_ns)
            for host in self.hosts.values():
                host.endpoint.tick(self.now_ns)
            self.collect()
        self.now_ns = end_ns
