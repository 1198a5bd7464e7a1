"""Calls to us. None has a destination yet: each is counted, told, and refused.

The status is configured: 480 tells the caller's network that nobody is there just now, which is
neither an error of ours nor a number that does not exist.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.effects import Notify, Refuse
from dialerd.core.events import Incoming
from dialerd.core.floor import Floor

REFUSAL: Final = 480
FULL: Final = 503  # as many calls as we can carry (RFC 3261 section 21.5.4)


class Inbound:
    """What becomes of calls to us."""

    __slots__ = ("_floor", "full", "phones", "status", "strays")

    def __init__(self, floor: Floor, status: int = REFUSAL) -> None:
        """`status` is the SIP status of the refusal."""
        self._floor = floor
        self.status = status
        self.full = 0  # refused because we carry all that we can
        self.phones = 0  # calls of telephones
        self.strays = 0  # of trunks that are not configured any more

    def on_incoming(self, event: Incoming) -> None:
        """One call."""
        trunk = self._floor.trunks.by_name.get(event.trunk)
        if event.phone:
            self.phones += 1
        elif trunk is None:
            self.strays += 1
        else:
            trunk.incoming += 1
        full = self._floor.full
        status = FULL if full else self.status
        self.full += full
        self._floor.out.append(Refuse(event.leg, status))
        data: dict[str, object] = {
            "trunk": event.trunk,
            "phone": event.phone,
            "called": event.called,
            "caller": "" if event.withheld else event.caller,
            "diverted": event.diverted,
            "refused": status,
        }
        self._floor.out.append(Notify("incoming", data))
