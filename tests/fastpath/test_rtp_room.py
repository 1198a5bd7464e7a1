"""Rooms over real sockets: whose tone each party hears, by spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from fastpath.g711 import ulaw_decode, ulaw_encode
from fastpath.rtp import MediaEngine
from tests.fastpath.test_rtp_bridge import (  # noqa: F401 - fixtures
    HERE,
    HIGH,
    LOW,
    THREADS,
    Peer,
    beat,
    check_numbers,
    engine,
    latch,
    stamping,
)

TRIES = 12
Heard = dict[str, set[str]]
TONES = {"customer": 500, "agent": 900, "supervisor": 1_500}


def tone(hertz: int, n: int) -> bytes:
    at = np.arange(160) + 160 * n
    return ulaw_encode((6_000 * np.sin(2 * np.pi * hertz * at / 8_000)).astype(np.int16))


def tones_in(peer: Peer) -> set[str]:
    """Whose tones the last half second of what a peer heard has, by spectrum."""
    audio = ulaw_decode(b"".join(p.payload for p in peer.heard)[-4_000:]).astype(float)
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) / len(audio)
    found = {}
    for name, hertz in TONES.items():
        at = round(hertz * len(audio) / 8_000)
        found[name] = power[at - 3 : at + 4].max()
    return {name for name, level in found.items() if level > 300}


def talk(engine: MediaEngine, peers: dict[str, Peer], count: int) -> None:  # noqa: F811
    """All at once, a packet in each period of the engine's, until so many came in time in a row.

    A thread that lost its core makes holes into what is heard, and a spectrum shows them.
    """
    in_time = said = 0
    while in_time < count and said < 50 * count:
        before = disturbed(engine)
        for name, peer in peers.items():
            peer.say(tone(TONES[name], peer.said))
        beat(list(peers.values()))
        in_time = in_time + 1 if disturbed(engine) == before else 0
        said += 1


def hears(engine: MediaEngine, peers: dict[str, Peer], wanted: Heard) -> Heard:  # noqa: F811
    """Whose tones each hears once they are those, or after many tries: a room that lost its core
    is heard with holes until its buffers have found their pace again.
    """
    got: Heard = {}
    for _ in range(TRIES):
        talk(engine, peers, 35)
        got = {name: tones_in(peer) for name, peer in peers.items()}
        if got.items() >= wanted.items():
            break
    return {name: got[name] for name in wanted}


def disturbed(engine: MediaEngine) -> tuple[float, float]:  # noqa: F811
    counters = engine.counters()
    return counters["ticks_skipped"], counters["frames_late"]


@THREADS
def test_who_hears_whom_shows_in_the_spectrum(engine) -> None:  # noqa: F811
    peers = {name: Peer(engine) for name in TONES}
    latch(list(peers.values()))
    room = engine.room()
    engine.join(room, peers["customer"].stream, "customer")
    engine.join(room, peers["agent"].stream, "agent")
    both, all_but = {"customer", "agent"}, {"agent", "supervisor"}
    wanted = {
        "listening": {"customer": {"agent"}, "agent": {"customer"}, "supervisor": both},
        "whispering": {
            "customer": {"agent"}, "agent": {"customer", "supervisor"}, "supervisor": both,
        },
        "barging": {
            "customer": all_but, "agent": {"customer", "supervisor"}, "supervisor": both,
        },
    }  # fmt: skip
    for role, heard in wanted.items():
        engine.join(room, peers["supervisor"].stream, role)
        assert hears(engine, peers, heard) == heard, role
    assert engine.parties(room) == {peer.stream for peer in peers.values()}
    engine.mute(peers["agent"].stream)
    alone = {"customer": {"supervisor"}}
    assert hears(engine, peers, alone) == alone
    engine.close_room(room)
    for peer in peers.values():
        check_numbers(peer)
        peer.socket.close()


def test_a_bridged_call_becomes_a_conference_and_back(engine) -> None:  # noqa: F811
    peers = {name: Peer(engine) for name in TONES}
    latch(list(peers.values()))
    a, b, c = peers.values()
    engine.bridge(a.stream, b.stream)
    talk(engine, peers, 20)
    room = engine.room()
    for peer, role in ((a, "customer"), (b, "agent"), (c, "barging")):
        engine.join(room, peer.stream, role)
    assert engine.bridged(a.stream) is None
    met = {"customer": {"agent", "supervisor"}}
    assert hears(engine, peers, met) == met
    engine.bridge(a.stream, b.stream)
    assert engine.parties(room) == {c.stream}
    parted: Heard = {"customer": {"agent"}, "agent": {"customer"}, "supervisor": set()}
    assert hears(engine, peers, parted) == parted
    for peer in peers.values():
        check_numbers(peer)
        peer.socket.close()


class Odd:
    """Compares with an error."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError


@pytest.mark.parametrize("odd", [5, [Odd()], ["one"], [None]])
def test_names_that_are_none_leave_the_stream_as_it_was(engine, odd: object) -> None:  # noqa: F811
    stream, room = engine.open(HERE, LOW, HIGH), engine.room()
    engine.join(room, stream)
    for how in ("hears", "heard_by"):
        with pytest.raises((TypeError, ValueError)):
            engine.join(room, stream, **{how: odd})
    assert engine.stats(stream).sent == 0, "nobody holds it"
    assert engine.parties(room) == {stream}


def test_a_room_is_full_at_64_and_closing_streams_leave_it() -> None:
    engine = MediaEngine(streams_max=80)  # noqa: F811
    room, other = engine.room(), engine.room()
    streams = [engine.open(HERE, LOW, HIGH) for _ in range(66)]
    for stream in streams[:64]:
        engine.join(room, stream)
    with pytest.raises(OSError, match="at most 64"):
        engine.join(room, streams[64])
    engine.close(streams[0])
    engine.join(other, streams[1])
    engine.join(room, streams[64], hears=set(), heard_by={streams[2]})
    engine.join(room, streams[65])
    assert engine.parties(room) == {*streams[2:]}
    with pytest.raises(ValueError, match="not a role"):
        engine.join(room, streams[2], "boss")
    with pytest.raises(KeyError, match="no such room"):
        engine.join(99, streams[2])
    engine.leave(streams[2])
    engine.leave(streams[2])
    engine.close_room(room)
    with pytest.raises(KeyError, match="no such room"):
        engine.parties(room)
    engine.stop()
