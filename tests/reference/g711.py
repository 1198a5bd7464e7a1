"""G.711 from its own tables (ITU-T G.711 tables 1a-2b): decision values and the middle between.

Works by searching the interval a sample falls in, unlike the compiled code, which shifts.
"""

from __future__ import annotations

from bisect import bisect_right


def ulaw_decisions() -> list[int]:
    """Table 2a, in 14-bit units: 0, 1, 3 ... 31, then 16 steps to each doubling, up to 8159."""
    values = [0, *range(1, 32, 2)]
    for segment in range(1, 8):
        values += [values[-1] + (2 << segment) * k for k in range(1, 17)]
    return values


def alaw_decisions() -> list[int]:
    """Table 1a halved, so that it counts in 16ths of a sample: 0, 1 ... 32, doubling to 2048."""
    values = list(range(33))
    for segment in range(1, 7):
        values += [values[-1] + (1 << segment) * k for k in range(1, 17)]
    return values


ULAW_DECISIONS = ulaw_decisions()
ALAW_DECISIONS = alaw_decisions()


def interval(decisions: list[int], magnitude: int) -> int:
    """In which interval a magnitude lies, from 0; the last one holds everything above."""
    return min(bisect_right(decisions, magnitude), len(decisions) - 1) - 1


def ulaw_encode(sample: int) -> int:
    """The code has its bits turned around: the quietest positive value is 0xFF."""
    magnitude = (~sample if sample < 0 else sample) >> 2
    return (0x7F if sample < 0 else 0xFF) - interval(ULAW_DECISIONS, magnitude)


def ulaw_decode(code: int) -> int:
    i = 0x7F - (code & 0x7F)
    value = 0 if i == 0 else (ULAW_DECISIONS[i] + ULAW_DECISIONS[i + 1]) * 2  # half, times 4
    return value if code & 0x80 else -value


def alaw_encode(sample: int) -> int:
    """Every second bit of the code is turned around (0x55)."""
    magnitude = (~sample if sample < 0 else sample) >> 4
    return ((0 if sample < 0 else 0x80) + interval(ALAW_DECISIONS, magnitude)) ^ 0x55


def alaw_decode(code: int) -> int:
    i = (code ^ 0x55) & 0x7F
    value = (ALAW_DECISIONS[i] + ALAW_DECISIONS[i + 1]) * 8  # half, times 16
    return value if code & 0x80 else -value
