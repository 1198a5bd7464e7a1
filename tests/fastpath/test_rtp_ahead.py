"""Memory is asked ahead: gcc takes a function that only prefetches for one that does nothing."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import fastpath.rtp_loop

# prefetcht0 and prefetchw of x86-64, before any of the addressing modes of a register
PREFETCH = re.compile(
    rb"\x0f(?:\x18[\x08-\x0f\x48-\x4f\x88-\x8f]|\x0d[\x08-\x0f\x48-\x4f\x88-\x8f])"
)
LINES_MIN = 10  # of 64 bytes: a stream, its two directions, its taps


def test_the_prefetches_are_in_the_code() -> None:
    code = Path(str(fastpath.rtp_loop.__file__)).read_bytes()
    assert platform.machine() != "x86_64" or len(PREFETCH.findall(code)) >= LINES_MIN
