"""A peer that says anything at any time: nothing raises, each leg ends once, nothing is left."""

from __future__ import annotations

import random

import pytest

from fastpath.sipscan import Message
from sip.events import Ended, Offered
from tests.sip.callee import OURS, SDP
from tests.sip.net import ANSWER, OFFER, THEM, Us, invite, reply, request

CODES = (
    100,
    180,
    183,
    200,
    200,
    200,
    200,
    200,
    202,
    302,
    401,
    408,
    420,
    421,
    422,
    481,
    486,
    487,
    491,
    500,
    503,
    603,
)
EXTRAS = (
    "",
    "Require: 100rel\r\nRSeq: 1\r\n",
    "Require: 100rel\r\nRSeq: 2\r\n",
    "Session-Expires: 90;refresher=uac\r\n",
    "Session-Expires: 5;refresher=uas\r\nAllow: UPDATE\r\n",
    "Min-SE: 1000\r\n",
    "Contact: <sip:else@192.0.2.7>\r\n",
    "Supported: 100rel, timer\r\n",
    "Retry-After: 2\r\n",
    'WWW-Authenticate: Digest realm="r", nonce="n"\r\n',
    "Unsupported: 100rel\r\n",
    "Record-Route: <sip:192.0.2.8>, <sip:192.0.2.9;lr>\r\n",
    "Info-Package: x\r\n",
    "Content-Disposition: early-session\r\n",
)
BODIES = (b"", b"", ANSWER, OFFER, SDP, b"v=0\r\nnonsense", SDP.replace(b"RTP/AVP", b"RTP/SAVP"))
METHODS = (
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "UPDATE",
    "PRACK",
    "INFO",
    "OPTIONS",
    "REFER",
    "NOTIFY",
)


class Storm:
    """One endpoint between a random peer and a random user."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.us = Us(seed=seed)
        self.seen: list[Message] = []  # what we sent
        self.legs: set[int] = set()
        self.ended: list[int] = []
        self.cseq = 1

    def pick(self, items: tuple[object, ...]) -> object:
        return items[self.rng.randrange(len(items))]

    def collect(self) -> None:
        self.seen = (self.seen + self.us.take())[-40:]
        for event in self.us.told():
            if event.leg in self.ended:
                raise AssertionError(f"{event} after the end")
            self.legs.add(event.leg)
            if isinstance(event, Ended):
                self.ended.append(event.leg)
            elif isinstance(event, Offered) and self.rng.random() < 0.7:
                self.us.endpoint.acknowledge(event.leg, ANSWER, self.us.now_ns)
        self.us.pump()

    def answer(self) -> None:
        """Answer something that we asked, whatever."""
        asked = [m for m in self.seen if m.is_request]
        if asked:
            request_ = self.rng.choice(asked[-3:])
            tag = "them" if self.rng.random() < 0.9 else "fork"
            data = reply(
                request_,
                self.pick(CODES),  # type: ignore[arg-type]
                tag=tag,
                body=self.pick(BODIES),  # type: ignore[arg-type]
                extra=str(self.pick(EXTRAS)),
            )
            for _ in range(self.rng.randrange(1, 3)):
                self.us.receive(data)

    def ask(self) -> None:
        """Ask something inside of a dialog, or outside."""
        ours = [m for m in self.seen if m.to_tag or m.is_request]
        fields: dict[str, object] = {"cseq": self.cseq + self.rng.randrange(-1, 3)}
        self.cseq += 1
        if ours and self.rng.random() < 0.9:
            known = self.rng.choice(ours)
            tag = known.from_tag if known.is_request else known.to_tag
            theirs = (known.to_tag or b"them") if known.is_request else known.from_tag
            fields |= {
                "call_id": known.call_id.decode(),
                "from_tag": theirs.decode(),
                "to": f"<sip:a@b>;tag={tag.decode()}",
            }
        method = str(self.pick(METHODS))
        oks = [m for m in self.seen if m.method == "INVITE" and m.status == 200]
        if oks and method == "ACK":
            fields |= {
                "call_id": oks[-1].call_id.decode(),
                "from_tag": oks[-1].from_tag.decode(),
                "to": oks[-1].to_value.decode(),
                "cseq": oks[-1].cseq,
            }
        rack = f"RAck: {self.rng.choice([1, 2, 536870912])} 1 INVITE\r\n"
        for known in self.seen[-3:]:
            for value in known.get_all("RSeq"):
                rack = f"RAck: {value.decode()} 1 INVITE\r\n"
        extra = str(self.pick(EXTRAS)) + (rack if method == "PRACK" else "")
        branch = f"z9hG4bKs{self.rng.randrange(40)}"
        body = self.pick(BODIES)
        self.us.receive(request(method, branch=branch, extra=extra, body=body, **fields))

    def use(self) -> None:
        """Our own side does something."""
        endpoint, now_ns, rng = self.us.endpoint, self.us.now_ns, self.rng
        leg = rng.choice([*self.legs, 1])
        sdp = rng.choice((ANSWER, OFFER, OURS))
        choices = (
            lambda: endpoint.modify(leg, sdp, now_ns, update=rng.random() < 0.5),
            lambda: endpoint.digit(leg, "5", 100, now_ns),
            lambda: endpoint.acknowledge(leg, sdp, now_ns),
            lambda: endpoint.ring(leg, now_ns, 183, sdp, reliable=rng.random() < 0.7),
            lambda: endpoint.accept(leg, sdp, now_ns),
            lambda: endpoint.refer(leg, "sip:x@192.0.2.3", now_ns),
            lambda: self.us.run(rng.choice((10, 10, 600, 600, 5_000, 40_000))),
            lambda: endpoint.release(leg, now_ns) if rng.random() < 0.2 else None,
        )
        rng.choice(choices)()
        self.us.pump()


@pytest.mark.parametrize("seed", range(150))
def test_a_storm(seed: int):
    storm = Storm(seed)
    us, rng = storm.us, storm.rng
    for step in range(200):
        if step % 40 == 0:
            us.endpoint.invite(
                invite(
                    leg=step + 1,
                    sdp=rng.choice((OFFER, b"")),
                    session_s=rng.choice((0, 90)),
                    redirects=rng.choice((0, 2)),
                    targets=(THEM, ("192.0.2.9", 5060, 0)),
                ),
                us.now_ns,
            )
            us.receive(
                request(
                    "INVITE",
                    body=rng.choice((SDP, b"")),
                    call_id=f"in{step}@x",
                    branch=f"z9hG4bKin{step}",
                    extra=str(storm.pick(EXTRAS)),
                )
            )
        rng.choice((storm.answer, storm.answer, storm.ask, storm.use))()
        storm.collect()
    us.now_ns += 1
    for leg in storm.legs:
        us.endpoint.release(leg, us.now_ns)
    us.run(900_000)
    storm.collect()
    assert sorted(storm.ended) == sorted(set(storm.ended))
    assert set(storm.ended) == storm.legs
    assert us.empty()
