"""Recordings of a daemon: files of the day, crashes, a disk that fills, and the encoder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from dialerd.shell import recordings as module
from dialerd.shell.encoder import EncodeError, decoded, encode, same, waiting, work
from dialerd.shell.recordings import PART, Recordings
from dialerd.store.recording_files import day_name, safe
from fastpath.rtp import MediaEngine
from tests.waiting import until

HERE = "127.0.0.1"
PORTS = (28_200, 28_398)
DAY = "2026-11-22"


def talking(engine: MediaEngine) -> int:
    """A stream that talks to another one, for ever."""
    a, b = (engine.open(HERE, *PORTS) for _ in range(2))
    engine.connect(a, HERE, engine.port(b), 0)
    engine.connect(b, HERE, engine.port(a), 0)
    prompt = engine.add_prompt(bytes(range(160)), bytes(range(160)))
    engine.play(a, prompt, 1, True)
    return a


def open_at(folder: Path, engine: MediaEngine, free_bytes_min: int = 0) -> Recordings:
    return Recordings(folder, engine, free_bytes_min=free_bytes_min, day=lambda: DAY)


def test_a_recording_has_its_name_when_it_is_finished(tmp_path: Path, engine: MediaEngine) -> None:
    kept = open_at(tmp_path / "recordings", engine)
    stream, began = talking(engine), []
    kept.first = lambda: began.append(1)
    assert kept.begin(stream, "9f-1@host/../x")
    assert kept.begin(stream, "again"), "once is enough"
    part = tmp_path / "recordings" / DAY / f"9f-1@host_.._x{PART}"
    until(lambda: part.stat().st_size > 8_000)
    assert not list(tmp_path.rglob("*x.wav"))
    assert kept.begin(engine.open(HERE, *PORTS), "another")
    assert began == [1]
    found = kept.end(stream)
    engine.close(stream)
    assert found is not None
    path = tmp_path / "recordings" / found.path
    until(path.exists)
    kept.close()
    assert found.path == f"{DAY}/9f-1@host_.._x.wav"
    assert path.stat().st_size == found.size
    with wave.open(str(path)) as file:
        assert file.getnchannels() == found.channels == 2
        assert file.getnframes() == round(found.seconds * 8000)
    assert kept.end(stream) is None
    figures = kept.figures()
    assert (figures["begun"], figures["finished"], figures["failed"]) == (2, 2, 0)
    assert figures["seconds"] >= found.seconds


def test_no_recording_takes_the_place_of_another(tmp_path: Path, engine: MediaEngine) -> None:
    kept = open_at(tmp_path, engine)
    done = tmp_path / DAY / "same.wav"
    done.parent.mkdir()
    done.with_suffix(".flac").write_bytes(b"the first, made smaller")
    streams = [talking(engine) for _ in range(2)]
    assert all(kept.begin(stream, "same") for stream in streams), "at once"
    found = [kept.end(stream) for stream in streams]
    assert [one.path for one in found if one] == [f"{DAY}/same.2.wav", f"{DAY}/same.3.wav"]
    until(lambda: len(list(tmp_path.rglob("same.?.wav"))) == 2)
    third = talking(engine)
    assert kept.begin(third, "same")
    last = kept.end(third)
    kept.close()
    assert last is not None
    assert last.path == f"{DAY}/same.4.wav"
    assert done.with_suffix(".flac").read_bytes() == b"the first, made smaller"
    assert not done.exists()


def test_too_many_of_one_name_are_refused(
    tmp_path: Path, engine: MediaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALIKE_MAX", 2)
    kept = open_at(tmp_path, engine)
    assert [kept.begin(talking(engine), "same") for _ in range(3)] == [True, True, False]
    assert kept.figures()["refused"] == 1
    kept.close()


def test_no_name_looks_like_one_in_progress(tmp_path: Path, engine: MediaEngine) -> None:
    kept = open_at(tmp_path, engine)
    stream = talking(engine)
    assert kept.begin(stream, "same@x.part")
    kept.end(stream)
    kept.close()
    assert [path.name for path in waiting(tmp_path)] == ["same@x_part.wav"]
    assert not safe("x" * 115 + ".partial").endswith(".part")


def test_what_a_crash_left_takes_no_place_either(tmp_path: Path, engine: MediaEngine) -> None:
    day = tmp_path / DAY
    day.mkdir()
    (day / "same.wav").write_bytes(b"first")
    (day / f"same{PART}").write_bytes(b"second")
    kept = open_at(tmp_path, engine)
    kept.close()
    assert kept.recovered == 1
    files = {path.name: path.read_bytes() for path in day.iterdir()}
    assert files == {"same.wav": b"first", "same.2.wav": b"second"}


def test_streams_that_are_closed_at_once_hurt_nobody(tmp_path: Path, engine: MediaEngine) -> None:
    kept = open_at(tmp_path, engine)
    for i in range(30):
        stream = engine.open(HERE, *PORTS)
        assert kept.begin(stream, str(i))
        assert kept.end(stream) is not None
        engine.close(stream)
    forgotten = engine.open(HERE, *PORTS)
    assert kept.begin(forgotten, "forgotten")
    kept.close()
    assert len(list(tmp_path.rglob("*.wav"))) == 31
    assert not list(tmp_path.rglob(f"*{PART}"))


def test_a_killed_daemon_keeps_all_but_the_last_second(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from dialerd.shell.recordings import Recordings
from fastpath.rtp import MediaEngine
from tests.waiting import Stalls
stalls = Stalls()
engine = MediaEngine(streams_max=4)
engine.start()
a, b = (engine.open("{HERE}", {PORTS[0]}, {PORTS[1]}) for _ in range(2))
engine.connect(a, "{HERE}", engine.port(b), 0)
engine.connect(b, "{HERE}", engine.port(a), 0)
engine.play(a, engine.add_prompt(bytes(160), bytes(160)), 1, True)
kept = Recordings(Path({str(tmp_path)!r}), engine, free_bytes_min=0, day=lambda: "{DAY}")
kept.begin(a, "call")
while True:
    print(engine.stats(a).sent, stalls.most_s(), flush=True)
    time.sleep(0.02)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = ["0", "0"]
        while int(told[0]) < 120:
            told = process.stdout.readline().split()
        process.send_signal(signal.SIGKILL)
        told = [*told, *process.stdout.read().split()]
    sent, stood_still_s = int(told[-2]), float(told[-1])
    [part] = tmp_path.rglob(f"*{PART}")
    with wave.open(str(part)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    # all but the last second, and no more than the writer's thread may have lost its core
    said = (samples[:, 0] == -32124).sum()
    assert said >= sent * 160 - 8000 * (1 + stood_still_s)
    engine = MediaEngine(streams_max=1)
    kept = open_at(tmp_path, engine)
    kept.close()
    assert kept.recovered == 1
    assert [p.name for p in tmp_path.rglob("*.wav")] == ["call.wav"]


def test_a_disk_without_room_ends_recordings_and_no_call(
    tmp_path: Path, engine: MediaEngine, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    free = [1 << 30]
    real = os.statvfs

    def statvfs(path: Path) -> os.statvfs_result:
        values = list(real(path))
        values[1], values[4] = 1, free[0]
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", statvfs)
    monkeypatch.setattr(module, "LOOK_PERIODS", 1)
    monkeypatch.setattr(module, "PERIOD_S", 0.02)
    kept = open_at(tmp_path, engine, free_bytes_min=1 << 20)
    stream, other = talking(engine), talking(engine)
    assert kept.begin(stream, "one")
    until(lambda: any(p.stat().st_size > 4_000 for p in tmp_path.rglob(f"*{PART}")))
    free[0] = 1000
    until(lambda: kept.low and kept.totals["failed"])
    assert not kept.begin(other, "two")
    sent = engine.stats(stream).sent
    until(lambda: engine.stats(stream).sent > sent + 3)
    found = kept.end(stream)
    assert found is not None
    free[0] = 1 << 30
    until(lambda: not kept.low)
    assert kept.begin(other, "three")
    kept.close()
    assert (tmp_path / found.path).stat().st_size == found.size, "what was written stays"
    assert found.seconds > 0
    assert kept.figures()["refused"] == 1
    assert "calls go on" in caplog.text


def test_a_disk_that_refuses_ends_one_recording(
    tmp_path: Path, engine: MediaEngine, caplog: pytest.LogCaptureFixture
) -> None:
    kept = open_at(tmp_path, engine)
    stream = talking(engine)
    assert kept.begin(stream, "full")
    recorder = kept._running[stream].recorder
    full = os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(full, recorder._file.fileno())
    os.close(full)
    until(lambda: kept.totals["failed"] == 1)
    assert "No space left" in caplog.text
    assert kept.end(stream) is not None
    (tmp_path / DAY).rename(tmp_path / "gone")
    assert kept.begin(stream, "after"), "its folder is made again"
    kept.close()


def test_no_folder_no_recording(tmp_path: Path, engine: MediaEngine) -> None:
    kept = open_at(tmp_path, engine)
    (tmp_path / DAY).write_text("a file")
    assert not kept.begin(talking(engine), "x")
    kept.close()
    assert kept.figures()["refused"] == 1
    with pytest.raises(OSError, match="File exists"):
        open_at(tmp_path / DAY, engine)


@pytest.mark.parametrize(
    ("name", "file"),
    [("a@b", "a@b"), ("../etc", "_./etc".replace("/", "_")), ("", "_"), ("a\0b\n", "a_b_"),
     (".x", "_x"), ("ü/" * 100, ("_" * 200)[:120])],
)  # fmt: skip
def test_names_are_one_harmless_part_of_a_path(name: str, file: str) -> None:
    assert safe(name) == file
    assert "/" not in safe(name)


def test_the_day_is_the_local_one() -> None:
    midnight_utc_ms = 1_795_305_600_000
    assert day_name(midnight_utc_ms, 7 * 3600) == day_name(midnight_utc_ms + 3_600_000, 0)
    assert day_name(midnight_utc_ms, -3600) != day_name(midnight_utc_ms, 0)


# ---- the encoder


def stereo(path: Path, samples: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def noise(seconds: float = 3.0) -> np.ndarray:
    rng = np.random.default_rng(5)
    quiet = np.zeros((4_000, 2), np.int16)
    loud = rng.integers(-32768, 32767, (int(seconds * 8000), 2), np.int16, endpoint=True)
    return np.concatenate([quiet, loud // 64, quiet])


def test_flac_holds_every_sample(tmp_path: Path) -> None:
    samples = noise()
    path = stereo(tmp_path / DAY / "a.wav", samples)
    size = path.stat().st_size
    made = encode(path)
    assert made == path.with_suffix(".flac")
    assert not path.exists()
    assert made.stat().st_size < size * 0.8
    assert np.array_equal(np.concatenate(list(decoded(made))).reshape(-1, 2), samples)


def test_what_is_not_the_same_is_told(tmp_path: Path) -> None:
    samples = noise()
    one = stereo(tmp_path / DAY / "one.wav", samples)
    assert same(one, stereo(tmp_path / DAY / "copy.wav", samples))
    samples[-1, 1] ^= 1
    assert not same(one, stereo(tmp_path / DAY / "odd.wav", samples))
    assert not same(one, stereo(tmp_path / DAY / "short.wav", samples[:-1]))


def test_a_wrong_result_keeps_the_wav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stereo(tmp_path / DAY / "a.wav", noise())
    monkeypatch.setattr("dialerd.shell.encoder.same", lambda *_: False)
    with pytest.raises(EncodeError, match="read back"):
        encode(path)
    assert [p.name for p in (tmp_path / DAY).iterdir()] == ["a.wav"]


def test_what_cannot_be_encoded_is_left_and_the_rest_goes_on(tmp_path: Path) -> None:
    stereo(tmp_path / DAY / "b.wav", noise())
    stereo(tmp_path / DAY / f"c{PART}", noise())
    for name, data in (("a.wav", b"not audio"), ("d.wav", b""), ("e.wav", b"RIFF" + bytes(60))):
        (tmp_path / DAY / name).write_bytes(data)
    given_up: set[Path] = set()
    assert work(tmp_path, given_up) == 1
    assert {p.name for p in given_up} == {"a.wav", "d.wav", "e.wav"}
    assert work(tmp_path, given_up) == 0
    assert {p.name for p in waiting(tmp_path)} == {"a.wav", "d.wav", "e.wav"}
    assert (tmp_path / DAY / "b.flac").exists()
    assert (tmp_path / DAY / f"c{PART}").exists()


def test_the_encoder_is_nice_and_ends_with_its_parent(tmp_path: Path) -> None:
    path = stereo(tmp_path / DAY / "a.wav", noise())
    (tmp_path / DAY / "b.flac.half").write_bytes(b"half")
    argv = [sys.executable, "-m", "dialerd.shell.encoder", str(tmp_path), "--parent"]
    with subprocess.Popen([*argv, str(os.getpid())]) as process:
        until(lambda: not path.exists())  # the last thing that it does
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
        process.terminate()
    assert [p.name for p in (tmp_path / DAY).iterdir()] == ["a.flac"]
    assert subprocess.run([*argv, "1"], check=True, timeout=200).returncode == 0
