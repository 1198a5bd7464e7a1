"""How long agents talk and wrap up, and from it when those who do so now will be free."""

from typing import final

@final
class Holds:
    """How long one state of an agent lasts, as hazards in 80 bins of growing length (to 1.5 h).

    Before anything was seen it is a lognormal law of that mean (s) and coefficient of variation,
    which counts for `weight` agents; `fade` is what an old one keeps with each new one.
    """

    def __init__(self, mean_s: float, cv: float, weight: float, fade: float = 0.999) -> None: ...
    def learn(self, held_s: float) -> None:
        """It lasted so long; what is no time counts as 0."""
    def longer_than(self, age_s: float) -> float:
        """The share that lasts longer."""
    @property
    def count(self) -> int:
        """How many were learned."""

@final
class Releases:
    """When an agent who talks or wraps up will be free, from both `Holds`."""

    def __init__(self, talk: Holds, wrap: Holds) -> None: ...
    @property
    def talk(self) -> Holds:
        """How long calls last."""
    @property
    def wrap(self) -> Holds:
        """How long wrap-ups last."""
    def free_after_talk(self, age_s: float, bins: int) -> float:
        """Chance that one who talks for `age_s` is free within `bins` half seconds (1 to 84)."""
    def free_after_wrap_up(self, age_s: float, bins: int) -> float:
        """The same of one who wraps up for `age_s`."""
    def renew(self) -> None:
        """Make the tables anew from what both holds have learned since."""
