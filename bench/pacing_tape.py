"""What a pacer is told and asked in a part of a shift, kept to be told again without the world."""

from __future__ import annotations

from typing import Any

from bench.pacing_shift import Shift, work
from fastpath.pacer import Pacer

Tape = list[tuple[Any, ...]]


class _Asked(Pacer):
    """Keeps what it was told."""

    def __init__(self, agents: int) -> None:
        super().__init__(agents)
        self.told: Tape = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "told" or not callable(found):
            return found

        def keep(*arguments: Any) -> Any:
            self.told.append((name, *arguments))
            return found(*arguments)

        return keep


def taped(agents: int, seconds: float) -> Tape:
    """A shift's first seconds, ten decisions in each."""
    asked = _Asked(agents)
    work(Shift(agents, seconds, tick_s=0.1), 1, asked)
    return asked.told


def decisions(tape: Tape) -> int:
    return sum(name == "dials" for name, *_ in tape)


def dialed(tape: Tape) -> int:
    return sum(name == "dial_started" for name, *_ in tape)


def replay(agents: int, tape: Tape) -> int:
    """Tell all of it to a new pacer; how many calls it wants."""
    pacer = Pacer(agents)
    tell = [(getattr(pacer, name), arguments) for name, *arguments in tape]
    return sum(does(*arguments) or 0 for does, arguments in tell)
