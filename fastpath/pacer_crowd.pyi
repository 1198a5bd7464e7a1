"""The chance that more people answer than agents are free, looked at 38 s ahead."""

from typing import final

def chance_over(free: float, mean: float, variance: float, third: float) -> float:
    """The chance that a count is more than `free`, from its mean and central moments 2 and 3.

    The normal law with a continuity correction and the first Edgeworth term; 0 to 1.
    """

@final
class Crowd:
    """Sums over calls and agents for one decision; the pacer's own, no use without it."""
