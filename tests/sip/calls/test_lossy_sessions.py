"""Two of us on a lossy network in virtual time: whatever is lost, both ends agree how it ended."""

from __future__ import annotations

import random

import pytest

from sip import sdp
from sip.events import (
    Accepted,
    Address,
    Digit,
    Ended,
    Established,
    Incoming,
    Modified,
    ModifyFailed,
    Offered,
    Renegotiated,
    SipEvent,
)
from tests.sip.net import OFFER, Us, Wire, invite

A = ("192.0.2.1", 5060, 0)
B = ("192.0.2.2", 5060, 0)
HOLD = OFFER.replace(b"a=sendrecv", b"a=sendonly")


def answer_to(offered: bytes) -> bytes:
    if not offered:
        return sdp.offer("192.0.2.2", 40_000, session_id=9)
    return sdp.answer(offered, "192.0.2.2", 40_000, session_id=9)


class Call:
    """A call from A to B: reliable early media, answer, changes by both, keys, the end."""

    def __init__(self, seed: int, loss: float, *, delayed: bool = False) -> None:
        self.rng = random.Random(seed)
        self.loss = loss
        self.wire = Wire(self.lost)
        self.events: dict[Address, list[SipEvent]] = {A: [], B: []}
        self.a = self.wire.add(A, self.caller, seed)
        self.b = self.wire.add(B, self.called, seed + 1)
        self.a.endpoint.invite(
            invite(sdp=b"" if delayed else OFFER, session_s=90), self.wire.now_ns
        )

    def lost(self, data: bytes, target: Address) -> bool:
        del data, target
        return self.rng.random() < self.loss

    def caller(self, us: Us, event: SipEvent) -> None:
        self.events[A].append(event)
        if isinstance(event, Offered):
            us.endpoint.acknowledge(1, answer_to(event.sdp), us.now_ns)
        elif isinstance(event, Accepted):
            us.endpoint.modify(1, HOLD, us.now_ns)
            for key in "123":
                us.endpoint.digit(1, key, 160, us.now_ns)
        elif isinstance(event, Modified) or (isinstance(event, ModifyFailed) and event.code):
            us.endpoint.modify(1, OFFER, us.now_ns, update=True)

    def called(self, us: Us, event: SipEvent) -> None:
        self.events[B].append(event)
        if isinstance(event, Incoming):
            body = answer_to(event.sdp)
            us.endpoint.ring(event.leg, us.now_ns, 180, reliable=True)
            us.endpoint.ring(event.leg, us.now_ns, 183, body, reliable=True)
            us.endpoint.accept(event.leg, body, us.now_ns)
        elif isinstance(event, Established):
            us.endpoint.modify(event.leg, answer_to(b""), us.now_ns)

    def of(self, who: Address, kind: type[SipEvent]) -> list[SipEvent]:
        return [e for e in self.events[who] if isinstance(e, kind)]

    def finish(self) -> None:
        """Talk a while, hang up, and let every timer run out."""
        self.wire.run(60_000)
        self.a.endpoint.release(1, self.wire.now_ns)
        self.wire.run(400_000)


def test_without_loss_all_of_it_happens():
    call = Call(1, 0.0)
    call.finish()
    assert [e.digit for e in call.of(B, Digit)] == ["1", "2", "3"]
    assert len(call.of(A, Modified)) >= 2
    assert call.of(B, Modified)
    assert call.of(A, Renegotiated)
    assert [e.by for e in call.of(A, Ended)] == ["us"]
    assert [e.by for e in call.of(B, Ended)] == ["them"]
    assert call.a.empty()
    assert call.b.empty()


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_with_loss_every_call_has_one_definite_end(seed: int, *, delayed: bool):
    call = Call(seed, 0.2, delayed=delayed)
    call.finish()
    for who, us in ((A, call.a), (B, call.b)):
        ends = call.of(who, Ended)
        assert len(ends) == (1 if call.events[who] else 0)
        assert not ends or call.events[who][-1] is ends[0]
        assert us.empty()
    keys = [e.digit for e in call.of(B, Digit)]
    assert keys == sorted(set(keys))  # in order, none twice


@pytest.mark.parametrize("seed", range(6))
def test_a_network_that_dies_in_the_call_ends_it_on_both_sides(seed: int):
    call = Call(seed, 0.0)
    call.wire.run(20_000 + seed * 7_000)
    assert call.of(A, Accepted)
    call.loss = 1.0
    call.wire.run(400_000)
    assert [e.by for e in call.of(A, Ended)] == ["timeout"]
    assert [e.by for e in call.of(B, Ended)] == ["timeout"]
    assert call.a.empty()
    assert call.b.empty()
