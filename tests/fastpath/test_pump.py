"""Audio of modems on pseudo terminals: cadence in frames, and devices that behave badly.

The far side counts what it gets; time only ends a broken run.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
import time
import tty
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fastpath import g711
from fastpath.dtmf import DtmfDetector, tone
from fastpath.pump import RtpPump
from fastpath.rtp import (
    RECORD_DTYPE,
    DeviceGone,
    DigitHeard,
    DigitsSent,
    MediaEngine,
    MediaEvent,
    PlayEnded,
)
from fastpath.rtp_tape import Tape

FRAME = 320
PREFILL = 4


class Modem:
    """The far side: reads and writes the master of a pty whose slave the engine has."""

    def __init__(self, engine: MediaEngine) -> None:
        self.engine = engine
        self.master, slave = os.openpty()
        tty.setraw(slave)
        tty.setraw(self.master)
        os.set_blocking(self.master, False)
        self.stream = engine.open_device(slave)
        self.slave = slave
        self.heard = bytearray()
        self.events: list[MediaEvent] = []

    def listen(self) -> None:
        try:
            while select.select([self.master], [], [], 0)[0]:
                self.heard += os.read(self.master, 65_536)
        except OSError:
            pass

    def until(self, done: Callable[[], object], *, listen: bool = True) -> None:
        give_up = time.monotonic() + 100
        while not done():
            assert time.monotonic() < give_up, self.engine.device(self.stream)
            time.sleep(0.002)
            if listen:
                self.listen()
            self.events += self.engine.events()

    def hear_frames(self, count: int) -> np.ndarray:
        self.until(lambda: len(self.heard) >= count * FRAME)
        whole = len(self.heard) // FRAME * FRAME
        return np.frombuffer(bytes(self.heard[:whole]), "<i2")

    def say(self, data: bytes) -> None:
        """All of it, at the pace the device takes it."""

        def push() -> bool:
            nonlocal data
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self.master, data[:1600]) :]
            return not data

        self.until(push)

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        os.close(self.slave)
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def modem(engine: MediaEngine) -> Iterator[Modem]:
    modem = Modem(engine)
    yield modem
    modem.close()


def test_silence_flows_from_the_first_moment_with_a_lead(engine: MediaEngine, modem: Modem) -> None:
    samples = modem.hear_frames(PREFILL + 10)
    assert not samples.any()
    counts = engine.device(modem.stream)
    assert counts["frames_out"] >= PREFILL + 10
    assert (counts["dropped"], counts["gone"]) == (0, 0)
    assert len(modem.heard) % FRAME == 0


def test_one_frame_a_period_and_the_lead_once(engine: MediaEngine, modem: Modem) -> None:
    """As many frames as a stream of RTP sends in the same periods, and the lead before."""
    modem.hear_frames(30)
    sent = engine.stats(modem.stream).sent
    counts = engine.device(modem.stream)
    again = engine.stats(modem.stream).sent
    leads = PREFILL * (1 + counts["underruns"])
    assert sent + leads <= counts["frames_out"] <= again + leads


def test_how_late_frames_are_written_is_counted(engine: MediaEngine, modem: Modem) -> None:
    modem.until(lambda: engine.counters()["frames"] >= 10)
    assert engine.device(modem.stream)["frames_out"] >= 10
    assert engine.counters()["lateness_us_max"] > 0


def test_what_is_played_arrives_whole(engine: MediaEngine, modem: Modem) -> None:
    samples = np.rint(9000 * np.sin(np.arange(4000) * 0.2)).astype(np.int16)
    prompt = engine.add_prompt(g711.ulaw_encode(samples), g711.alaw_encode(samples))
    engine.play(modem.stream, prompt, 7)
    modem.until(lambda: PlayEnded(modem.stream, 7) in modem.events)
    heard = modem.hear_frames(len(modem.heard) // FRAME + 2)
    wanted = g711.ulaw_decode(g711.ulaw_encode(samples))
    start = int(np.flatnonzero(heard)[0]) - int(np.flatnonzero(wanted)[0])
    assert start % 160 == 0
    assert np.array_equal(heard[start : start + 4000], wanted)
    assert not heard[:start].any()


def test_keys_both_ways(engine: MediaEngine, modem: Modem) -> None:
    engine.hear_tones(modem.stream)
    engine.send_digits(modem.stream, "12#", 5, on_ms=60, gap_ms=60)
    modem.until(lambda: DigitsSent(modem.stream, 5) in modem.events)
    heard = modem.hear_frames(len(modem.heard) // FRAME + 2)
    assert [key for key, _ in DtmfDetector().hear(heard)] == ["1", "2", "#"]
    modem.say(b"".join(tone(key, 640) + bytes(1280) for key in "9*0"))
    modem.until(lambda: engine.device(modem.stream)["frames_in"] >= 24)
    modem.until(lambda: sum(isinstance(e, DigitHeard) for e in modem.events) == 3)
    keys = [e for e in modem.events if isinstance(e, DigitHeard)]
    assert [(k.digit, k.source, k.stream) for k in keys] == [
        (key, "inband", modem.stream) for key in "9*0"
    ]


def test_recorded_like_any_stream(engine: MediaEngine, modem: Modem) -> None:
    engine.record(modem.stream)
    said = np.rint(8000 * np.sin(np.arange(3200) * 0.1)).astype("<i2")
    modem.say(said.tobytes())
    modem.until(lambda: engine.device(modem.stream)["frames_in"] >= 20)
    taken = engine.recorded(modem.stream)
    rows = np.frombuffer(taken, np.dtype(RECORD_DTYPE))
    assert (rows["side"] == 0).sum() >= 2
    audio = np.concatenate(
        [np.frombuffer(data, "<i2") for _, data in Tape().take(taken, rest=True)]
    ).reshape(-1, 2)
    expected = g711.ulaw_decode(g711.ulaw_encode(said.astype(np.int16)))
    assert np.abs(audio[:, 1]).max() == np.abs(expected).max()


@pytest.mark.parametrize("sizes", [[1], [319, 1, 321, 7], [3, 640, 5]])
def test_bytes_in_pieces_are_whole_frames(
    engine: MediaEngine, modem: Modem, sizes: list[int]
) -> None:
    engine.record(modem.stream)
    samples = (np.arange(1600) % 50 * 400 - 10_000).astype("<i2")
    data, at = samples.tobytes(), 0
    while at < len(data):
        for size in sizes:
            modem.say(data[at : at + size])
            at += size
    modem.until(lambda: engine.device(modem.stream)["frames_in"] == 10)
    rows = np.frombuffer(engine.recorded(modem.stream), np.dtype(RECORD_DTYPE))
    heard = rows[rows["side"] == 1]["payload"].reshape(-1)
    assert bytes(heard) == g711.ulaw_encode(samples.astype(np.int16))


def test_a_device_that_takes_nothing_costs_frames_and_no_more(
    engine: MediaEngine, modem: Modem
) -> None:
    """Its buffer is full, then ours; when it reads again, frames are whole and in order."""
    neighbour = Modem(engine)

    def full() -> bool:
        neighbour.listen()
        return engine.device(modem.stream)["dropped"] > 5

    modem.until(full, listen=False)
    counts = engine.device(modem.stream)
    assert counts["waiting_bytes"] <= 10 * FRAME
    neighbour.hear_frames(20)
    assert engine.device(neighbour.stream)["dropped"] <= 1
    modem.listen()
    before = len(modem.heard)
    modem.hear_frames(before // FRAME + 15)
    engine.send_digits(modem.stream, "5", 1)
    modem.until(lambda: DigitsSent(modem.stream, 1) in modem.events)
    heard = modem.hear_frames(len(modem.heard) // FRAME + 12)
    assert [key for key, _ in DtmfDetector().hear(heard)] == ["5"]
    neighbour.close()


def test_a_sample_half_taken_is_finished_after_a_stall() -> None:
    """Else all that follows is made of halves of two samples: loud noise to the end of the call."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        for sock in (ours, theirs):
            sock.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2_401)
        pump, frame, now_ns = RtpPump(), g711.ulaw_encode(np.full(160, 0x0123, np.int16)), 1
        waiting, got = 0, bytearray()
        for _ in range(200):
            waiting, _dry = pump.say(ours.fileno(), frame, now_ns)
            now_ns += 20_000_000
            if waiting % 2:
                break
            got += theirs.recv(319) if waiting else b""
        assert waiting % 2, "the device took half a sample"
        while True:
            try:
                got += theirs.recv(65_536)
            except BlockingIOError:
                break
        now_ns += 5_000_000_000
        for _ in range(8):
            _waiting, dry = pump.say(ours.fileno(), frame, now_ns)
            now_ns += 20_000_000
            got += theirs.recv(65_536)
        assert dry == 1
        exact = int(g711.ulaw_decode(frame)[0])
        assert set(np.frombuffer(bytes(got), "<i2").tolist()) == {0, exact}
        with pytest.raises(ValueError, match="160"):
            pump.say(ours.fileno(), b"short", now_ns)


