"""Decodes an audio file in a process of its own: `python -m dialerd.shell.audio_child SECONDS`.

The file is standard input and comes from anywhere: the codec libraries that read it may be made to
crash, to loop or to eat memory. So this process binds itself first (memory, processor time, no
files to write, no files or addresses to open by name) and tells what it finds on standard output,
as records: a kind, four octets of length (big-endian), that many octets.

    H  what the file is, as JSON     A  audio: float32 samples, mono, 8 kHz
    T  what was found on the way     E  why it cannot be read, as text: the last record
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
from io import FileIO
from typing import Any, Final

import av
import av.subtitles.stream  # all that a file may hold is imported before files are refused
import av.video.stream
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

RATE: Final = 8_000
MEMORY_BYTES_MAX: Final = 1 << 30
CPU_S_MAX: Final = 120
RATE_MIN, RATE_MAX = 4_000, 768_000
CHANNELS_MAX: Final = 32
BAD_PACKETS_MAX: Final = 1_000
LOUDEST: Final = 4.0  # of full scale 1.0: what a float file may say beyond it
CLIPPED_AT, CLIPPED_RUN = 0.98, 3  # so many equal samples in a row, this near to full scale
FORMATS: Final = (
    "3gp,aac,ac3,aiff,alaw,amr,amrnb,amrwb,ape,asf,au,caf,flac,g722,gsm,ircam,loas,m4a,matroska,mov,"
    "mp2,mp3,mp4,mulaw,nistsphere,ogg,qcp,s16le,sox,spx,tta,voc,w64,wav,webm,wv,avi,mpeg,mpegts,flv"
)
"""Containers that hold their audio themselves: a playlist would make us open what it names."""
RAW: Final = {"mulaw": RATE, "alaw": RATE, "s16le": RATE, "g722": 16_000, "gsm": RATE}

Floats = NDArray[np.float32]


class RefusedError(Exception):
    """Not to be read; the text says why."""


def tell(kind: bytes, body: bytes) -> None:
    """Write one record."""
    sys.stdout.buffer.write(kind + struct.pack(">I", len(body)) + body)


def bind() -> None:
    """Give up what decoding does not need."""
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES_MAX),
        (resource.RLIMIT_CPU, CPU_S_MAX),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # those that are open: no further ones


class Mixdown:
    """Frames of any rate and channels in, mono at 8 kHz out."""

    def __init__(self, seconds_max: float) -> None:
        """RefusedError when there is more than that."""
        self._samples_max = round(seconds_max * RATE)
        self._rate = 0
        self._stream: soxr.ResampleStream | None = None
        self.samples = 0
        self.clipped = 0

    def add(self, frame: AudioFrame) -> None:
        """One decoded frame; its audio is told when it is ready."""
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        if not RATE_MIN <= rate <= RATE_MAX:
            raise RefusedError(f"{rate} samples a second; {RATE_MIN} to {RATE_MAX} are read")
        if not 1 <= channels <= CHANNELS_MAX:
            raise RefusedError(f"{channels} channels; 1 to {CHANNELS_MAX} are read")
        audio = floats(frame.to_ndarray())
        if not frame.format.is_planar:
            audio = audio.reshape(-1, channels).T
        self.clipped += clipped(audio)
        if rate != self._rate:
            self.end()
            self._rate = rate
            if rate != RATE:
                self._stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="VHQ")
        self._say(audio.mean(axis=0, dtype=np.float32), last=False)

    def end(self) -> None:
        """Tell what the filter still holds."""
        if self._stream is not None:
            self._say(np.zeros(0, np.float32), last=True)
        self._stream = None

    def _say(self, mono: Floats, *, last: bool) -> None:
        if self._stream is not None:
            mono = self._stream.resample_chunk(mono, last=last)
        self.samples += len(mono)
        if self.samples > self._samples_max:
            raise RefusedError(
                f"longer than {self._samples_max / RATE:g} s, which is the most that is taken"
            )
        if len(mono):
            tell(b"A", mono.astype("<f4").tobytes())


def floats(samples: NDArray[Any]) -> Floats:
    """Any codec's samples, full scale 1.0."""
    kind = samples.dtype
    if kind == np.uint8:
        samples = samples.astype(np.int16) - 128
        kind = np.dtype(np.int8)
    if kind.kind == "i":
        return np.asarray(samples / float(1 << (8 * kind.itemsize - 1)), np.float32)
    bounded = np.nan_to_num(samples, nan=0.0, posinf=LOUDEST, neginf=-LOUDEST)
    return np.asarray(np.clip(bounded, -LOUDEST, LOUDEST), np.float32)


def clipped(audio: Floats) -> int:
    """How many samples are of runs that stand still at full scale, or lie beyond it."""
    beyond = np.abs(audio) > 1.0
    top = np.abs(audio) >= CLIPPED_AT
    if not top.any():
        return 0
    still = top[:, 1:] & (audio[:, 1:] == audio[:, :-1])
    run = still[:, 1:] & still[:, :-1]  # at least CLIPPED_RUN equal ones end here
    hit = beyond.copy()
    for back in range(CLIPPED_RUN):
        hit[:, CLIPPED_RUN - 1 - back : hit.shape[1] - back] |= run
    return int(hit.sum())


def header(container: Any, stream: AudioStream) -> dict[str, object]:
    """What the file is, before a sample of it is decoded."""
    length_s = 0.0
    if stream.duration is not None and stream.time_base is not None:
        length_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        length_s = container.duration / 1e6
    return {
        "container": container.format.name,
        "codec": stream.codec_context.name,
        "rate": stream.codec_context.sample_rate,
        "channels": stream.codec_context.layout.nb_channels,
        "length_s": max(0.0, length_s),
    }


def decode(seconds_max: float, raw: str) -> dict[str, object]:
    """Tell all audio of standard input; what was found on the way."""
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
    if raw:
        options["sample_rate"] = str(RAW[raw])
    file = FileIO(0, closefd=False)
    with av.open(
        file, "r", format=raw or None, container_options=options, metadata_errors="replace"
    ) as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise RefusedError("no audio in it")
        stream.codec_context.thread_count = 1
        tell(b"H", json.dumps(header(container, stream)).encode())
        mix, bad = Mixdown(seconds_max), 0
        cut = False
        try:
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except (av.error.InvalidDataError, av.error.PatchWelcomeError):
                    bad += 1
                    if bad > BAD_PACKETS_MAX:
                        break
                    continue
                for frame in frames:
                    if frame.samples:
                        mix.add(frame)
        except (av.error.InvalidDataError, av.error.EOFError):
            cut = True
        mix.end()
    if not mix.samples:
        raise RefusedError("no audio in it that can be decoded" if bad else "no audio in it")
    return {"clipped": mix.clipped, "bad_packets": bad, "cut": cut}


def main(seconds_max: float, raw: str = "") -> None:
    """Decode standard input; the last record is T or E."""
    av.logging.set_level(av.logging.PANIC)
    bind()
    try:
        tell(b"T", json.dumps(decode(seconds_max, raw)).encode())
    except RefusedError as error:
        tell(b"E", str(error).encode())
    except av.error.FFmpegError as error:
        tell(b"E", f"not audio that can be read ({error.strerror})".encode())
    except MemoryError:
        tell(b"E", b"decoding it takes more memory than audio should")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:3])
