"""Rooms that overhear streams: what a supervisor hears, and that the two others notice nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from fastpath.g711 import ulaw_decode, ulaw_to_alaw
from fastpath.rtp import MediaEngine
from fastpath.rtp_send import RtpSender
from tests.fastpath.test_rtp_bridge import (  # noqa: F401 - fixtures
    HERE,
    HIGH,
    LOW,
    Peer,
    check_numbers,
    engine,
    latch,
    stamping,
)
from tests.fastpath.test_rtp_room import TONES, hears, tone


class Hall:
    """Three telephones that talk until they hear what they should, counted in packets."""

    def __init__(self, engine: MediaEngine) -> None:  # noqa: F811
        self.engine = engine
        self.peers = {name: Peer(engine) for name in TONES}
        latch(list(self.peers.values()))

    def hears(self, **expected: set[str]) -> None:
        """Each named one hears these and no others in its last half second."""
        assert hears(self.engine, self.peers, expected) == expected

    def close(self) -> None:
        for peer in self.peers.values():
            peer.socket.close()


@pytest.fixture
def hall(engine) -> Iterator[Hall]:  # noqa: F811
    made = Hall(engine)
    yield made
    made.close()


@pytest.mark.parametrize("engine", [2], indirect=True)
def test_who_is_overheard_goes_on_as_before_until_somebody_speaks(engine, hall) -> None:  # noqa: F811
    customer, agent, supervisor = hall.peers.values()
    engine.bridge(customer.stream, agent.stream)
    room = engine.room(over=True)
    engine.join(room, supervisor.stream, "listening")
    engine.overhear(room, customer.stream, "customer", played=True)
    engine.overhear(room, agent.stream, "agent")
    both = {"customer", "agent"}
    hall.hears(customer={"agent"}, agent={"customer"}, supervisor=both)
    assert engine.bridged(customer.stream)[0] == agent.stream
    said = {tone(TONES["agent"], n) for n in range(agent.said)}
    assert [p for p in customer.heard if p.payload in said], "packets as they came, not mixed ones"
    assert engine.parties(room) == {supervisor.stream}
    engine.join(room, customer.stream, "customer")
    engine.join(room, agent.stream, "agent")
    engine.join(room, supervisor.stream, "whispering")
    hall.hears(customer={"agent"}, agent={"customer", "supervisor"}, supervisor=both)
    engine.join(room, supervisor.stream, "barging")
    hall.hears(customer={"agent", "supervisor"}, agent={"customer", "supervisor"}, supervisor=both)
    engine.bridge(customer.stream, agent.stream)
    engine.join(room, supervisor.stream, "listening")
    hall.hears(customer={"agent"}, agent={"customer"}, supervisor=both)
    engine.close_room(room)
    engine.overhear_no_more(customer.stream)
    hall.hears(customer={"agent"}, agent={"customer"}, supervisor=set())
    for peer in hall.peers.values():
        check_numbers(peer)


def test_a_prompt_is_heard_by_the_supervisor_who_speaks_over_it(engine, hall) -> None:  # noqa: F811
    """A broadcast: the prompt's tone is "agent"."""
    customer, _, supervisor = hall.peers.values()
    sound = b"".join(tone(TONES["agent"], n) for n in range(50))
    engine.play(customer.stream, engine.add_prompt(sound, ulaw_to_alaw(sound)), 1, loop=True)
    room = engine.room(over=True)
    engine.join(room, supervisor.stream, "listening")
    engine.overhear(room, customer.stream, played=True)
    hall.hears(customer={"agent"}, supervisor={"customer", "agent"})
    engine.join(room, customer.stream, "customer")
    engine.join(room, supervisor.stream, "barging")
    hall.hears(customer={"agent", "supervisor"}, supervisor={"customer", "agent"})
    engine.stop_play(customer.stream)
    hall.hears(customer={"supervisor"}, supervisor={"customer"}, agent=set())
    for peer in hall.peers.values():
        check_numbers(peer)


def test_streams_and_rooms_end_in_any_order() -> None:
    made = MediaEngine(streams_max=8)
    streams = [made.open(HERE, LOW, HIGH) for _ in range(4)]
    for ends in ("guest", "seated guest", "room", "both"):
        room = made.room(over=True)
        guest = made.open(HERE, LOW, HIGH)
        made.join(room, streams[0], "listening")
        made.overhear(room, guest, played=True)
        with pytest.raises(ValueError, match="already"):
            made.overhear(room, guest)
        if ends == "seated guest":
            made.join(room, guest, "customer")
            assert made.parties(room) == {streams[0], guest}
            made.leave(guest)
            assert made.parties(room) == {streams[0]}
            made.join(room, guest, "customer")
        if ends == "both":
            made.overhear_no_more(guest)
            made.overhear_no_more(guest)
        if ends in {"guest", "seated guest"}:
            made.close(guest)
            assert made.parties(room) == {streams[0]}
        made.close_room(room)
        if ends in {"room", "both"}:
            made.overhear(made.room(), guest)  # it is nobody's guest any more
            made.close(guest)
    with pytest.raises(ValueError, match="not a role"):
        made.overhear(made.room(), streams[1], "boss")
    with pytest.raises(KeyError):
        made.overhear(999, streams[1])
    made.stop()


def test_a_room_without_a_place_takes_no_guest() -> None:
    made = MediaEngine(streams_max=40)
    room = made.room()
    streams = [made.open(HERE, LOW, HIGH) for _ in range(33)]
    for stream in streams[:31]:
        made.overhear(room, stream, played=True)  # two parties each
    made.overhear(room, streams[31])
    with pytest.raises(OSError, match="no place"):
        made.overhear(room, streams[32], played=True)  # one is left
    made.overhear(room, streams[32])
    made.join(room, streams[32], "agent")  # its seat is there already
    assert made.parties(room) == {streams[32]}
    made.stop()


@pytest.mark.parametrize("law", [0, 8])
def test_without_a_room_a_prompt_is_what_it_was(law: int) -> None:
    """The pure sender: nothing is added where nobody speaks over it."""
    sender = RtpSender(1, 2, 3)
    sender.connect(law)
    sound = np.arange(320).astype(np.uint8).tobytes()
    sender.play(sound, sound, 5)
    bodies = [packet[12:] for n in range(2) for packet in sender.frame(n)[0]]
    assert b"".join(bodies) == sound
    assert np.array_equal(ulaw_decode(sound), ulaw_decode(b"".join(bodies)))
