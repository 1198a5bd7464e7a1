"""spandsp's super tone receiver, given one of our plans: Debian's library, called as it is."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Final

import numpy as np

from bench.answer_lines import Samples
from bench.tone_audio import SITS
from dialerd.detect.tone_plan import find_plan, read_plan

REPORT: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)
SLACK: Final = 0.2
BLOCK: Final = 160
Element = tuple[tuple[float, ...], float, float]  # frequencies, seconds at least and at most


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """Its functions, with their types."""
    found = ctypes.CDLL("libspandsp.so.2")
    found.super_tone_rx_make_descriptor.restype = ctypes.c_void_p
    found.super_tone_rx_make_descriptor.argtypes = [ctypes.c_void_p]
    found.super_tone_rx_add_tone.argtypes = [ctypes.c_void_p]
    found.super_tone_rx_add_element.argtypes = [ctypes.c_void_p] + [ctypes.c_int] * 5
    found.super_tone_rx_init.restype = ctypes.c_void_p
    found.super_tone_rx_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p, REPORT, ctypes.c_void_p]
    found.super_tone_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    found.super_tone_rx_free.argtypes = [ctypes.c_void_p]
    return found


@lru_cache(maxsize=8)
def descriptor(plan: str) -> tuple[int, tuple[str, ...]]:
    """One plan as it wants it, and what each tone means; "sit" and "fax" hold those tones."""
    made = library().super_tone_rx_make_descriptor(None)
    names: list[str] = []

    def tone(name: str, steps: list[Element]) -> None:
        number = library().super_tone_rx_add_tone(made)
        assert number == len(names)
        names.append(name)
        for hertz, least, most in steps:
            one, two = (*(round(f) for f in hertz), 0, 0)[:2]
            library().super_tone_rx_add_element(
                made, number, one, two, round(1000 * least), round(1000 * most)
            )

    if plan == "sit":
        for name, (first, second) in SITS.items():
            three = (first, second, (1776.7, 0.38))
            tone(f"sit {name}", [((hz,), one * 0.85, one * 1.15) for hz, one in three])
        tone("sit itu", [((hz,), 0.256, 0.4) for hz in (950.0, 1400.0, 1800.0)])
    elif plan == "fax":
        tone("cng", [((1100.0,), 0.425, 0.575)])
        tone("ced", [((2100.0,), 0.9, 0.0)])
    else:
        for rule in read_plan(find_plan(plan)).tone:
            steps: list[Element] = [
                (rule.hertz if n % 2 == 0 else (), one * (1 - SLACK), one * (1 + SLACK))
                for n, one in enumerate(rule.cadence_s)
            ]
            tone(rule.kind, steps or [(rule.hertz, 1.0, 0.0)])
    return made, tuple(names)


def spandsp(samples: Samples, plan: str) -> set[str]:
    """What it reports over samples."""
    made, names = descriptor(plan)
    said: set[str] = set()

    def report(_user: int, code: int, _level: int, _delay: int) -> None:
        if 0 <= code < len(names):
            said.add(names[code])

    callback = REPORT(report)
    audio = np.ascontiguousarray(samples, np.int16)
    receiver = library().super_tone_rx_init(None, made, callback, None)
    for at in range(0, len(audio) - BLOCK + 1, BLOCK):
        library().super_tone_rx(receiver, audio.ctypes.data + 2 * at, BLOCK)
    library().super_tone_rx_free(receiver)
    return said
