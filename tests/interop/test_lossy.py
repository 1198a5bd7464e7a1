"""Calls over a network that loses every fifth datagram: still what the two ends meant to do.

Both ends are ours on real sockets: SIPp takes repeated messages for faults of its scenario.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import msgspec
import pytest
import uvloop

from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Established, Incoming, Invite, Provisional, SipEvent, Trying
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local
from tests.interop.lossy import HOST, Lossy
from tests.ports import free_port

pytestmark = pytest.mark.interop
CALLS = 100
PATIENCE_S = 100  # the longest ringing, a lost answer's 32 s, and the way
TALK_S = 0.3
RINGING_S = (
    40  # longer than a caller whom no answer reached tries: it may not cancel what it does not know
)

React = Callable[["End", SipEvent], None]


class End:
    """One user agent; `shown` is the port that its peer knows it by."""

    def __init__(self, react: React, shown: int, port: int) -> None:
        self.endpoint = Endpoint(Local(HOST, shown), rng=random.Random(port))
        self.react = react
        self.ended: list[Ended] = []
        self.legs: set[int] = set()
        self.changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.stack = udp_stack(self.endpoint, HOST, port, loop, self.told)

    def told(self, event: SipEvent) -> None:
        self.legs.add(event.leg)
        if isinstance(event, Ended):
            self.ended.append(event)
            self.changed.set()
        self.react(self, event)

    def call(self, leg: int, port: int) -> None:
        self.legs.add(leg)
        to = f"sip:{leg}@{HOST}:{port}"
        body = sdp.offer(HOST, 30_000, session_id=leg)
        invite = Invite(leg, ((HOST, port, 0),), to, f"sip:u@{HOST}", to, f"{leg}-{port}@x", body)
        self.endpoint.invite(invite, time.monotonic_ns())
        self.stack.flush()

    def release(self, leg: int) -> None:
        self.endpoint.release(leg, time.monotonic_ns(), q850=16)
        self.stack.flush()

    async def until_ended(self) -> None:
        """Until every leg that began here has ended."""
        while len(self.ended) < len(self.legs):
            await self.changed.wait()
            self.changed.clear()


def later(end: End, leg: int, wait_s: float = TALK_S) -> None:
    asyncio.get_running_loop().call_later(wait_s, end.release, leg)


def nothing(_end: End, _event: SipEvent) -> None:
    """Let the other end act."""


def hangs_up(end: End, event: SipEvent) -> None:
    if isinstance(event, Accepted):
        later(end, event.leg)


def gives_up(end: End, event: SipEvent) -> None:
    """Whether it heard ringing or not: a lost 180 is not sent again."""
    if isinstance(event, Trying | Provisional):
        later(end, event.leg)


def rings(end: End, event: SipEvent) -> None:
    if isinstance(event, Incoming):
        end.endpoint.ring(event.leg, time.monotonic_ns())


def rings_for_long(end: End, event: SipEvent) -> None:
    """Of 8,000 callers one hears none of the answers to its seven INVITEs."""
    rings(end, event)
    if isinstance(event, Incoming):
        later(end, event.leg, RINGING_S)


def answers(end: End, event: SipEvent) -> None:
    rings(end, event)
    if isinstance(event, Incoming):
        body = sdp.answer(event.sdp, HOST, 40_000, session_id=1)
        end.endpoint.accept(event.leg, body, time.monotonic_ns())


def answers_and_hangs_up(end: End, event: SipEvent) -> None:
    answers(end, event)
    if isinstance(event, Established):
        later(end, event.leg)


def is_busy(end: End, event: SipEvent) -> None:
    rings(end, event)
    if isinstance(event, Incoming):
        end.endpoint.reject(event.leg, 486, time.monotonic_ns(), q850=17)


class Script(msgspec.Struct):
    """What the ends do, and what each then tells of a call that went as it was meant."""

    caller: React
    called: React
    at_caller: Callable[[Ended], bool]
    at_called: Callable[[Ended], bool]


SCRIPTS = {
    "the caller hangs up": Script(
        hangs_up,
        answers,
        lambda e: (e.answered, e.code, e.by) == (True, 200, "us"),
        lambda e: (e.answered, e.by, e.q850) == (True, "them", 16),
    ),
    "the called side hangs up": Script(
        nothing,
        answers_and_hangs_up,
        lambda e: (e.answered, e.by, e.q850) == (True, "them", 16),
        lambda e: (e.answered, e.by) == (True, "us"),
    ),
    "busy": Script(
        nothing,
        is_busy,
        lambda e: (e.answered, e.code, e.q850) == (False, 486, 17),
        lambda e: (e.answered, e.code) == (False, 486),
    ),
    "the caller gives up": Script(
        gives_up,
        rings_for_long,
        lambda e: (e.answered, e.code, e.by) == (False, 487, "us"),
        lambda e: (e.answered, e.code, e.by) == (False, 487, "them"),
    ),
}


async def play(script: Script, seed: int) -> tuple[End, End, Lossy]:
    """All calls of one script, until both ends have seen the end of each."""
    network = Lossy(seed, loss=0.2, double=0.1, delay_s=0.05)
    ports = free_port(), free_port()
    caller = End(script.caller, network.back, ports[0])
    called = End(script.called, network.front, ports[1])
    try:
        await network.open(*ports)
        for leg in range(1, CALLS + 1):
            caller.call(leg, network.front)
            await asyncio.sleep(0.01)
        async with asyncio.timeout(PATIENCE_S):
            await caller.until_ended()
            await called.until_ended()
    finally:
        network.close()
        caller.stack.close()
        called.stack.close()
    return caller, called, network


@pytest.mark.timeout(150)
def test_at_a_fifth_lost_calls_end_as_they_were_meant() -> None:
    """99 of 100 and more at both ends, and every one has its end."""

    async def main() -> list[tuple[End, End, Lossy]]:
        return await asyncio.gather(*(play(s, seed) for seed, s in enumerate(SCRIPTS.values())))

    for (name, script), ends in zip(SCRIPTS.items(), uvloop.run(main()), strict=True):
        caller, called, network = ends
        assert network.lost > CALLS, name
        assert network.doubled > CALLS // 4, name
        assert sorted(e.leg for e in caller.ended) == list(range(1, CALLS + 1)), name
        assert sorted(e.leg for e in called.ended) == sorted(called.legs), name
        wrong = [e for e in caller.ended if not script.at_caller(e)]
        assert len(wrong) <= CALLS // 100, (name, wrong)
        wrong = [e for e in called.ended if not script.at_called(e)]
        assert len(wrong) <= CALLS // 100, (name, wrong)
