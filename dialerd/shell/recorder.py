"""Records a call as a stereo WAV of 16-bit PCM at 8 kHz: left what we said, right what we heard.

The file is valid after a crash at any moment: audio is appended first, then the sizes in the header
are raised to cover it, each with one write of its own. What nobody said is a hole in the file, or
silence.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import threading
from collections import deque
from pathlib import Path
from typing import IO

import numpy as np

from fastpath.rtp import RECORD_DTYPE, MediaEngine
from fastpath.rtp_tape import Tape

RATE = 8_000
SIDES = 2
FRAME_BYTES = SIDES * 2
HEADER_BYTES = 44
HOLD_SAMPLES = RATE // 4  # kept back for packets that overtook each other
BYTES_MAX = 2**31  # 18 hours; the format ends at 4 GiB
ENTRY = np.dtype(RECORD_DTYPE)


class Recorder:
    """Writes one stream's recording.

    Call `drain` at least once a second, and `close` before the stream is closed. A thread may do
    the writing: it calls `gather` and `flush`; `stop` then ends the recording, and `finish` in the
    thread closes the file.

    A disk that fails ends the recording, never the call: `failed` then says why.
    """

    def __init__(self, path: Path | str, engine: MediaEngine, stream: int) -> None:
        """Create the file (OSError when that is refused) and begin at this moment."""
        self.failed = ""
        self._engine = engine
        self._stream = stream
        self._tape = Tape(HOLD_SAMPLES)
        self._gathering = threading.Lock()
        self._stopped = False
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._size = 0  # bytes of audio that the header covers
        self._file = own_file(Path(path))
        try:
            self._file.write(header(0))
            engine.record(stream, True)
        except BaseException:
            self._file.close()
            raise

    @property
    def seconds(self) -> float:
        """How much is in the file."""
        return self._size / FRAME_BYTES / RATE

    def drain(self) -> None:
        """Take what the engine recorded and append what is old enough to be complete."""
        self.gather()
        self.flush()

    def close(self) -> None:
        """Stop recording and write the rest. The stream must still be open."""
        self.stop()
        self.finish()

    def gather(self) -> None:
        """Take what the engine recorded."""
        with self._gathering:
            if not self._stopped and not self.failed:
                self._pieces += self._tape.take(self._engine.recorded(self._stream))

    def stop(self) -> int:
        """Record no more; how many samples of each side there are. The stream is still open."""
        with self._gathering:
            if not self._stopped:
                self._stopped = True
                self._engine.record(self._stream, False)
                last = self._engine.recorded(self._stream)
                self._pieces += self._tape.take(last, rest=True)
            return self._tape.samples

    def give_up(self, why: str) -> None:
        """Write no more; what is in the file stays."""
        self.failed = self.failed or why
        self._pieces.clear()

    def flush(self) -> None:
        """Append what was gathered, then let the header cover it."""
        while self._pieces and not self.failed and not self._file.closed:
            position, data = self._pieces.popleft()
            size = position * FRAME_BYTES + len(data)
            try:
                if size > BYTES_MAX:
                    raise OSError(f"longer than {BYTES_MAX // FRAME_BYTES // RATE // 3600} hours")
                self._file.seek(HEADER_BYTES + position * FRAME_BYTES)
                if self._file.write(data) != len(data):
                    raise OSError("the disk is full")
                self._file.seek(0)
                self._file.write(header(size))
            except OSError as error:
                self.give_up(error.strerror or str(error))
                return
            self._size = size

    def finish(self) -> None:
        """Write the rest and close the file; after `stop`."""
        try:
            self.flush()
        finally:
            self._file.close()


def own_file(path: Path) -> IO[bytes]:
    """A new file, or an older recording of ours to be written over; OSError.

    Only its owner reads it. A pipe or a device, for which an open may wait, and any other file are
    refused.
    """
    file = _opened(path, ours=True)
    try:
        file.truncate(0)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def check_file(path: Path, *, ours: bool) -> None:
    """Whether a recording can be written there; nothing is left or changed; OSError.

    Args:
        path: as that of a `Recorder`.
        ours: no other file may be there than an older recording of ours.
    """
    there = os.path.lexists(path)
    _opened(path, ours=ours).close()
    if not there:
        path.unlink()


def _opened(path: Path, *, ours: bool) -> IO[bytes]:
    how = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    file = open(os.open(path, how, 0o600), "r+b", buffering=0)  # noqa: SIM115 - the caller's
    try:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file", str(path))
        found, kept = file.read(HEADER_BYTES), header(0)
        if ours and found and (found[:4], found[8:40]) != (kept[:4], kept[8:40]):
            raise OSError(errno.EEXIST, "it is there already, and is no recording", str(path))
    except BaseException:
        file.close()
        raise
    return file


def header(size: int) -> bytes:
    """A WAV header over `size` bytes of stereo 16-bit PCM at 8 kHz."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + size, b"WAVE",
        b"fmt ", 16, 1, SIDES, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 16,
        b"data", size,
    )  # fmt: skip
