"""A call to baresip whose session changes: no offer at first, hold, resume, keys, the end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import uvloop

from sip import sdp
from sip.events import Accepted, Ended, Modified, ModifyFailed, Offered, SipEvent
from tests.interop.agent import HOST, Agent, description
from tests.interop.echoing import echoing_phone
from tests.ports import free_port

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("delayed", [False, True])
def test_a_session_that_changes(tmp_path: Path, *, delayed: bool, update: bool):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Offered):
            agent.endpoint.acknowledge(event.leg, description(event.sdp), time.monotonic_ns())
        elif isinstance(event, Accepted):
            agent.modify(event.leg, "sendonly", update=update)
        elif isinstance(event, Modified):
            if len([e for e in agent.events if isinstance(e, Modified)]) == 1:
                agent.modify(event.leg, "sendrecv", update=update)
            else:
                agent.endpoint.digit(event.leg, "5", 160, time.monotonic_ns())
                agent.later(0.3, lambda: agent.release(event.leg))
        elif isinstance(event, ModifyFailed):
            agent.release(event.leg)

    async def run(port: int) -> Agent:
        agent = Agent(free_port(), react)
        try:
            target = f"sip:tel@{HOST}:{port}"
            wish: dict[str, object] = {"request_uri": target, "to_uri": target, "session_s": 90}
            if delayed:
                wish["sdp"] = b""
            agent.call(1, port, **wish)
            await agent.until_ended(1)
            await asyncio.sleep(0.1)
        finally:
            agent.transport.close()
        return agent

    port = free_port()
    with echoing_phone(tmp_path, port, ""):
        agent = uvloop.run(run(port))
    kinds = [type(e) for e in agent.events]
    assert ModifyFailed not in kinds, agent.events
    assert kinds.count(Modified) == 2
    held = [sdp.parse(e.sdp).direction for e in agent.events if isinstance(e, Modified)]
    assert held[1] == "sendrecv"
    assert (Offered in kinds) == delayed
    [end] = agent.ended()
    assert (end.by, end.answered, kinds[-1]) == ("us", True, Ended)
