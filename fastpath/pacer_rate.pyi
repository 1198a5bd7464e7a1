"""The share of calls that are answered, followed while it drifts."""

from typing import final

from fastpath.pacer_delays import Delays

def still_open(chance: float, age_s: float, yes: Delays, no: Delays) -> float:
    """The chance that a call is answered which was `chance` when dialed and has not ended since.

    `yes` and `no` are the delays of calls that are answered and of those that end otherwise.
    """

@final
class Rate:
    """A rate as log odds with their variance: at first `chance` and `variance`.

    The variance grows by `drift` per second, to the first one at most.
    """

    def __init__(self, chance: float, variance: float, drift: float) -> None: ...
    @property
    def odds(self) -> float:
        """Log odds of the rate."""
    @property
    def variance(self) -> float:
        """Of the log odds."""
    @property
    def rate(self) -> float:
        """The rate itself, 0 to 1."""
    def wait(self, seconds: float) -> None:
        """Time passed."""
    def learn(self, expected: float, yes: bool) -> None:
        """A call ended that was expected to be answered with the chance `expected` by then."""
