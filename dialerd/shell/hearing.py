"""Any file as mono samples of 16 bits at 8 kHz, piece by piece: of hours, never all held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialerd.core.prompts_view import PromptError
from dialerd.shell import wav_any
from dialerd.shell.decoding import open_regular
from dialerd.shell.pcm import samples_of

SECONDS_MAX: Final = 6 * 3600
PLAIN_BYTES_MAX: Final = 16 << 30  # it is read piece by piece


def listen(path: Path, channel: int | None = None) -> Iterator[NDArray[np.int16]]:
    """The audio of a file from its begin on; PromptError says why there is none, or no more.

    `channel` is the one to hear, from 1 on, instead of the mean of all.
    """
    with open_regular(path, PLAIN_BYTES_MAX) as file:
        layout = wav_any.find(file, path.suffix)
        if layout is not None:
            if layout.seconds > SECONDS_MAX:
                raise PromptError(f"{path}: longer than {SECONDS_MAX // 3600} hours")
            if channel is not None and channel > layout.channels:
                raise PromptError(f"{path}: there is no channel {channel}, but {layout.channels}")
            yield from wav_any.pieces(file, layout, channel)
            return
    from dialerd.shell import decoding

    for loud in decoding.pieces(path, SECONDS_MAX, channel or 0):
        yield samples_of(loud)
