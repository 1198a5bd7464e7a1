"""Time zones by what people write, and where the people behind numbers live."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET: Final = re.compile(r"^([+-])(\d{2}):(\d{2})$(?!\n)")
ZONES_KEPT: Final = 1_024


@lru_cache(maxsize=ZONES_KEPT)
def parse_zone(text: str) -> tzinfo:
    """A zone from `+07:00` or a name of the time zone database; ValueError otherwise."""
    if (match := _OFFSET.match(text)) is not None:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes >= 24 * 60 or int(match[3]) > 59:
            raise ValueError(f"no such offset: {text}")
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes), text)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone: {text!r}") from None


def known_zone(text: str) -> bool:
    """Whether a text names a zone."""
    try:
        parse_zone(text)
    except ValueError:
        return False
    return bool(text)
