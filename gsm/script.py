"""Sequences of commands, each a generator: it yields a command or a rest and is sent the result.

A sequence that must not go on (its call is over, the port was lost) is closed where it stands; the
answer of its last command then goes nowhere. One that finds no room for a command ends early.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from msgspec import Struct

from gsm.command import Command, Result

Steps = Generator["Command | Rest", Result, None]


class Rest(Struct, frozen=True):
    """Nothing is sent for so long."""

    ns: int


class Script:
    """One running sequence."""

    __slots__ = ("_over", "_put", "_running", "_steps", "_tokens", "rest_end")

    def __init__(
        self,
        steps: Steps,
        put: Callable[[Command, Callable[[Result, int], None], int], bool],
        over: Callable[[Script, int], None],
    ) -> None:
        """`put` sends a command, `over` is told when the sequence is."""
        self.rest_end: int | None = None
        self._steps: Steps | None = steps
        self._put = put
        self._over = over
        self._running = False
        self._tokens = 0

    def begin(self, now_ns: int) -> None:
        """To its first command."""
        self._go(None, now_ns)

    def stop(self) -> None:
        """Close it where it stands."""
        steps, self._steps = self._steps, None
        self.rest_end = None
        if steps is not None and not self._running:
            steps.close()

    def tick(self, now_ns: int) -> None:
        """A rest may be over."""
        if self.rest_end is not None and now_ns >= self.rest_end:
            self.rest_end = None
            self._go(Result("ok"), now_ns)

    def _go(self, result: Result | None, now_ns: int) -> None:
        steps = self._steps
        if steps is None:
            return
        self._running = True
        try:
            wanted = next(steps) if result is None else steps.send(result)
        except StopIteration:
            self._steps = None
            self._over(self, now_ns)
            return
        finally:
            self._running = False
        if self._steps is None:  # it was stopped from within
            steps.close()
        elif isinstance(wanted, Rest):
            self.rest_end = now_ns + wanted.ns
        else:
            self._tokens += 1
            self._command(wanted, self._tokens, now_ns)

    def _command(self, command: Command, token: int, now_ns: int) -> None:
        def then(result: Result, at_ns: int) -> None:
            if self._tokens != token:
                return
            if result.outcome == "gone":
                self.stop()  # so is the port: whoever sees to that sees to what was to follow
            else:
                self._go(result, at_ns)

        if not self._put(command, then, now_ns) and self._steps is not None:
            self.stop()
            self._over(self, now_ns)
