"""Special information tones; what they say. Reachable from Cython, and by fastpath.tones."""

from typing import Final

SITS: Final[tuple[str, ...]]
