"""Ports of banks that fail: their legs end, their slots are looked at again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from dialerd.config.bank_tables import Bank
from dialerd.core.effects import Answer, Dial
from dialerd.core.events import AnyEvent, Incoming, LineHealth, MediaLost, Released
from dialerd.core.line_spec import Trouble
from dialerd.core.lines_view import Use
from dialerd.core.records import Outcome
from dialerd.shell import bank_slots as module
from dialerd.shell.bank_port import BankPort
from dialerd.shell.banks import Banks
from dialerd.shell.clock import Clock
from dialerd.shell.media import Media
from dialerd.store import MemoryStore
from fastpath.numbers import Number
from gsm import events as gsm
from tests.core.world import NUMBERING

NUMBER: Number = NUMBERING.number("0912345678")


class Ears:
    """Media of legs that never get as far as audio."""

    def __init__(self) -> None:
        self.prompts: Any = None  # of ports that play files
        self.closed: list[int] = []
        self.device_gone: Callable[[int, str], None] = lambda _leg, _why: None

    def close(self, leg: int) -> None:
        self.closed.append(leg)

    def has(self, _leg: int) -> bool:
        return False


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
        async with asyncio.timeout(100):
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
        banks.calls.prepare(effect, port)
        banks.calls.lines.dial(effect, "e164")
        port.leg = 7
        port.runner.do(fail)
        assert room.legs_told() == [
            Released(7, Outcome.FAILED, 0, 0, "us", advance=True, trouble=Trouble.FULL)
        ]
        assert room.media.closed == [7]
        assert (port.leg, len(banks), banks.calls.owns(7)) == (None, 0, False)
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
        await room.until(lambda: timers.add(room.banks._slots._timer) or len(timers) > 3)
        assert [one.slot for one in room.banks.all_ports()] == ["slot1"]
        assert caplog.text.count("slot2: ") == 1, "said once"
        room.pin.write_text("1234\n")
        room.pin.chmod(0o600)
        await room.until(lambda: len(list(room.banks.all_ports())) == 2)

    run(tmp_path, work)


KNOWN = gsm.Identified(
    "35", "", "", "", "generic", "8984", "452", "+84901", "Viettel", "pcm_tty", voice=True
)
FAILED_HERE = Released(7, Outcome.FAILED, 0, 0, "us", advance=True, trouble=Trouble.FULL)


def dialed(room: Room) -> BankPort:
    """The one port, with leg 7 as if it had been dialed on it."""
    (port,) = room.banks.all_ports()
    calls = room.banks.calls
    calls.prepare(effect := Dial(1, 7, "sims", NUMBER, "call", "", port.slot), port)
    calls.lines.dial(effect, "e164")
    port.leg = 7
    return port


def test_audio_that_fails_before_the_answer_is_the_port_s_failure(tmp_path: Path) -> None:
    async def work(room: Room) -> None:
        for turn in (1, 2):
            port = dialed(room)
            room.banks.calls.hear(port, gsm.AudioFailed(7, "AT+QPCMV=1,0: ERROR"))
            assert port.deaf()
            room.banks.calls.hear(port, gsm.Ended(7, gsm.Cause.CANCELLED, by="us"))
            assert room.legs_told() == [FAILED_HERE] * turn, "nobody was reached: another line"
        assert "audio failed" in port.runner.machine._floor.reset_why, "the second time in a row"

    run(tmp_path, work)


def test_audio_that_fails_after_the_answer_is_told_instead_of_it(tmp_path: Path) -> None:
    async def work(room: Room) -> None:
        port, hear = dialed(room), room.banks.calls.hear
        hear(port, gsm.Answered(7))
        hear(port, gsm.AudioFailed(7, "ERROR"))
        hear(port, gsm.AudioFailed(7, "ERROR"))
        hear(port, gsm.Ended(7, gsm.Cause.ANSWERED, by="us"))
        assert room.legs_told() == [
            MediaLost(7, "ERROR"), Released(7, Outcome.ANSWERED, 0, 0, "us")
        ]  # fmt: skip

    run(tmp_path, work)


def test_a_device_that_goes_before_the_answer_is_no_answer(tmp_path: Path) -> None:
    async def work(room: Room) -> None:
        port = dialed(room)
        room.media.device_gone(7, "the modem's audio device is gone")
        room.banks.calls.hear(port, gsm.Ended(7, gsm.Cause.CANCELLED, by="us"))
        assert room.legs_told() == [FAILED_HERE]

    run(tmp_path, work)


def test_who_calls_a_port_is_told_to_the_dialer_if_the_port_can_be_talked_on(
    tmp_path: Path,
) -> None:
    async def work(room: Room) -> None:
        (port,) = room.banks.all_ports()
        calls = room.banks.calls
        calls.hear(port, gsm.Incoming(-1, "+84912345678"))
        assert (room.legs_told(), port.leg) == ([], None), "nobody could be heard"
        port.identity, port.audio = KNOWN, 0
        calls.hear(port, gsm.Incoming(-2, "+84912345678"))
        (told,) = room.legs_told()
        assert isinstance(told, Incoming)
        assert (told.trunk, told.port, told.called) == ("sims", "slot1", "+84901")
        assert (told.caller, told.asserted, told.withheld) == ("+84912345678", True, False)
        assert told.leg < -(1 << 32), "no number of a call by SIP"
        calls.answer(Answer(3, told.leg, told.call_id))
        calls.hear(port, gsm.Ended(-1, gsm.Cause.CANCELLED))  # of the call before
        assert len(room.legs_told()) == 1
        calls.hear(port, gsm.Ended(-2, gsm.Cause.CANCELLED))
        assert room.legs_told()[1:] == [Released(told.leg, Outcome.NO_ANSWER)]
        calls.hear(port, gsm.Incoming(-3, ""))
        hidden = room.legs_told()[-1]
        assert isinstance(hidden, Incoming)
        assert hidden.withheld
        assert hidden.leg != told.leg
        calls.refuse(hidden.leg)
        calls.hear(port, gsm.Ended(-3, gsm.Cause.REJECTED, by="us"))
        assert room.legs_told()[-1] is hidden, "nothing is told of a call that was refused"
        assert (len(room.banks), port.leg) == (0, None)
        port.audio = -1

    run(tmp_path, work)


def test_slots_without_a_device_are_none_and_a_bank_has_so_many(
    tmp_path: Path, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "SLOTS_MAX", 3)

    async def work(room: Room) -> None:
        slots = room.folder / "slots"
        (slots / "dangling-at").symlink_to("/nowhere")
        for name in ("slot2", "slot3", "slot4"):
            room.slot(name)
        await room.until(lambda: "slot4: bank sims has 3 ports, and no more" in caplog.text)
        assert set(room.banks.ports["sims"]) == {"slot1", "slot2", "slot3"}
        (slots / "slot2-at").unlink()
        await room.until(lambda: "slot4" in room.banks.ports["sims"])
        assert set(room.banks.ports["sims"]) == {"slot1", "slot3", "slot4"}
        assert caplog.text.count("and no more") == 1, "said once"

    run(tmp_path, work)


def test_a_leg_rings_as_long_as_its_campaign_says(tmp_path: Path) -> None:
    asked: list[tuple[Any, ...]] = []

    class Machine:
        def dial(self, *given: Any) -> str:
            asked.append(given)
            return ""

    async def work(room: Room) -> None:
        port = room.banks.ports["sims"]["slot1"]
        kept, port.runner.do = port.runner.do, lambda what: what(Machine(), 5)  # type: ignore[method-assign,assignment,arg-type]
        effect = Dial(1, 7, "sims", NUMBER, "call", "", port.slot, ring_s_max=120)
        room.banks.calls.prepare(effect, port)
        room.banks.calls.dial(effect)
        port.runner.do = kept  # type: ignore[method-assign]

    run(tmp_path, work)
    ((leg, _, now_ns, call_s_max, ring_s_max),) = asked
    assert (leg, now_ns, call_s_max, ring_s_max) == (7, 5, 0, 120)


def test_two_ports_that_tell_one_sim_are_told_and_one_takes_no_calls(tmp_path: Path) -> None:
    sim = gsm.Identified(
        "350000000000006", "Acme", "M1", "1", "generic", "89840100000000000017", "452010000000001",
        "", "MobiFone", "pcm_tty", True,
    )  # fmt: skip
    ready = gsm.PortState("ready", "", None, True)

    async def work(room: Room) -> None:
        room.slot("slot2")
        await room.until(lambda: len(list(room.banks.all_ports())) == 2)
        one, two = room.banks.all_ports()
        for port in (one, two):
            port.audio = 0
            port._on_fact(sim)
            port._on_fact(ready)
        assert (one.why_away(), two.twin) == ("", "sims/slot1")
        assert two.why_away() == (
            "tells the SIM of port sims/slot1, which still has it: one of them is wrong"
        )
        told = [event for event in room.told if isinstance(event, LineHealth)]
        assert [event.alive for event in told if event.port == "slot1"][-1] is True
        assert [event.alive for event in told if event.port == "slot2"][-1] is False
        one._on_fact(gsm.PortState("sim fault", "no card", None, False))
        assert two.why_away() == "", "the card was moved"
        one._on_fact(sim)
        assert not two.twin
        for port in (one, two):
            port.audio = -1

    run(tmp_path, work)


def test_a_port_s_event_has_its_quota(tmp_path: Path) -> None:
    async def work(room: Room) -> None:
        (port,) = room.banks.all_ports()
        assert port.news()["quota"] is None
        quota = port.news(Use(calls_today=3, minutes_today=1.5, calls_left=7))["quota"]
        assert quota == {
            "calls_today": 3, "minutes_today": 1.5, "calls_left": 7, "minutes_left": None,
        }  # fmt: skip

    run(tmp_path, work)
