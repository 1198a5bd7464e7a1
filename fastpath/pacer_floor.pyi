"""The calls and agents that a pacer knows of."""

from typing import Self, final

@final
class Floor:
    """Tables for `agents_max` agents and twice the calls their lines allow; the pacer's own."""

    def __new__(cls, agents_max: int, lines_per_agent_max: float) -> Self: ...
