"""Ports in the world: opened, lost, opened again, ended; and machines that fail, each by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gsm import events as gsm
from gsm.effects import Effect
from gsm.io_port import CRASH_S, Crashed
from gsm.port import Port
from tests.gsm.runners import Told, run, runner
from tests.gsm.stranger import ANSWERS, Stranger


class EndedError(Exception):
    """A failure that nobody expected."""


class Fragile(Port):
    """A machine with a mistake: it raises at an input, or when its effects are taken."""

    breaks = ""

    def received(self, data: bytes, now_ns: int) -> None:
        if self.breaks == "received":
            raise EndedError("received")
        super().received(data, now_ns)

    def tick(self, now_ns: int) -> None:
        if self.breaks == "tick":
            raise EndedError("tick")
        super().tick(now_ns)

    def drain(self) -> list[Effect]:
        if self.breaks == "drain":
            raise EndedError("drain")
        return super().drain()


def test_a_modem_comes_up_and_is_left_in_peace() -> None:
    modem, told = Stranger(), Told()

    async def work() -> None:
        port = runner(modem.device, told)
        port.start()
        await told.ready()
        assert port.is_open
        port.drain()
        async with asyncio.timeout(100):
            await port.closed.wait()
        assert not port.is_open

    try:
        run(work)
    finally:
        modem.close()
    identified = [fact for fact in told.facts if isinstance(fact, gsm.Identified)]
    assert identified[-1].imei == ANSWERS["AT+CGSN"].strip().split()[0]


@pytest.mark.parametrize("how", ["received", "tick", "drain"])
def test_a_machine_that_fails_is_alone_with_it(how: str) -> None:
    modems, told = [Stranger(), Stranger()], [Told(), Told()]

    async def work() -> None:
        bad = runner(modems[0].device, told[0], Fragile)
        good = runner(modems[1].device, told[1])
        bad.start()
        good.start()
        await told[0].until(lambda: bad.is_open)
        bad.machine.breaks = how  # type: ignore[attr-defined]
        await told[0].until(lambda: any(isinstance(f, Crashed) for f in told[0].facts))
        assert bad.crashes == 1
        assert not bad.is_open
        await told[1].ready()
        assert good.crashes == 0
        bad.end()
        good.end()

    try:
        run(work)
    finally:
        for modem in modems:
            modem.close()
    (crash,) = [fact for fact in told[0].facts if isinstance(fact, Crashed)]
    assert crash.why == f"EndedError: {how}"


def test_after_a_failure_it_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gsm.io_port.CRASH_S", 0.05)
    modem, told = Stranger(), Told()

    async def work() -> None:
        port = runner(modem.device, told, Fragile)
        port.start()
        await told.until(lambda: port.is_open)
        port.machine.breaks = "received"  # type: ignore[attr-defined]
        await told.until(lambda: port.crashes)
        await told.ready()  # of a fresh machine
        port.end()

    try:
        run(work)
    finally:
        modem.close()
    assert CRASH_S > 0.05


def test_who_listens_badly_ends_no_port() -> None:
    modem, told = Stranger(), Told()

    def listen(fact: gsm.Fact) -> None:
        told(fact)
        raise EndedError("the listener")

    async def work() -> None:
        port = runner(modem.device, listen)
        port.start()
        await told.ready()
        assert port.crashes == 0
        port.end()

    try:
        run(work)
    finally:
        modem.close()


def test_what_is_asked_from_within_a_fact_is_done_after_it() -> None:
    modem, told = Stranger(), Told()
    order: list[str] = []

    async def work() -> None:
        def listen(fact: gsm.Fact) -> None:
            told(fact)
            if isinstance(fact, gsm.Identified) and not order:
                order.append("asked")
                assert port.do(lambda one, now_ns: order.append("done")) is None
                order.append("told")

        port = runner(modem.device, listen)
        port.start()
        await told.until(lambda: len(order) == 3)
        port.end()
        assert port.do(lambda one, now_ns: order.append("never")) is None

    try:
        run(work)
    finally:
        modem.close()
    assert order == ["asked", "told", "done"]


def test_a_device_that_is_not_there_and_then_is(tmp_path: Any) -> None:
    modem, told = Stranger(), Told()
    link = tmp_path / "slot-at"

    async def work() -> None:
        port = runner(str(link), told)
        port.start()
        await told.until(lambda: "absent" in told.states)
        link.symlink_to(modem.device)
        port.present()  # without it: after its back-off
        await told.ready()
        port.absent("unplugged")
        assert told.states[-1] == "absent"
        assert not port.is_open
        port.present()
        await told.until(lambda: told.states[-1] == "ready")
        port.end()

    try:
        run(work)
    finally:
        modem.close()
