"""Ports of banks that fail: their legs end, their slots are looked at again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from dialerd.config.bank_tables import Bank
from dialerd.core.effects import Dial
from dialerd.core.events import AnyEvent, LineHealth, Released
from dialerd.core.line_spec import Trouble
from dialerd.core.records import Outcome
from dialerd.shell import banks as module
from dialerd.shell.banks import Banks
from dialerd.shell.clock import Clock
from dialerd.shell.media import Media
from dialerd.store import MemoryStore
from fastpath.numbers import Number
from tests.core.world import NUMBERING

NUMBER: Number = NUMBERING.number("0912345678")


class Ears:
    """Media of legs that never get as far as audio."""

    def __init__(self) -> None:
        self.closed: list[int] = []

    def close(self, leg: int) -> None:
        self.closed.append(leg)


class Room:
    """A bank of one slot without a modem, and all that it tells the dialer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "slots").mkdir()
        self.slot("slot1")
        self.pin = folder / "pin"
        self.pin.write_text("1234\n")
        self.pin.chmod(0o600)
        self.told: list[AnyEvent] = []
        self.media = Ears()
        bank = Bank(name="sims", slots=folder / "slots" / "*-at", pin_file=self.pin)
        self.banks = Banks(
            [bank], cast("Media", self.media), self.told.append, lambda *_: None,
            clock=Clock(), rng=random.Random(1),
        )  # fmt: skip
        self.banks.start(lambda: None, MemoryStore(), lambda: NUMBERING)

    def slot(self, name: str) -> None:
        (self.folder / "slots" / f"{name}-at").symlink_to("/dev/null")

    def legs_told(self) -> list[AnyEvent]:
        return [one for one in self.told if not isinstance(one, LineHealth)]

    async def until(self, done: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not done():  # noqa: ASYNC110 - of threads and timers, which set no event
                await asyncio.sleep(0.005)


def run(folder: Path, work: Callable[[Room], Awaitable[None]]) -> None:
    async def whole() -> None:
        room = Room(folder)
        try:
            await work(room)
        finally:
            await room.banks.close()

    asyncio.run(whole())


def fail(*_: Any) -> None:
    raise ZeroDivisionError


def test_a_machine_that_fails_ends_its_leg(tmp_path: Path) -> None:
    async def work(room: Room) -> None:
        banks = room.banks
        (port,) = banks.all_ports()
        effect = Dial(1, 7, "sims", NUMBER, "call", "", port.slot)
        banks.prepare(effect)
        banks.lines.dial(effect, "e164")
        port.leg = 7
        port.runner.do(fail)
        assert room.legs_told() == [
            Released(7, Outcome.FAILED, 0, 0, "us", advance=True, trouble=Trouble.FULL)
        ]
        assert room.media.closed == [7]
        assert (port.leg, len(banks), banks.owns(7)) == (-1, 0, False)
        port.runner.present()  # its device comes back before its machine is begun anew
        assert port.runner._wake is not None
        assert port.runner._opening is None

    run(tmp_path, work)


def test_a_slot_without_its_pin_keeps_no_other_from_being_seen(
    tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)

    async def work(room: Room) -> None:
        room.pin.unlink()
        room.slot("slot2")
        await room.until(lambda: caplog.text.count("slot2: ") == 1)
        timers: set[object] = set()  # kept, so that none is at the place of another
        await room.until(lambda: timers.add(room.banks._timer) or len(timers) > 3)
        assert [one.slot for one in room.banks.all_ports()] == ["slot1"]
        assert caplog.text.count("slot2: ") == 1, "said once"
        room.pin.write_text("1234\n")
        room.pin.chmod(0o600)
        await room.until(lambda: len(list(room.banks.all_ports())) == 2)

    run(tmp_path, work)
