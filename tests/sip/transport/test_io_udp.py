"""The endpoint on real sockets and on both event loops."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from fastpath.sipscan import scan
from fastpath.wheel import Timer
from sip import sdp
from sip.endpoint import Endpoint
from sip.events import Accepted, Ended, Incoming, Invite, Send, SipEvent
from sip.transport import io_udp
from sip.transport.io_stack import SipStack
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local, bracketed
from tests.sip.net import request
from tests.waiting import STOOD_STILL_S, Stalls, until

HOST = "127.0.0.1"
HOSTS = [HOST, "::1"]
LOOPS = [asyncio.run, uvloop.run]


def endpoint(seed: int, host: str = HOST) -> Endpoint:
    return Endpoint(Local(host, 5060), rng=random.Random(seed))


def invite(leg: int, port: int, host: str = HOST) -> Invite:
    uri = f"sip:1@{bracketed(host)}:{port}"
    return Invite(
        leg, ((host, port, 0),), uri, uri, uri, f"{leg}@x", sdp.offer(HOST, 4_000, session_id=1)
    )


class Pair:
    """A caller and a callee in one loop."""

    def __init__(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        self.events: list[SipEvent] = []
        self.done = asyncio.Event()
        self.wanted = 0
        self.host = host
        self.caller, self.callee = endpoint(1, host), endpoint(2, host)
        self.here = udp_stack(self.caller, host, 0, loop, self.on_caller)
        self.there = udp_stack(self.callee, host, 0, loop, self.on_callee)
        self.caller.layer.identities[0].contact = self.contact(self.here)
        self.callee.layer.identities[0].contact = self.contact(self.there)

    @staticmethod
    def contact(stack: SipStack) -> bytes:
        return f"Contact: <sip:{bracketed(stack.local()[0])}:{stack.local()[1]}>\r\n".encode()

    def on_caller(self, event: SipEvent) -> None:
        self.events.append(event)
        if isinstance(event, Accepted):
            self.caller.release(event.leg, time.monotonic_ns())
        elif sum(isinstance(e, Ended) for e in self.events) == self.wanted:
            self.done.set()

    def on_callee(self, event: SipEvent) -> None:
        if isinstance(event, Incoming):
            now_ns = time.monotonic_ns()
            self.callee.ring(event.leg, now_ns)
            self.callee.accept(event.leg, sdp.answer(event.sdp, HOST, 5, session_id=1), now_ns)

    async def call(self, n: int) -> None:
        self.wanted = n
        for leg in range(n):
            self.caller.invite(invite(leg, self.there.local()[1], self.host), time.monotonic_ns())
        self.here.flush()
        async with asyncio.timeout(100):
            await self.done.wait()

    def close(self) -> None:
        self.here.close()
        self.there.close()
        self.there.close()


@pytest.mark.parametrize("run", LOOPS)
@pytest.mark.parametrize("host", HOSTS)
def test_calls_between_two_sockets(run: Callable[[Any], None], host: str):
    async def main() -> None:
        pair, stalls = Pair(host), Stalls()
        try:
            await pair.call(200)
        finally:
            stalls.end()
            pair.close()
        ends = [e for e in pair.events if isinstance(e, Ended)]
        assert {(e.code, e.by, e.answered) for e in ends} == {(200, "us", True)}
        counts = pair.here.statistics()
        assert counts["legs"] == 0
        if stalls.most_s() > STOOD_STILL_S:  # T1 may have passed: what is sent again is no fault
            return
        assert counts["datagrams_sent"] == 600
        assert counts["datagrams_received"] == 600
        assert counts["datagrams_dropped"] == counts["resent"] == counts["legs"] == 0
        assert counts["receive_calls"] < 600

    run(main())


@pytest.mark.parametrize("run", LOOPS)
def test_the_timer_repeats_what_nobody_answers(run: Callable[[Any], None]):
    async def main() -> None:
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        with silent:
            silent.bind((HOST, 0))
            us = endpoint(1)
            events: list[SipEvent] = []
            here = udp_stack(us, HOST, 0, asyncio.get_running_loop(), events.append)
            us.invite(invite(1, silent.getsockname()[1]), time.monotonic_ns())
            here.flush()
            for _ in range(500):
                if us.statistics()["resent"]:
                    break
                await asyncio.sleep(0.01)
            here.close()
            first, second = silent.recv(2_000), silent.recv(2_000)
            assert first == second
            assert events == []

    run(main())


def test_a_socket_that_is_full_keeps_the_order_and_drops_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
):
    class Slow:
        """Takes two datagrams at a time."""

        def __init__(self) -> None:
            self.taken: list[bytes] = []

        def send(self, datagrams: list[tuple[bytes, tuple[str, int]]]) -> int:
            self.taken += [data for data, _ in datagrams[:2]]
            return min(2, len(datagrams))

    async def main() -> None:
        monkeypatch.setattr(io_udp, "BACKLOG_MAX", 6)
        us = endpoint(1)
        here = udp_stack(us, HOST, 0, asyncio.get_running_loop(), lambda _event: None)
        udp = here.transports[0]
        assert isinstance(udp, io_udp.UdpTransport)
        slow, real = Slow(), udp._batch
        for n in range(5):
            us.layer.out.append(Send(b"%d" % n, (HOST, 9, 0)))
        calls = {"send": slow.send, "receive": list, "errors": list, "troubled": False}
        udp._batch = type("B", (), calls)()
        here.flush()
        for n in range(5, 12):
            us.layer.out.append(Send(b"%d" % n, (HOST, 9, 0)))
        here.flush()
        assert udp.dropped == 4
        async with asyncio.timeout(100):
            while udp._writing:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0)
        assert slow.taken == [b"0", b"1", b"6", b"7", b"8", b"9", b"10", b"11"]
        udp._batch = real
        here.close()
        here.flush()

    uvloop.run(main())


def test_a_busy_port_is_an_os_error():
    with io_udp.open_socket(HOST, 0) as taken, pytest.raises(OSError, match="in use"):
        io_udp.open_socket(HOST, taken.getsockname()[1])


def test_a_fault_over_one_leg_leaves_the_others_told(caplog: pytest.LogCaptureFixture):
    async def main() -> list[SipEvent]:
        us = endpoint(1)
        told: list[SipEvent] = []

        def on_event(event: SipEvent) -> None:
            if event.leg == 1:
                raise ValueError("of leg 1")
            told.append(event)

        here = udp_stack(us, HOST, 0, asyncio.get_running_loop(), on_event)
        for leg in (1, 2):
            us.invite(invite(leg, 9), time.monotonic_ns())
            us.release(leg, time.monotonic_ns())
        us.tick(time.monotonic_ns() + 100 * 10**9)
        here.flush()
        here.close()
        return told

    told = uvloop.run(main())
    assert [event.leg for event in told if isinstance(event, Ended)] == [2]
    assert "leg 1: Ended was not dealt with" in caplog.text


def test_an_endpoint_on_two_sockets_answers_by_the_one_that_was_asked():
    """Each family has its flow: its own Via, its own socket."""

    async def main() -> tuple[bytes, bytes, dict[str, int]]:
        us = Endpoint(Local(HOST, 5060), Local("::1", 5060), rng=random.Random(1))
        loop = asyncio.get_running_loop()
        stack = SipStack(us, loop, lambda _event: None)
        for flow, host in enumerate(HOSTS):
            io_udp.UdpTransport(stack, flow, host, 0)
        with pytest.raises(ValueError, match="attached already"):
            stack.attach(1, stack.transports[1])
        answers = []
        for flow, host in enumerate(HOSTS):
            family = socket.AF_INET6 if flow else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as peer:
                peer.bind((host, 0))
                port = peer.getsockname()[1]
                ask = request("OPTIONS", via=f"{bracketed(host)}:{port};rport")
                peer.sendto(ask, stack.local(flow)[:2])
                answers.append(await asyncio.wait_for(loop.sock_recv(peer, 2_000), 100))
        us.layer.out.append(Send(b"x", (HOST, 9, 2)))
        stack.flush()
        counts = stack.statistics()
        stack.close()
        return answers[0], answers[1], counts

    four, six, counts = asyncio.run(main())
    assert four.startswith(b"SIP/2.0 200 ")
    assert b";received=127.0.0.1" in four
    assert six.startswith(b"SIP/2.0 200 ")
    assert b";received=::1" in six
    assert counts["datagrams_received"] == counts["datagrams_sent"] == 2
    assert counts["unroutable"] == 1


def test_every_message_passes_the_tap():
    async def main() -> list[tuple[bool, bytes]]:
        us = endpoint(1)
        loop = asyncio.get_running_loop()
        stack = udp_stack(us, HOST, 0, loop, lambda _event: None)
        seen: list[tuple[bool, bytes]] = []
        stack.tap = lambda ours, data, _peer, _now_ns, _near: seen.append((ours, data))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as peer:
            peer.bind((HOST, 0))
            ask = request("OPTIONS", via=f"{HOST}:{peer.getsockname()[1]}")
            peer.sendto(ask, stack.local()[:2])
            answer = await asyncio.wait_for(loop.sock_recv(peer, 2_000), 100)
        stack.close()
        assert seen == [(False, ask), (True, answer)]
        return seen

    assert len(asyncio.run(main())) == 2


class Faulty(Timer):
    """Something due that fails."""

    def tick(self, now_ns: int) -> None:
        raise ArithmeticError(now_ns)


def test_a_fault_of_ours_in_one_message_loses_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("sip.calls.cancel.serve", fail)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        us = endpoint(1)
        stack = udp_stack(us, HOST, 0, loop, lambda _event: None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as peer:
            peer.bind((HOST, 0))
            via = f"{HOST}:{peer.getsockname()[1]}"
            bad, good = (request(m, via=via, branch="z9hG4bK" + m) for m in ("CANCEL", "OPTIONS"))
            source = (*peer.getsockname(), 0)
            stack.receive([(bad, source), (good, source)], time.monotonic_ns())
            stack.flush()
            heard = scan(await asyncio.wait_for(loop.sock_recv(peer, 9_000), 100))
        assert (heard.status, heard.branch) == (200, b"z9hG4bKOPTIONS")
        us.layer.timers.arm(Faulty(), time.monotonic_ns())
        stack.flush()
        await asyncio.to_thread(until, lambda: stack.statistics()["faults"] == 2)
        stack.close()

    asyncio.run(main())
    assert len([r for r in caplog.records if r.exc_info]) == 2
