"""What keys are judged on: tones with every fault that Q.24 names, and hours of recorded voices.

The voices are Debian's: prompts of Asterisk (`asterisk-core-sounds-*`, `asterisk-prompt-*`, nine
speakers), letters and words of `klettres-data` and `ktuberling-data`, sentences of
`tuxpaint-stamps-default`: some hundred speakers of forty languages. Music is
`asterisk-moh-opsound-wav`. All read where they are installed, never copied.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from bench.answer_lines import Samples, through
from fastpath.dtmf import DtmfDetector
from tests.fastpath.dtmf_tape import KEYS, Audio, amplitude, press, silence

RATE: Final = 8_000
SHARE: Final = Path("/usr/share")
TAPES: Final = {  # name: (folder below /usr/share, patterns)
    "prompts of Asterisk": ("asterisk/sounds", ("*.wav", "*.gsm")),
    "letters, words (klettres)": ("klettres", ("*.ogg",)),
    "words (ktuberling)": ("ktuberling/sounds", ("*.ogg", "*.wav")),
    "sentences (tuxpaint)": ("tuxpaint/stamps", ("*.ogg", "*.wav")),
    "music on hold": ("asterisk/moh", ("*.wav",)),
}
INSTALLED: Final = (
    "prompts of Asterisk",
    "letters, words (klettres)",
    "words (ktuberling)",
    "music on hold",
)
"""Those of debian-packages.txt."""


class Fault(NamedTuple):
    """What is wrong with a key. Levels in dBm0 of each tone; off: parts of a frequency."""

    name: str
    offs: Sequence[tuple[float, float]] = ((0.0, 0.0),)  # of row and column
    twists: Sequence[float] = (0.0,)  # dB of the row over the column
    ms: float = 50.0
    level: float = -10.0  # of the stronger tone
    weaker: float | None = None  # the level of the weaker tone instead
    snr: float | None = None  # dB of both tones together over white noise of 4 kHz
    codec: str = "ulaw"
    right: bool = True  # it has to be heard; False: it has to be left alone


BOTH: Final = (-1, 1)
FAULTS: Final = (
    Fault("as it should be"),
    Fault("as it should be, A-law", codec="alaw"),
    Fault("through GSM full rate, 80 ms", ms=80, codec="gsm"),
    Fault("1.5 % off", offs=[(0.015 * a, 0.015 * b) for a in BOTH for b in BOTH]),
    Fault("1.5 % off, 40 ms", offs=[(0.015 * a, 0.015 * b) for a in BOTH for b in BOTH], ms=40),
    Fault("row 8 dB over column, column 4 dB over row", twists=(8.0, -4.0)),
    Fault("40 ms", ms=40),
    Fault("-38 dBm0", level=-38),
    Fault("-38 dBm0, A-law, 40 ms", level=-38, codec="alaw", ms=40),
    Fault("10 dB over noise", snr=10),
    Fault("10 dB over noise, 40 ms", snr=10, ms=40),
    Fault("1.5 % off, twist, 40 ms, -30 dBm0 at once",
          offs=[(0.015 * a, 0.015 * b) for a in BOTH for b in BOTH], twists=(8.0, -4.0), ms=40,
          level=-30),
    Fault("1.5 % off, twist, 10 dB over noise, 50 ms at once",
          offs=[(0.015 * a, 0.015 * b) for a in BOTH for b in BOTH], twists=(8.0, -4.0), snr=10),
    Fault("row and column 3.5 % off", offs=[(0.035 * a, 0.035 * b) for a in BOTH for b in BOTH],
          right=False),
    Fault("row 3.5 % off", offs=((0.035, 0.0), (-0.035, 0.0)), right=False),
    Fault("column 3.5 % off", offs=((0.0, 0.035), (0.0, -0.035)), right=False),
    Fault("3.5 % off, 100 ms, 10 dB over noise",
          offs=[(0.035 * a, 0.035 * b) for a in BOTH for b in BOTH], ms=100, snr=10, right=False),
    Fault("23 ms", ms=23, right=False),
)  # fmt: skip


CORNERS: Final = tuple((0.015 * a, 0.015 * b) for a in BOTH for b in BOTH)
ASKED: Final = {  # what each of a key's faults is, for all their pairs
    "1.5 % off": {"offs": CORNERS},
    "row 8, column 4 dB over": {"twists": (8.0, -4.0)},
    "40 ms": {"ms": 40.0},
    "-38 dBm0": {"weaker": -38.0},
    "10 dB over noise": {"snr": 10.0},
}


def both(first: str, second: str) -> Fault:
    """Two of ASKED at once; one, when they are the same."""
    return Fault(f"{first}, {second}", **(ASKED[first] | ASKED[second]))  # type: ignore[arg-type]


def at_once() -> Fault:
    """All of ASKED."""
    return Fault("all", **{k: v for one in ASKED.values() for k, v in one.items()})  # type: ignore[arg-type]


def keys(fault: Fault, times: int, seed: int = 1) -> Iterator[tuple[str, Samples]]:
    """Each key `times` times with each of the fault's ways, at any place of a detector's block."""
    rng = np.random.default_rng(seed)
    for key in KEYS * times:
        for off in fault.offs:
            for twist in fault.twists:
                loud = fault.level if fault.weaker is None else fault.weaker + abs(twist)
                low, high = loud - max(-twist, 0), loud - max(twist, 0)
                tones = press(
                    key, fault.ms, low=low, high=high, low_off=off[0], high_off=off[1],
                    phases=(float(rng.uniform(0, 6.3)), float(rng.uniform(0, 6.3))),
                )  # fmt: skip
                lead = silence(40 + rng.uniform(0, 25))
                audio = np.hstack([lead, tones, silence(80)])
                if fault.snr is not None:
                    power = (amplitude(low) ** 2 + amplitude(high) ** 2) / 2
                    noise = np.sqrt(power / 10 ** (fault.snr / 10))
                    audio = audio + rng.normal(0, noise, len(audio))
                audio = np.hstack([audio, np.zeros(-len(audio) % 160)])
                yield key, through(fault.codec, np.clip(audio, -32_768, 32_767))


def ours(samples: Samples) -> str:
    """The keys that dialerd hears."""
    return "".join(key for key, _ in DtmfDetector().hear(samples))


class Spandsp:
    """The detector of Debian's libspandsp2."""

    def __init__(self) -> None:
        self.spandsp = ctypes.CDLL("libspandsp.so.2")
        self.spandsp.dtmf_rx_init.restype = ctypes.c_void_p
        self.spandsp.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
        self.spandsp.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        self.spandsp.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self.spandsp.dtmf_rx_free.argtypes = [ctypes.c_void_p]

    def __call__(self, samples: Samples) -> str:
        """The keys that it hears."""
        state = self.spandsp.dtmf_rx_init(None, None, None)
        found, buffer = "", ctypes.create_string_buffer(128)
        samples = np.ascontiguousarray(samples)
        for at in range(0, len(samples), 8_000):  # it keeps 128 keys until they are taken
            part = samples[at : at + 8_000]
            self.spandsp.dtmf_rx(state, part.ctypes.data, len(part))
            self.spandsp.dtmf_rx_get(state, buffer, 127)
            found += buffer.value.decode()
        self.spandsp.dtmf_rx_free(state)
        return found


