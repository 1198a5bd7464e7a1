"""Devices whose opening or closing hangs, and modems that flood: nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import threading
import tty
from collections.abc import Callable
from typing import Any

import pytest

from gsm import events as gsm
from gsm.io_port import STILL_OPENING, PortRunner, device_opener
from gsm.io_serial import READ_BYTES, close_device
from gsm.limits import FLOOD_BURST
from gsm.port import Port
from gsm.settings import PortSettings
from tests.gsm.runners import Told, run, runner
from tests.gsm.stranger import Stranger, turns


def test_ending_a_port_that_is_being_opened_leaves_nothing_open() -> None:
    modem, told = Stranger(), Told()

    async def work() -> None:
        port = runner(modem.device, told)
        port.start()
        await told.until(lambda: port._opening is not None or port.is_open)
        port.end()
        async with asyncio.timeout(100):
            await port.closed.wait()  # the thread has opened it meanwhile, and closed it again
        assert not port.is_open
        again = runner(modem.device, told)  # nobody holds the device
        again.start()
        await told.ready()
        again.end()

    try:
        run(work)
    finally:
        modem.close()


class Wedged:
    """A device whose opening hangs until it is let go."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.tries = 0
        self.free = threading.Event()

    def __call__(self) -> int:
        self.tries += 1
        assert self.free.wait(100)
        return device_opener(self.device)()


QUICK = PortSettings("slot", back_off_min_ns=1_000_000, back_off_max_ns=2_000_000)


def wedged_runner(opener: Callable[[], int], told: Any) -> PortRunner:
    return PortRunner(
        "slot",
        lambda: Port(QUICK, (), (), random.Random(1)),
        opener,
        told,
        loop=asyncio.get_running_loop(),
    )


def test_one_opening_at_a_time_and_a_late_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gsm.life.OPEN_MAX", 20_000_000)
    modem, told = Stranger(), Told()
    opener = Wedged(modem.device)

    def why() -> set[str]:
        return {fact.why for fact in told.facts if isinstance(fact, gsm.PortState)}

    async def work() -> None:
        before = threading.active_count()
        port = wedged_runner(opener, told)
        port.start()
        await told.until(lambda: STILL_OPENING in why())
        assert "the device was not opened" in why()
        await told.until(lambda: told.states.count("absent") > 5)
        assert opener.tries == 1
        assert threading.active_count() == before + 1
        opener.free.set()
        await told.ready()
        assert opener.tries == 1, "late, but open"
        port.end()
        async with asyncio.timeout(100):
            await port.closed.wait()

    try:
        run(work)
    finally:
        opener.free.set()
        modem.close()


def test_wedged_openings_hold_up_neither_other_ports_nor_the_end() -> None:
    modem = Stranger()
    told = [Told() for _ in range(40)]
    openers = [Wedged(modem.device) for _ in range(39)]

    async def work() -> None:
        bad = [wedged_runner(each, told[i]) for i, each in enumerate(openers)]
        for port in bad:
            port.start()
        good = runner(modem.device, told[-1])
        good.start()
        await told[-1].ready()
        for port in (*bad, good):
            port.drain()
        async with asyncio.timeout(100):
            await good.closed.wait()
        assert not any(port.closed.is_set() for port in bad)

    try:
        run(work)  # and the loop ends with all of them wedged
    finally:
        for each in openers:
            each.free.set()
        modem.close()


def test_a_device_that_was_changed_while_it_was_opened_is_opened_anew() -> None:
    modem, told = Stranger(), Told()
    opener = Wedged(modem.device)

    async def work() -> None:
        port = wedged_runner(opener, told)
        port.start()
        await told.until(lambda: opener.tries == 1)
        port.absent("another device is plugged in")
        opener.free.set()
        await told.ready()
        assert opener.tries == 2
        port.end()

    try:
        run(work)
    finally:
        modem.close()


def test_a_device_that_hangs_in_its_closing_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    modem, told, free = Stranger(), Told(), threading.Event()

    def hangs(fd: int) -> None:
        assert free.wait(100)
        close_device(fd)

    async def work() -> None:
        monkeypatch.setattr("gsm.io_port.close_device", hangs)
        port = runner(modem.device, told)
        port.start()
        await told.ready()
        port.absent("unplugged")
        assert not port.is_open
        port.present()
        assert port._opening is not None
        await turns()  # the loop goes on
        assert not port._opening.done()
        free.set()
        await told.ready()
        port.end()
        async with asyncio.timeout(100):
            await port.closed.wait()

    try:
        run(work)
    finally:
        free.set()
        modem.close()


class Flooding(Port):
    """Counts what it is given."""

    def received(self, data: bytes, now_ns: int) -> None:
        HEARD.append(len(data))
        super().received(data, now_ns)


HEARD: list[int] = []


def test_a_modem_that_floods_is_read_a_little_then_closed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gsm.io_port.PAUSE_S", 0.001)
    HEARD.clear()
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    device, told = os.ttyname(slave), Told()

    async def work() -> None:
        port = runner(device, told, Flooding)
        port.start()
        sent = 0

        def spew() -> bool:
            nonlocal sent
            with contextlib.suppress(BlockingIOError):
                sent += os.write(master, b"\r\n+CSQ: 1,1\r\n" * 300)
            return "dead" in told.states

        await told.until(spew)
        assert not port.is_open
        port.end()

    try:
        run(work)
    finally:
        os.close(slave)
        os.close(master)
    assert sum(HEARD) <= FLOOD_BURST + 10 * READ_BYTES
    assert caplog.text.count("floods") == 1
    dead = [f for f in told.facts if isinstance(f, gsm.PortState) and f.state == "dead"]
    assert dead[0].why == "the modem floods"
