"""The steps that tests of the called side begin with."""

from __future__ import annotations

from fastpath.sipscan import Message
from sip import sdp
from sip.events import Established, SipEvent
from tests.sip.net import Us, request

SDP = sdp.offer("192.0.2.2", 40_000, session_id=5)
OURS = sdp.answer(SDP, "192.0.2.1", 30_000, session_id=6)


def ring_in(us: Us, **fields: object) -> bytes:
    """An INVITE comes; its bytes."""
    data = request("INVITE", body=SDP, **fields)
    us.receive(data)
    return data


def accepted(us: Us) -> Message:
    """An INVITE comes and is accepted; our 200."""
    ring_in(us)
    us.endpoint.accept(-1, OURS, us.now_ns)
    us.pump()
    return us.last()


def inside(us: Us, method: str, ok: Message, cseq: int = 2, **fields: object) -> list[SipEvent]:
    """A request of the caller inside the dialog; what was told."""
    us.told()
    fields.setdefault("branch", f"z9hG4bKin{method}{cseq}")
    us.receive(request(method, to=ok.to_value.decode(), cseq=cseq, **fields))
    return us.told()


def up(us: Us) -> Message:
    ok = accepted(us)
    assert inside(us, "ACK", ok, 1) == [Established(-1)]
    us.take()
    return ok


def gone(us: Us) -> bool:
    us.run(400_000)
    return us.empty()
