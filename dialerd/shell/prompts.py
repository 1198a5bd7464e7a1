"""Prompts from audio files: decoded once, kept as G.711 at 8 kHz in both codings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialerd.core.prompts_view import RATE, SECONDS_MAX, PromptError
from dialerd.shell.decoding import decode, open_regular
from dialerd.shell.levelling import to_int16
from dialerd.shell.wav import ALAW, ULAW, Plain, read_plain
from dialerd.store.prompt_library import Prompt as Prompt  # noqa: PLC0414 - found here too
from fastpath import g711

PLAIN_BYTES_MAX: Final = SECONDS_MAX * RATE * 2 + 65_536
RAW_LAWS: Final = {
    ".ulaw": ULAW, ".ul": ULAW, ".mulaw": ULAW, ".alaw": ALAW, ".al": ALAW,
}  # fmt: skip
SAMPLES: Final = Path(__file__).parents[1] / "prompts"
"""Folder of the sample prompts: LANGUAGE/NAME.wav."""


def load_prompt(path: Path | str) -> Prompt:
    """A file of any format as it is, neither louder nor quieter.

    What a telephone plays as it stands (mono at 8 kHz: G.711, or 16-bit WAV) is read here, G.711
    to the bit; all else is decoded by a process of its own. PromptError when the file is
    unreadable, no audio, empty, or longer than ten minutes.
    """
    path = Path(path)
    plain = read_plain_file(path)
    if plain is None:
        return encoded(to_int16(decode(path).samples.astype(np.float64)))
    if not plain.data:
        raise PromptError(f"{path}: no audio in it")
    if plain.seconds > SECONDS_MAX:
        raise PromptError(f"{path}: {plain.seconds:.0f} s long; at most {SECONDS_MAX} s are played")
    if plain.coding == ULAW:
        return Prompt(plain.data, g711.ulaw_to_alaw(plain.data), plain.seconds)
    if plain.coding == ALAW:
        return Prompt(g711.alaw_to_ulaw(plain.data), plain.data, plain.seconds)
    return encoded(np.frombuffer(plain.data, "<i2").astype(np.int16))


def encoded(samples: NDArray[np.int16]) -> Prompt:
    """(n,) samples at 8 kHz in both codings."""
    return Prompt(g711.ulaw_encode(samples), g711.alaw_encode(samples), len(samples) / RATE)


def read_plain_file(path: Path) -> Plain | None:
    """The file's audio when it is mono at 8 kHz and uncompressed, else None; PromptError."""
    coding = RAW_LAWS.get(path.suffix.lower())
    with open_regular(path) as file:
        try:
            head = file.read(12)
            if head[:4] != b"RIFF" and coding is None:
                return None
            data = head + file.read(PLAIN_BYTES_MAX)
        except OSError as error:
            raise PromptError(f"{path}: cannot read it: {error.strerror}") from error
    if head[:4] == b"RIFF":
        return read_plain(data) if len(data) <= PLAIN_BYTES_MAX else None
    assert coding is not None  # noqa: S101 - else returned above
    return Plain(coding, data)
