"""Who of those under way will answer."""

from typing import final

from fastpath.pacer_floor import Floor

@final
class Answers:
    """What was learned of the list, and what it says of the calls on a `floor`; the pacer's own."""

    def __init__(self, floor: Floor) -> None: ...
