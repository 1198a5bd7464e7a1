"""Rooms of telephones that we did not write: who hears whom, told by the spectrum."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fastpath.rtp import MediaEngine
from tests.fastpath.test_pump import Modem
from tests.interop.meeting import check_stream, meet, talker
from tests.interop.singing import Singer, singer
from tests.interop.switchboard import Switchboard
from tests.interop.tones import FRAME, Samples, coded, decoded, found, tone
from tests.interop.wire import wire
from tests.ports import media_ports

pytestmark = pytest.mark.interop
TONES = (440, 700, 1_000, 1_500)
ALL_PORTS = (media_ports()[0] - 140, media_ports()[1])
PARTIES = 48
TRIES = 20


class Ears:
    """What several telephones heard between two moments."""

    def __init__(self, *phones: Singer) -> None:
        self.phones = phones

    async def listen(self, board: Switchboard) -> tuple[set[int], ...]:
        """Whose tones each hears in the second that begins a quarter of one from now."""
        begun = [len(phone.heard()) + 2_000 for phone in self.phones]
        await board.until(
            lambda: all(
                len(phone.heard()) > at + 8_000
                for phone, at in zip(self.phones, begun, strict=True)
            )
        )
        return tuple(
            found(phone.heard()[at : at + 8_000], TONES, 2_000)
            for phone, at in zip(self.phones, begun, strict=True)
        )

    async def until(
        self, board: Switchboard, done: Callable[[tuple[set[int], ...]], bool]
    ) -> tuple[set[int], ...]:
        """The second in which it is so; the last of many if it never is.

        A process that lost its core in between makes a hole into what a telephone hears.
        """
        heard = await self.listen(board)
        for _ in range(TRIES):
            if done(heard):
                break
            heard = await self.listen(board)
        return heard


def test_a_supervisor_listens_whispers_and_barges_in(engine: MediaEngine, tmp_path: Path) -> None:
    heard: dict[str, tuple[set[int], ...]] = {}
    with contextlib.ExitStack() as stack:
        customer, agent, supervisor = (
            stack.enter_context(singer(tmp_path, hertz, codec=codec))
            for hertz, codec in ((440, "pcma"), (700, "pcmu"), (1_000, "pcmu"))
        )
        ears = Ears(customer, agent, supervisor)

        async def talk(board: Switchboard) -> None:
            streams = [board.streams[leg] for leg in (1, 2, 3)]
            engine.bridge(streams[0], streams[1])  # the call as it was before
            heard["alone"] = await ears.listen(board)
            room = engine.room()
            engine.join(room, streams[0], "customer")
            engine.join(room, streams[1], "agent")
            for role in ("listening", "whispering", "barging"):
                engine.join(room, streams[2], role)
                heard[role] = await ears.listen(board)
            engine.mute(streams[1])
            heard["agent muted"] = await ears.listen(board)
            engine.leave(streams[2])
            engine.mute(streams[1], on=False)
            engine.bridge(streams[0], streams[1])
            heard["alone again"] = await ears.listen(board)
            assert engine.parties(room) == set()

        meet(engine, [phone.port for phone in ears.phones], talk)
    assert heard == {
        "alone": ({700}, {440}, set()),
        "listening": ({700}, {440}, {440, 700}),
        "whispering": ({700}, {440, 1_000}, {440, 700}),
        "barging": ({700, 1_000}, {440, 1_000}, {440, 700}),
        "agent muted": ({1_000}, {440, 1_000}, {440}),
        "alone again": ({700}, {440}, set()),
    }


def test_a_conference_of_three_and_music_for_who_is_parked(
    engine: MediaEngine, tmp_path: Path
) -> None:
    heard: dict[str, tuple[set[int], ...]] = {}
    sound = tone(1_500, 0.5)
    music = engine.add_prompt(coded(sound, 0), coded(sound, 8))
    with contextlib.ExitStack() as stack:
        phones = [stack.enter_context(singer(tmp_path, hertz)) for hertz in (440, 700, 1_000)]
        ears = Ears(*phones)

        async def talk(board: Switchboard) -> None:
            room = engine.room()
            for stream in board.streams.values():
                engine.join(room, stream)
            heard["all"] = await ears.listen(board)
            engine.park(board.streams[1])
            engine.play(board.streams[1], music, 7, loop=True)
            heard["one parked"] = await ears.listen(board)
            engine.stop_play(board.streams[1])
            engine.park(board.streams[1], on=False)
            engine.join(room, board.streams[3], hears={board.streams[2]}, heard_by=set())
            heard["a third who only hears the second"] = await ears.listen(board)
            engine.close_room(room)
            heard["over"] = await ears.listen(board)

        meet(engine, [phone.port for phone in phones], talk)
    assert heard == {
        "all": ({700, 1_000}, {440, 1_000}, {440, 700}),
        "one parked": ({1_500}, {1_000}, {700}),
        "a third who only hears the second": ({700}, {440}, {700}),
        "over": (set(), set(), set()),
    }


def sung(got: tuple[set[int], ...]) -> list[set[int]]:
    """Without the hum of the crowd."""
    return [tones - {700} for tones in got]


def test_a_conference_of_fifty(engine: MediaEngine, tmp_path: Path) -> None:
    """48 calls of a SIPp that hum softly, and two telephones that all of them hear."""
    with (
        wire(tmp_path, ALL_PORTS) as seen,
        singer(tmp_path, 440) as one,
        singer(tmp_path, 1_000, codec="pcma") as two,
        talker(tmp_path, tone(700, 10, level=60), 0, calls=PARTIES) as (crowd, _),
    ):
        ears = Ears(one, two)
        heard: list[tuple[set[int], ...]] = []

        async def talk(board: Switchboard) -> None:
            room = engine.room()
            for stream in board.streams.values():
                engine.join(room, stream)
            heard.append(await ears.until(board, lambda got: sung(got) == [{1_000}, {440}]))
            assert len(engine.parties(room)) == PARTIES + 2

        board = meet(engine, [one.port, two.port] + [crowd.port] * PARTIES, talk)
        assert crowd.finish().items() >= {"successful": PARTIES, "failed": 0}.items()
    assert sung(heard[0]) == [{1_000}, {440}]
    seen.ports = {board.port(leg) for leg in board.streams}
    told: dict[int, list[bytes]] = {}
    for packet in seen.rtp():
        told.setdefault(packet.source, []).append(packet.payload)
    for leg in range(3, PARTIES + 3):
        said = told[board.port(leg)]
        assert any(
            found(decoded(b"".join(said[at - 45 : at]), 0), (440, 1_000), 3_000) == {440, 1_000}
            for at in range(len(said) - 5, 44, -20)
        ), leg
    check_stream(seen.rtp(source=board.port(1)))


def test_a_modem_in_a_room_with_a_telephone(engine: MediaEngine, tmp_path: Path) -> None:
    modem = Modem(engine)
    room = engine.room()
    heard: list[Samples] = []
    hum, spoken = tone(1_000, 1.0).astype("<i2").tobytes(), 0
    try:
        with singer(tmp_path, 440) as phone:

            def speak() -> None:
                """Whenever the device plays a frame, the caller says one."""
                nonlocal spoken
                modem.listen()
                while spoken < len(modem.heard) // (2 * FRAME):
                    at = spoken % 50 * 2 * FRAME
                    modem.say(hum[at : at + 2 * FRAME])
                    spoken += 1

            async def talk(board: Switchboard) -> None:
                with pytest.raises(ValueError, match="modem"):
                    engine.bridge(board.streams[1], modem.stream)
                engine.join(room, board.streams[1], "agent")
                engine.join(room, modem.stream, "customer")
                begun = len(phone.heard()) + 4_000

                def enough() -> bool:
                    speak()
                    return len(phone.heard()) > begun + 8_000

                await board.until(enough)
                heard.append(phone.heard()[begun:])
                whole = len(modem.heard) // 2 * 2
                heard.append(np.frombuffer(bytes(modem.heard[:whole]), "<i2")[-8_000:])
                modem.hang_up()
                await board.until(lambda: engine.device(modem.stream)["gone"])
                engine.close(modem.stream)
                assert engine.parties(room) == {board.streams[1]}

            meet(engine, (phone.port,), talk)
        assert [found(audio, TONES, 2_000) for audio in heard] == [{1_000}, {440}]
    finally:
        modem.close()
