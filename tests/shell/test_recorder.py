"""Recordings: both sides in the order of time, valid at every moment, harmless when they fail."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dialerd.shell.recorder import ENTRY, HEADER_BYTES, HOLD_SAMPLES, Recorder, header
from fastpath import g711
from fastpath.rtp import MediaEngine
from tests.ports import media_ports
from tests.waiting import until

PORTS = media_ports()


class Tape:
    """Stands where the engine does: hands out entries that the test wrote."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, int, bytes]] = []
        self.on = False

    def record(self, stream: int, on: bool = True) -> None:
        self.on = on

    def recorded(self, stream: int) -> bytes:
        rows = np.zeros(len(self.entries), ENTRY)
        for row, (position, side, coding, payload) in zip(rows, self.entries, strict=True):
            row["position"], row["side"], row["payload_type"] = position, side, coding
            row["size"], row["begins"] = len(payload), 1  # nothing was lost
            row["payload"][: len(payload)] = np.frombuffer(payload, np.uint8)
        self.entries.clear()
        return rows.tobytes()


def sides(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


def test_both_sides_are_placed_in_time_whatever_the_order(tmp_path: Path) -> None:
    tape = Tape()
    recorder = Recorder(tmp_path / "a.wav", tape, 1)  # type: ignore[arg-type]
    said, heard = bytes(range(160)), bytes(range(96, 256))
    tape.entries = [(160, 1, 8, heard), (0, 0, 0, said), (320, 0, 0, said), (40, 1, 0, said[:30])]
    recorder.drain()
    recorder.close()
    audio = sides(tmp_path / "a.wav")
    assert len(audio) == 480
    expected = np.zeros((480, 2), np.int16)
    expected[0:160, 0] = expected[320:480, 0] = g711.ulaw_decode(said)
    expected[160:320, 1] = g711.alaw_decode(heard)
    expected[40:70, 1] = g711.ulaw_decode(said[:30])
    assert np.array_equal(audio, expected)
    assert not tape.on


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1), st.booleans()), max_size=60))
def test_any_interleaving_gives_the_sum_of_what_came(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[int, int, bool]]
) -> None:
    """Entries in any order up to the hold, drained at any time, are written once and in place."""
    path = tmp_path_factory.mktemp("tape") / "a.wav"
    tape = Tape()
    recorder = Recorder(path, tape, 1)  # type: ignore[arg-type]
    expected = np.zeros((61 * 160, 2), np.int16)
    end = 0
    for number, side, drain in frames:
        payload = bytes([number]) * 160
        if number * 160 >= end - HOLD_SAMPLES:
            tape.entries.append((number * 160, side, 0, payload))
            expected[number * 160 : number * 160 + 160, side] = g711.ulaw_decode(payload)
            end = max(end, number * 160 + 160)
        if drain:
            recorder.drain()
            assert len(sides(path)) == round(recorder.seconds * 8000)
    recorder.close()
    assert np.array_equal(sides(path), expected[:end])


def test_what_comes_after_its_time_was_written_is_left_out(tmp_path: Path) -> None:
    tape = Tape()
    recorder = Recorder(tmp_path / "a.wav", tape, 1)  # type: ignore[arg-type]
    tape.entries = [(8000, 0, 0, b"\x20" * 160)]
    recorder.drain()
    assert recorder.seconds == (8160 - HOLD_SAMPLES) / 8000
    tape.entries = [(0, 1, 0, b"\x20" * 160), (-500, 1, 0, b"\x20" * 160)]
    recorder.close()
    audio = sides(tmp_path / "a.wav")
    assert not audio[:, 1].any()
    assert np.flatnonzero(audio[:, 0]).tolist() == list(range(8000, 8160))


