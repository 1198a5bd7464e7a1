"""People who answered, counted for the law: how many had an agent, how many found none in time.

`met` has one record for each campaign and quarter of an hour, written in the transaction that ends
the attempt: a daemon that starts goes on counting the regime's window where the last one stopped.
Who was cut off by a crash before an agent was there is in neither count: nobody knows what that
person heard. Records older than any legal window go as new ones come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from dialerd.core.limits import MET_S
from dialerd.core.ops import Met
from dialerd.core.records import Attempt, DialMode, Direction, Outcome
from dialerd.store.limits import MET_DROPPED, MET_KEPT_MS
from dialerd.store.reading import scan_all
from dialerd.store.schema import ATTEMPT, MET, met_key
from dialerd.store.unit import Unit

MET_FROM: Final = b"met_from"  # Unix ms: who answered later has been counted
QUARTER_MS: Final = MET_S * 1_000
QUARTER_MAX: Final = 0xFFFF_FFFF
ABANDONED: Final = Outcome.ABANDONED
BROADCAST: Final = DialMode.BROADCAST
_END: Final = b"\xff" * 9


def _quarter(at_ms: int) -> int:
    return min(max(at_ms, 0) // QUARTER_MS, QUARTER_MAX)


def _met(unit: Unit, attempt: Attempt) -> tuple[int, int] | None:
    """In which quarter a person answered, and whether nobody was there (1).

    None: no person did, or not one who was called for an agent: who calls back, or is put through
    by a flow, is no part of the share (nor of `core.team_books`).
    """
    if attempt.direction is not Direction.OUT:
        return None
    if attempt.outcome is not ABANDONED and not attempt.connected_ms:
        return None
    if unit.campaign(attempt.campaign_id).settings.mode is BROADCAST:
        return None
    if attempt.outcome is ABANDONED:
        return _quarter(attempt.human_ms or attempt.ended_ms), 1
    return _quarter(attempt.connected_ms), 0


def count(unit: Unit, attempt: Attempt) -> None:
    """An attempt of a campaign ends in this transaction."""
    found = _met(unit, attempt)
    if found is None:
        return
    quarter, lost = found
    campaign_id = attempt.campaign_id
    if not unit.counter(MET_FROM):
        unit.set_counter(MET_FROM, max(attempt.ended_ms, 1))
    key = met_key(campaign_id, quarter)
    raw = unit.t.met.get(key)
    if raw is None:
        oldest = met_key(campaign_id, max(0, quarter - MET_KEPT_MS // QUARTER_MS))
        for old, _ in unit.t.met.scan(met_key(campaign_id, 0), oldest, MET_DROPPED):
            unit.t.met.delete(old)
        was = Met(campaign_id, quarter * QUARTER_MS)
    else:
        was = MET.unpack(raw)
    now = msgspec.structs.replace(was, served=was.served + 1 - lost, lost=was.lost + lost)
    unit.t.met.put(key, MET.pack(now))


def since(unit: Unit, campaign_id: int, since_ms: int) -> list[Met]:
    """The counts of a campaign from the quarter of a moment on, oldest first."""
    first, stop = met_key(campaign_id, _quarter(since_ms)), met_key(campaign_id, QUARTER_MAX)
    return [MET.unpack(raw) for _, raw in scan_all(unit.t.met, first, stop)]


def problems(unit: Unit) -> Iterator[str]:
    """What is kept is what the attempts say.

    Quarters that went, and those before there was such a count, may say less.
    """
    real: dict[bytes, tuple[int, int]] = {}
    for _, raw in scan_all(unit.t.attempts, b"", _END * 4):
        attempt = ATTEMPT.unpack(raw)
        found = _met(unit, attempt)
        if attempt.outcome is not None and found is not None:
            key = met_key(attempt.campaign_id, found[0])
            served, lost = real.get(key, (0, 0))
            real[key] = served + 1 - found[1], lost + found[1]
    newest: dict[int, int] = {}
    told: dict[bytes, tuple[int, int]] = {}
    for key, raw in scan_all(unit.t.met, b"", _END):
        one = MET.unpack(raw)
        if key != met_key(one.campaign_id, _quarter(one.begin_ms)):
            yield f"campaign {one.campaign_id}: people met at {one.begin_ms} ms lie elsewhere"
        told[key] = one.served, one.lost
        newest[one.campaign_id] = one.begin_ms
    begun = unit.counter(MET_FROM) or QUARTER_MAX * QUARTER_MS
    for key in sorted(real.keys() | told.keys()):
        campaign_id, at_ms = int.from_bytes(key[:4]), int.from_bytes(key[4:]) * QUARTER_MS
        kept, is_so = told.get(key, (0, 0)), real.get(key, (0, 0))
        counted = at_ms > max(begun, newest.get(campaign_id, 0) - MET_KEPT_MS)
        if kept != is_so and (counted or kept[0] > is_so[0] or kept[1] > is_so[1]):
            yield (
                f"campaign {campaign_id}: people met from {at_ms} ms on are {sum(kept)}, {kept[1]}"
                f" of them without an agent; the attempts say {sum(is_so)}, {is_so[1]}"
            )
