"""The recordings of a daemon: one folder a day, one thread that writes, a mark on the disk.

A recording is written as NAME.part.wav, valid at every moment, and renamed when its call has ended.
What a crash left is renamed at the next start. None takes the place of another. Below the mark of
free space all recordings end and no new one begins: calls go on as if nothing were.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from dialerd.shell.kept_process import KeptProcess
from dialerd.shell.recorder import FRAME_BYTES, HEADER_BYTES, RATE, SIDES, Recorder
from dialerd.store.recording_files import KINDS, numbered, safe
from fastpath.rtp import MediaEngine

log = logging.getLogger("dialerd.recordings")

PART: Final = ".part.wav"
PERIOD_S: Final = 0.25  # the engine holds 2.5 s; a kill costs this, the hold-back and the moment
LOOK_PERIODS: Final = 8  # the free space is looked at every 2 s
STOP_S: Final = 10.0
ALIKE_MAX: Final = 1_000  # recordings of one name on one day; further ones are refused


class Recording(msgspec.Struct, frozen=True):
    """A finished recording; `path` is below the folder of recordings."""

    path: str
    seconds: float
    size: int  # bytes
    channels: int = SIDES


class _Running:
    """A recording in progress."""

    __slots__ = ("dropped", "name", "recorder")

    def __init__(self, name: str, recorder: Recorder) -> None:
        self.name = name
        self.recorder = recorder
        self.dropped = False  # nobody wants it any more


class Recordings:
    """What is being recorded. All but `_run` belongs to the event loop's thread."""

    def __init__(
        self,
        folder: Path,
        engine: MediaEngine,
        *,
        free_bytes_min: int,
        day: Callable[[], str],
    ) -> None:
        """Finish what a crash left and start writing. OSError when there can be no folder."""
        self.folder = self._folder = folder
        self._engine = engine
        self._free_bytes_min = free_bytes_min
        self._day = day
        self._running: dict[int, _Running] = {}
        self._ended: deque[_Running] = deque()
        self._wake = threading.Event()
        self._closing = False
        self.low = False  # of disk space
        self.first: Callable[[], None] | None = None  # called when the first one begins
        self.totals = dict.fromkeys(("begun", "finished", "failed", "refused", "seconds"), 0.0)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.recovered = _recover(folder)
        self._look()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def runs(self, stream: int) -> bool:
        """Whether a stream is being recorded."""
        return stream in self._running

    def begin(self, stream: int, name: str) -> bool:
        """Record a stream as DAY/`name`.wav; False when that cannot be now."""
        if stream in self._running:
            return True
        if self.low:
            self.totals["refused"] += 1
            return False
        name = f"{self._day()}/{safe(name)}"
        try:
            (self._folder / name).parent.mkdir(mode=0o700, exist_ok=True)
            name = _free(self._folder, name)
            path = self._folder / f"{name}{PART}"
            running = _Running(name, Recorder(path, self._engine, stream))
        except (OSError, MemoryError) as error:
            log.warning("no recording %s: %s", name, error)
            self.totals["refused"] += 1
            return False
        self._running[stream] = running
        self.totals["begun"] += 1
        if self.first is not None:
            first, self.first = self.first, None
            first()
        return True

    def end(self, stream: int, *, drop: bool = False) -> Recording | None:
        """Stop recording a stream, which is still open; None when there is nothing to keep.

        `drop` throws away what was recorded.
        """
        running = self._running.pop(stream, None)
        if running is None:
            return None
        running.dropped = drop
        samples = running.recorder.stop()
        self._ended.append(running)
        self._wake.set()
        if running.recorder.failed:
            samples = round(running.recorder.seconds * RATE)
        seconds = samples / RATE
        return Recording(f"{running.name}.wav", seconds, HEADER_BYTES + samples * FRAME_BYTES)

    def close(self) -> None:
        """End all and wait until they are written."""
        for stream in list(self._running):
            self.end(stream)
        self._closing = True
        self._wake.set()
        self._thread.join(STOP_S)

    def figures(self) -> dict[str, float]:
        """Counts and the present state."""
        low = float(self.low)
        return {**self.totals, "running": float(len(self._running)), "disk_low": low}

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        periods = 0
        while not (self._closing and not self._ended):
            self._wake.wait(PERIOD_S)
            self._wake.clear()
            periods += 1
            if periods % LOOK_PERIODS == 0:
                self._look()
            for running in list(self._running.values()):
                self._write(running)
            while self._ended:
                self._finish(self._ended.popleft())

    def _write(self, running: _Running) -> None:
        recorder, failed = running.recorder, running.recorder.failed
        try:
            recorder.gather()
        except KeyError:  # its stream was closed this moment; `end` took the rest
            return
        recorder.flush()
        if recorder.failed and not failed:
            self._failed(running)

    def _finish(self, running: _Running) -> None:
        recorder, failed = running.recorder, running.recorder.failed
        try:
            recorder.finish()
            if recorder.failed and not failed:
                self._failed(running)
            part = self._folder / f"{running.name}{PART}"
            if running.dropped:
                part.unlink()
                return
            part.replace(self._folder / f"{running.name}.wav")
        except OSError as error:
            log.warning("recording %s: %s", running.name, error)
            self.totals["failed"] += 1
            return
        self.totals["finished"] += 1
        self.totals["seconds"] += recorder.seconds

    def _failed(self, running: _Running) -> None:
        log.warning("recording %s ended early: %s", running.name, running.recorder.failed)
        self.totals["failed"] += 1

    def _look(self) -> None:
        """Whether the disk has room; recordings end when it has not."""
        try:
            state = os.statvfs(self._folder)
        except OSError as error:
            log.warning("recordings: %s", error)
            return
        free = state.f_bavail * state.f_frsize
        low = free < self._free_bytes_min
        if low and not self.low:
            log.error(
                "recordings stop: %d MB are free, the mark is %d MB; calls go on",
                free >> 20, self._free_bytes_min >> 20,
            )  # fmt: skip
        elif self.low and not low:
            log.warning("recordings begin again: %d MB are free", free >> 20)
        self.low = low
        if low:
            for running in list(self._running.values()):
                if not running.recorder.failed:
                    running.recorder.give_up("the disk is nearly full")
                    self._failed(running)


def encode_later(recordings: Recordings) -> KeptProcess:
    """The process that makes finished ones smaller: who records nothing pays nothing for it."""
    folder = recordings.folder
    encoder = KeptProcess("the encoder", "dialerd.shell.encoder", str(folder))
    if any(folder.glob("*/*.wav")):
        encoder.start()
    else:
        recordings.first = encoder.start
    return encoder


def _free(folder: Path, name: str) -> str:
    """A name that no recording has, finished or not. FileExistsError when all are taken."""
    for count in range(1, ALIKE_MAX + 1):
        found = numbered(name, count)
        # in the order in which one becomes the other, which another thread may do just now
        if not any((folder / f"{found}{kind}").exists() for kind in (PART, *KINDS)):
            return found
    raise FileExistsError(f"{ALIKE_MAX} recordings are called so")


def _recover(folder: Path) -> int:
    """Rename what a crash left behind; how many."""
    count = 0
    for part in folder.glob(f"*/*{PART}"):
        name = part.name.removesuffix(PART)
        if any((part.parent / f"{name}{kind}").exists() for kind in KINDS):
            name = _free(part.parent, name)
        part.replace(part.with_name(f"{name}.wav"))
        count += 1
    return count
