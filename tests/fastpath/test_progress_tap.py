"""What a stream hears besides keys: whatever becomes of its packets, and when none come at all."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest

from dialerd.detect.model import load_model
from fastpath import g711
from fastpath.progress import KINDS, Attention
from fastpath.rtp import DigitHeard, MediaEngine, SoundHeard
from tests.fastpath.dtmf_tape import Samples
from tests.fastpath.test_progress import voices
from tests.ports import media_ports
from tests.reference.rtp import rtp
from tests.waiting import until

HERE = "127.0.0.1"
PORTS = media_ports()
HASTY = {"total_analysis_time": 400, "initial_silence": 240}  # the classic rule, in 12 to 20 frames
UNSENT = 5  # frames that are waited for
EXCUSED = 11  # and behind a time for which the engine itself stood still
TRIES = 40
SAID = {"initial_silence": 5_000, "total_analysis_time": 5_000}


class Line:
    """A stream, and its peer's end."""

    def __init__(self, engine: MediaEngine, peer: socket.socket, law: int = 0) -> None:
        self.engine, self.peer, self.law = engine, peer, law
        self.stream = engine.open(HERE, *PORTS)
        engine.connect(self.stream, *peer.getsockname(), law)
        self.heard: list[SoundHeard] = []
        self.seq = self.at = 0
        self.due = 0  # the engine's frame of the next packet in time
        self.behind = 0  # frames, at the most

    def pace(self) -> None:
        """As a caller does, by the engine's clock: whoever is behind it makes up for that at once.

        So a busy machine makes packets late, as a network does, and never fewer than frames.
        """
        self.due = (self.due or self.engine.frame(self.stream)) + 1
        until(lambda: self.engine.frame(self.stream) >= self.due)
        self.behind = max(self.behind, self.engine.frame(self.stream) - self.due)

    def skipped(self) -> int:
        """Frames in which the engine's thread had no core, and those that it waits for after it."""
        counters = self.engine.counters()
        waits = EXCUSED if counters["frames_late"] or counters["ticks_skipped"] else 0
        return int(counters["ticks_skipped"]) // 20 + waits

    def say(self, samples: Samples, *, ssrc: int = 7) -> None:
        """Packets as fast as the detectors take them."""
        encode = g711.alaw_encode if self.law == 8 else g711.ulaw_encode
        for at in range(0, len(samples) - 159, 160):
            self.packet(encode(samples[at : at + 160]), ssrc)

    def packet(self, payload: bytes, ssrc: int = 7, kind: int = -1) -> None:
        kind = self.law if kind < 0 else kind
        packet = rtp(self.seq, self.at, payload_type=kind, payload=payload, ssrc=ssrc)
        self.peer.sendto(packet, (HERE, self.engine.port(self.stream)))
        self.seq, self.at = self.seq + 1 & 0xFFFF, self.at + len(payload) & 0xFFFFFFFF

    def until(self, done: Callable[[], object]) -> None:
        """Look until it is so, and keep what was heard."""

        def now() -> object:
            self.take()
            return done()

        until(now)

    def take(self) -> None:
        self.heard += [one for one in self.engine.events() if isinstance(one, SoundHeard)]

    def words(self, attention: Attention) -> list[tuple[str, str, str]]:
        self.take()
        return [
            (KINDS[one.kind], *attention.words(one.kind, one.value, one.detail))
            for one in self.heard
        ]


def in_time(
    engine: MediaEngine, peer: socket.socket, say: Callable[[Line], None], law: int = 0
) -> Line:
    """A line on which all was said in time.

    Again on another, if not: who loses the core for so long that packets count as not sent, was
    silent, and is taken for that.
    """
    for _ in range(TRIES):
        line = Line(engine, peer, law)
        say(line)
        if line.behind < UNSENT:
            break
        engine.close(line.stream)
        engine.events()
    return line


def test_a_peer_that_sends_nothing_is_silent_in_real_time(
    engine: MediaEngine, peer: socket.socket
) -> None:
    line, attention = Line(engine, peer), Attention(HASTY)
    begun = engine.frame(line.stream)
    engine.listen(line.stream, attention, answered=True)
    listening = engine.frame(line.stream)
    line.until(lambda: line.heard)
    assert line.words(attention) == [("answer", "machine", "initial silence")]
    (told,) = line.heard
    # 12 frames of silence; 5 more are waited for before a packet counts as not sent
    assert told.frame - begun >= 12 + 4
    assert told.frame - listening <= 12 + 8 + line.skipped()
    assert told.answered


