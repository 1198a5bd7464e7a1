"""baresip over SRTP with SDES keys: a tone goes there, comes back, and is heard by its spectrum."""

from __future__ import annotations

import random
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import uvloop

from dialerd.shell.following import follow
from dialerd.shell.recorder import Recorder
from fastpath.g711 import alaw_encode, ulaw_encode
from fastpath.rtp import MediaEngine, StreamStats
from sip import sdp
from sip.calls.negotiation import Capabilities, Negotiation
from sip.events import Accepted, Established, Incoming, Invite, SipEvent
from tests.interop.agent import HOST, Agent
from tests.interop.echoing import echoing_phone
from tests.ports import free_port, media_ports

pytestmark = pytest.mark.interop
TONE_HZ = 1_000
SECONDS = 2.0  # and again from its beginning: a whole number of periods
FRAME = 160
PIECE = 2_000  # samples whose spectrum is looked at: every 4 Hz
ENOUGH = 110  # packets of its echo


def tone() -> tuple[bytes, bytes]:
    samples = np.arange(int(SECONDS * 8_000))
    wave_form = (8_000 * np.sin(2 * np.pi * TONE_HZ * samples / 8_000)).astype(np.int16)
    return ulaw_encode(wave_form), alaw_encode(wave_form)


def loudest_hz(recording: Path) -> tuple[float, float]:
    """The strongest frequency of what we heard, and its share of all the power.

    Of that quarter of a second where it is largest: a machine that stood still tears the tone.
    """
    with wave.open(str(recording)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), np.int16)[1::2]
    assert (np.abs(heard) > 500).sum() > 4_000, "half a second of it at least"
    pieces = np.lib.stride_tricks.sliding_window_view(heard, PIECE)[::FRAME]
    powers = np.abs(np.fft.rfft(pieces * np.hanning(PIECE))) ** 2
    return max(map(strongest, powers), key=lambda found: found[1])


def strongest(power: np.ndarray) -> tuple[float, float]:
    at = int(np.argmax(power))
    whole = power.sum() or 1.0
    return at * 8_000 / PIECE, float(power[max(at - 3, 0) : at + 4].sum() / whole)


class Talk:
    """One call of ours, with its audio."""

    def __init__(self, engine: MediaEngine, recording: Path, can: dict[str, object]) -> None:
        self.engine = engine
        self.stream = engine.open(HOST, *media_ports())
        self.recorder = Recorder(recording, engine, self.stream)
        port = engine.port(self.stream)
        self.machine = Negotiation(Capabilities(HOST, port, **can), 1, random.SystemRandom())
        self.prompt = engine.add_prompt(*tone())
        self.followed: sdp.Media | None = None
        self.stats: StreamStats | None = None

    def react(self, agent: Agent, event: SipEvent) -> None:
        if isinstance(event, Incoming):
            agent.endpoint.accept(event.leg, self.machine.offered(event.sdp), time.monotonic_ns())
            self.begin(agent, event.leg, event.sdp)
        elif isinstance(event, Accepted):
            self.begin(agent, event.leg, event.sdp)

    def begin(self, agent: Agent, leg: int, theirs: bytes) -> None:
        media = sdp.settle(agent.endpoint.description(leg), theirs)
        follow(self.engine, self.stream, media, None)
        self.followed = media
        self.engine.play(self.stream, self.prompt, 1, True)
        self.talk(agent, leg)

    def talk(self, agent: Agent, leg: int) -> None:
        """Until enough came back, however long that takes."""
        self.recorder.drain()
        if self.engine.stats(self.stream).received > ENOUGH:
            self.finish(agent, leg)
        else:
            agent.later(0.02, lambda: self.talk(agent, leg))

    def finish(self, agent: Agent, leg: int) -> None:
        self.recorder.close()
        self.stats = self.engine.close(self.stream)
        agent.release(leg)


def check_heard(talk: Talk, recording: Path, suite: str, *, plain_max: int = 0) -> None:
    stats, media = talk.stats, talk.followed
    assert stats is not None
    assert media is not None
    assert media.sending is not None
    assert media.receiving is not None
    assert media.sending.suite == suite
    assert media.sending.key != media.receiving.key
    assert (stats.srtp_replayed, stats.send_errors) == (0, 0)
    assert stats.srtp_failed <= plain_max
    hz, share = loudest_hz(recording)
    assert hz == TONE_HZ
    assert share > 0.9


