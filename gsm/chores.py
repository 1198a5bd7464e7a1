"""What waits for an idle port: a reset now and then, texts, files, the balance."""

from __future__ import annotations

from typing import Final

from gsm.floor import Floor
from gsm.limits import SECOND
from gsm.module_files import ModuleFiles
from gsm.texts import Texts

HOUR: Final = 3_600 * SECOND


class Chores:
    """Of one port."""

    def __init__(self, floor: Floor, texts: Texts, files: ModuleFiles) -> None:
        """Nothing is due yet."""
        self._files = files
        self.floor = floor
        self._texts = texts
        self._reset_at: int | None = None
        self._balance_at: int | None = None

    def was_reset(self) -> None:
        """The module was reset: the next time counts from its coming back."""
        self._reset_at = None

    def do(self, now_ns: int) -> None:
        """The first that is due. The port is idle."""
        floor, care = self.floor, self.floor.settings.care
        if self._reset_at is None and care.reset_hours:
            self._reset_at = now_ns + round(care.reset_hours * HOUR)
        worn = care.reset_calls and floor.calls >= care.reset_calls
        if worn or (self._reset_at is not None and now_ns >= self._reset_at):
            floor.reset_why = "a reset now and then"
            return
        if self._texts.has_work():
            self._texts.work(now_ns)
            return
        if self._files.has_work():
            self._files.work(now_ns)
            return
        if self._balance_at is None and care.balance_hours:
            self._balance_at = now_ns
        hourly = self._balance_at is not None and now_ns >= self._balance_at
        if hourly or (care.balance_calls and floor.care.card.calls >= care.balance_calls):
            self._balance_at = (
                now_ns + round(care.balance_hours * HOUR) if care.balance_hours else None
            )
            floor.care.card.calls = 0
            self._texts.ask_balance(now_ns)
