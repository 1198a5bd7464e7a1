"""Calls as they are shown: one with its history, those of a campaign, when people answer.

A call is named by campaign, lead and attempt: that is where it lies.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from dialerd.core.records import SPOKEN, Attempt, CallEvent, Direction
from dialerd.store.ended import events_of
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.schema import ATTEMPT, ROW_MAX, attempt_key
from dialerd.store.unit import Unit

HOURS: Final = 24
DAYS: Final = 7
Place = tuple[int, int, int]  # campaign, lead, attempt
Local = Callable[[int], tuple[int, int]]  # weekday, Monday first, and hour of Unix ms
ATTEMPT_MAX: Final = (1 << 64) - 1


class Tally:
    """What a campaign's calls to people came to. Calls back and those beside are not in it.

    Attributes:
        dialed: people who were dialed.
        answered: people of whom a call was answered, by whomever.
        keyed: people who pressed a key.
        served: people who talked with an agent.
        disposed: people of whom an agent or a flow said what came of it.
        talk_ms: from answers to ends.
        ring_ms: from dials to answers.
        calls: calls that have ended.
        spoken: those of them that were answered.
        hours: [weekday][hour] of the dial, local, Monday first: calls that have ended, answered.
    """

    def __init__(self) -> None:
        """Nothing was counted."""
        self.dialed = self.answered = self.keyed = self.served = self.disposed = 0
        self.talk_ms = self.ring_ms = self.calls = self.spoken = 0
        self.hours = [[(0, 0)] * HOURS for _ in range(DAYS)]
        self._lead = 0
        self._seen: set[str] = set()

    def add(self, attempt: Attempt, local: Local) -> None:
        """Count one; attempts come in the order of their leads."""
        if attempt.direction is not Direction.OUT or attempt.outcome is None:
            return
        if attempt.lead_id != self._lead:
            self._lead, self._seen = attempt.lead_id, set()
        spoken = attempt.outcome in SPOKEN
        self.calls += 1
        self.spoken += spoken
        self._once("dialed", so=True)
        self._once("answered", so=spoken)
        self._once("keyed", so=bool(attempt.keys))
        self._once("served", so=bool(attempt.connected_ms))
        self._once("disposed", so=bool(attempt.disposition))
        if attempt.answered_ms:
            self.talk_ms += max(0, attempt.ended_ms - attempt.answered_ms)
            self.ring_ms += max(0, attempt.answered_ms - attempt.begun_ms)
        if attempt.begun_ms:
            day, hour = local(attempt.begun_ms)
            calls, answered = self.hours[day][hour]
            self.hours[day][hour] = calls + 1, answered + spoken

    def _once(self, what: str, *, so: bool) -> None:
        """Count a person, once for all of its calls."""
        if so and what not in self._seen:
            self._seen.add(what)
            setattr(self, what, getattr(self, what) + 1)


def by_hour(zone: tzinfo) -> Local:
    """Local weekday and hour of Unix ms; an hour's answer is kept, for calls come in crowds."""
    kept: dict[int, tuple[int, int]] = {}

    def local(at_ms: int) -> tuple[int, int]:
        quarter = at_ms // 900_000  # no zone is off by less
        found = kept.get(quarter)
        if found is None:
            at = datetime.fromtimestamp(quarter * 900, zone)
            found = kept[quarter] = at.weekday(), at.hour
        return found

    return local


class Told(msgspec.Struct, frozen=True):
    """A call with what happened in it."""

    attempt: Attempt
    events: tuple[CallEvent, ...]


def find(unit: Unit, place: Place) -> Told | None:
    """One that was begun; None when there is none."""
    raw = unit.t.attempts.get(attempt_key(*place))
    return None if raw is None else Told(ATTEMPT.unpack(raw), tuple(events_of(unit, *place)))


def of_campaign(unit: Unit, campaign_id: int, after: Place | None, limit: int) -> list[Attempt]:
    """The next calls of a campaign by lead and attempt, begun ones among them."""
    start = attempt_key(campaign_id, 0, 0) if after is None else attempt_key(*after) + b"\0"
    stop = attempt_key(campaign_id, ROW_MAX, ATTEMPT_MAX)
    return [ATTEMPT.unpack(raw) for _, raw in unit.t.attempts.scan(start, stop, limit)]


def tally_step(
    unit: Unit,
    tally: Tally,
    campaign_id: int,
    start: bytes,
    local: Local,
) -> bytes:
    """Count a page of a campaign's calls; where the next begins, empty: that was the last."""
    first = start or attempt_key(campaign_id, 0, 0)
    stop = attempt_key(campaign_id, ROW_MAX, ATTEMPT_MAX)
    page = unit.t.attempts.scan(first, stop, SCAN_PAGE)
    for _, raw in page:
        tally.add(ATTEMPT.unpack(raw), local)
    return page[-1][0] + b"\0" if len(page) == SCAN_PAGE else b""