@pytest.mark.parametrize(
    ("encryption", "can", "suite"),
    [
        (";mediaenc=srtp-mand", {"srtp": "required"}, "AES_CM_128_HMAC_SHA1_80"),
        (";mediaenc=srtp", {"srtp": "offered"}, "AES_CM_128_HMAC_SHA1_80"),
        (
            ";mediaenc=srtp-mand",
            {"srtp": "required", "suites": ("AES_CM_128_HMAC_SHA1_32",)},
            "AES_CM_128_HMAC_SHA1_32",
        ),
        (
            ";mediaenc=srtp-mand",
            {"srtp": "required", "suites": ("AEAD_AES_128_GCM",)},
            "AEAD_AES_128_GCM",
        ),
        (
            ";mediaenc=srtp-mand",
            {"srtp": "required", "suites": ("AEAD_AES_256_GCM",)},
            "AEAD_AES_256_GCM",
        ),
    ],
)
def test_we_call_it_and_hear_our_tone_again(
    tmp_path: Path, engine: MediaEngine, encryption: str, can: dict[str, object], suite: str
) -> None:
    recording, port = tmp_path / "heard.wav", free_port()
    talk = Talk(engine, recording, can)

    async def main() -> None:
        agent = Agent(free_port(), talk.react)
        try:
            target = f"sip:tel@{HOST}:{port}"
            ours = f"sip:1900@{HOST}"
            call = Invite(
                1, ((HOST, port, 0),), target, ours, target, f"srtp-{port}@{HOST}",
                talk.machine.offer(),
            )  # fmt: skip
            agent.endpoint.invite(call, time.monotonic_ns())
            agent.transport.flush()
            await agent.until_ended(1)
        finally:
            agent.transport.close()

    with echoing_phone(tmp_path, port, encryption):
        uvloop.run(main())
    check_heard(talk, recording, suite)


@pytest.mark.parametrize("encryption", ["srtp", "srtp-mand"])
def test_it_calls_us_and_its_keys_are_taken(
    tmp_path: Path, engine: MediaEngine, encryption: str
) -> None:
    recording, port = tmp_path / "heard.wav", free_port()
    talk = Talk(engine, recording, {"srtp": "offered"})

    async def main() -> None:
        agent = Agent(free_port(), talk.react)
        dial = f"/dial sip:9@{HOST}:{agent.port}"
        try:
            with echoing_phone(tmp_path, port, f";mediaenc={encryption}", dial):
                await agent.until_ended(1)
        finally:
            agent.transport.close()
        assert any(isinstance(e, Established) for e in agent.events)

    uvloop.run(main())
    assert talk.followed is not None
    assert talk.followed.sending is not None
    # A baresip that calls says its first RTCP, an APP, before it has keys: refused and counted.
    check_heard(talk, recording, talk.followed.sending.suite, plain_max=1)


def test_without_keys_a_phone_that_insists_is_not_talked_to(
    tmp_path: Path, engine: MediaEngine
) -> None:
    """We offer plain RTP; it wants SRTP: 488, and no audio leaves."""
    port = free_port()
    talk = Talk(engine, tmp_path / "heard.wav", {"srtp": "off"})

    async def main() -> Agent:
        agent = Agent(free_port(), talk.react)
        target, ours = f"sip:tel@{HOST}:{port}", f"sip:1900@{HOST}"
        try:
            offer = talk.machine.offer()
            call = Invite(1, ((HOST, port, 0),), target, ours, target, "plain@x", offer)
            agent.endpoint.invite(call, time.monotonic_ns())
            agent.transport.flush()
            await agent.until_ended(1)
        finally:
            agent.transport.close()
        return agent

    with echoing_phone(tmp_path, port, ";mediaenc=srtp-mand"):
        [end] = uvloop.run(main()).ended()
    talk.recorder.close()
    assert end.code == 488
    assert engine.stats(talk.stream).sent == 0
