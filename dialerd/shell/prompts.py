"""Prompts from audio files: decoded once, kept as G.711 at 8 kHz in both codings."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialerd.shell.resample import resample
from dialerd.shell.wav import ALAW, ULAW, Wav, WavError, read_wav
from fastpath import g711

RATE = 8_000
SECONDS_MAX = 600
FILE_BYTES_MAX = SECONDS_MAX * 48_000 * 2 * 2 + 65_536  # ten minutes in stereo at 48 kHz
LEVEL_DBFS = -19.0  # of speech, as ITU-T P.56 levels go on the telephone
RAW = {".ulaw": ULAW, ".ul": ULAW, ".mulaw": ULAW, ".alaw": ALAW, ".al": ALAW}
SAMPLES = Path(__file__).parents[1] / "prompts"
"""Folder of the sample prompts: LANGUAGE/NAME.wav."""


class PromptError(ValueError):
    """A file that cannot be a prompt; the text names it and says why."""


class Prompt(NamedTuple):
    """A prompt ready to play: the same 8 kHz audio in both codings, a byte for each sample."""

    pcmu: bytes
    pcma: bytes
    seconds: float


def load_prompt(path: Path | str) -> Prompt:
    """Read WAV (PCM of 8 or 16 bits, mu-law, A-law; mono or stereo; any rate), .ulaw or .alaw.

    Audio that is mu-law or A-law at 8 kHz already is taken as it is. PromptError when the file is
    unreadable, no audio, empty, or longer than ten minutes.
    """
    path = Path(path)
    wav = read_file(path)
    if not wav.data:
        raise PromptError(f"{path}: no audio in it")
    if wav.seconds > SECONDS_MAX:
        raise PromptError(f"{path}: {wav.seconds:.0f} s long; at most {SECONDS_MAX} s are played")
    if wav.channels == 1 and wav.rate == RATE and wav.coding == ULAW:
        return Prompt(wav.data, g711.ulaw_to_alaw(wav.data), wav.seconds)
    if wav.channels == 1 and wav.rate == RATE and wav.coding == ALAW:
        return Prompt(g711.alaw_to_ulaw(wav.data), wav.data, wav.seconds)
    samples = resample(wav.mono(), wav.rate, RATE)
    return Prompt(g711.ulaw_encode(samples), g711.alaw_encode(samples), len(samples) / RATE)


def read_file(path: Path) -> Wav:
    """The audio of a file, still in its own coding and rate."""
    try:
        if not path.is_file():
            raise PromptError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise PromptError(f"{path}: {size >> 20} MiB; at most {FILE_BYTES_MAX >> 20} are read")
        data = path.read_bytes()
    except OSError as error:
        raise PromptError(f"{path}: cannot read it: {error.strerror}") from error
    coding = RAW.get(path.suffix.lower())
    if coding is not None and data[:4] != b"RIFF":
        return Wav(coding, 1, RATE, 8, data)
    try:
        return read_wav(data)
    except WavError as error:
        raise PromptError(f"{path}: {error}") from error


def level(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Speech at LEVEL_DBFS, silence at both ends cut to 100 ms, peaks kept 1 dB below full scale.

    The level is that of the louder half of its frames that are no pauses.
    """
    frame = RATE // 50
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    power = (frames**2).mean(axis=1)
    if not len(power) or power.max() == 0:
        return samples
    loud = np.flatnonzero(power > power.max() * 1e-4)
    first, last = max(0, loud[0] - 5) * frame, (loud[-1] + 6) * frame
    speech = np.sqrt(np.sort(power[loud])[len(loud) // 2 :].mean())
    gain = min(10 ** (LEVEL_DBFS / 20) * 32768 / speech, 29_200 / np.abs(frames).max())
    levelled: NDArray[np.int16] = np.rint(samples[first:last] * gain).astype(np.int16)
    return levelled


def convert(source: Path | str, target: Path | str) -> None:
    """Level any prompt file and write it as mu-law WAV at 8 kHz: how the samples are made."""
    wav = read_file(Path(source))
    data = g711.ulaw_encode(level(resample(wav.mono(), wav.rate, RATE)))
    body = struct.pack("<HHIIHHH", ULAW, 1, RATE, RATE, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(data))
    pad = b"\0" * (len(data) & 1)
    chunks = struct.pack("<4sI", b"fmt ", len(body)) + body + fact
    chunks += struct.pack("<4sI", b"data", len(data)) + data + pad
    Path(target).write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WAVE") + chunks)