def test_comfort_noise_is_a_word_for_silence(engine: MediaEngine, peer: socket.socket) -> None:
    """Nobody waits for packets that their sender says will not come."""
    line, attention = Line(engine, peer), Attention(HASTY)
    begun = engine.frame(line.stream)
    engine.listen(line.stream, attention, answered=True)
    line.packet(b"\x40", kind=13)
    line.until(lambda: engine.stats(line.stream).received)
    quiet = engine.frame(line.stream)
    line.until(lambda: line.heard)
    assert line.heard[0].frame - begun >= 10
    assert line.heard[0].frame - quiet <= 12 + 3 + line.skipped()


@pytest.mark.parametrize("law", [0, 8])
def test_a_voice_in_packets(engine: MediaEngine, peer: socket.socket, law: int) -> None:
    """The end of a word, in packets that come in time."""
    attention = Attention(load_model())
    word = next(one for one in voices() if len(one) < 25_000)

    def say(line: Line) -> None:
        engine.listen(line.stream, attention, answered=True)
        for at in range(0, len(word) - 159, 160):
            line.say(word[at : at + 160])
            line.pace()
            line.take()
            if line.heard:
                break
        line.until(lambda: line.heard)

    ((kind, who, why),) = in_time(engine, peer, say, law).words(attention)
    assert (kind, why) == ("answer", "model")
    assert who == "human"


def test_silence_that_was_not_sent_ends_a_word(engine: MediaEngine, peer: socket.socket) -> None:
    """A peer with silence suppression says a word and then nothing at all."""
    attention = Attention(SAID | {"after_greeting_silence": 400})
    rng = np.random.default_rng(2)

    def say(line: Line) -> None:
        engine.listen(line.stream, attention, answered=True)
        for _ in range(15):
            line.say(np.clip(rng.normal(0, 4_000, 160), -32768, 32767).astype(np.int16))
            line.pace()

    line = in_time(engine, peer, say)
    sent = engine.frame(line.stream)
    line.until(lambda: line.heard)
    assert line.words(attention) == [("answer", "human", "silence after greeting")]
    assert line.heard[0].frame - line.due >= 20 - 1
    assert line.heard[0].frame - sent <= 20 + 8 + line.skipped()


def test_another_source_goes_on_with_the_row(engine: MediaEngine, peer: socket.socket) -> None:
    """A gateway that answers from another device: numbers and times of its own."""
    attention = Attention(SAID | {"greeting": 500})
    rng = np.random.default_rng(2)
    loud = [np.clip(rng.normal(0, 4_000, 160), -32768, 32767).astype(np.int16) for _ in range(40)]

    def say(line: Line) -> None:
        engine.listen(line.stream, attention, answered=True)
        for number, frame in enumerate(loud):
            if number == 12:
                line.seq, line.at = 40_000, 1 << 31
            line.say(frame, ssrc=7 if number < 12 else 9)
            line.pace()
        line.until(lambda: line.heard)

    line = in_time(engine, peer, say)
    assert line.words(attention) == [("answer", "machine", "long greeting")]


def test_early_media_tells_no_verdict(engine: MediaEngine, peer: socket.socket) -> None:
    line, attention = Line(engine, peer), Attention(HASTY)
    engine.listen(line.stream, attention)
    begun = engine.frame(line.stream)
    line.until(lambda: engine.frame(line.stream) - begun > 30)
    assert not line.heard
    engine.listen(line.stream, attention, answered=True)
    line.until(lambda: line.heard)
    assert line.heard[0].answered


def test_who_stops_listening_hears_nothing(engine: MediaEngine, peer: socket.socket) -> None:
    line, attention = Line(engine, peer), Attention(HASTY)
    engine.listen(line.stream, attention, answered=True)
    engine.listen(line.stream, None)
    engine.listen(line.stream, None)
    begun = engine.frame(line.stream)
    line.until(lambda: engine.frame(line.stream) - begun > 30)
    assert not line.heard
    with pytest.raises(KeyError):
        engine.listen(999_999, attention)


@pytest.mark.parametrize("ends", ["closed", "another", "none", "engine"])
def test_what_is_listened_for_lives_as_long_as_somebody_listens(ends: str) -> None:
    engine, attention = MediaEngine(streams_max=4), Attention(HASTY)
    stream = engine.open(HERE, *PORTS)
    before = sys.getrefcount(attention)
    engine.listen(stream, attention, answered=True)
    assert sys.getrefcount(attention) == before + 1
    engine.hear_tones(stream)
    if ends == "closed":
        engine.close(stream)
    elif ends == "another":
        engine.listen(stream, Attention(), answered=True)
    elif ends == "none":
        engine.listen(stream, None)
    else:
        del engine
        gc.collect()
    assert sys.getrefcount(attention) == before


