"""Two of us with Kamailio between them: every request of a call travels the recorded route."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import uvloop

from sip import sdp
from sip.events import (
    Accepted,
    Digit,
    Ended,
    Established,
    Incoming,
    Modified,
    ModifyFailed,
    Offered,
    Provisional,
    Renegotiated,
    SipEvent,
)
from tests.interop.agent import Agent, description
from tests.interop.kamailio import kamailio
from tests.ports import free_port

pytestmark = pytest.mark.interop


def caller(agent: Agent, event: SipEvent) -> None:
    """Hold by re-INVITE, resume by UPDATE, press a key, hang up."""
    if isinstance(event, Offered):
        agent.endpoint.acknowledge(event.leg, description(event.sdp), time.monotonic_ns())
    elif isinstance(event, Accepted):
        agent.modify(event.leg, "sendonly")
    elif isinstance(event, Modified):
        if len([e for e in agent.events if isinstance(e, Modified)]) == 1:
            agent.modify(event.leg, "sendrecv", update=True)
        else:
            agent.endpoint.digit(event.leg, "7", 160, time.monotonic_ns())
            agent.later(0.4, lambda: agent.release(event.leg))


def called(agent: Agent, event: SipEvent) -> None:
    """Describe ourselves reliably, then answer."""
    if isinstance(event, Incoming):
        body, now_ns = description(event.sdp), time.monotonic_ns()
        agent.endpoint.ring(event.leg, now_ns, 180, reliable=True)
        agent.endpoint.ring(event.leg, now_ns, 183, body, reliable=True)

        def accept() -> None:
            agent.endpoint.accept(event.leg, body, time.monotonic_ns())
            agent.transport.flush()

        agent.later(0.4, accept)


@pytest.mark.parametrize("delayed", [False, True])
def test_a_whole_call_through_a_proxy(tmp_path: Path, *, delayed: bool):
    port, ours, theirs = free_port(), free_port(), free_port()

    async def run() -> tuple[Agent, Agent]:
        one, two = Agent(ours, caller), Agent(theirs, called)
        try:
            one.call(1, port, session_s=120, **({"sdp": b""} if delayed else {}))
            await one.until_ended(1)
            await two.until_ended(1)
            await asyncio.sleep(0.1)
        finally:
            one.transport.close()
            two.transport.close()
        return one, two

    with kamailio(tmp_path, "udp", port, theirs, None):
        one, two = uvloop.run(run())
    mine, other = ([type(e) for e in agent.events] for agent in (one, two))
    assert ModifyFailed not in mine, one.events
    assert mine.count(Modified) == 2
    assert [e.code for e in one.events if isinstance(e, Provisional)] == [180, 183]
    assert (Offered in mine) == delayed
    assert Established in other
    held = [sdp.parse(e.sdp).direction for e in two.events if isinstance(e, Renegotiated)]
    assert held[-2:] == ["sendonly", "sendrecv"]
    assert [e.digit for e in two.events if isinstance(e, Digit)] == ["7"]
    for agent, by in ((one, "us"), (two, "them")):
        [end] = agent.ended()
        assert (end.code, end.by, end.answered) == (200, by, True)
        assert isinstance(agent.events[-1], Ended)
        counts = agent.transport.statistics()
        assert counts["stray"] == counts["malformed"] == counts["legs"] == 0