def files(tape: str) -> list[Path]:
    """The recordings of a tape, without those that are tones themselves; none: not installed."""
    folder, patterns = TAPES[tape]
    found = sorted(path for one in patterns for path in (SHARE / folder).rglob(one))
    return [path for path in found if "tone" not in path.name and "beep" not in path.name]


def decoded(path: Path) -> Audio:
    """A recording of any format as mono at 8 kHz, by FFmpeg's libraries in this process."""
    parts: list[NDArray[np.int16]] = []
    raw = "gsm" if path.suffix == ".gsm" else None
    # a handful of old OGG files hold more streams than FFmpeg follows: heard as far as they go
    with (
        suppress(av.error.PatchWelcomeError),
        av.open(str(path), format=raw, metadata_errors="replace") as container,
    ):
        resampler = av.AudioResampler("s16", "mono", RATE)
        for frame in container.decode(audio=0):
            parts += [one.to_ndarray()[0] for one in resampler.resample(frame)]
        parts += [one.to_ndarray()[0] for one in resampler.resample(None)]
    return np.hstack([np.zeros(0), *parts])


def levelled(audio: Audio) -> Audio:
    """As loud as telephone speech may be: its peak at -3 dB of full scale."""
    peak = np.abs(audio).max() if len(audio) else 0
    return audio * (23_000 / peak) if peak > 100 else audio
