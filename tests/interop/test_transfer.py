"""Transfers with SIPp: REFER both ways, NOTIFY, Replaces. Each side judges what it saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from sip.calls.refer import replaces_of
from sip.events import Accepted, Ended, Incoming, ReferAsked, ReferProgress, SipEvent
from tests.interop.agent import Agent, answer, place, take
from tests.interop.sipp import sipp
from tests.ports import free_port

pytestmark = pytest.mark.interop
CLEAN = {"code": 0, "failed": 0, "retransmissions": 0, "successful": 1}
BOB = "sip:bob@192.0.2.9"


def refer(agent: Agent, event: SipEvent) -> None:
    """Transfer what answers, hang up once the outcome is known."""
    if isinstance(event, Accepted):
        agent.endpoint.refer(event.leg, BOB, time.monotonic_ns())
        agent.transport.flush()
    elif isinstance(event, ReferProgress) and event.final:
        agent.later(0.2, lambda: agent.release(event.leg))


def progress(agent: Agent) -> list[tuple[int, bool]]:
    return [(e.code, e.final) for e in agent.events if isinstance(e, ReferProgress)]


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("refer_taken", [(202, False), (100, False), (180, False), (200, True)]),
        ("refer_busy", [(100, False), (486, True)]),
        ("refer_refused", [(603, True)]),
    ],
)
def test_we_refer(tmp_path: Path, scenario: str, told: list[tuple[int, bool]]):
    with sipp(tmp_path, scenario) as peer:
        agent = place(free_port(), peer.port, refer)
        assert peer.finish() == CLEAN
    assert progress(agent) == told
    [end] = agent.ended()
    assert (end.by, end.answered) == ("us", True)


def follow(agent: Agent, event: SipEvent) -> None:
    """Do as we are asked, and tell how it goes."""
    if isinstance(event, ReferAsked):
        endpoint, now_ns = agent.endpoint, time.monotonic_ns()
        endpoint.refer_answer(event.leg, 202, now_ns)
        endpoint.refer_notify(event.leg, 180, now_ns)
        agent.later(0.3, lambda: tell(agent, event.leg, 200))


def tell(agent: Agent, leg: int, code: int) -> None:
    agent.endpoint.refer_notify(leg, code, time.monotonic_ns())
    agent.transport.flush()


def test_we_are_referred(tmp_path: Path):
    with sipp(tmp_path, "refers") as peer:
        agent = place(free_port(), peer.port, follow)
        assert peer.finish() == CLEAN
    [asked] = [e for e in agent.events if isinstance(e, ReferAsked)]
    assert asked == ReferAsked(1, BOB, "sip:gw@192.0.2.2", "a@b;to-tag=1;from-tag=2")


def test_who_refers_us_leaves_at_once_and_hears_the_outcome(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, ReferAsked):
            assert event.refer_to == "tel:+84901234567"
            agent.endpoint.refer_answer(event.leg, 202, time.monotonic_ns())
        elif isinstance(event, Ended):
            tell(agent, event.leg, 486)

    with sipp(tmp_path, "refers_and_leaves") as peer:
        agent = place(free_port(), peer.port, react)
        assert peer.finish() == CLEAN
    assert isinstance(agent.events[-1], Ended)


def test_we_refuse_to_be_referred(tmp_path: Path):
    def react(agent: Agent, event: SipEvent) -> None:
        if isinstance(event, ReferAsked):
            agent.endpoint.refer_answer(event.leg, 603, time.monotonic_ns())

    with sipp(tmp_path, "refers_in_vain") as peer:
        agent = place(free_port(), peer.port, react)
        assert peer.finish() == CLEAN
    assert len([e for e in agent.events if isinstance(e, ReferAsked)]) == 1


def test_nobody_without_a_call_makes_us_call(tmp_path: Path):
    port = free_port()

    def peer() -> dict[str, int]:
        with sipp(tmp_path, "refers_outside", 1, f"127.0.0.1:{port}") as one:
            return one.finish()

    agent, result = take(port, peer, answer, 0)
    assert result == CLEAN
    assert agent.events == []


class Steps:
    """Calls two peers, then does something once both are up."""

    def __init__(self, then: Callable[[Agent], None]) -> None:
        self.up = 0
        self.then = then

    def __call__(self, agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Accepted):
            self.up += 1
            if self.up == 2:
                self.then(agent)
                agent.transport.flush()
        elif isinstance(event, ReferProgress) and event.final:
            agent.release(1)
            agent.release(2)


def test_an_attended_transfer(tmp_path: Path):
    """The REFER to the first names the dialog with the second, escaped as a URI's header."""

    async def run(first: int, second: int) -> Agent:
        agent = Agent(
            free_port(), Steps(lambda a: a.endpoint.refer(1, "", time.monotonic_ns(), replaces=2))
        )
        try:
            agent.call(1, first)
            agent.call(2, second)
            await agent.until_ended(2)
            await asyncio.sleep(0.1)
        finally:
            agent.transport.close()
        return agent

    with sipp(tmp_path, "refer_attended") as one, sipp(tmp_path, "uas") as other:
        agent = uvloop.run(run(one.port, other.port))
        assert one.finish() == CLEAN
        assert other.finish() == CLEAN
    assert progress(agent) == [(202, False), (200, True)]


def test_an_invite_with_replaces_takes_over(tmp_path: Path):
    """Our call to one SIPp is taken over by another's INVITE; the first one is hung up by us."""
    port = free_port()

    def newcomer(dialog: str) -> dict[str, int]:
        extra = ("-key", "dialog", dialog, f"127.0.0.1:{port}")
        with sipp(tmp_path, "replaces", 1, *extra) as peer:
            return peer.finish()

    async def run(first: int) -> tuple[Agent, dict[str, int]]:
        agent = Agent(port, answer)
        try:
            agent.call(1, first)
            while not any(isinstance(e, Accepted) for e in agent.events):
                await agent.changed.wait()
                agent.changed.clear()
            found = replaces_of(agent.endpoint._legs[1])
            assert found is not None
            # As the called party knows our dialog: its own tag is the from-tag for us.
            ours, theirs = found[0].from_tag, found[0].to_tag
            dialog = f"{found[0].call_id};to-tag={ours};from-tag={theirs}"
            result = await asyncio.to_thread(newcomer, dialog)
            await agent.until_ended(2)
        finally:
            agent.transport.close()
        return agent, result

    with sipp(tmp_path, "uas") as one:
        agent, result = uvloop.run(run(one.port))
        assert one.finish() == CLEAN
    assert result == CLEAN
    [incoming] = [e for e in agent.events if isinstance(e, Incoming)]
    assert incoming.replaces == 1
    assert [(e.leg, e.by, e.answered) for e in agent.ended()] == [
        (1, "us", True),
        (-1, "them", True),
    ]
