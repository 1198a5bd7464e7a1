"""Audio over a network that loses, delays and reorders: what crosses a bridge, and what we count.

tshark reads both sides of it and must come to our figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from fastpath.rtp import MediaEngine, StreamStats
from tests.interop.agent import HOST
from tests.interop.lossy import Lossy
from tests.interop.meeting import check_stream, noise, pass_packets, talker, voices
from tests.interop.sipp import Sipp
from tests.interop.switchboard import Switchboard
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
            engine.bridge(board.streams[1], board.streams[2])
            await pass_packets(board, 2, 130)
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
    first = passed[0]
    for packet, n in zip(passed, order, strict=True):
        assert (packet.seq - first.seq - (n - order[0])) % 65_536 == 0, n
        assert (packet.timestamp - first.timestamp - 160 * (n - order[0])) % 2**32 == 0, n
        assert packet.marker == (packet is first)
    check_stream(sent, lost=len([n for n in missed if n > min(order)]))
    # our account of the near side, and tshark's
    [told] = stats
    [theirs] = [v for k, v in seen.streams().items() if k[0] == network.front]
    if not delay_s:  # tshark counts from the first packet that came, whatever came before it late
        assert told.lost == theirs["lost"]
    came = came[: told.received]  # until the stream was closed
    assert 0.3 * theirs["jitter_ms"] - 1 < told.jitter_ms < theirs["jitter_max_ms"] + 1
    assert told.duplicates == len(came) - len(set(came))
    late = sum(n < max(came[:i], default=-1) for i, n in enumerate(came) if n not in came[:i])
    assert told.reordered == late