def test_the_file_is_valid_after_every_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash keeps what was written so far: look at the file between any two system calls."""
    tape, path = Tape(), tmp_path / "a.wav"
    recorder = Recorder(path, tape, 1)  # type: ignore[arg-type]
    seen: list[int] = []
    raw = recorder._file

    class Watched:
        closed = False

        def write(self, data: bytes) -> int:
            size = raw.write(data)
            seen.append(len(sides(path)))
            return size or 0

        def seek(self, at: int) -> int:
            return raw.seek(at)

        def close(self) -> None:
            raw.close()

    monkeypatch.setattr(recorder, "_file", Watched())
    for frame in range(40):
        tape.entries = [(frame * 160, frame % 2, 0, b"\x30" * 160)]
        recorder.drain()
    recorder.close()
    assert seen == sorted(seen)
    assert len(seen) > 40
    assert seen[-1] == 6400


def test_a_full_disk_ends_the_recording_and_says_so(tmp_path: Path) -> None:
    tape = Tape()
    recorder = Recorder(tmp_path / "a.wav", tape, 1)  # type: ignore[arg-type]
    os.dup2(os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC), recorder._file.fileno())
    tape.entries = [(8000, 0, 0, bytes(160))]
    recorder.drain()
    assert recorder.failed == os.strerror(errno.ENOSPC)
    tape.entries = [(9000, 0, 0, bytes(160))]
    recorder.drain()
    assert tape.entries, "nothing is taken any more"
    recorder.close()
    recorder.close()
    assert recorder.seconds == 0


def test_nobody_else_reads_a_recording_and_an_older_one_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for count in (2, 1):
        tape = Tape()
        recorder = Recorder(path, tape, 1)  # type: ignore[arg-type]
        tape.entries = [(at, 0, 0, bytes(160)) for at in range(0, 160 * count, 160)]
        recorder.close()
        assert path.stat().st_size == 44 + 640 * count
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_recording_is_not_written_over(tmp_path: Path) -> None:
    """A prompt that somebody names by mistake; a pipe, for which an open waits for ever."""
    path, pipe = tmp_path / "a.wav", tmp_path / "pipe"
    os.mkfifo(pipe)
    for found in (b"ID3 a song", header(0).replace(struct.pack("<HH", 1, 2), b"\1\0\1\0")):
        path.write_bytes(found)
        with pytest.raises(OSError, match="no recording"):
            Recorder(path, Tape(), 1)  # type: ignore[arg-type]
        assert path.read_bytes() == found
    for odd in (pipe, Path("/dev/null"), tmp_path):
        with pytest.raises(OSError, match=r"No such device|not a file|directory"):
            Recorder(odd, Tape(), 1)  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recorder(tmp_path / "none" / "a.wav", Tape(), 1)  # type: ignore[arg-type]


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def frames_in_order(heard: np.ndarray, said: np.ndarray) -> int:
    """How many frames of 20 ms stand whole in what was heard, each behind the one before.

    Between two of them may be silence: on a busy machine packets come late.
    """
    recording, found, at = heard.astype("<i2").tobytes(), 0, 0
    for frame in said.astype("<i2").reshape(-1, 160):
        place = recording.find(frame.tobytes(), at)
        if place >= 0:
            found, at = found + 1, place + 320
    return found


def test_a_call_over_sockets_is_recorded_as_it_was(engine: MediaEngine, tmp_path: Path) -> None:
    t = np.arange(8000)
    ours = np.rint(9000 * np.sin(t * 0.30)).astype(np.int16)
    theirs = g711.alaw_encode(np.rint(9000 * np.sin(t * 0.11)).astype(np.int16))
    prompt = engine.add_prompt(g711.ulaw_encode(ours), g711.alaw_encode(ours))
    stream = engine.open("127.0.0.1", *PORTS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        engine.connect(stream, *peer.getsockname(), 0)
        recorder = Recorder(tmp_path / "call.wav", engine, stream)
        engine.play(stream, prompt, 1)
        for i in range(50):
            head = struct.pack("!BBHII", 0x80, 0x88, i, i * 160, 77)
            peer.sendto(head + theirs[i * 160 : i * 160 + 160], ("127.0.0.1", engine.port(stream)))
            time.sleep(0.02)
            recorder.drain()
        until(lambda: engine.stats(stream).received == 50)
        until(lambda: engine.stats(stream).sent >= 52)
        recorder.close()
    assert engine.close(stream).record_dropped == 0
    audio = sides(tmp_path / "call.wav")
    assert frames_in_order(audio[:, 0], g711.ulaw_decode(g711.ulaw_encode(ours))) == 50
    assert frames_in_order(audio[:, 1], g711.alaw_decode(theirs)) == 50


def test_a_process_that_is_killed_leaves_a_valid_recording(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    code = f"""
import time
from dialerd.shell.recorder import Recorder
from fastpath.rtp import MediaEngine
engine = MediaEngine(streams_max=4)
engine.start()
a, b = (engine.open("127.0.0.1", {PORTS[0]}, {PORTS[1]}) for _ in range(2))
engine.connect(a, "127.0.0.1", engine.port(b), 0)
engine.connect(b, "127.0.0.1", engine.port(a), 0)
prompt = engine.add_prompt(bytes(160), bytes(160))
engine.play(a, prompt, 1, True)
recorder = Recorder({str(path)!r}, engine, a)
while True:
    time.sleep(0.05)
    recorder.drain()
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        until(lambda: bool(process.poll()) or size_of(path) > HEADER_BYTES + 48_000)
        assert process.poll() is None
        process.kill()
    audio = sides(path)
    assert len(audio) >= 8000
    with wave.open(str(path)) as file:
        assert file.getnframes() == len(audio)
    assert set(np.unique(audio)) <= {-32124, 0}, "what we said, or silence"
    assert (audio[:, 0] == -32124).sum() > 1000
