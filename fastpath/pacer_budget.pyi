"""How much risk the next call may take, from who was lost so far."""

from typing import final

@final
class Budget:
    """The abandonment budget: `target` is the share of people who may be lost."""

    def __init__(self, target: float) -> None: ...
    @property
    def target(self) -> float:
        """As set."""
    @property
    def people(self) -> int:
        """Who wanted an agent, in all."""
    @property
    def abandoned(self) -> int:
        """Those of them who found none."""
    def window(self, people: int, abandoned: int) -> None:
        """A new window begins, with what was counted in it before."""
    def person(self, staffed: int) -> None:
        """One more person wants an agent; so many agents are logged in."""
    def lose(self) -> None:
        """One found none."""
    def risk(self, staffed: int) -> float:
        """The chance of finding no agent that the next call may have, 0.002 to 0.35."""
