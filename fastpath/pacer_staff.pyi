"""When those who are busy will be free."""

from typing import final

from fastpath.pacer_floor import Floor

@final
class Staff:
    """What was learned of the agents on a `floor`; the pacer's own."""

    def __init__(self, floor: Floor) -> None: ...
