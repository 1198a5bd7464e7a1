"""How long after it was dialed a call is answered, or ends otherwise: a fading histogram."""

from collections.abc import Sequence
from typing import final

@final
class Delays:
    """Delays in bins of half a second up to 80 s, the last bin open to the right.

    `prior` is the shape believed before any call (relative weights of the bins, at most 160),
    `weight` how many calls it counts for, `fade` what an old call keeps of its weight with each
    new one.
    """

    def __init__(self, prior: Sequence[float], weight: float, fade: float = 0.999) -> None: ...
    def learn(self, delay_s: float) -> None:
        """One more call came to its end after `delay_s` seconds; what is no time counts as 0."""
    def upto(self, age_s: float) -> float:
        """The share of calls that have ended at that age; 0 before they begin, 1 from 80 s on."""
    @property
    def mean(self) -> float:
        """The mean delay in seconds."""
