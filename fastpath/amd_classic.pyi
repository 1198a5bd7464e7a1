"""The classic rule of answering machine detection, with its usual parameters."""

from typing import Final, final

from typing_extensions import Buffer

from fastpath.amd import ANSWERS as ANSWERS
from fastpath.amd import Verdict

DEFAULTS: Final[dict[str, int]]
"""Asterisk's: milliseconds, but for the number of words and the threshold (mean magnitude)."""

REASONS: Final[tuple[str, ...]]

@final
class ClassicDetector:
    """Hears one side of one call from its answer on."""

    def __new__(cls, **parameters: int) -> ClassicDetector:
        """Any of DEFAULTS. ValueError: an unknown one, or one below 0."""

    def hear(self, samples: Buffer) -> Verdict | None:
        """Hear samples (int16) that follow on those before; the verdict once it is known."""

    def end(self) -> Verdict:
        """No more audio comes: the verdict, "unknown" when there is none yet."""
