"""What every event is that the core is told."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True)
class Event(msgspec.Struct, frozen=True):
    """Base of all events."""
