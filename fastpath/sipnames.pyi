"""Header names and methods as small integers, for `sipscan`."""

from typing import Final

METHOD_NAMES: Final[tuple[str, ...]]
