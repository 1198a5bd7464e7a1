"""What a call through a simulated modem sounds like, and what is heard in it.

16-bit little-endian samples at 8 kHz, in frames of 20 ms (320 bytes). Everything that is said is
made once and cut into frames; a call only remembers where it is.
"""

from __future__ import annotations

import random
from collections import deque
from functools import cache

import numpy as np
import numpy.typing as npt

from dialerd.sim import limits
from dialerd.sim.modem_network import Connection
from dialerd.sim.tones import RATE, Samples, special_information_tone
from fastpath.dtmf import DtmfDetector, tone

FRAME = 320  # bytes
SAMPLES = FRAME // 2
SILENCE = bytes(FRAME)
KEY_FRAMES, GAP_FRAMES = 6, 4  # 120 ms of tone, 80 ms of pause
RINGBACK_HZ, RINGBACK_ON_S, RINGBACK_S = 425, 1.0, 5.0  # Vietnam: ITU-T E.180, supplement 2
VOICES = tuple(range(9, 17))  # those in which no detector hears a key
CROSS_FRAMES = 10  # between two modems of the bank; older ones are dropped

Frames = list[bytes]
Sound = npt.NDArray[np.float64]


def frames(samples: Samples) -> Frames:
    """Cut into frames, the last one filled with silence."""
    data = samples.astype("<i2").tobytes()
    data += bytes(-len(data) % FRAME)
    return [data[at : at + FRAME] for at in range(0, len(data), FRAME)]


@cache
def ringback() -> Frames:
    """One period of it."""
    t = np.arange(round(RINGBACK_S * RATE)) / RATE
    sound = 6_000 * np.sin(2 * np.pi * RINGBACK_HZ * t) * (t < RINGBACK_ON_S)
    return frames(sound.astype(np.int16))


@cache
def announcement() -> Frames:
    """The special information tone."""
    return frames(special_information_tone())


@cache
def key(digit: str) -> Frames:
    """A key as it is pressed, with its pause."""
    pressed = [tone(digit, SAMPLES, at * SAMPLES) for at in range(KEY_FRAMES)]
    return pressed + [SILENCE] * GAP_FRAMES


@cache
def voice(number: int) -> Frames:
    """Somebody: a greeting of about a second, then a word now and then, for twelve seconds.

    Harmonics of a gliding pitch under three formants that change with every syllable, four a
    second: no speech, but detectors of voice take it for one.
    """
    rng = random.Random(f"voice:{number}")  # noqa: S311  repeatable, nothing secret
    pitch = rng.uniform(95, 230)
    sound = np.zeros(12 * RATE)
    at = rng.uniform(0.1, 0.4)
    while at < 11.0:
        for _ in range(rng.randrange(2, 5)):
            size = rng.uniform(0.14, 0.24)
            _syllable(sound, at, size, pitch * rng.uniform(0.9, 1.15), rng)
            at += size + rng.uniform(0.01, 0.05)
        at += rng.uniform(1.0, 2.5)
    noise = np.random.default_rng(number).normal(0, 12, len(sound))
    return frames((sound + noise).astype(np.int16))


def _syllable(sound: Sound, at: float, size: float, pitch: float, rng: random.Random) -> None:
    """One syllable added in place."""
    t = np.arange(int(size * RATE)) / RATE
    glide = pitch * (1 + rng.uniform(-0.15, 0.15) * t / size)
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    formants = (rng.uniform(300, 800), rng.uniform(900, 2_200), rng.uniform(2_300, 3_000))
    wave = np.zeros(len(t))
    for harmonic in range(1, int(3_400 / (pitch * 1.2))):
        hz = harmonic * pitch
        level = sum(np.exp(-(((hz - f) / 160) ** 2)) / (1 + k) for k, f in enumerate(formants))
        wave += (level + 0.03) * np.sin(harmonic * phase)
    envelope = np.sin(np.pi * t / size) ** 0.6
    begin = int(at * RATE)
    wave = 5_500 * envelope * wave / (np.max(np.abs(wave)) + 1e-9)
    room = sound[begin : begin + len(wave)]
    room += wave[: len(room)]


class Ear:
    """The sound of one modem's call, both ways, a frame at a time."""

    def __init__(self, connection: Connection, *, calls: bool, speech: list[Frames]) -> None:
        """Of the side that dialed (`calls`) or was called. `speech`: recordings to speak with."""
        self.connection, self._calls = connection, calls
        self._speech = speech
        connection.tones.clear()  # what was pressed while nobody listened
        self._kind = ""
        self._frames: Frames = []
        self._at = 0
        self._keys: deque[bytes] = deque()
        self._detector = DtmfDetector()
        self._rest = b""
        self.crossed: deque[bytes] = deque(maxlen=CROSS_FRAMES)  # from another modem of the bank

    def speak(self) -> bytes:
        """The next frame that the far side says."""
        connection = self.connection
        connection.frames_out += 1
        if connection.tones:
            for digit in connection.tones:
                self._keys.extend(key(digit))
            connection.tones.clear()
        if self._keys:
            return self._keys.popleft()
        both = connection.called is not None and connection.caller is not None
        if both and (connection.answered_ns or not self._calls):  # the other modem is heard
            return self.crossed.popleft() if self.crossed else SILENCE
        if connection.sound != self._kind:
            self._kind, self._at = connection.sound, 0
            self._frames = self._source(connection.sound)
        if not self._frames:
            return SILENCE
        frame = self._frames[self._at]
        self._at = (self._at + 1) % len(self._frames)
        return frame

    def _source(self, sound: str) -> Frames:
        if sound == "ringback":
            return ringback()
        if sound == "sit":
            return announcement()
        if sound == "voice":
            who = random.Random(self.connection.seen.user).randrange(1 << 16)  # noqa: S311
            if self._speech:
                return self._speech[who % len(self._speech)]
            return voice(VOICES[who % len(VOICES)])
        return []

    def hear(self, data: bytes) -> bytes:
        """What the program says: whole frames of it, the rest waits for its other half."""
        data = self._rest + data if self._rest else data
        size = len(data) - len(data) % FRAME
        self._rest = data[size:]
        data = data[:size] if self._rest else data
        if not data:
            return b""
        connection = self.connection
        connection.frames_in += size // FRAME
        for digit, _ in self._detector.hear(memoryview(data).cast("h")):
            connection.heard_audio = (connection.heard_audio + digit)[: limits.USER_CHARS_MAX]
        return data
