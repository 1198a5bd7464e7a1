"""Records a call as a stereo WAV of 16-bit PCM at 8 kHz: left what we said, right what we heard.

The file is valid after a crash at any moment: audio is appended first, then the sizes in the header
are raised to cover it, each with one write of its own.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastpath import g711
from fastpath.rtp import RECORD_DTYPE, MediaEngine

RATE = 8_000
SIDES = 2
FRAME_BYTES = SIDES * 2
HEADER_BYTES = 44
HOLD_SAMPLES = RATE // 4  # kept back for packets that overtook each other
BYTES_MAX = 2**31  # 18 hours; the format ends at 4 GiB
ENTRY = np.dtype(RECORD_DTYPE)


class Recorder:
    """Writes one stream's recording.

    Call `drain` at least once a second, and `close` before the stream is closed.

    A disk that fails ends the recording, never the call: `failed` then says why.
    """

    def __init__(self, path: Path | str, engine: MediaEngine, stream: int) -> None:
        """Create the file (OSError when that is refused) and begin at this moment."""
        self.failed = ""
        self._engine = engine
        self._stream = stream
        self._written = 0  # samples of each side in the file
        self._end = 0  # samples of each side that arrived
        self._pending = np.zeros((0, SIDES), np.int16)  # from position _written on
        self._file = Path(path).open("wb", buffering=0)  # noqa: SIM115  (closed by close)
        try:
            self._file.write(header(0))
            engine.record(stream, True)
        except BaseException:
            self._file.close()
            raise

    @property
    def seconds(self) -> float:
        """How much is in the file."""
        return self._written / RATE

    def drain(self) -> None:
        """Take what the engine recorded and append what is old enough to be complete."""
        if self.failed or self._file.closed:
            return
        self._place(np.frombuffer(self._engine.recorded(self._stream), ENTRY))
        self._append(self._end - HOLD_SAMPLES)

    def close(self) -> None:
        """Stop recording and write the rest. The stream must still be open."""
        if self._file.closed:
            return
        try:
            self._engine.record(self._stream, False)
            self.drain()
            self._append(self._end)
        finally:
            self._file.close()

    def _place(self, entries: NDArray[np.void]) -> None:
        """Decode entries and lay them out in time; what came too late for that is left out."""
        entries = entries[entries["position"] >= self._written]
        if not len(entries):
            return
        self._end = max(self._end, int((entries["position"] + entries["size"]).max()))
        room = self._end + ENTRY["payload"].shape[0] - self._written - len(self._pending)
        if room > 0:
            self._pending = np.concatenate([self._pending, np.zeros((room, SIDES), np.int16)])
        for coding, decode in ((0, g711.ulaw_decode), (8, g711.alaw_decode)):
            chosen = entries[entries["payload_type"] == coding]
            payload = np.ascontiguousarray(chosen["payload"])
            samples = decode(payload.reshape(-1).data).reshape(payload.shape)
            offset = np.arange(payload.shape[1])
            rows = (chosen["position"] - self._written)[:, None] + offset
            mask = offset < chosen["size"][:, None]
            sides = np.broadcast_to(chosen["side"][:, None], mask.shape)
            self._pending[rows[mask], sides[mask]] = samples[mask]

    def _append(self, until: int) -> None:
        """Write up to sample `until`, then let the header cover it."""
        count = until - self._written
        if count <= 0 or self.failed:
            return
        data = np.ascontiguousarray(self._pending[:count], "<i2").tobytes()
        size = (self._written + count) * FRAME_BYTES
        try:
            if size > BYTES_MAX:
                raise OSError(f"longer than {BYTES_MAX // FRAME_BYTES // RATE // 3600} hours")
            self._file.seek(HEADER_BYTES + self._written * FRAME_BYTES)
            written = self._file.write(data)
            if written != len(data):
                raise OSError("the disk is full")
            self._file.seek(0)
            self._file.write(header(size))
        except OSError as error:
            self.failed = error.strerror or str(error)
            return
        self._written += count
        self._pending = self._pending[count:]


def header(size: int) -> bytes:
    """A WAV header over `size` bytes of stereo 16-bit PCM at 8 kHz."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + size, b"WAVE",
        b"fmt ", 16, 1, SIDES, RATE, RATE * FRAME_BYTES, FRAME_BYTES, 16,
        b"data", size,
    )  # fmt: skip
