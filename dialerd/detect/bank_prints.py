"""A recording of an announcement as the fingerprints that a bank keeps.

What rings before it, silence around it and its repetitions are left out.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from fastpath.prints_bank import SILENT
from fastpath.prints_code import HOP, WINDOW, fingerprint

RATE: Final = 8_000
SECONDS_MAX: Final = 60.0  # of a recording that are looked at
SOUND_S_MIN: Final = 2.0  # less cannot be told from a phrase of another announcement
QUIET: Final = 1e-6  # mean square of full scale 1.0: below -60 dB is nothing
BELOW_LOUD: Final = 1e-3  # 30 dB below what is loud in it is silence
LOUD_PERCENTILE, NOISE_PERCENTILE = 95, 10
NOISE_ABOVE: Final = 4.0  # 6 dB above what is there in pauses is still no sound,
NOISE_MOST: Final = 0.06  # unless it is as loud as 12 dB below what is loud
STEADY_STEP: Final = 512  # samples from one look at the spectrum to the next
STEADY_MIN: Final = 0.99  # cosine of two spectra that are of one tone
STEADY_LOOKS: Final = 4  # on end; no vowel stands still for so long
CLICK_PRINTS: Final = 20  # of sound by itself: a tone's edge, a click
LOOP_S_MIN: Final = 2.5
LOOP_BER_MAX: Final = 0.2
LOOP_PRINTS: Final = 190  # 3 s must come again
LOOP_MORE_S: Final = 4.0  # of the repetition are kept: no 4 s of it shall be missing
PER_S: Final = RATE / HOP
WINDOW_MS: Final = (WINDOW + 2 * HOP) * 1000 // RATE  # of audio in one print

Samples = NDArray[np.int16]

_ONES: Final = np.array([bin(number).count("1") for number in range(1 << 16)], np.uint8)


class Prints(msgspec.Struct, frozen=True):
    """A recording's prints, one for each 16 ms: codes and masks of 16 bits, flags."""

    codes: bytes
    masks: bytes
    flags: bytes

    def __len__(self) -> int:
        """How many."""
        return len(self.flags)

    @property
    def seconds(self) -> float:
        """From the first to the last."""
        return round(((len(self) + 1) * HOP + WINDOW) / RATE, 2) if self.flags else 0.0

    @property
    def sound_s(self) -> float:
        """Of which are not silent."""
        return round(self.flags.count(0) / PER_S, 2)

    def part(self, begin: int, end: int) -> Prints:
        """Those from `begin` to before `end`."""
        pair = slice(2 * begin, 2 * end)
        return Prints(self.codes[pair], self.masks[pair], self.flags[begin:end])


NOTHING: Final = Prints(b"", b"", b"")


def prints_of(samples: Samples) -> Prints:
    """The prints of mono audio at 8 kHz: from its first sound that is no tone to its last."""
    samples = np.ascontiguousarray(samples[: round(SECONDS_MAX * RATE)], np.int16)
    codes, masks, powers = fingerprint(samples.data)
    if not codes:
        return NOTHING
    power = np.frombuffer(powers, np.float32)
    loud, noise = np.percentile(power, (LOUD_PERCENTILE, NOISE_PERCENTILE))
    least = min(max(float(noise) * NOISE_ABOVE, float(loud) * BELOW_LOUD), float(loud) * NOISE_MOST)
    silent = (power < max(least, QUIET)) | _steady(samples, len(power))
    _without_clicks(silent)
    sound = np.flatnonzero(~silent)
    if not len(sound):
        return NOTHING
    flags = np.where(silent, SILENT, 0).astype(np.uint8).tobytes()
    whole = Prints(codes, masks, flags)
    return _once(whole.part(int(sound[0]), int(sound[-1]) + 1))