def test_a_device_ten_times_too_fast(engine: MediaEngine, modem: Modem) -> None:
    """It is read at 8 frames a period at most; the neighbour notices nothing."""
    neighbour = Modem(engine)
    modem.say(b"\1\2" * 160 * 200)
    modem.until(lambda: engine.device(modem.stream)["frames_in"] >= 199)
    assert engine.device(modem.stream)["frames_in"] <= 8 * engine.stats(modem.stream).sent
    neighbour.hear_frames(10)
    assert engine.device(neighbour.stream)["gone"] == 0
    neighbour.close()


def test_a_device_that_disappears_is_told_once(engine: MediaEngine, modem: Modem) -> None:
    neighbour = Modem(engine)
    modem.hear_frames(8)
    modem.hang_up()
    modem.until(lambda: any(isinstance(e, DeviceGone) for e in modem.events), listen=False)
    gone = [e for e in modem.events if isinstance(e, DeviceGone)]
    assert [e.stream for e in gone] == [modem.stream]
    assert gone[0].error == engine.device(modem.stream)["gone"] > 0
    sent = engine.stats(modem.stream).sent
    seen = len(neighbour.heard)
    neighbour.hear_frames(seen // FRAME + 10)
    assert engine.stats(modem.stream).sent == sent
    assert not any(isinstance(e, DeviceGone) for e in neighbour.events)
    engine.close(modem.stream)
    neighbour.close()


def test_reads_that_find_nothing_are_no_end(engine: MediaEngine) -> None:
    """A port opened with VMIN 0 gives 0 bytes, not EAGAIN."""
    modem = Modem(engine)
    state = termios.tcgetattr(modem.slave)
    state[6][termios.VMIN] = 0
    termios.tcsetattr(modem.slave, termios.TCSANOW, state)
    modem.hear_frames(PREFILL + 8)
    assert engine.device(modem.stream)["gone"] == 0
    modem.close()


def test_what_is_no_device_is_refused(engine: MediaEngine) -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        engine.open_device(9_999)
    stream = engine.open("127.0.0.1", 28_400, 28_498)
    with pytest.raises(ValueError, match="no device"):
        engine.device(stream)
    reader, writer = os.pipe()
    broken = engine.open_device(reader)  # it cannot be written
    give_up = time.monotonic() + 100
    while not (events := engine.events()):
        assert time.monotonic() < give_up
        time.sleep(0.005)
    assert [type(e) for e in events] == [DeviceGone]
    assert engine.device(broken)["gone"] > 0
    os.close(reader)
    os.close(writer)


def test_descriptors_are_given_back(engine: MediaEngine) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        modem = Modem(engine)
        engine.close(modem.stream)
        modem.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert engine.counters()["streams"] == 0


def test_devices_share_turns_and_a_burst_of_theirs_is_heard_in_order(engine: MediaEngine) -> None:
    """A thread sleeps once for up to 16 devices; what one gave at once is whole frames in order."""
    ends = [socket.socketpair() for _ in range(17)]
    try:
        streams = [engine.open_device(near.fileno()) for near, _ in ends]
        places = [stream % (20 * 16) // 16 for stream in streams]
        assert [places.count(place) for place in dict.fromkeys(places)] == [16, 1]
        engine.record(streams[0])
        samples = np.arange(1, 160 * 20 + 1, dtype="<i2") * 8
        ends[0][1].sendall(samples.tobytes())
        give_up = time.monotonic() + 100
        while engine.device(streams[0])["frames_in"] < 20:
            assert time.monotonic() < give_up
            time.sleep(0.002)
        rows = np.frombuffer(engine.recorded(streams[0]), np.dtype(RECORD_DTYPE))
        theirs = rows[rows["side"] == 1]["payload"]
    finally:
        for near, far in ends:
            near.close()
            far.close()
    assert theirs.tobytes() == g711.ulaw_encode(samples)
