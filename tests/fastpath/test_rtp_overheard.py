"""Rooms that overhear streams: what a supervisor hears, and that the two others notice nothing."""

from __future__ import annotations

import numpy as np
import pytest

from fastpath.g711 import alaw_decode, ulaw_decode, ulaw_encode, ulaw_to_alaw
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
from tests.fastpath.test_rtp_room import TONES, talk, tone, tones_in


@pytest.mark.parametrize("engine", [2], indirect=True)
def test_who_is_overheard_goes_on_as_before_until_somebody_speaks(engine) -> None:  # noqa: F811
    peers = {name: Peer(engine) for name in TONES}
    latch(list(peers.values()))
    customer, agent, supervisor = peers.values()
    engine.bridge(customer.stream, agent.stream)
    room = engine.room(over=True)
    engine.join(room, supervisor.stream, "listening")
    engine.overhear(room, customer.stream, "customer", played=True)
    engine.overhear(room, agent.stream, "agent")
    talk(peers, 40, 0)
    assert tones_in(supervisor) == {"customer", "agent"}
    assert (tones_in(customer), tones_in(agent)) == ({"agent"}, {"customer"})
    assert engine.bridged(customer.stream)[0] == agent.stream
    said = {tone(TONES["agent"], n) for n in range(40)}
    passed = [p.payload for p in customer.heard if p.payload in said]
    assert len(passed) >= 35, "packets as they came, not mixed ones"
    assert engine.parties(room) == {supervisor.stream}
    for n, (role, hears) in enumerate({
        "whispering": ({"agent"}, {"customer", "supervisor"}),
        "barging": ({"agent", "supervisor"}, {"customer", "supervisor"}),
    }.items()):  # fmt: skip
        engine.join(room, customer.stream, "customer")
        engine.join(room, agent.stream, "agent")
        engine.join(room, supervisor.stream, role)
        talk(peers, 40, 40 * (n + 1))
        assert (tones_in(customer), tones_in(agent)) == hears, role
        assert tones_in(supervisor) == {"customer", "agent"}, "and not itself"
    engine.bridge(customer.stream, agent.stream)
    engine.join(room, supervisor.stream, "listening")
    talk(peers, 40, 120)
    assert (tones_in(customer), tones_in(agent)) == ({"agent"}, {"customer"})
    assert tones_in(supervisor) == {"customer", "agent"}, "overheard again"
    engine.close_room(room)
    engine.overhear_no_more(customer.stream)
    talk(peers, 40, 160)
    assert tones_in(supervisor) == set()
    assert tones_in(customer) == {"agent"}
    for peer in peers.values():
        check_numbers(peer)
        peer.socket.close()


def test_a_prompt_is_heard_by_the_supervisor_who_speaks_over_it(engine) -> None:  # noqa: F811
    """A broadcast: the prompt's tone is "agent"."""
    peers = {name: Peer(engine, law=8 if name == "customer" else 0) for name in TONES}
    latch(list(peers.values()))
    customer, _, supervisor = peers.values()
    sound = b"".join(tone(TONES["agent"], n) for n in range(50))
    prompt = engine.add_prompt(sound, ulaw_to_alaw(sound))
    engine.play(customer.stream, prompt, 1, loop=True)
    room = engine.room(over=True)
    engine.join(room, supervisor.stream, "listening")
    engine.overhear(room, customer.stream, played=True)
    peers.pop("agent").socket.close()
    for body in list(peers.values()):
        body.heard.clear()
    talk_mixed(peers, 40, 0)
    assert tones_in(supervisor) == {"customer", "agent"}
    assert heard_by_alaw(customer) == {"agent"}
    engine.join(room, customer.stream, "customer")
    engine.join(room, supervisor.stream, "barging")
    talk_mixed(peers, 40, 40)
    assert heard_by_alaw(customer) == {"agent", "supervisor"}
    assert tones_in(supervisor) == {"customer", "agent"}, "and not its own words"
    engine.stop_play(customer.stream)
    talk_mixed(peers, 40, 80)
    assert heard_by_alaw(customer) == {"supervisor"}
    assert tones_in(supervisor) == {"customer"}
    for peer in peers.values():
        check_numbers(peer)
        peer.socket.close()


def talk_mixed(peers: dict[str, Peer], count: int, first: int) -> None:
    """As `talk`; the customer's telephone speaks A-law."""
    customer = peers["customer"]
    say = customer.say
    customer.say = lambda body: say(ulaw_to_alaw(body))  # type: ignore[method-assign]
    talk(peers, count, first)
    customer.say = say  # type: ignore[method-assign]


def heard_by_alaw(peer: Peer) -> set[str]:
    """Whose tones a telephone heard that speaks A-law."""

    class Heard:
        payload = ulaw_encode(alaw_decode(b"".join(p.payload for p in peer.heard)[-4_000:]))

    class Same:
        heard = (Heard,)

    return tones_in(Same)  # type: ignore[arg-type]


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
