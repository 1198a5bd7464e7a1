"""What a port machine asks of its driver."""

from __future__ import annotations

import msgspec

from gsm.events import Fact


class Effect(msgspec.Struct, frozen=True, gc=False):
    """Base of what the driver carries out, in order."""


class Write(Effect, frozen=True):
    """Bytes for the device, as they stand."""

    data: bytes


class Close(Effect, frozen=True):
    """Close the device: it is wedged, or the port has drained."""

    why: str


class Reopen(Effect, frozen=True):
    """Open the device (again) after so many nanoseconds, then call `opened` or `lost`."""

    after_ns: int


class Tell(Effect, frozen=True):
    """A fact for whoever listens."""

    fact: Fact
