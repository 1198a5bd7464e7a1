"""Any audio file as mono samples at 8 kHz, decoded by a process that its faults cannot leave."""

from __future__ import annotations

import json
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialerd.core.prompts_view import RATE, SECONDS_MAX, PromptError

FILE_BYTES_MAX: Final = 512 << 20
ENDING_S: Final = 2.0  # for a child that closed its pipe to be gone
DECODE_S_MAX: Final = 180.0  # of the clock; the child's processor time has a bound of its own
RECORD_BYTES_MAX: Final = 16 << 20
TEXT_CHARS_MAX: Final = 300
RAW: Final = {
    ".ulaw": "mulaw", ".ul": "mulaw", ".mulaw": "mulaw", ".alaw": "alaw", ".al": "alaw",
    ".sln": "s16le", ".g722": "g722", ".gsm": "gsm",
}  # fmt: skip
"""Files without a header: what their names say is in them."""

Progress = Callable[[float, float], None]
"""Called with the seconds done and the seconds there are (0: unknown)."""


class Decoded(NamedTuple):
    """The audio of a file: float32 samples at 8 kHz, full scale 1.0, and what was seen of it."""

    samples: NDArray[np.float32]
    container: str
    codec: str
    rate: int
    channels: int
    clipped: int  # samples of the file that stand still at full scale
    damaged: bool  # parts could not be decoded and are missing

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / RATE


def decode(path: Path, progress: Progress | None = None) -> Decoded:
    """Decode a file of any format that FFmpeg's libraries know; PromptError says why not."""
    about: dict[str, Any] = {}
    parts: list[bytes] = []
    size = 0
    with closing(_records(path, SECONDS_MAX)) as records:
        for kind, body in records:
            if kind == b"A":
                parts.append(body)
                size += len(body)
                if progress is not None:
                    progress(size / 4 / RATE, float(about.get("length_s", 0.0)))
            else:
                about |= json.loads(body)
    return Decoded(
        np.frombuffer(b"".join(parts), "<f4"),
        str(about["container"]), str(about["codec"]), int(about["rate"]), int(about["channels"]),
        int(about["clipped"]), bool(about["bad_packets"] or about["cut"]),
    )  # fmt: skip


def pieces(path: Path, seconds_max: int, channel: int = 0) -> Iterator[NDArray[np.float32]]:
    """The samples of such a file as they are decoded, never all of them held; PromptError.

    `channel` is the one to take, from 1 on; 0: the mean of all.
    """
    with closing(_records(path, seconds_max, channel)) as records:
        for kind, body in records:
            if kind == b"A":
                yield np.frombuffer(body, "<f4")


def open_regular(path: Path, bytes_max: int = FILE_BYTES_MAX) -> IO[bytes]:
    """Open a file to read, and nothing that waits or never ends; PromptError."""
    try:
        file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0)  # noqa: SIM115
    except OSError as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise PromptError(f"{path}: {why}") from error
    found = os.fstat(file.fileno())
    if stat.S_ISREG(found.st_mode) and found.st_size <= bytes_max:
        return file
    file.close()
    if stat.S_ISREG(found.st_mode):
        most = bytes_max >> 20
        raise PromptError(f"{path}: {found.st_size >> 20} MiB; at most {most} MiB are read")
    raise PromptError(f"{path}: not a file")


class _EndedError(Exception):
    """The child broke off."""


def _records(path: Path, seconds_max: int, channel: int = 0) -> Generator[tuple[bytes, bytes]]:
    """What the child tells: one H, any number of A, one T; PromptError for anything else."""
    with open_regular(path) as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "dialerd.shell.audio_child", str(seconds_max),
             RAW.get(path.suffix.lower(), ""), str(channel)],
            stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(),
        )  # fmt: skip
    with child:
        watch = threading.Timer(DECODE_S_MAX, child.kill)
        watch.start()
        try:
            assert child.stdout is not None  # noqa: S101 - asked for above
            yield from _in_order(path, child.stdout, seconds_max)
        except _EndedError:
            raise PromptError(f"{path}: {_broken_off(child)}") from None
        finally:
            watch.cancel()
            child.kill()


def _in_order(path: Path, pipe: IO[bytes], seconds_max: int) -> Generator[tuple[bytes, bytes]]:
    """Records up to the last; _EndedError when they are none, or not in their order."""
    kind, size = b"", 0
    while kind != b"T":
        before = kind
        kind, body = _record(pipe)
        if kind == b"E":
            text = body[: 4 * TEXT_CHARS_MAX].decode(errors="replace")[:TEXT_CHARS_MAX]
            raise PromptError(f"{path}: {text}")
        size += len(body) if kind == b"A" else 0
        known = kind == b"H" if not before else kind in {b"A", b"T"}
        known = known and (kind == b"A" or _is_told(body))
        if not known or size > seconds_max * RATE * 4:
            raise _EndedError
        yield kind, body


def _record(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    head = pipe.read(5)
    if len(head) < 5:
        raise _EndedError
    (size,) = struct.unpack(">I", head[1:])
    if size > RECORD_BYTES_MAX:
        raise _EndedError
    body = pipe.read(size)
    if len(body) < size:
        raise _EndedError
    return head[:1], body


def _is_told(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _environment() -> dict[str, str]:
    """Ours, without threads that would only take memory from the decoder."""
    root = str(Path(__file__).parents[2])
    return os.environ | {"PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1"}


def _broken_off(child: subprocess.Popen[bytes]) -> str:
    """What became of a child that told no more, or nonsense."""
    try:
        return _why(child.wait(ENDING_S))
    except subprocess.TimeoutExpired:
        return "the decoder says what no decoder says: a damaged file"


def _why(status: int) -> str:
    """What became of a child that did not say it."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "decoding it takes longer than audio should"
    if status < 0:
        return f"the decoder broke off ({signal.Signals(-status).name}): a damaged file"
    return f"the decoder ended with status {status}"
