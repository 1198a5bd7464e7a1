"""The engineers' commands against far ends that say too much, or nothing at all."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from dialerd.shell import listener, one_call
from dialerd.shell.call_words import CallOptions
from dialerd.shell.listen_words import ListenEvent, ListenOptions
from dialerd.shell.listener import Listener
from dialerd.shell.one_call import TIMELINE_MAX, OneCall
from dialerd.shell.sip_stack import Bind
from sip.events import Digit, Ended, Provisional
from tests.sip.net import OFFER, request


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
            with contextlib.suppress(asyncio.CancelledError):
                summary = await task
        assert summary.answered == 0
        return told

    assert asyncio.run(listen())[-2:] == ["answered", "hanging_up"]
