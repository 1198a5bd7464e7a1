"""What a recording must say, in plain Python: all entries at once, laid out sample by sample."""

from __future__ import annotations

from collections.abc import Iterable

from tests.reference.g711 import alaw_decode, ulaw_decode
from tests.reference.rtp_conceal import Conceal

Frame = tuple[int, int, int, bytes, bool]  # position, side, law, payload, the talk begins with it


def laid_out(frames: Iterable[Frame]) -> tuple[list[int | None], list[int | None], set[int]]:
    """Both sides, None where nobody spoke; where talk began."""
    sides: tuple[list[int | None], list[int | None]] = ([], [])
    begins: set[int] = set()
    for position, side, law, payload, marker in frames:
        row = sides[side]
        row.extend([None] * (position + len(payload) - len(row)))
        begins -= set(range(position, position + len(payload))) if side else set()
        for i, value in enumerate(payload):
            row[position + i] = alaw_decode(value) if law == 8 else ulaw_decode(value)
        if side and marker:
            begins.add(position)
    for row in sides:
        row.extend([None] * (max(map(len, sides)) - len(row)))
    return *sides, begins


def recording(frames: Iterable[Frame]) -> list[tuple[int, int]]:
    """What was said and heard, sample by sample; what was heard is concealed where it was lost."""
    said, heard, begins = laid_out(frames)
    conceal, out, at = Conceal(), list[int](), 0
    while at < len(heard):
        end = at
        while end < len(heard) and (heard[end] is None) == (heard[at] is None):
            end += 1
        lost = heard[at] is None and at > 0 and end < len(heard) and end not in begins
        for part in range(at, end, 160):
            size = min(160, end - part)
            if lost:
                out += conceal.lost(size)
            else:
                out += conceal.heard([sample or 0 for sample in heard[part : part + size]])
        at = end
    return list(zip([sample or 0 for sample in said], out, strict=True))
