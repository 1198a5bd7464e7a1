"""A process that was stopped hears what came meanwhile before it gives anything up."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from sip.events import Accepted, Ended, SipEvent
from sip.transport import io_stack
from sip.transport.io_udp import udp_stack
from tests.sip.net import ANSWER, read, reply
from tests.sip.transport.test_io_udp import HOST, endpoint, invite

STOPPED_NS = 40_000_000_000  # beyond timer B (RFC 3261 17.1.1.2)


class Stopped:
    """A call whose peer answers while our process does not run; `time` goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[SipEvent] = []
        self.done = asyncio.Event()
        self.caller = endpoint(1)
        self.stack = udp_stack(self.caller, HOST, 0, asyncio.get_running_loop(), self.told)
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.peer.bind((HOST, 0))
        self.ahead_ns = 0
        real = time.monotonic_ns
        monkeypatch.setattr(time, "monotonic_ns", lambda: real() + self.ahead_ns)

    def told(self, event: SipEvent) -> None:
        self.events.append(event)
        if isinstance(event, Accepted | Ended):
            self.done.set()

    async def answered_meanwhile(self, times: int) -> None:
        """The INVITE leaves; the peer's answers lie in our socket when our timers are long due."""
        self.caller.invite(invite(1, self.peer.getsockname()[1]), time.monotonic_ns())
        self.stack.flush()
        sent, source = self.peer.recvfrom(65_536)
        for _ in range(times):
            self.peer.sendto(reply(read(sent), 180), source)
        if times:
            self.peer.sendto(reply(read(sent), 200, body=ANSWER), source)
        self.ahead_ns = STOPPED_NS
        # Behind a SIGCONT both loops call what is due before they look at sockets, as here.
        assert self.stack._timer is not None
        self.stack._timer.cancel()
        asyncio.get_running_loop().call_soon(self.stack._due)
        async with asyncio.timeout(100):
            await self.done.wait()

    def close(self) -> None:
        self.stack.close()
        self.peer.close()


def events_of(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, times: int
) -> list[SipEvent]:
    async def main() -> list[SipEvent]:
        one = Stopped(monkeypatch)
        try:
            await one.answered_meanwhile(times)
        finally:
            one.close()
        return one.events

    found: list[SipEvent] = run(main())
    return found


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("times", [1, 100])
def test_an_answer_that_came_meanwhile_is_heard_though_its_time_is_over(run, monkeypatch, times):
    found = events_of(run, monkeypatch, times)
    assert isinstance(found[-1], Accepted)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_where_nothing_came_it_is_given_up_soon_after(run, monkeypatch):
    (ended,) = [one for one in events_of(run, monkeypatch, 0) if isinstance(one, Ended)]
    assert (ended.by, ended.code) == ("timeout", 0)


def test_a_flood_does_not_hold_the_timers_up_for_ever(monkeypatch):
    """The waiting has an end, whatever comes in."""

    async def main() -> None:
        one = Stopped(monkeypatch)
        monkeypatch.setattr(io_stack, "HEARINGS_MAX", 3)
        turns = 0
        real = one.stack._late

        def late() -> bool:
            nonlocal turns
            turns += 1
            one.stack._turns += 1  # something is read in every turn
            return real()

        monkeypatch.setattr(one.stack, "_late", late)
        await one.answered_meanwhile(0)
        assert 3 <= turns <= 8
        one.close()

    asyncio.run(main())
