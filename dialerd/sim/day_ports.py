"""What the driver of a simulated day asks of lines and telephones."""

from __future__ import annotations

from typing import Protocol

import dialerd.core.effects as fx


class Lines(Protocol):
    """What a driver asks of the lines."""

    def dial(self, effect: fx.Dial) -> None:
        """Originate a leg."""

    def release(self, leg: int) -> None:
        """Hang one up."""

    def play(self, effect: fx.Play) -> None:
        """Let somebody hear something."""

    def stop_play(self, leg: int) -> None:
        """No more of it."""

    def kept(self, leg: int) -> None:
        """The line of an answered leg is on disk."""


class Telephones(Protocol):
    """What a driver asks of the agents' telephones."""

    def ring(self, effect: fx.RingAgent) -> None:
        """Originate a leg to one."""

    def release(self, leg: int) -> bool:
        """Hang one up; False when the leg is not of an agent."""

    def bridge(self, effect: fx.Bridge) -> None:
        """An agent and a customer hear each other."""

    def unbridge(self, leg: int) -> None:
        """They do not any more."""

    def told(self, data: dict[str, object]) -> None:
        """What is shown to an agent."""

    def card(self, effect: fx.ShowCard) -> None:
        """A customer is shown to one."""

    def answered(self, effect: fx.AgentAnswer) -> None:
        """Whether what an agent asked for was done."""
