"""Ends calls that nobody of ours is in: left by an earlier process, or begun by somebody else.

Rung by rung as with our own, each listed call by its number, each rung followed by a look. While a
call is dialing no rung that names one is sent: on Huawei modules releasing one call before `^CONF`
wedges the module for good. Where calls cannot be listed the port hangs up once in the blind.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

from gsm.clcc import Listed, read_all
from gsm.command import Command, Haste, Result
from gsm.floor import Floor
from gsm.limits import CLEARING_MAX, HANG_UP_STEP, MEDIUM, SECOND
from gsm.script import Rest

Cleared = Literal["none", "blind", "cleared", "stands"]
Listing = Generator["Command | Rest", Result, "list[Listed] | None"]


def clear(floor: Floor) -> Generator[Command | Rest, Result, Cleared]:
    """See the module's text."""
    calls = floor.dialect.calls
    result = yield Command(calls.list, Haste.LIST, MEDIUM)
    if result.outcome == "error":
        for rung in calls.hang_up_early:
            yield Command(rung, Haste.HANG_UP, HANG_UP_STEP, optional=True)
        return "blind"
    listed = read_all(list(result.lines), calls.released)
    if not result.ok or not listed:
        return "none"
    for _ in range(CLEARING_MAX):
        dialing = any(call.state == "dialing" for call in listed)
        for rung in calls.hang_up_early if dialing else calls.hang_up:
            ids = [str(call.id) for call in listed] if "{id}" in rung else [""]
            if any(call.state == "dialing" for call in listed) and "{id}" in rung:
                continue
            for number in ids:
                text = rung.replace("{id}", number)
                yield Command(text, Haste.HANG_UP, HANG_UP_STEP, optional=True)
            yield Rest(SECOND // 2)
            now = yield from _look(floor)
            if now == []:
                return "cleared"
            listed = now or listed
    return "stands"


def _look(floor: Floor) -> Listing:
    """The calls that there are; None when that is not known."""
    calls = floor.dialect.calls
    result = yield Command(calls.list, Haste.LIST, MEDIUM)
    return read_all(list(result.lines), calls.released) if result.ok else None
