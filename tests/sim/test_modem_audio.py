"""How calls of simulated modems sound."""

from __future__ import annotations

import numpy as np

from dialerd.sim.modem_audio import FRAME, SILENCE, VOICES, Ear, key, voice
from dialerd.sim.modem_network import Connection
from fastpath.dtmf import DtmfDetector, tone
from fastpath.vad import VoiceDetector
from tests.sim.modem_bench import Bench


def connection(sound: str = "voice") -> Connection:
    """A call that is up."""
    bench = Bench("huawei")
    bench.at(0, "ATD0912345678;", 20)
    (found,) = bench.bank.network.connections.values()
    found.sound = sound
    return found


def samples(frames: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(b"".join(frames), "<i2")


def test_voices_are_taken_for_voices() -> None:
    for number in VOICES:
        heard = VoiceDetector().hear(samples(voice(number)))
        speech = [frame.speech for frame in heard]
        assert 100 < sum(speech) < 450, number  # of 600 frames: words, and pauses between them
        assert DtmfDetector().hear(samples(voice(number))) == []


def test_a_frame_is_always_a_frame() -> None:
    for sound in ("", "ringback", "sit", "voice"):
        ear = Ear(connection(sound), calls=True, speech=[])  # a key pressed before is not heard
        said = [ear.speak() for _ in range(400)]
        assert {len(frame) for frame in said} == {FRAME}
        assert any(frame != SILENCE for frame in said) == bool(sound)


def test_keys_are_heard_both_ways() -> None:
    call = connection()
    ear = Ear(call, calls=True, speech=[])
    call.tones = list("159#")
    far = samples([ear.speak() for _ in range(60)])
    assert [digit for digit, _ in DtmfDetector().hear(far)] == list("159#")
    for digit in "20*":
        for at in range(6):
            ear.hear(tone(digit, 160, 160 * at))
        ear.hear(SILENCE * 5)
    assert call.heard_audio == "20*"
    assert call.frames_in == 3 * 11


def test_halves_of_frames_are_put_together() -> None:
    call = connection()
    ear = Ear(call, calls=True, speech=[])
    sound = b"".join(key("7"))
    for at in range(0, len(sound), 111):
        ear.hear(sound[at : at + 111])
    assert call.heard_audio == "7"
    assert call.frames_in == len(sound) // FRAME


def test_recordings_take_the_place_of_voices() -> None:
    frame = b"\x01\x02" * 160
    ear = Ear(connection(), calls=True, speech=[[frame]])
    assert [ear.speak() for _ in range(3)] == [frame] * 3


def test_two_modems_hear_each_other() -> None:
    bench = Bench("huawei", "quectel")
    bench.at(0, "AT^DDSETEX=2")
    bench.at(1, "AT+QPCMV=1,0")
    number = bench.modem(1).card.number  # type: ignore[union-attr]
    bench.at(0, f"ATD+{number};", 2)
    assert bench.bank.slots[0].sounding  # ringback
    assert not bench.bank.slots[1].sounding
    bench.at(1, "ATA")
    (call,) = bench.bank.network.connections.values()
    here, there = Ear(call, calls=True, speech=[]), Ear(call, calls=False, speech=[])
    there.crossed.append(b"x" * FRAME)
    assert there.speak() == b"x" * FRAME
    assert here.speak() == there.speak() == SILENCE
    assert bench.bank.slots[1].sounding
    bench.at(1, "AT+QPCMV=0")
    assert not bench.bank.slots[1].sounding
