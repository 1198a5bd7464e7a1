"""Legs whose audio is a modem's device: keys, prompts, two who talk, devices that go."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dialerd.core.events import AnyEvent, Digit, MediaLost, PlayEnded
from dialerd.shell.bank_cards import FORMAT, BankCards
from dialerd.shell.clock import Clock
from dialerd.shell.media import Media
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.prompts import SAMPLES
from fastpath.rtp import MediaEngine
from gsm.card import CardState
from tests.fastpath.test_pump import FRAME, Modem, tone
from tests.ports import media_ports
from tests.waiting import until

HOST = "127.0.0.1"


class Desk:
    """Media with legs on modems, and what the core is told."""

    def __init__(self, engine: MediaEngine) -> None:
        self.told: list[AnyEvent] = []
        prompts = Prompts(engine, (SAMPLES,))
        self.media = Media(engine, prompts, HOST, HOST, media_ports(), self.told.append)
        self.modems: list[Modem] = []

    def leg(self, number: int) -> Modem:
        modem = Modem(self.media.engine)
        self.media.engine.close(modem.stream)
        self.media.open_device(number, modem.slave, f"call-{number}")
        modem.stream = self.media._streams[number]
        self.modems.append(modem)
        return modem

    def hear(self) -> None:
        self.media._on_events()
        for modem in self.modems:
            modem.listen()

    def close(self) -> None:
        for modem in self.modems:
            modem.close()


@pytest.fixture
def desk(engine: MediaEngine) -> Iterator[Desk]:
    desk = Desk(engine)
    yield desk
    desk.close()


def heard(modem: Modem) -> np.ndarray:
    whole = len(modem.heard) // FRAME * FRAME
    return np.frombuffer(bytes(modem.heard[:whole]), "<i2")


def speak(desk: Desk, modem: Modem, frames: int, key: str = "5") -> None:
    """So many frames of a key's tones, at the device's own pace."""
    audio, said = tone(key, 160 * frames), 0
    start = len(modem.heard)

    def step() -> bool:
        nonlocal said
        desk.hear()
        while said < frames and said * FRAME < len(modem.heard) - start:
            os.write(modem.master, audio[said * FRAME : (said + 1) * FRAME])
            said += 1
        return said == frames

    until(step)


def test_keys_in_the_audio_and_of_the_modem_are_one_press(desk: Desk) -> None:
    modem = desk.leg(1)
    desk.media.pressed(1, "5", "info", 0)  # the modem told it
    assert desk.told == [Digit(1, "5", "info")]
    speak(desk, modem, 6, "7")
    until(lambda: desk.hear() or len(modem.heard) > 30 * FRAME)
    assert desk.told == [Digit(1, "5", "info")]  # tones may be a voice where the modem tells keys


def test_keys_only_in_the_audio(desk: Desk) -> None:
    modem = desk.leg(1)
    speak(desk, modem, 8, "7")
    until(lambda: desk.hear() or desk.told)
    assert desk.told == [Digit(1, "7", "inband")]


def test_a_prompt_is_played_to_its_end(desk: Desk) -> None:
    modem = desk.leg(1)
    assert desk.media.play(1, ["en/goodbye"], 4)
    until(lambda: desk.hear() or desk.told)
    assert desk.told == [PlayEnded(1, 4)]
    assert abs(heard(modem)).max() > 1_000


def test_two_legs_on_modems_hear_each_other_until_they_part(desk: Desk) -> None:
    one, other = desk.leg(1), desk.leg(2)
    assert desk.media.bridge(1, 2)
    speak(desk, one, 40)
    until(lambda: desk.hear() or abs(heard(other)).max(initial=0) > 1_000)
    desk.media.unbridge(2)
    assert desk.media._rooms == {}
    quiet_from = len(other.heard) + 40 * FRAME
    speak(desk, one, 60)
    until(lambda: desk.hear() or len(other.heard) > quiet_from + 10 * FRAME)
    assert abs(heard(other)[quiet_from // 2 :]).max() < 100


def test_a_leg_that_ends_leaves_the_other_free_for_the_next(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.leg(number)
    assert desk.media.bridge(1, 2)
    desk.media.close(1)
    assert desk.media._rooms == {}
    assert desk.media.bridge(2, 3)
    assert len(desk.media._rooms) == 2
    desk.media.close(2)
    desk.media.close(3)
    assert desk.media._rooms == {}
    assert desk.media.engine.counters()["streams"] == 0


def test_a_modem_s_leg_and_a_telephone_s(desk: Desk) -> None:
    desk.leg(1)
    desk.media.open(2)
    assert desk.media.bridge(1, 2)
    assert desk.media._rooms.keys() == {1, 2}
    assert not desk.media.bridge(1, 9)


def test_a_device_that_goes_is_told(desk: Desk) -> None:
    modem = desk.leg(1)
    modem.hang_up()
    until(lambda: desk.media._on_events() or desk.told)
    assert desk.told == [MediaLost(1, "the modem's audio device is gone")]
    desk.media.close(1)


def test_what_was_kept_of_cards_is_taken_over_whatever_the_file_is(tmp_path: Path) -> None:
    async def cards() -> BankCards:
        return BankCards(tmp_path, Clock())

    file = tmp_path / "cards.json"
    assert asyncio.run(cards()).cards == {}
    for text in ("", "{", "[]", '{"format": 9, "cards": []}', "\0" * 100):
        file.write_text(text)
        assert asyncio.run(cards()).cards == {}
    locks = {"blocked": -1, "rest": Clock().wall_ms() + 60_000}
    card = {"iccid": "8984", "failed": 3, "locks": locks, "port": "sims/1"}
    file.write_text(json.dumps({"format": FORMAT, "cards": [card]}))
    found = asyncio.run(cards())
    state = found._state(found.cards["8984"])
    assert isinstance(state, CardState)
    assert (state.failed, state.locks["blocked"]) == (3, -1)
    assert 50e9 < state.locks["rest"] - Clock.now_ns() < 60e9
    assert abs(found._wall_ms(state.locks["rest"]) - locks["rest"]) <= 1
