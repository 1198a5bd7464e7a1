"""Decodes an audio file in a process of its own.

`python -m dialerd.shell.audio_child SECONDS FORMAT CHANNEL`, FORMAT empty where the file says
what it is, CHANNEL 0 (all of them together) or the one to take.

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

from dialerd.shell.pcm import Floats, floats, mono

RATE: Final = 8_000
MEMORY_BYTES_MAX: Final = 1 << 30
CPU_S_MAX: Final = 120
RATE_MIN, RATE_MAX = 4_000, 768_000
CHANNELS_MAX: Final = 32
BAD_PACKETS_MAX: Final = 1_000
CLIPPED_AT, CLIPPED_RUN = 0.98, 3  # so many equal samples in a row, this near to full scale
FORMATS: Final = (
    "3gp,aac,ac3,aiff,alaw,amr,amrnb,amrwb,ape,asf,au,caf,flac,g722,gsm,ircam,loas,m4a,matroska,mov,"
    "mp2,mp3,mp4,mulaw,nistsphere,ogg,qcp,s16le,sox,spx,tta,voc,w64,wav,webm,wv,avi,mpeg,mpegts,flv"
)
"""Containers that hold their audio themselves: a playlist would make us open what it names."""
STATED: Final = ("aiff", "au", "flac", "mov", "matroska", "caf", "wav", "w64", "asf", "tta", "voc")
"""Containers whose header says how long they are; the others' length is guessed of their size."""
TAG_WITHIN: Final = 2048  # octets: where a first frame of MPEG audio has its tag
SHORT_S: Final = 0.25  # less audio than a header says by more is missing; codecs pad by less
MPEG_RATES: Final = (  # kbit/s by the index in a frame's header (ISO/IEC 11172-3, 13818-3)
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1, layer 3
    (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),  # MPEG 1, layer 2
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5, both
)
RAW: Final = {"mulaw": RATE, "alaw": RATE, "s16le": RATE, "g722": 16_000, "gsm": RATE}


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

    def __init__(self, seconds_max: float, channel: int = 0) -> None:
        """RefusedError when there is more than that; `channel` 0: the mean of all."""
        self._channel = channel
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
        if self._channel > channels:
            raise RefusedError(f"there is no channel {self._channel}, but {channels}")
        if self._channel:
            audio = audio[self._channel - 1 : self._channel]
        self.clipped += clipped(audio)
        if rate != self._rate:
            self.end()
            self._rate = rate
            if rate != RATE:
                self._stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="VHQ")
        self._say(mono(audio), last=False)

    def end(self) -> None:
        """Tell what the filter still holds."""
        if self._stream is not None:
            self._say(np.zeros(0, np.float32), last=True)
        self._stream = None

    def _say(self, one: Floats, *, last: bool) -> None:
        if self._stream is not None:
            one = self._stream.resample_chunk(one, last=last)
        self.samples += len(one)
        if self.samples > self._samples_max:
            raise RefusedError(
                f"longer than {self._samples_max / RATE:g} s, which is the most that is taken"
            )
        if len(one):
            tell(b"A", one.astype("<f4").tobytes())


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


def tagged(file: FileIO) -> tuple[str, ...]:
    """("mp3",) when the first frame of MPEG audio says how many there are; behind an ID3v2 tag."""
    file.seek(0)
    head = file.read(10)
    skip = 0
    if head[:3] == b"ID3" and len(head) == 10:
        for octet in head[6:]:
            skip = skip << 7 | octet & 0x7F
        skip += 10
    file.seek(skip)
    start = file.read(TAG_WITHIN)
    return ("mp3",) if any(tag in start for tag in (b"Xing", b"Info", b"VBRI")) else ()


def mpeg_frame_size(frame: bytes) -> int:
    """Octets of a frame of MPEG audio, layer 2 or 3, by its header; 0 when that is none."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return 0
    version, layer = frame[1] >> 3 & 3, frame[1] >> 1 & 3  # 3: MPEG 1; 1: layer 3, 2: layer 2
    index, rate = frame[2] >> 4, frame[2] >> 2 & 3
    if version == 1 or layer not in {1, 2} or index in {0, 15} or rate == 3:
        return 0
    kbits = MPEG_RATES[layer - 1 if version == 3 else 2][index]
    hz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 576 if version != 3 and layer == 1 else 1152
    return samples // 8 * kbits * 1000 // hz + (frame[2] >> 1 & 1)


def header(container: Any, stream: AudioStream) -> dict[str, Any]:
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


def decode(seconds_max: float, raw: str, channel: int = 0) -> dict[str, object]:
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
        about = header(container, stream)
        tell(b"H", json.dumps(about).encode())
        mix, bad, last = Mixdown(seconds_max, channel), 0, b""
        cut = False
        try:
            for packet in container.demux(stream):
                cut = cut or packet.is_corrupt  # its file ended before it did
                last = bytes(packet) or last
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
        name, missing_s = container.format.name, about["length_s"] - mix.samples / RATE
        if name == "mp3":
            cut = cut or len(last) < mpeg_frame_size(last)
        if missing_s > SHORT_S and not {*STATED, *tagged(file)}.isdisjoint(name.split(",")):
            cut = True
    if not mix.samples:
        raise RefusedError("no audio in it that can be decoded" if bad else "no audio in it")
    return {"clipped": mix.clipped, "bad_packets": bad, "cut": cut}


def main(seconds_max: float, raw: str = "", channel: int = 0) -> None:
    """Decode standard input; the last record is T or E."""
    av.logging.set_level(av.logging.PANIC)
    bind()
    try:
        tell(b"T", json.dumps(decode(seconds_max, raw, channel)).encode())
    except RefusedError as error:
        tell(b"E", str(error).encode())
    except av.error.FFmpegError as error:
        tell(b"E", f"not audio that can be read ({error.strerror})".encode())
    except MemoryError:
        tell(b"E", b"decoding it takes more memory than audio should")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
