"""Restarts a module: it leaves and comes back, or answers again, or is opened anew."""

from __future__ import annotations

from typing import Final

from gsm import port_table as table
from gsm.command import Command
from gsm.events import Restarted
from gsm.floor import Floor
from gsm.limits import MEDIUM, SECOND, SHORT
from gsm.script import Rest, Steps
from gsm.texts import Texts

RESET_REST: Final = 6 * SECOND  # a module that resets still answers for a moment


class Resetting:
    """Of one port."""

    def __init__(self, floor: Floor, texts: Texts) -> None:
        """No reset yet."""
        self.floor = floor
        self._texts = texts
        self._until = 0

    def waits(self, now_ns: int) -> bool:
        """Whether a module that was reset still has time to come back."""
        return now_ns < self._until

    def begin(self, now_ns: int) -> None:
        """The state `resetting` was entered."""
        floor = self.floor
        health = floor.dialect.health
        floor.reset_why = ""
        floor.calls = 0
        self._texts.interrupted("the module is reset")
        floor.forget()
        self._until = now_ns + round(health.reset_s * SECOND)
        floor.tell(Restarted(floor.why))
        floor.waits(floor.why, self._until)
        floor.run("reset", self._restart(health.reset), now_ns, self._came_back)

    def listen(self, now_ns: int) -> None:
        """It was taken for dead: it starts."""
        self.floor.channel.opened(now_ns)
        self.floor.run("reset", self._poll(), now_ns, self._came_back)

    def _restart(self, text: str) -> Steps:
        if text:
            yield Command(text, timeout_ns=MEDIUM)
        yield Rest(RESET_REST)
        yield from self._poll()

    def _poll(self) -> Steps:
        while True:
            result = yield Command("AT", timeout_ns=SHORT)
            if result.outcome in ("ok", "error"):
                return

    def _came_back(self, now_ns: int) -> None:
        if self.floor.state == table.RESETTING:
            self._until = 0
            self.floor.move(table.ANSWERS, now_ns)
