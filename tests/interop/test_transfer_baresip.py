"""We send a telephone elsewhere that is not ours: baresip calls SIPp because we ask it to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import uvloop

from sip.events import Accepted, Ended, ReferProgress, SipEvent
from tests.interop.agent import HOST, Agent
from tests.interop.echoing import echoing_phone
from tests.interop.sipp import sipp
from tests.ports import free_port

pytestmark = pytest.mark.interop


async def transferred(phone: int, uri: str) -> Agent:
    """Call the telephone, refer it to `uri`, hang up once it has told the outcome."""

    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            agent.endpoint.refer(event.leg, uri, time.monotonic_ns())
            agent.transport.flush()
        elif isinstance(event, ReferProgress) and event.final:
            agent.release(event.leg)

    agent = Agent(free_port(), react)
    try:
        target = f"sip:tel@{HOST}:{phone}"
        agent.call(1, phone, request_uri=target, to_uri=target)
        await agent.until_ended(1)
    finally:
        agent.transport.close()
    return agent


def progress(agent: Agent) -> list[int]:
    return [e.code for e in agent.events if isinstance(e, ReferProgress)]


def test_baresip_calls_whom_we_say(tmp_path: Path):
    port = free_port()
    with sipp(tmp_path, "uas") as elsewhere:
        with echoing_phone(tmp_path, port, ""):
            agent = uvloop.run(transferred(port, f"sip:bob@{HOST}:{elsewhere.port}"))
        assert elsewhere.finish()["successful"] == 1
    assert progress(agent)[0] == 202
    assert progress(agent)[-1] == 200
    assert isinstance(agent.events[-1], Ended)


def test_baresip_tells_that_it_was_refused(tmp_path: Path):
    port = free_port()
    with sipp(tmp_path, "busy") as elsewhere, echoing_phone(tmp_path, port, ""):
        agent = uvloop.run(transferred(port, f"sip:bob@{HOST}:{elsewhere.port}"))
        assert elsewhere.finish()["successful"] == 1
    assert progress(agent)[0] == 202
    assert progress(agent)[-1] == 486
