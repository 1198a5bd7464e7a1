"""Audio over a network that loses, delays and reorders: what crosses a bridge, and what we count.

tshark reads both sides of it and must come to our figures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uvloop

from dialerd.shell.recorder import Recorder
from fastpath.rtp import MediaEngine, StreamStats
from tests.interop.agent import HOST
from tests.interop.lossy import Lossy
from tests.interop.meeting import check_stream, noise, pass_packets, talker, voices
from tests.interop.singing import singer
from tests.interop.sipp import Sipp
from tests.interop.switchboard import Switchboard
from tests.interop.tones import Samples, decoded, loudness, read_wav, tone
from tests.interop.wire import wire
from tests.ports import media_ports

pytestmark = pytest.mark.interop
ALL_PORTS = (media_ports()[0] - 140, media_ports()[1])


@pytest.mark.parametrize(
    ("seed", "loss", "double", "delay_s"), [(1, 0.0, 0.0, 0.05), (2, 0.08, 0.0, 0.0),
                                            (3, 0.05, 0.1, 0.06)],
)  # fmt: skip
def test_what_a_bad_network_does_to_a_bridge(
    engine: MediaEngine, tmp_path: Path, seed: int, loss: float, double: float, delay_s: float
) -> None:
    """Every packet keeps its place among the others; losses stay visible, once."""
    network = Lossy(seed, loss=loss, double=double, delay_s=delay_s)
    stats: list[StreamStats] = []

    async def run(one: Sipp, two: Sipp) -> Switchboard:
        board = Switchboard(engine)
        try:
            board.streams[1] = engine.open(HOST, *media_ports())
            board.through[1] = network.front
            await network.open(board.port(1), one.media_port)
            board.call(1, one.port, port=network.back)
            board.call(2, two.port)
            await board.answered()
            recorder = Recorder(tmp_path / "near.wav", engine, board.streams[1])
            engine.bridge(board.streams[1], board.streams[2])
            for _ in range(5):
                await pass_packets(board, 2, 26)
                recorder.drain()
            recorder.close()
            stats.append(engine.close(board.streams[1]))
            await board.hang_up()
        finally:
            board.close()
            network.close()
        return board

    with (
        wire(tmp_path, ALL_PORTS) as seen,
        talker(tmp_path, noise(6, 8), 0) as (one, said),
        talker(tmp_path, noise(7, 8), 0) as (two, _),
    ):
        board = uvloop.run(run(one, two))
    seen.ports = {network.front, board.port(2)}
    place = {body: n for n, body in enumerate(said)}
    came = [place[p.payload] for p in seen.rtp(source=network.front) if p.payload in place]
    [told] = stats
    came = came[: told.received]  # until the stream was closed
    sent = seen.rtp(source=board.port(2))
    passed = voices(sent)
    order = [place[p.payload] for p in passed]
    assert len(order) >= 120
    assert len(set(order)) == len(order), "nothing twice"
    # what came between the first and the last that were passed was passed, in the order it came
    between = [n for n in dict.fromkeys(came) if n in set(order)]
    assert order == between
    missed = set(range(min(order), max(order) + 1)) - set(order)
    before = came[: came.index(order[0])]  # the bridge was not there yet
    assert not missed & set(came) - set(before)
    assert passed[0].marker
    for packet, n in zip(passed, order, strict=True):
        if packet.marker:  # again only when nothing came for 200 ms
            first, begun = packet, n
        assert (packet.seq - first.seq - (n - begun)) % 65_536 == 0, n
        assert (packet.timestamp - first.timestamp - 160 * (n - begun)) % 2**32 == 0, n
    check_stream(sent, lost=len([n for n in missed if n > min(order)]))
    check_recording(read_wav(tmp_path / "near.wav", 1), said, set(order), delay_s)
    # our account of the near side, and tshark's
    [theirs] = [v for k, v in seen.streams().items() if k[0] == network.front]
    if not delay_s:  # tshark counts from the first packet that came, whatever came before it late
        assert told.lost == theirs["lost"]
    assert 0.3 * theirs["jitter_ms"] - 1 < told.jitter_ms < theirs["jitter_max_ms"] + 1
    assert told.duplicates == len(came) - len(set(came))
    late = sum(n < max(came[:i], default=-1) for i, n in enumerate(came) if n not in came[:i])
    assert told.reordered == late


def check_recording(heard: Samples, said: list[bytes], came: set[int], delay_s: float) -> None:
    """What came is in its place in time; behind a gap, its first 10 ms are led in."""
    audio = heard.tobytes()
    places = {}
    for n in came:
        at = audio.find(decoded(said[n], 0)[80:].tobytes())
        if at >= 0:
            places[n] = at // 2 - 160 * n
    # the last ones came when the recording had ended; nothing came later than it waits
    assert len(places) >= len(came) - 10
    assert max(places.values()) - min(places.values()) <= 8_000 * delay_s + 240
    order = sorted(places)
    assert sorted(order, key=lambda n: places[n] + 160 * n) == order


def test_a_room_conceals_what_a_bad_network_loses(engine: MediaEngine, tmp_path: Path) -> None:
    """A tone over 10 % loss and 40 ms of jitter: no hole in it is longer than 20 ms."""
    network = Lossy(4, loss=0.1, double=0.02, delay_s=0.04)

    async def run(peer: Sipp, phone: int) -> None:
        board = Switchboard(engine)
        try:
            board.streams[1] = engine.open(HOST, *media_ports())
            board.through[1] = network.front
            await network.open(board.port(1), peer.media_port)
            board.call(1, peer.port, port=network.back)
            board.call(2, phone)
            await board.answered()
            room = engine.room()
            for stream in board.streams.values():
                engine.join(room, stream)
            begun = engine.stats(board.streams[1]).received
            await board.until(lambda: engine.stats(board.streams[1]).received >= begun + 120)
            await board.hang_up()
        finally:
            board.close()
            network.close()

    with (
        singer(tmp_path, 1_000) as phone,
        talker(tmp_path, tone(440, 8), 0) as (peer, _),
    ):
        uvloop.run(run(peer, phone.port))
        heard = phone.heard()
    assert network.lost >= 8
    talk = heard[np.argmax(np.abs(heard) > 2_000) + 1_600 :]
    talk = talk[: len(talk) - np.argmax(np.abs(talk[::-1]) > 2_000) - 800]
    assert len(talk) > 12_000
    loud = np.abs(talk[: len(talk) // 80 * 80].reshape(-1, 80)).max(axis=1) > 1_000
    assert loud.mean() > 0.97, "in nearly every 10 ms there is the tone"
    assert loudness(talk, 440) > 3_000
