"""One timing wheel for many owners of deadlines.

Arming, moving, disarming and waking cost the same at 10 and at 100,000 owners, and allocate
nothing. Deadlines count in slots of 1 ms: an owner is never woken early, and by a `tick` at least
2 ms past its due time at the latest.
"""

from typing import Final, final

from typing_extensions import disjoint_base

NEVER: Final[int]
"""The deadline that is none: the largest signed 64-bit number."""
TICK_NS: Final[int]
"""The length of a slot."""

@disjoint_base
class Timer:
    """Base of whatever can be due. It has one due time, moved at will, in one wheel at a time."""

    @property
    def due_ns(self) -> int:
        """As armed, NEVER when it is not; set by `Wheel.arm` only."""
    def tick(self, now_ns: int) -> object:
        """The due time has come; it is NEVER until armed again. Subclasses override this."""

@final
class Wheel:
    """Wakes `Timer`s. It holds a reference to each that is armed, at most 512 rings, and no more.

    Two that are due in the same slot are woken in an order that depends on nothing but the calls
    made before.
    """

    def __init__(self) -> None: ...
    def arm(self, owner: Timer, due_ns: int) -> None:
        """Make `owner` due at `due_ns` instead of whenever it was; NEVER disarms it.

        What is due already is woken 1 ms after the last tick at the earliest: an owner that arms
        itself for now cannot keep a tick from ending. ValueError: it is armed in another wheel.
        """
    def deadline_ns(self) -> int | None:
        """No owner is due before this; it may be early (by its level's slot), never late."""
    def tick(self, now_ns: int) -> None:
        """Wake every owner that is due, in the order of their slots.

        An owner's exception comes out; the others' turn is then the next call.
        """
    @property
    def armed(self) -> int:
        """How many are armed, which is `len` as well."""
    def __len__(self) -> int: ...
