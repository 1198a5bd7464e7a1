"""Makes finished recordings smaller: WAV to FLAC, one at a time, at the lowest priority.

A process of its own: `python -m dialerd.shell.encoder FOLDER --parent PID`. It takes the oldest
WAV first, reads back what it wrote, and removes the WAV only when every sample is the same. A
recording in progress (NAME.part.wav) is left alone; what a crash left half done is done again.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from dialerd.shell.recordings import PART

LOOK_S: Final = 5.0
NICE: Final = 19
HALF: Final = ".half"

log = logging.getLogger("dialerd.encoder")


class EncodeError(ValueError):
    """A recording that cannot be made smaller; the text says which and why."""


def decoded(path: Path) -> Iterator[NDArray[np.int16]]:
    """The samples of a file, interleaved."""
    with av.open(str(path)) as source:
        for frame in source.decode(audio=0):
            yield frame.to_ndarray().reshape(-1).astype(np.int16)


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same samples, whatever the lengths of their blocks."""
    left, right = decoded(one), decoded(other)
    a = b = np.zeros(0, np.int16)
    while True:
        if not len(a):
            a = next(left, a)
        if not len(b):
            b = next(right, b)
        count = min(len(a), len(b))
        if not count:
            return not len(a) and not len(b)
        if not np.array_equal(a[:count], b[:count]):
            return False
        a, b = a[count:], b[count:]


def encode(path: Path) -> Path:
    """NAME.wav becomes NAME.flac; the new path. EncodeError, OSError: the WAV stays as it is."""
    made, half = path.with_suffix(".flac"), path.with_suffix(f".flac{HALF}")
    try:
        half.touch(mode=0o600)
        _write(path, half)
        if not same(path, half):
            raise EncodeError(f"{path}: what was encoded is not what was read back")
        with half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(made)
    except av.error.FFmpegError as error:
        raise EncodeError(f"{path}: {error}") from error
    finally:
        half.unlink(missing_ok=True)
    path.unlink()
    return made


def _write(path: Path, half: Path) -> None:
    with av.open(str(path)) as source, av.open(str(half), "w", format="flac") as sink:
        audio = source.streams.audio[0]
        if audio.codec_context.name != "pcm_s16le":
            raise EncodeError(f"{path}: not a recording of ours")
        stream: Any = sink.add_stream("flac", rate=audio.rate, layout=audio.layout.name)
        stream.codec_context.format = "s16"
        for frame in source.decode(audio):
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))


def waiting(folder: Path) -> list[Path]:
    """The finished recordings, oldest first."""
    return sorted(p for p in folder.glob("*/*.wav") if not p.name.endswith(PART))


def work(folder: Path, given_up: set[Path]) -> int:
    """Encode all that waits; how many. What cannot be encoded is named once and left."""
    count = 0
    for path in waiting(folder):
        if path in given_up:
            continue
        try:
            encode(path)
        except (EncodeError, OSError) as error:
            log.warning("%s", error)
            given_up.add(path)
            continue
        count += 1
    return count


def main() -> None:
    """Until the parent is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, required=True)
    given = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.nice(NICE)
    for half in given.folder.glob(f"*/*{HALF}"):
        half.unlink(missing_ok=True)
    given_up: set[Path] = set()
    while os.getppid() == given.parent:
        if not work(given.folder, given_up):
            time.sleep(LOOK_S)


if __name__ == "__main__":
    main()
