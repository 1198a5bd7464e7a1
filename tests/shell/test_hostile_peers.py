"""The engineers' commands against far ends that say too much, or nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from dialerd.shell import listener, one_call
from dialerd.shell.call_words import TIMELINE_MAX, CallOptions, CallReport
from dialerd.shell.listen_words import ListenEvent, ListenOptions, ListenSummary
from dialerd.shell.listener import Listener
from dialerd.shell.one_call import OneCall
from dialerd.shell.sip_stack import Bind
from fastpath.sipscan import Message, scan
from sip import sdp
from sip.events import Digit, Ended, Provisional
from sip.messages.uri import parse
from tests.sip.net import OFFER, request

DEAF = (lambda _event: None, lambda _call: None)


def test_a_far_end_that_rings_without_end_fills_no_memory() -> None:
    async def feed() -> OneCall:
        call = OneCall(
            CallOptions("sip:x@127.0.0.1", text="sip:x@127.0.0.1"), asyncio.get_running_loop()
        )
        for _ in range(2 * TIMELINE_MAX):
            call._on_sip(Provisional(one_call.LEG, 180, None))
            call._on_sip(Digit(one_call.LEG, "1", 100))
        call._on_sip(Ended(one_call.LEG, 486, "Busy", 17, "them", answered=False))
        return call

    report = asyncio.run(feed()).report
    assert len(report.digits) == TIMELINE_MAX
    assert len(report.timeline) == TIMELINE_MAX + 2
    assert [event.event for event in report.timeline[-2:]] == ["cut", "released"]


def test_callers_that_never_confirm_do_not_keep_a_listener(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener, "RELEASE_S", 0.1)

    async def listen() -> list[str]:
        told: list[str] = []
        answered = asyncio.Event()

        def tell(event: ListenEvent) -> None:
            told.append(event.event)
            if event.event == "answered":
                answered.set()

        options = ListenOptions(Bind("127.0.0.1", 0))
        us = Listener(options, asyncio.get_running_loop(), tell, lambda _call: None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.bind(("127.0.0.1", 0))
            caller.sendto(request("INVITE", body=OFFER), us.address)
            task = asyncio.ensure_future(us.run())
            await answered.wait()
            task.cancel()
            summary = await task
        assert (summary.calls, summary.answered) == (1, 0)
        return told

    assert asyncio.run(listen())[-4:] == ["answered", "hanging_up", "gave_up", "ended"]


class Stranger:
    """Sends INVITEs and hears what comes back, by hand; its media port counts packets."""

    def __init__(self) -> None:
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for sock in (self.sip, self.media):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)

    def close(self) -> None:
        self.sip.close()
        self.media.close()

    def invite(self, us: Listener, number: int = 1, body: bytes = b"") -> None:
        body = body or sdp.offer("127.0.0.1", self.media.getsockname()[1], session_id=1)
        self._send(us, "INVITE", f"c{number}", body=body)

    def _send(self, us: Listener, method: str, call_id: str, **more: Any) -> None:
        via = f"127.0.0.1:{self.sip.getsockname()[1]}"
        branch = f"z9hG4bK{method}{call_id}"
        data = request(method, via=via, branch=branch, call_id=call_id, **more)
        self.sip.sendto(data, us.address)

    async def answer(self, status: int) -> Message:
        """The next response with this status; others on the way are kept in `statuses`."""
        loop = asyncio.get_running_loop()
        while True:
            message = scan(await loop.sock_recv(self.sip, 65_536))
            if message.status == status:
                return message

    def acknowledge(self, us: Listener, ok: Message) -> None:
        self._send(us, "ACK", "c1", to=ok.to_value.decode())

    def heard(self) -> int:
        """RTP packets that came since the last time."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while self.media.recv(2_048):
                count += 1
        return count


async def ended(task: asyncio.Task[ListenSummary]) -> ListenSummary:
    task.cancel()
    return await task


def test_no_media_before_the_ack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RELEASE_S", 0.1)

    async def run() -> tuple[int, int]:
        them = Stranger()
        us = Listener(ListenOptions(Bind("127.0.0.1", 0)), asyncio.get_running_loop(), *DEAF)
        task = asyncio.ensure_future(us.run())
        them.invite(us)
        ok = await them.answer(200)
        await them.answer(200)  # it is repeated after T1: 500 ms, in which 25 packets would leave
        before = them.heard()
        them.acknowledge(us, ok)
        await asyncio.get_running_loop().sock_recv(them.media, 2_048)
        after = them.heard() + 1
        await ended(task)
        them.close()
        return before, after

    before, after = asyncio.run(run())
    assert before == 0
    assert after > 0


def test_what_cannot_be_answered_does_not_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RELEASE_S", 0.1)

    async def run() -> list[str]:
        told: list[str] = []
        them = Stranger()
        options = ListenOptions(Bind("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        us = Listener(options, loop, lambda e: told.append(e.event), lambda _call: None)
        task = asyncio.ensure_future(us.run())
        them.invite(us, body=OFFER.replace(b"RTP/AVP", b"RTP/SAVP"))
        await them.answer(488)
        await ended(task)
        them.close()
        return told

    assert asyncio.run(run()) == ["invite", "not_answered", "ended"]


def test_calls_at_a_time_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RELEASE_S", 0.1)

    async def run() -> tuple[ListenSummary, list[str]]:
        told: list[str] = []
        them = Stranger()
        options = ListenOptions(Bind("127.0.0.1", 0), script="ring", calls_max=2)
        loop = asyncio.get_running_loop()
        us = Listener(options, loop, lambda e: told.append(e.event), lambda _call: None)
        task = asyncio.ensure_future(us.run())
        for number in range(2):
            them.invite(us, number)
            await them.answer(180)
        for number in range(2, 5):
            them.invite(us, number)
            await them.answer(503)
        summary = await ended(task)
        them.close()
        return summary, told

    summary, told = asyncio.run(run())
    assert (summary.calls, summary.refused) == (2, 3)
    assert told.count("full") == 1


def test_told_twice_it_ends_at_once_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "RELEASE_S", 3_600)

    async def run() -> list[tuple[str, str]]:
        told: list[tuple[str, str]] = []
        answered, leaving = asyncio.Event(), asyncio.Event()

        def tell(event: ListenEvent) -> None:
            told.append((event.event, event.detail))
            if event.event == "answered":
                answered.set()
            elif event.event == "hanging_up":
                leaving.set()

        them = Stranger()
        loop = asyncio.get_running_loop()
        us = Listener(ListenOptions(Bind("127.0.0.1", 0)), loop, tell, lambda _call: None)
        task = asyncio.ensure_future(us.run())
        them.invite(us)
        await answered.wait()
        task.cancel()
        await leaving.wait()
        await ended(task)
        them.close()
        return told

    assert asyncio.run(run())[-2:] == [
        ("gave_up", "told to end at once"),
        ("ended", "0 by timeout"),
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_a_call_whose_far_end_does_not_agree_says_so(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(one_call, "RELEASE_S", 0.1 if times == 1 else 3_600)

    async def run() -> CallReport:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.setblocking(False)
            text = f"sip:x@127.0.0.1:{silent.getsockname()[1]}"
            call = OneCall(CallOptions(parse(text), text=text), loop)
            task = asyncio.ensure_future(call.run())
            await loop.sock_recv(silent, 65_536)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return await task

    report = asyncio.run(run())
    assert (report.outcome, report.released_by) == ("no_answer", "us")
    assert report.timeline[-1].event == "gave_up"
    assert report.reason == report.timeline[-1].detail
    assert ("0.1 s" in report.reason) == (times == 1)
