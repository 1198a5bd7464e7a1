"""Legs whose audio is a modem's device: keys, prompts, two who talk, devices that go."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest

from dialerd.config import Config
from dialerd.core.events import AnyEvent, Digit, MediaLost, PlayEnded
from dialerd.core.modem_records import SimCard
from dialerd.core.ports import StoreFailedError
from dialerd.plan_file import read_numbering
from dialerd.shell import bank_cards
from dialerd.shell.bank_cards import BankCards
from dialerd.shell.clock import Clock
from dialerd.shell.media import Media
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.prompts import SAMPLES
from dialerd.store import MemoryStore, wait
from fastpath.numbers import Numbering
from fastpath.rtp import MediaEngine
from gsm import events as gsm
from gsm.card import CardState
from tests.fastpath.test_pump import FRAME, Modem, tone
from tests.ports import media_ports
from tests.waiting import until

HOST = "127.0.0.1"


@functools.cache
def vietnam() -> Numbering:
    return read_numbering(Config().numbering.plan)


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
    assert desk.media.meetings._rooms == {}
    quiet_from = len(other.heard) + 40 * FRAME
    speak(desk, one, 60)
    until(lambda: desk.hear() or len(other.heard) > quiet_from + 10 * FRAME)
    assert abs(heard(other)[quiet_from // 2 :]).max() < 100


@pytest.mark.parametrize("way", ["rfc4733", "info"])
def test_a_key_of_who_talks_with_a_modem_is_the_modems_to_send(desk: Desk, way: str) -> None:
    desk.leg(1)
    desk.media.open(2)
    sent: list[tuple[int, str]] = []
    desk.media.key_to_modem = lambda leg, digit: sent.append((leg, digit))
    desk.media.pressed(2, "4", way, 0)
    assert sent == [], "nobody talks with a modem"
    assert desk.media.bridge(1, 2)
    desk.media.pressed(2, "5", way, 10**10)
    desk.media.pressed(1, "6", way, 10**10)  # the customer's: the agent hears it
    assert sent == [(1, "5")]
    desk.media.unbridge(1)
    desk.media.pressed(2, "7", way, 10**11)
    assert sent == [(1, "5")]


def test_a_leg_that_ends_leaves_the_other_free_for_the_next(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.leg(number)
    assert desk.media.bridge(1, 2)
    desk.media.close(1)
    assert desk.media.meetings._rooms == {}
    assert desk.media.bridge(2, 3)
    assert len(desk.media.meetings._rooms) == 2
    desk.media.close(2)
    desk.media.close(3)
    assert desk.media.meetings._rooms == {}
    assert desk.media.engine.counters()["streams"] == 0


def test_a_modem_s_leg_and_a_telephone_s(desk: Desk) -> None:
    desk.leg(1)
    desk.media.open(2)
    assert desk.media.bridge(1, 2)
    assert desk.media.meetings._rooms.keys() == {1, 2}
    assert not desk.media.bridge(1, 9)


def test_a_device_that_goes_is_told(desk: Desk) -> None:
    modem = desk.leg(1)
    modem.hang_up()
    until(lambda: desk.media._on_events() or desk.told)
    assert desk.told == [MediaLost(1, "the modem's audio device is gone")]
    desk.media.close(1)


def test_locks_of_cards_are_kept_by_the_time_of_day() -> None:
    store = MemoryStore()
    locks = {"blocked": -1, "rest": Clock().wall_ms() + 60_000}
    wait(store.keep_cards([SimCard("8984", failed=3, locks=locks, port="sims/1")]))

    async def cards() -> BankCards:
        return BankCards(store, Clock(), vietnam)

    found = asyncio.run(cards())
    state = found._state(found.cards["8984"])
    assert isinstance(state, CardState)
    assert (state.failed, state.locks["blocked"]) == (3, -1)
    assert 50e9 < state.locks["rest"] - Clock.now_ns() < 60e9
    assert abs(found._wall_ms(state.locks["rest"]) - locks["rest"]) <= 1


def test_a_refused_pin_is_given_back_before_the_card_is_known() -> None:
    store = MemoryStore()
    old = SimCard("imei:35", pin_refused=True, imsi="452", number="+84912345678")
    wait(store.keep_cards([old, SimCard("8984", pin_refused=True, refused_pin="mark")]))
    port = cast(Any, OnePort())

    async def go() -> None:
        cards = BankCards(store, Clock(), vietnam)
        for key in ("imei:35", "8984", "nobody's"):
            cards.hear(port, gsm.CardSeen(key))
        cards.hear(port, gsm.CardChanged(CardState("imei:35", refused_pin="other")))
        await cards.close()

    asyncio.run(go())
    assert [(one.iccid, one.refused_pin) for one in port.known] == [
        ("imei:35", "*"),  # of an older record, which did not tell them apart
        ("8984", "mark"),
    ]
    kept = {one.iccid: one for one in store.cards()}["imei:35"]
    assert (kept.refused_pin, kept.pin_refused) == ("other", True)


class FullStore(MemoryStore):
    """Refuses the first writings."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals
        self.written = asyncio.Event()

    def _run(self, work: Any) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise StoreFailedError("the disk is full")
        found = super()._run(work)
        self.written.set()
        return found


class OnePort:
    """What `BankCards` sees of a port."""

    def __init__(self) -> None:
        self.identity = gsm.Identified(
            "35", "", "", "", "generic", "8984", "452", "", "Viettel", "none", voice=True
        )
        self.state = CardState("8984", failed=2)
        self.kept: list[tuple[int, ...]] = []
        self.known: list[CardState] = []
        self.runner = self.machine = self
        self.name = "sims/1"

    def card_state(self) -> CardState:
        return self.state

    def do(self, what: Any) -> None:
        what(self, 0)

    def know(self, card: CardState, _now_ns: int) -> None:
        self.known.append(card)

    def sms_kept(self, places: tuple[int, ...], _now_ns: int) -> None:
        self.kept.append(places)


def test_a_full_disk_loses_neither_card_nor_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_cards, "GAP_S", 0.001)
    store, port = FullStore(3), cast(Any, OnePort())
    text = gsm.SmsIn("+84912345678", "hello", "2026-09-21T10:00:00+07:00", (4,))

    async def go() -> None:
        cards = BankCards(store, Clock(), vietnam)
        cards.hear(port, text)
        await asyncio.gather(*cards._tasks)
        assert port.kept == [], "it stays in the module"
        cards.hear(port, gsm.CardChanged(port.state))
        await asyncio.wait_for(store.written.wait(), 100)
        cards.hear(port, text)
        await cards.close()

    asyncio.run(go())
    assert [(one.iccid, one.failed) for one in store.cards()] == [("8984", 2)]
    assert port.kept == [(4,)]
    assert [(one.phone, one.text) for _, one in store.texts(0, 9)] == [(84912345678, "hello")]


def test_what_changed_last_is_written_at_the_end() -> None:
    store, port = MemoryStore(), cast(Any, OnePort())

    async def go() -> None:
        cards = BankCards(store, Clock(), vietnam)
        cards.hear(port, gsm.CardChanged(port.state))
        port.state = CardState("8984", failed=5)
        cards.hear(port, gsm.CardChanged(port.state))
        await cards.close()

    asyncio.run(go())
    assert [one.failed for one in store.cards()] == [5]
