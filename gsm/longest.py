"""The longest time of a call: told before, then kept. On a SIM's plan it is what costs nothing."""

from __future__ import annotations

from gsm.call import Call
from gsm.ending import Ending
from gsm.events import CallEnding, Cause
from gsm.floor import Floor
from gsm.limits import SECOND, TALK_MAX


class Longest:
    """Of the calls of one port."""

    def __init__(self, floor: Floor, ending: Ending) -> None:
        """No call yet; `ending` ends calls."""
        self.floor = floor
        self.ending = ending

    def begin(self, call: Call, now_ns: int) -> None:
        """It was answered."""
        settings = self.floor.settings
        longest_s = call.talk_s_max or (0 if "clcc" in self.floor.can else TALK_MAX // SECOND)
        if not longest_s:
            return
        end_s = max(1, longest_s - settings.end_early_s)
        end_ns = now_ns + end_s * SECOND
        warn_ns = max(now_ns, end_ns - settings.warn_ns)
        self.floor.at("warn", warn_ns, lambda at: self._warn(call, end_ns, at))
        self.floor.at("limit", end_ns, lambda at: self._over(call, at))

    def _warn(self, call: Call, end_ns: int, now_ns: int) -> None:
        if call.ended_ns is None and not call.warned:
            call.warned = True
            self.floor.tell(CallEnding(call.leg, max(0, end_ns - now_ns) // SECOND))

    def _over(self, call: Call, now_ns: int) -> None:
        if call.ended_ns is None:
            call.why = "the longest time of a call"
            self.ending.hang_up(call, Cause.ANSWERED, "us", now_ns)
