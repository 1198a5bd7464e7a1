"""Who hears whom among the parties of a room, and what each of them hears."""

from typing import final

import numpy as np
from numpy.typing import NDArray

__pyx_capi__: dict[str, object]

ROLES: tuple[str, ...]
"""customer, agent, a supervisor listening, whispering or barging, what is played, in this order."""

@final
class RtpMix:
    """The table of one room as a media thread uses it, for tests. Nobody is in it.

    A party is a number from 0 to 63 (ValueError).
    """

    def enter(self, party: int, role: str) -> None:
        """A party comes, or changes its role; whom it hears and who hears it is by the roles."""

    def leave(self, party: int) -> None:
        """A party goes."""

    def let(self, listener: int, speaker: int, hears: bool) -> None:
        """One party hears another one, or does not, whatever their roles."""

    def hears(self, party: int) -> set[int]:
        """Whom a party hears."""

    def mix(self, frames: NDArray[np.int16], speaking: int, party: int) -> NDArray[np.int16]:
        """The sum of whom a party hears: `frames` is 64 x 160, `speaking` a mask of parties."""
