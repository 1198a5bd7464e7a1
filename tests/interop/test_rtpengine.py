"""Audio both ways through rtpengine, between us and SIPp: plain, and SRTP on our side only."""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from dialerd.shell.recorder import Recorder
from fastpath.rtp import MediaEngine, PlayEnded
from tests.interop.meeting import check_stream, noise, talker, voices
from tests.interop.relay import bdecode, bencode, rtpengine
from tests.interop.switchboard import Switchboard
from tests.interop.tones import bodies, coded, decoded, read_wav
from tests.interop.wire import wire
from tests.ports import media_ports

pytestmark = pytest.mark.interop
ALL_PORTS = (media_ports()[0] - 140, media_ports()[1])


@pytest.mark.parametrize("secret", [False, True], ids=["plain", "sdes to plain"])
def test_audio_both_ways_through_it(engine: MediaEngine, tmp_path: Path, secret: bool) -> None:
    sound = noise(11, 1.0)
    prompt = engine.add_prompt(coded(sound, 0), coded(sound, 8))
    can: dict[str, object] = {"srtp": "required"} if secret else {}
    relayed: list[int] = []

    with (
        wire(tmp_path, ALL_PORTS) as seen,
        rtpengine(tmp_path) as relay,
        talker(tmp_path, noise(12, 6), 0) as (peer, said),
    ):
        relay.wish = {"transport-protocol": "RTP/AVP"}

        async def run() -> Switchboard:
            board = Switchboard(engine)
            board.relay = relay
            try:
                board.call(1, peer.port, **can)
                await board.answered()
                recorder = Recorder(tmp_path / "heard.wav", engine, board.streams[1])
                engine.play(board.streams[1], prompt, 1)
                await board.until(lambda: any(isinstance(e, PlayEnded) for e in engine.events()))
                recorder.close()
                relayed.append(relay.packets(1))
                await board.hang_up()
            finally:
                board.close()
            return board

        board = uvloop.run(run())
        assert peer.finish()["successful"] == 1
    media = board.media[1]
    assert (media.sending is not None) == (media.receiving is not None) == secret
    assert media.port != peer.media_port, "it stands between"
    seen.ports = {board.port(1), peer.media_port}
    # what SIPp was sent, by rtpengine: our prompt, bit for bit
    sent = seen.rtp(target=peer.media_port)
    assert [p.payload for p in voices(sent)] == bodies(coded(sound, 0))
    check_stream(sent)
    # what we heard of SIPp: whole, in its order
    heard = read_wav(tmp_path / "heard.wav", 1).tobytes()
    first = [decoded(body, 0).tobytes() for body in said]
    places = [heard.find(body) for body in first]
    begun = next(n for n, place in enumerate(places) if place >= 0)
    there = places[begun : begun + 40]
    assert min(there) >= 0
    assert there == sorted(there)
    ours = seen.rtp(source=board.port(1))
    assert {len(p.payload) for p in ours} == {170 if secret else 160}
    stats = engine.stats(board.streams[1])
    assert (stats.lost, stats.srtp_failed, stats.send_errors) == (0, 0, 0)
    assert relayed[0] >= 90, "both ways, by its own count"


def test_bencode_is_as_it_is_described() -> None:
    value = {"spam": [b"a", 3, -7], "cow": {"moo": b"\x00:"}}
    assert bencode(value) == b"d3:cowd3:moo2:\x00:e4:spaml1:ai3ei-7eee"
    assert bdecode(bencode(value)) == (value, len(bencode(value)))
