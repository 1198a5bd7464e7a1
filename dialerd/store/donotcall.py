"""Numbers that may not be called: lists of our own and public ones, everywhere or in one campaign.

They bind at the claim and again when dialing begins. Our own list for all campaigns has one entry
under the number itself; every other entry has the list and the campaign behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from dialerd.core.ports import StoreError
from dialerd.core.records import BanList, DoNotCall
from dialerd.core.rules import Rules
from dialerd.store.limits import BANS_MAX, PHONE_MAX, STEP_ROWS
from dialerd.store.schema import DNC, ban_key, phone_key
from dialerd.store.unit import More, Unit

OTHERS: Final = b"bans_beside_the_own"  # how many entries have a list or a campaign in their key
_KINDS: Final = tuple(BanList)


def _key(entry: DoNotCall) -> bytes:
    if entry.kind is BanList.OWN and not entry.campaign_id:
        return phone_key(entry.phone)
    return ban_key(entry.phone, _KINDS.index(entry.kind), entry.campaign_id)


def _is_other(key: bytes) -> bool:
    return len(key) > 8


def add(unit: Unit, entries: Sequence[DoNotCall], offset: int = 0, new: int = 0) -> int | More:
    """Add numbers, a step per transaction; see `keep`."""
    step = entries[offset : offset + STEP_ROWS]
    for entry in step:
        if not 0 < entry.phone <= PHONE_MAX:
            raise StoreError(f"{entry.phone} is no E.164 number")
        new += keep(unit, entry)
    offset += len(step)
    if offset >= len(entries):
        return new
    return More(lambda later: add(later, entries, offset, new))


def keep(unit: Unit, entry: DoNotCall) -> bool:
    """Add one; whether it is new.

    One that is there already keeps its first entry, unless the new one holds for longer.
    """
    key = _key(entry)
    raw = unit.t.dnc.get(key)
    if raw is not None:
        there = DNC.unpack(raw)
        if not there.until_ms or 0 < entry.until_ms <= there.until_ms:
            return False
    unit.t.dnc.put(key, DNC.pack(entry))
    if raw is None and _is_other(key):
        unit.set_counter(OTHERS, unit.counters[OTHERS] + 1)
    return raw is None


def remove(unit: Unit, phone: int, kind: BanList = BanList.OWN, campaign_id: int = 0) -> bool:
    """Take a number off one list; whether it was there."""
    if not 0 < phone <= PHONE_MAX:
        return False
    key = _key(DoNotCall(phone, 0, "", kind, campaign_id))
    gone = unit.t.dnc.delete(key)
    if gone and _is_other(key):
        unit.set_counter(OTHERS, unit.counters[OTHERS] - 1)
    return gone


def find(unit: Unit, phone: int) -> DoNotCall | None:
    """The entry of a number on our own list for all campaigns."""
    raw = unit.t.dnc.get(phone_key(phone)) if 0 < phone <= PHONE_MAX else None
    return None if raw is None else DNC.unpack(raw)


def bans(unit: Unit, phone: int) -> list[DoNotCall]:
    """Every entry of a number, those that are over and those of other campaigns too."""
    if not 0 < phone <= PHONE_MAX:
        return []
    if not unit.counters[OTHERS]:
        raw = unit.t.dnc.get(phone_key(phone))
        return [] if raw is None else [DNC.unpack(raw)]
    rows = unit.t.dnc.scan(phone_key(phone), phone_key(phone + 1), BANS_MAX)
    return [DNC.unpack(raw) for _, raw in rows]


def heeded(unit: Unit, campaign_id: int, phone: int, now_ms: int) -> DoNotCall | None:
    """The entry that keeps a campaign from calling a number now; None when none does."""
    found = bans(unit, phone)
    if not found:
        return None
    rules = Rules(campaign_id, unit.campaign(campaign_id).settings, now_ms)
    heeds = [one for one in found if rules.heeds(one)]
    for_good = [one for one in heeds if not one.until_ms]
    return max(for_good or heeds, key=lambda one: one.until_ms, default=None)


def count_hit(unit: Unit, rules: Rules, phone: int) -> None:
    """A call to a number was not made because of its entries: count it on each."""
    for entry in bans(unit, phone):
        if rules.heeds(entry):
            hit(unit, entry)


def hit(unit: Unit, entry: DoNotCall) -> None:
    """An entry kept a call from being made or taken."""
    unit.t.dnc.put(_key(entry), DNC.pack(msgspec.structs.replace(entry, hits=entry.hits + 1)))


def page(unit: Unit, after: int, limit: int, kind: BanList = BanList.OWN) -> list[DoNotCall]:
    """The next entries by number, of one list for all campaigns."""
    found: list[DoNotCall] = []
    first = phone_key(after + 1)
    while len(found) < limit:
        rows = unit.t.dnc.scan(first, b"\xff" * 14, limit)
        entries = (DNC.unpack(raw) for _, raw in rows)
        found += [one for one in entries if one.kind is kind and not one.campaign_id]
        if len(rows) < limit:
            break
        first = rows[-1][0] + b"\0"
    return found[:limit]