def _steady(samples: Samples, count: int) -> NDArray[np.bool_]:
    """Which prints are of a spectrum that stands still: ringback, a beep, hum."""
    looks = max((len(samples) - WINDOW) // STEADY_STEP + 1, 0)
    steady = np.zeros(count, np.bool_)
    if looks <= STEADY_LOOKS:
        return steady
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEADY_STEP]
    spectra = np.abs(np.fft.rfft(windows * np.hanning(WINDOW), axis=1))[:, 16:]
    size = np.sqrt((spectra**2).sum(axis=1)) + 1e-9
    alike = (spectra[1:] * spectra[:-1]).sum(axis=1) / (size[1:] * size[:-1]) > STEADY_MIN
    per_look = STEADY_STEP // HOP
    for begin, end in _runs(alike):
        if end - begin >= STEADY_LOOKS:
            steady[max(begin * per_look - 2, 0) : end * per_look + 2] = True
    return steady


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where they are set on end: first, and behind the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _without_clicks(silent: NDArray[np.bool_]) -> None:
    """Sound that is alone for half a second around it is none."""
    near = round(PER_S / 2)
    for begin, end in _runs(~silent):
        before = silent[max(begin - near, 0) : begin]
        behind = silent[end : end + near]
        if end - begin < CLICK_PRINTS and before.all() and behind.all():
            silent[begin:end] = True


def _once(prints: Prints) -> Prints:
    """Of what is played again and again one round, and what a window of 4 s needs of the next."""
    codes, masks = (np.frombuffer(row, np.uint16) for row in (prints.codes, prints.masks))
    audible = np.frombuffer(prints.flags, np.uint8) == 0
    masks = np.where(audible, masks, 0).astype(np.uint16)
    for shift in range(round(LOOP_S_MIN * PER_S), len(prints) - LOOP_PRINTS):
        both = masks[:-shift] & masks[shift:]
        bits = np.concatenate([[0], np.cumsum(_ONES[both], dtype=np.int64)])
        differ = _ONES[(codes[:-shift] ^ codes[shift:]) & both]
        errors = np.concatenate([[0], np.cumsum(differ, dtype=np.int64)])
        bits, errors = (row[LOOP_PRINTS:] - row[:-LOOP_PRINTS] for row in (bits, errors))
        again = np.flatnonzero((bits >= 2 * LOOP_PRINTS) & (errors <= LOOP_BER_MAX * bits))
        if len(again):
            begin = int(again[0])
            behind = min(begin + shift + round(LOOP_MORE_S * PER_S), len(prints))
            return _trimmed(prints.part(begin, behind))
    return prints


def _trimmed(prints: Prints) -> Prints:
    """Without the silence around it."""
    silence = bytes([SILENT])
    begin = len(prints) - len(prints.flags.lstrip(silence))
    return prints.part(begin, len(prints.flags.rstrip(silence)))


def agreement(of: Prints, at: Prints, offset: int) -> tuple[float, float, int]:
    """How `of` lies on `at`, its print k beside print k + offset.

    Returns the bit error rate, the part of the half seconds that agree, and how many prints of
    `of` were compared.
    """
    begin, end = max(0, -offset), min(len(of), len(at) - offset)
    if end <= begin:
        return 0.5, 0.0, 0
    mine, theirs = slice(begin, end), slice(begin + offset, end + offset)
    mask = np.frombuffer(of.masks, np.uint16)[mine].copy()
    silent = np.frombuffer(of.flags, np.uint8)[mine] | np.frombuffer(at.flags, np.uint8)[theirs]
    mask[silent != 0] = 0
    differ = np.frombuffer(of.codes, np.uint16)[mine] ^ np.frombuffer(at.codes, np.uint16)[theirs]
    bits = _ONES[mask].astype(np.int64)
    errors = _ONES[differ & mask].astype(np.int64)
    step = round(PER_S / 2)
    sums = [
        (int(bits[k : k + step].sum()), int(errors[k : k + step].sum()))
        for k in range(0, len(bits), step)
    ]
    telling = [(all_bits, wrong) for all_bits, wrong in sums if all_bits >= 100]
    if not telling:
        return 0.5, 0.0, 0
    good = sum(wrong <= 0.34 * all_bits for all_bits, wrong in telling) / len(telling)
    return float(errors.sum() / bits.sum()), good, int(np.count_nonzero(mask))
