"""The best of many lines that may take a call now, without looking at all of them."""

from collections.abc import Iterable
from typing import Final, final

NEVER: Final[int]
"""The moment that does not come: the largest signed 64-bit number."""

@final
class Choice:
    """A choice among `seats` lines, each of which is closed until `set` says when it is not.

    Times are nanoseconds of one clock; a clock that goes back makes all be judged anew.
    ValueError: more than a million seats.
    """

    def __new__(cls, seats: int) -> Choice: ...
    @property
    def seats(self) -> int:
        """How many there are."""
    def __len__(self) -> int: ...
    def set(
        self,
        at: int,
        ready_ns: int,
        sound_ns: int = ...,
        cost: int = 0,
        load: int = 0,
        used_ns: int = ...,
    ) -> None:
        """What counts of a seat from now on.

        It may take a call from `ready_ns` on (NEVER: until it is set again), after all others until
        `sound_ns`; then the least cost counts, then the least load, then the earliest `used_ns`,
        then the place. IndexError: no such seat.
        """
    def best(self, now_ns: int) -> int:
        """The seat for a call now; -1: none is open."""
    def best_but(self, now_ns: int, left_out: Iterable[int]) -> int:
        """The best that is not among these; -1: none."""
    def ready_ns(self) -> int:
        """When the first seat is open: past or present when one is, NEVER when `set` has to say."""
    def order(self, now_ns: int, most: int) -> list[int]:
        """The best, the next best and so on, `most` at most: why the choice is what it is."""
