"""What two descriptions agreed on, done by the real engine with real packets."""

from __future__ import annotations

import random
import socket

import numpy as np
import pytest

from dialerd.shell.following import follow
from fastpath.rtp import RECORD_DTYPE, MediaEngine
from sip import sdp
from sip.calls.negotiation import Capabilities, Negotiation
from tests.ports import media_ports
from tests.reference.rtp import rtp
from tests.waiting import until

HOST = "127.0.0.1"
PORTS = media_ports()


def media(port: int, host: str = HOST, **more: object) -> sdp.Media:
    values: dict[str, object] = {
        "payload_type": 0, "event_type": 101, "direction": "sendrecv", "ptime": 20
    }  # fmt: skip
    return sdp.Media(host, port, **(values | more))


def talkers(engine: MediaEngine, srtp: str) -> tuple[list[int], list[Negotiation]]:
    """Two streams and their machines."""
    streams = [engine.open(HOST, *PORTS) for _ in range(2)]
    machines = [
        Negotiation(Capabilities(HOST, engine.port(s), srtp=srtp), s, random.Random(s))
        for s in streams
    ]
    return streams, machines


def test_a_peer_known_by_name_is_learned_from_its_packets(
    engine: MediaEngine, peer: socket.socket
) -> None:
    stream = engine.open(HOST, *PORTS)
    follow(engine, stream, media(peer.getsockname()[1], "gw.example.com"), None)
    other = engine.open(HOST, *PORTS)
    follow(engine, other, media(peer.getsockname()[1]), None)
    until(lambda: engine.stats(other).sent > 5)
    assert engine.stats(stream).sent == 0
    for seq in range(6):
        peer.sendto(rtp(seq, 160 * seq, 7, 0, bytes(160)), (HOST, engine.port(stream)))
    until(lambda: engine.stats(stream).sent > 5)
    assert engine.stats(stream).peer == peer.getsockname()


@pytest.mark.parametrize(
    "wrong",
    [
        media(4000, "2001:db8::1"),
        media(4000, "224.1.2.3"),
        media(4000, "255.255.255.255"),
        media(4000, payload_type=50),
        media(4000, payload_type=96, event_type=96),
    ],
)
def test_what_cannot_be_reached_is_a_value_error(engine: MediaEngine, wrong: sdp.Media) -> None:
    stream = engine.open(HOST, *PORTS)
    with pytest.raises(ValueError, match=r".+"):
        follow(engine, stream, wrong, None)
    assert engine.stats(stream).sent == 0


@pytest.mark.parametrize(
    ("change", "paused"),
    [
        ({"direction": "sendonly"}, True),
        ({"direction": "inactive"}, True),
        ({"direction": "inactive", "host": "0.0.0.0"}, True),
        ({"direction": "inactive", "host": "::"}, True),
        ({"direction": "inactive", "host": "x.invalid"}, True),
        ({"direction": "recvonly"}, False),
    ],
)
def test_hold_and_back(
    engine: MediaEngine, peer: socket.socket, change: dict[str, object], paused: bool
) -> None:
    stream = engine.open(HOST, *PORTS)
    talk = media(peer.getsockname()[1])
    follow(engine, stream, talk, None)
    held = sdp.Media(**{f: getattr(talk, f) for f in talk.__struct_fields__} | change)
    follow(engine, stream, held, talk)
    assert engine.stats(stream).paused == paused
    follow(engine, stream, talk, held)
    assert not engine.stats(stream).paused
    sent = engine.stats(stream).sent
    until(lambda: engine.stats(stream).sent > sent + 2)


def test_the_same_again_keeps_the_latch(engine: MediaEngine, peer: socket.socket) -> None:
    stream = engine.open(HOST, *PORTS)
    talk = media(peer.getsockname()[1])
    follow(engine, stream, talk, None)
    for seq in range(6):
        peer.sendto(rtp(seq, 160 * seq, 7, 0, bytes(160)), (HOST, engine.port(stream)))
    until(lambda: engine.stats(stream).locked)
    follow(engine, stream, media(talk.port, direction="sendonly"), talk)
    assert engine.stats(stream).locked
    follow(engine, stream, media(talk.port, law="PCMA", payload_type=8), talk)
    assert not engine.stats(stream).locked


def test_g711_under_a_number_of_the_sdps_own(engine: MediaEngine, peer: socket.socket) -> None:
    stream = engine.open(HOST, *PORTS)
    engine.record(stream)
    follow(engine, stream, media(peer.getsockname()[1], payload_type=107, law="PCMA"), None)
    packet = peer.recv(2_048)
    assert (packet[1] & 0x7F, packet[12:]) == (107, b"\xd5" * 160)
    peer.sendto(rtp(1, 160, 7, 107, bytes(160)), (HOST, engine.port(stream)))
    peer.sendto(rtp(2, 320, 7, 108, bytes(160)), (HOST, engine.port(stream)))
    until(lambda: engine.stats(stream).received == 2)
    assert engine.stats(stream).other_payload == 1
    entries = np.frombuffer(engine.recorded(stream), RECORD_DTYPE)
    assert set(entries["payload_type"].tolist()) == {8}
    assert 1 in entries["side"]


def test_srtp_through_hold_and_new_keys(engine: MediaEngine) -> None:
    (a, b), (caller, called) = talkers(engine, "required")
    states: dict[int, sdp.Media | None] = {a: None, b: None}

    def agree(offer: bytes, by: Negotiation, to: Negotiation) -> None:
        answer = to.offered(offer)
        by.answered(answer)
        for stream, mine, theirs in ((a, caller.text, called.text), (b, called.text, caller.text)):
            settled = sdp.settle(mine, theirs)
            follow(engine, stream, settled, states[stream])
            states[stream] = settled

    def both_hear() -> None:
        marks = [engine.stats(s).received for s in (a, b)]
        until(
            lambda: all(
                engine.stats(s).received > m + 5 for s, m in zip((a, b), marks, strict=True)
            )
        )

    agree(caller.offer(), caller, called)
    both_hear()
    agree(caller.hold(), caller, called)
    assert [engine.stats(s).paused for s in (a, b)] == [False, True]
    agree(caller.resume(), caller, called)
    both_hear()
    assert [engine.stats(s).srtp_failed for s in (a, b)] == [0, 0]
    agree(called.offer(rekey=True), called, caller)
    both_hear()
    assert called.result is not None
    assert states[a] is not None
    assert states[a].receiving == called.result.sending


def test_srtp_ends_where_the_peer_moves_to_a_place_without(
    engine: MediaEngine, peer: socket.socket
) -> None:
    """A leg that offers SRTP follows; one that requires it refuses the offer, so it never comes."""
    (a, b), (caller, called) = talkers(engine, "offered")
    caller.answered(called.offered(caller.offer()))
    for stream, result in ((a, caller.result), (b, called.result)):
        assert result is not None
        follow(engine, stream, result, None)
    until(lambda: engine.stats(a).received > 2)
    secured = caller.result
    port = peer.getsockname()[1]
    caller.offered(sdp.offer(HOST, port, session_id=5))
    assert caller.result is not None
    assert b"crypto" not in caller.text
    follow(engine, a, caller.result, secured)
    assert peer.recv(2_048)[12:] == b"\xff" * 160
    assert engine.stats(a).srtp_failed == 0
