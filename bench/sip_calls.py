"""Whole SIP calls between two endpoints in memory: INVITE, 180, 200, ACK, BYE, 200; no sockets."""

from __future__ import annotations

import random
from itertools import count

from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Established, Incoming, Invite, Send, SipEvent
from sip.transport.local import Local

US = ("192.0.2.1", 5060, 0)
THEM = ("192.0.2.2", 5060, 0)
OFFER = sdp.offer("192.0.2.1", 30_000, session_id=7)
ANSWER = sdp.answer(OFFER, "192.0.2.2", 40_000, session_id=9)
LINGER_NS = 60_000_000_000  # after this, no transaction of a call is left


class Pair:
    """A caller that hangs up as soon as it is answered, and a called side."""

    def __init__(self) -> None:
        """Both with seeds, so that every run sends the same bytes."""
        self.ends = {
            US: Endpoint(Local(*US[:2]), rng=random.Random(1)),
            THEM: Endpoint(Local(*THEM[:2]), rng=random.Random(2)),
        }
        self.legs = count(1)
        self.now_ns = 1_000_000_000
        self.answered = 0
        self.ended = 0

    def run(self, calls: int) -> None:
        """So many calls one after the other, then the time their transactions linger."""
        for leg in (next(self.legs) for _ in range(calls)):
            self.now_ns += 1_000_000
            request = Invite(
                leg, (THEM,), f"sip:8490{leg:07}@192.0.2.2", "sip:1900@192.0.2.1",
                f"sip:8490{leg:07}@192.0.2.2", f"{leg}@192.0.2.1", OFFER,
            )  # fmt: skip
            self.ends[US].invite(request, self.now_ns)
            self.settle()
        self.now_ns += LINGER_NS
        for end in self.ends.values():
            end.tick(self.now_ns)
            end.drain()

    def settle(self) -> None:
        """Deliver datagrams until nobody has anything to say."""
        busy = True
        while busy:
            busy = False
            for local, end in self.ends.items():
                for out in end.drain():
                    busy = True
                    if isinstance(out, Send):
                        self.ends[out.target].receive(out.data, local, self.now_ns)
                    else:
                        self.react(end, out)

    def react(self, end: Endpoint, event: SipEvent) -> None:
        """What a person would do."""
        match event:
            case Incoming():
                end.ring(event.leg, self.now_ns)
                end.accept(event.leg, ANSWER, self.now_ns)
            case Accepted():
                self.answered += 1
            case Established():
                end.release(event.leg, self.now_ns)
            case Ended():
                self.ended += 1
