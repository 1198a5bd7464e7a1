"""How a campaign's agents and customers fare: waiting, abandonment over windows.

Two windows: the one that people look at (`window_s`), and the regime's, over which the law counts
abandoned calls: the local day, or so many seconds back. The pacer is told of the regime's when it
begins, and of a rolling one every hour, with what was counted in it. A daemon that takes over from
one that is gone is told by the store whom that one met (`load`), in quarters of an hour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from dialerd.core.clock import WallClock
from dialerd.core.limits import MET_S
from dialerd.core.ops import Met
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignSettings
from dialerd.core.regime import find_regime
from dialerd.core.regime_data import Abandonment, ShareOver

BUCKET_NS: Final = 60 * NS
ROLL_S: Final = 3_600
LONG_DAY_S: Final = 3_600  # how much longer than others the day is on which clocks are set back


class Books:
    """One campaign: its windows, and in all since the daemon started."""

    __slots__ = (
        "_clock", "_legal", "_window", "_window_ns", "_zone", "calls", "lost", "people",
        "waited_ns",
    )  # fmt: skip

    def __init__(
        self,
        window_s: int,
        legal: Abandonment = Abandonment(),  # noqa: B008 - immutable
        zone: tzinfo = UTC,
        clock: WallClock | None = None,
    ) -> None:
        """`window_s` is over what time abandonment is shown, to the minute."""
        self._legal = legal
        self._zone = zone
        self._clock = clock or WallClock()
        self._window_ns = window_s * NS
        self._window: deque[tuple[int, int, int]] = deque()  # minute's start, served, abandoned
        self.people = 0  # who answered
        self.calls = 0  # conversations
        self.lost = 0  # people who found no agent in time
        self.waited_ns = 0  # of people until they had an agent

    def human(self) -> None:
        """A person answered."""
        self.people += 1

    def no_human(self) -> None:
        """It was a machine after all."""
        self.people -= 1

    def connected(self, now_ns: int, waited_ns: int) -> None:
        """An agent is there."""
        self.calls += 1
        self.waited_ns += waited_ns
        self._count(now_ns, 1, 0)

    def abandoned(self, now_ns: int) -> None:
        """None was."""
        self.lost += 1
        self._count(now_ns, 0, 1)

    def load(self, met: Iterable[Met], now_ns: int) -> None:
        """What processes before this one counted, oldest first; once, before anything else.

        The wall clock must be known. A quarter counts as its last minute: so none is in the window
        of a day that it is not of, and none leaves a rolling window early.
        """
        offset_ns = self._clock.offset_ns
        for one in met:
            end_ns = one.begin_ms * 1_000_000 + MET_S * NS - offset_ns
            minute = min(end_ns, now_ns - now_ns % BUCKET_NS + BUCKET_NS) - BUCKET_NS
            self._window.append((minute, one.served, one.lost))

    def _count(self, now_ns: int, served: int, abandoned: int) -> None:
        minute = now_ns - now_ns % BUCKET_NS
        window = self._window
        if window and window[-1][0] == minute:
            _, a, b = window.pop()
            served, abandoned = served + a, abandoned + b
        window.append((minute, served, abandoned))
        oldest_ns = now_ns - max(self._window_ns, (self._legal.window_s + LONG_DAY_S) * NS)
        while window[0][0] + BUCKET_NS <= oldest_ns:
            window.popleft()

    def _since(self, begin_ns: int) -> tuple[int, int]:
        """People who answered from a moment on, and how many of them were abandoned."""
        found = [one for one in self._window if one[0] + BUCKET_NS > begin_ns]
        lost = sum(abandoned for _, _, abandoned in found)
        return lost + sum(served for _, served, _ in found), lost

    def abandonment(self, now_ns: int) -> float:
        """Of the people who answered in the window that is shown, the share without an agent."""
        return _share(*self._since(now_ns - self._window_ns))

    # -- the regime's window ---------------------------------------------------------------------

    def _bounds_ns(self, now_ns: int) -> tuple[int, int]:
        """When it began, and when it is to be told anew."""
        if self._legal.over is ShareOver.ROLLING:
            return now_ns - self._legal.window_s * NS, now_ns + ROLL_S * NS
        offset_ns = self._clock.offset_ns
        local = datetime.fromtimestamp((now_ns + offset_ns) // NS, self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        tomorrow = (midnight + timedelta(days=1)).timestamp()
        return int(midnight.timestamp()) * NS - offset_ns, int(tomorrow) * NS - offset_ns

    def legal(self, now_ns: int) -> tuple[int, int, int]:
        """People who answered in the regime's window, the abandoned of them, when it is over."""
        begun_ns, over_ns = self._bounds_ns(now_ns)
        return *self._since(begun_ns), over_ns

    def legal_share(self, now_ns: int) -> float:
        """Abandonment as the regime counts it."""
        people, lost, _ = self.legal(now_ns)
        return _share(people, lost)

    def waited_s(self) -> float:
        """How long a person waited on average until there was an agent."""
        return self.waited_ns / NS / self.calls if self.calls else 0.0


def counts_from(settings: CampaignSettings, now_ms: int) -> int:
    """Unix ms: whom a campaign met before then is in none of its windows."""
    try:
        legal_s = find_regime(settings.regime).abandonment.window_s
    except ValueError:  # it is not known any more: the campaign is broken
        return now_ms
    return now_ms - (max(settings.agents.window_s, legal_s + LONG_DAY_S) + MET_S) * 1_000


def _share(people: int, lost: int) -> float:
    return lost / people if people else 0.0
