"""Prompts as files on modems: what is put where, and what a leg says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from dialerd.core.effects import Play
from dialerd.core.events import AnyEvent, PlayEnded
from dialerd.core.needs import Can, Need
from dialerd.shell.bank_files import AGAIN_S, FILES_MAX, BankFiles
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.wav import pcm_wav
from fastpath.rtp import MediaEngine
from gsm import events as gsm
from gsm.port import Port
from tests.gsm.bank import BankModem
from tests.gsm.drive import Hand

LEG = 1


class Runner:
    """As the daemon's: an input of the machine, then all that follows of it."""

    name = "sims/one"

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.machine = hand.port

    def do(self, what: Callable[[Port, int], object]) -> object:
        answer = what(self.machine, self.hand.now)
        self.hand.settle()
        return answer


class Line:
    """A port with its simulated SIM800, in virtual time."""

    def __init__(self) -> None:
        self.hand = Hand(BankModem("sim800"), audio_device=False)
        self.hand.up()
        self.runner = Runner(self.hand)
        self.identity = self.hand.told(gsm.Identified)[-1]
        self.seen = len(self.hand.facts)

    @property
    def state(self) -> gsm.PortState:
        return gsm.PortState(self.hand.port.state)

    def by_files(self) -> bool:
        return True


class Room:
    """Files on that port, and what the dialer is told."""

    def __init__(self, engine: MediaEngine, folder: Path) -> None:
        self.folder = folder
        self.told: list[AnyEvent] = []
        self.failed: list[tuple[int, str]] = []
        self.changes = 0
        self.line = Line()
        self.port = cast("Any", self.line)
        self.prompts = Prompts(engine, (folder,))
        self.files = BankFiles(
            self.prompts, self.told.append, lambda leg, why: self.failed.append((leg, why))
        )
        self.files.changed = self._changed
        self.wanted: list[str] = []
        self.files.wanted = lambda: self.wanted

    def _changed(self, _port: object) -> None:
        self.changes += 1

    def prompt(self, name: str, seconds: float = 0.2, level: int = 1_000) -> None:
        sound = np.full(int(seconds * 8_000), level, "<i2")
        (self.folder / f"{name}.wav").write_bytes(pcm_wav(sound.tobytes()))

    async def look(self, seconds: float = 100.0) -> None:
        """What is missing is put, one after the other."""
        for _ in range(len(self.wanted) + 1):
            self.files.look([self.port], self.line.hand.now / 1e9)
            await asyncio.gather(*self.files._reading)
            self.files.look([self.port], self.line.hand.now / 1e9)
            self.run(seconds)

    def run(self, seconds: float) -> None:
        """Time passes, and facts reach the files as they do in the daemon."""
        hand = self.line.hand
        for _ in range(int(seconds * 10)):
            hand.run(0.1)
            while self.line.seen < len(hand.facts):
                fact = hand.facts[self.line.seen][1]
                self.line.seen += 1
                if isinstance(fact, gsm.FilePut):
                    self.files.stored(self.port, fact)
                elif isinstance(fact, gsm.FilePlayed):
                    self.files.played(LEG, fact)

    def talk(self) -> None:
        assert self.line.hand.dial() == ""
        assert self.line.hand.run(60, lambda: self.line.hand.port.state == "active")

    def play(self, *prompts: str, token: int = 1) -> bool:
        return self.files.play(self.port, LEG, Play(1, LEG, prompts, token))

    def can(self) -> set[str]:
        able = self.files.can(self.port)
        assert able is not None
        assert able.of == Need.KEYS
        return set(able.prompts)


@pytest.fixture
def room(engine: MediaEngine, tmp_path: Path) -> Room:
    return Room(engine, tmp_path)


def test_what_campaigns_play_is_put_and_said_one_behind_the_other(room: Room) -> None:
    room.prompt("hello")
    room.prompt("bye", 0.4)
    assert room.files.can(room.port) == Can(Need.KEYS)
    room.wanted = ["hello", "bye", "nowhere"]
    asyncio.run(room.look())
    assert room.can() == {"hello", "bye"}
    assert room.changes >= 2
    room.talk()
    assert not room.play("hello", "nowhere")
    assert room.play("hello", "bye")
    room.run(0.3)
    assert room.told == []
    room.run(1)
    assert room.told == [PlayEnded(LEG, 1)]
    assert room.failed == []


def test_another_prompt_takes_the_place_of_what_is_said(room: Room) -> None:
    room.prompt("long", 3.0)
    room.prompt("short")
    room.wanted = ["long", "short"]
    asyncio.run(room.look())
    room.talk()
    assert room.play("long", token=1)
    room.run(0.5)
    assert room.play("short", token=2)
    room.run(1.5)
    assert room.told == [PlayEnded(LEG, 2)]
    assert room.play("long", token=3)
    room.run(0.5)
    room.files.stop(LEG)
    room.run(4)
    assert room.told == [PlayEnded(LEG, 2)], "nobody waits for what was stopped"
    room.files.over(LEG)


def test_a_prompt_that_changed_is_put_anew(room: Room) -> None:
    room.prompt("hello")
    room.wanted = ["hello"]
    asyncio.run(room.look())
    assert room.can() == {"hello"}
    room.prompt("hello", level=2_000)
    asyncio.run(room.prompts.renew("hello"))
    room.files.look([], 0.0)
    asyncio.run(room.look())
    assert room.can() == {"hello"}
    held = room.line.hand.modem.bank.slots[0].modem.files.held  # type: ignore[attr-defined]
    assert len(held) == 1, "in the place of the old one"
    (data,) = held.values()
    assert abs(int.from_bytes(data[-2:], "little") - 2_000) < 100


def test_files_that_are_gone_are_told_and_put_again(room: Room) -> None:
    room.prompt("hello")
    room.wanted = ["hello"]
    asyncio.run(room.look())
    room.line.hand.modem.bank.slots[0].modem.files.held.clear()  # type: ignore[attr-defined]
    room.talk()
    assert room.play("hello")
    room.run(0.5)
    assert [leg for leg, _ in room.failed] == [LEG]
    assert room.can() == set()
    room.line.hand.hang_up()
    room.line.hand.expect_state("ready", 20)
    asyncio.run(room.look())
    assert room.can() == {"hello"}


def test_another_module_has_none_of_them_and_a_full_one_takes_no_more(room: Room) -> None:
    names = [f"p{n:02}" for n in range(FILES_MAX + 1)]
    for name in names:
        room.prompt(name, 0.02)
    room.wanted = names
    asyncio.run(room.look(5))
    assert room.can() == set(names[:FILES_MAX])
    room.wanted = names[1:]
    asyncio.run(room.look(5))
    assert room.can() == set(names[1:]), "what nobody plays any more makes room"
    room.line.identity = gsm.Identified(
        "1" * 15, "SIMCOM", "SIM800", "", "simcom_sim800", "", "", "", "", "module_file", voice=True
    )
    room.wanted = []
    asyncio.run(room.look(1))
    assert room.can() == set()


def test_a_module_that_refuses_a_file_is_asked_again_later(room: Room) -> None:
    room.prompt("hello")
    room.wanted = ["hello"]
    modem = room.line.hand.modem.bank.slots[0].modem  # type: ignore[attr-defined]
    modem.files.held.update({f"C:\\User\\x{n}": b"" for n in range(64)})
    asyncio.run(room.look(5))
    assert room.can() == set()
    modem.files.held.clear()
    asyncio.run(room.look(5))
    assert room.can() == set()
    room.run(AGAIN_S)
    asyncio.run(room.look(5))
    assert room.can() == {"hello"}
