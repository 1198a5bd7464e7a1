"""A sender of RTP in plain Python: lists of what is still to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fastpath import g711
from tests.reference.rtp import DIGITS, event, rtp

SILENCE = {0: b"\xff" * 160, 8: b"\xd5" * 160}
Ended = tuple[str, int]
Audio = bytes | list[bytes]  # a prompt, or some that follow one another


@dataclass
class Press:
    """One digit as the packets of each of its frames, and what is told after the last."""

    frames: list[list[tuple[bool, bytes]]]  # per frame: (marker, payload)
    ended: list[Ended]
    on: int
    total: int
    sounds: bool = False  # tones in the audio
    at: int = -1  # number of the last frame
    first: list[tuple[bool, bytes]] = field(default_factory=list)

    def go_on(self, number: int) -> list[tuple[bool, bytes]]:
        """What its next frame has. Tones that missing frames cut are over, or begin again."""
        said, on = self.total - len(self.frames), self.on + 2
        if self.sounds and 0 < said < on and number != self.at + 1:
            self.frames = self.frames[on - said :] if said > 1 else [self.first, *self.frames]
        self.at = number
        self.first = self.first or self.frames[0]
        return self.frames.pop(0)


@dataclass
class Sender:
    ssrc: int
    seq: int
    timestamp: int
    payload_type: int = 0
    event_type: int = -1
    comfort: bool = True
    audio: dict[int, list[bytes]] = field(default_factory=dict)
    token: int = 0
    loop: bool = False
    playing: bool = False
    position: int = 0
    presses: list[Press] = field(default_factory=list)
    digit_timestamp: int = 0
    paused: bool = False
    before: str = ""  # what the frame before was: "", silence, speech

    def connect(self, payload_type: int, event_type: int = -1, *, comfort: bool = True) -> None:
        self.payload_type, self.event_type, self.comfort = payload_type, event_type, comfort

    def play(self, pcmu: Audio, pcma: Audio, token: int, loop: bool = False) -> None:
        self.audio = {0: [], 8: []}
        for coding, law in ((0, pcmu), (8, pcma)):
            for data in law if isinstance(law, list) else [law]:
                parts = [data[i : i + 160] for i in range(0, len(data), 160)]
                self.audio[coding] += [p + SILENCE[coding][len(p) :] for p in parts]
        self.token, self.loop, self.playing, self.position = token, loop, True, 0
        if self.before == "speech":
            self.before = "silence"

    def stop_play(self) -> None:
        self.playing = False

    def tones(self, digit: str, frame: int) -> bytes:
        """A frame of a key's tones, -10 and -8 dBm0 (the largest that mu-law can say is 3.17)."""
        at = "123A456B789C*0#D".index(digit)
        hertz = (697, 770, 852, 941)[at // 4], (1209, 1336, 1477, 1633)[at % 4]
        n = np.arange(160) + 160 * frame
        low, high = (2 * np.pi * (n * h % 8000) / 8000 for h in hertz)
        both = np.rint(7050 * np.sin(low)) + np.rint(8875 * np.sin(high))
        encode = g711.alaw_encode if self.payload_type == 8 else g711.ulaw_encode
        return encode(both.astype(np.int16))

    def send_digits(self, digits: str, token: int, on_ms: int = 100, gap_ms: int = 100) -> None:
        on, gap = -(-on_ms // 20), -(-gap_ms // 20)
        for i, digit in enumerate(digits.upper()):
            code = DIGITS.index(digit)
            if self.event_type < 0:
                frames = [[(False, self.tones(digit, n))] for n in range(on)] + [[]] * gap
                told = [("digits", token)] if i == len(digits) - 1 else []
                self.presses.append(Press(frames, told, on - 2, on + gap, sounds=True))
                continue
            frames = [[(True, event(code, 160))] * 3]
            frames += [[(False, event(code, 160 * n))] for n in range(2, on)]
            frames += [[(False, event(code, 160 * on, end=True))]] * 3
            frames += [[]] * (on + gap - len(frames))
            told = [("digits", token)] if i == len(digits) - 1 else []
            self.presses.append(Press(frames, told, on, on + gap))

    def pause(self, on: bool = True) -> None:
        self.paused = on
        if on and self.presses and len(self.presses[0].frames) < self.presses[0].total:
            press = self.presses[0]
            left = press.total - min(press.on + 2, press.total - 1)
            press.frames = press.frames[-left:]

    def packet(self, kind: int, timestamp: int, payload: bytes, *, marker: bool) -> bytes:
        self.seq += 1
        return rtp(self.seq - 1, timestamp, self.ssrc, kind, payload, marker=marker)

    def frame(self, number: int) -> tuple[list[bytes], list[Ended]]:
        timestamp = self.timestamp + number * 160
        ended: list[Ended] = []
        if self.paused:
            self.before = ""
            return [], ended
        if self.presses:
            press = self.presses[0]
            if len(press.frames[0]) == 3:
                self.digit_timestamp = timestamp
            packets = press.go_on(number)
            sounds = press.sounds
            if not press.frames:
                self.presses.pop(0)
                ended = press.ended
            if packets and sounds:
                marker, self.before = not self.before, "silence"
                body = packets[0][1]
                return [self.packet(self.payload_type, timestamp, body, marker=marker)], ended
            if packets:
                self.before = ""
                sent = [
                    self.packet(self.event_type, self.digit_timestamp, payload, marker=marker)
                    for marker, payload in packets
                ]
                return sent, ended
            return self.silence(timestamp), ended
        if self.playing:
            frames = self.audio[self.payload_type]
            if self.position == len(frames) and self.loop:
                self.position = 0
            if self.position < len(frames):
                body, self.position = frames[self.position], self.position + 1
                marker, self.before = self.before != "speech", "speech"
                return [self.packet(self.payload_type, timestamp, body, marker=marker)], ended
            self.playing = False
            ended = [("play", self.token), *ended]
        return self.silence(timestamp), ended

    def silence(self, timestamp: int) -> list[bytes]:
        if not self.comfort:
            self.before = ""
            return []
        marker, self.before = not self.before, "silence"
        body = SILENCE[self.payload_type]
        return [self.packet(self.payload_type, timestamp, body, marker=marker)]