def test_keys_and_verdicts_share_one_decoding(engine: MediaEngine, peer: socket.socket) -> None:
    """Both may be on or off in any order."""
    line, attention = Line(engine, peer), Attention(HASTY)
    engine.hear_tones(line.stream)
    engine.listen(line.stream, attention, answered=True)
    engine.hear_tones(line.stream, False)
    line.until(lambda: line.heard)
    engine.listen(line.stream, None)
    engine.hear_tones(line.stream)
    engine.listen(line.stream, attention, answered=True)
    line.until(lambda: len(line.heard) == 2)
    assert line.words(attention) == [("answer", "machine", "initial silence")] * 2


AT = 2 * np.pi * np.arange(800) / 8_000
FIVE = (4_000 * (np.sin(770 * AT) + np.sin(1_336 * AT))).astype(np.int16)
KEY = np.concatenate([FIVE, np.zeros(800, np.int16)])
QUIET = np.zeros(160, np.int16)


def keys_heard(line: Line, keys: int) -> int:
    """Press keys in time, 100 ms each and as much apart; how many are heard."""
    heard = 0
    for _ in range(TRIES):
        line.take()
        heard = line.behind = line.due = 0
        for _ in range(keys):
            for frame in KEY.reshape(-1, 160):
                line.say(frame)
                line.pace()
            heard += sum(isinstance(one, DigitHeard) for one in line.engine.events())
        if line.behind < UNSENT:
            break
    return heard


def test_an_outage_whose_packets_come_after_all_makes_nobody_deaf(
    engine: MediaEngine, peer: socket.socket
) -> None:
    """Silence was made up for them, and they are heard on top: ahead of time, from then on."""
    line = Line(engine, peer)
    engine.listen(line.stream, Attention(SAID | {"initial_silence": 60_000}), answered=True)
    engine.hear_tones(line.stream)
    line.say(QUIET)
    begun = engine.frame(line.stream)
    line.until(lambda: engine.frame(line.stream) - begun > 75)
    for _ in range(9):  # far ahead of time: that is the fault
        wanted = engine.stats(line.stream).received + 10
        line.say(np.tile(QUIET, 10))
        line.until(lambda most=wanted: engine.stats(line.stream).received >= most)
    assert keys_heard(line, 6) >= 5


STOOD_STILL = """
import sys, time
from fastpath.progress import KINDS, Attention
from fastpath.rtp import MediaEngine, SoundHeard
from tests.fastpath.test_progress_tap import HERE, PORTS, SAID
engine = MediaEngine(streams_max=1)
engine.start()
stream = engine.open(HERE, *PORTS)
engine.connect(stream, HERE, int(sys.argv[1]), 0)
attention = Attention(SAID | {"after_greeting_silence": 120, "greeting": 1000})
engine.listen(stream, attention, answered=True)
print(engine.port(stream), flush=True)
while True:
    heard = [one for one in engine.events() if isinstance(one, SoundHeard)]
    words = [attention.words(one.kind, one.value, one.detail) for one in heard]
    print(engine.frame(stream), *(why.replace(" ", "_") for _, why in words), flush=True)
    time.sleep(0.005)  # it is asked again and again, and shares its core
"""


def heard_behind_a_stop(peer: socket.socket) -> str:
    """What an engine's process makes of a voice that it got late, for it was stopped meanwhile."""
    noise = np.random.default_rng(2)
    command = [sys.executable, "-c", STOOD_STILL, str(peer.getsockname()[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        to, sent = (HERE, int(process.stdout.readline())), 0

        def say(until: int) -> None:
            nonlocal sent
            while sent < until:
                sent += 1
                samples = np.clip(noise.normal(0, 4_000, 160), -32768, 32767).astype(np.int16)
                peer.sendto(rtp(sent, sent * 160, payload=g711.ulaw_encode(samples)), to)

        try:
            first = frame = int(process.stdout.readline().split()[0])
            stopped = 0
            while True:
                frame, *verdict = process.stdout.readline().split()
                frame = int(frame)
                if verdict:
                    return verdict[0]
                if not stopped and sent >= 15:
                    process.send_signal(signal.SIGSTOP)
                    time.sleep(0.3)  # for so long it stands still: that is what is asked about
                    process.send_signal(signal.SIGCONT)
                    stopped = frame
                elif not stopped or frame > stopped + 10:  # a turn has been since then
                    say(frame - first)
        finally:
            process.kill()


def test_a_process_that_stood_still_waits_for_what_comes_behind_that(peer: socket.socket) -> None:
    """It makes no silence of it. Again, if we were too slow for its patience."""
    heard: list[str] = []
    while "long_greeting" not in heard and len(heard) < 5:
        heard.append(heard_behind_a_stop(peer))
    assert heard[-1] == "long_greeting", heard
