"""Which legs hear each other: two in a bridge, one of them a modem's in a room, and who listens in.

A supervisor is alone in a room that overhears the customer's leg, what is played to it, and the leg
that is bridged with it: those two go on as they are. As soon as one speaks, whisper or barge, both
take their seats in that room instead, where who hears whom is by roles; and keep them until nobody
listens in any more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from dialerd.core.supervise_records import SuperviseMode
from fastpath.rtp import MediaEngine

log = logging.getLogger("dialerd.media")

ROLES: Final = {
    SuperviseMode.LISTEN: "listening",
    SuperviseMode.WHISPER: "whispering",
    SuperviseMode.BARGE: "barging",
}


class _Overheard:
    """A call that somebody listens in on."""

    __slots__ = ("guests", "mixed", "modes", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self.modes: dict[int, SuperviseMode] = {}  # of the supervisors' legs
        self.guests: set[int] = set()  # legs that the room overhears
        self.mixed = False  # and they have their seats there


class Meetings:
    """See the module's text. Its legs have streams as long as it knows them."""

    def __init__(self, engine: MediaEngine, streams: Mapping[int, int], devices: set[int]) -> None:
        """`streams` by leg; `devices` are legs whose audio is a modem's."""
        self._engine = engine
        self._streams = streams
        self._devices = devices
        self._rooms: dict[int, int] = {}  # leg -> the room in which it meets a modem's
        self._pairs: dict[int, int] = {}  # both ways
        self._agents: set[int] = set()  # legs of agents that have been bridged
        self._calls: dict[int, _Overheard] = {}  # by the customer's leg
        self._hears: dict[int, int] = {}  # a supervisor's leg -> the customer's

    def bridge(self, leg: int, other: int, *, agent: bool) -> bool:
        """The customer and another hear each other; `agent`: who may be whispered to."""
        left = {self._parted(one) for one in (leg, other)} - {leg, other}
        for one in left & self._calls.keys():
            self._settle(one, self._calls[one])  # who listens in there hears no other conversation
        self._pairs[leg], self._pairs[other] = other, leg
        if agent:
            self._agents.add(other)
        heard = self._calls.get(leg)
        if heard is not None and heard.mixed:
            return self._settle(leg, heard)
        done = self._connect(leg, other)
        if heard is not None:
            self._settle(leg, heard)
        return done

    def unbridge(self, leg: int) -> None:
        """They do not any more."""
        other = self._parted(leg)
        self._part(leg)
        if leg in self._streams:
            self._engine.unbridge(self._streams[leg])
        for one in (leg, other):
            if one in self._calls:
                self._settle(one, self._calls[one])

    def listen_in(self, leg: int, customer: int, mode: SuperviseMode) -> bool:
        """A supervisor hears a call, and is heard as `mode` says; False when a leg is gone."""
        if leg not in self._streams or customer not in self._streams:
            return False
        try:
            heard = self._calls.get(customer)
            if heard is None:
                heard = self._calls[customer] = _Overheard(self._engine.room(over=True))
            heard.modes[leg] = mode
            self._hears[leg] = customer
            self._engine.join(heard.room, self._streams[leg], ROLES[mode])
        except OSError as error:
            log.warning("leg %d cannot listen in on leg %d: %s", leg, customer, error)
            self._left(leg)
            return False
        return self._settle(customer, heard)

    def gone(self, leg: int) -> None:
        """A leg is about to lose its stream."""
        if leg in self._hears:
            self._left(leg)
        other = self._parted(leg)
        heard = self._calls.get(leg)
        if heard is not None:
            for one in heard.modes:
                del self._hears[one]
            self._end(leg, heard)
        self._part(leg)
        self._agents.discard(leg)
        if other in self._calls:
            self._settle(other, self._calls[other])

    def modem_of(self, leg: int) -> int | None:
        """The modem's leg that somebody talks with who is on none; None: that is not so."""
        other = self._pairs.get(leg, 0)
        return other if other in self._devices and leg not in self._devices else None

    # -- two -------------------------------------------------------------------------------------

    def _parted(self, leg: int) -> int:
        """Forget whom a leg is bridged with; who that was, or 0."""
        other = self._pairs.pop(leg, 0)
        self._pairs.pop(other, None)
        return other

    def _connect(self, leg: int, other: int) -> bool:
        if leg in self._devices or other in self._devices:
            return self._meet(leg, other)
        self._engine.bridge(self._streams[leg], self._streams[other])
        return True

    def _meet(self, leg: int, other: int) -> bool:
        """Two legs in a room of their own: modem audio has no packets that a bridge could pass."""
        for one in (leg, other):
            self._part(one)
        try:
            room = self._engine.room()
        except OSError as error:
            log.warning("legs %d and %d cannot hear each other: %s", leg, other, error)
            return False
        for one, role in ((leg, "customer"), (other, "agent")):
            self._engine.join(room, self._streams[one], role)
            self._rooms[one] = room
        return True

    def _part(self, leg: int) -> None:
        """End the room of a leg, if it is in one."""
        room = self._rooms.pop(leg, None)
        if room is not None:
            self._engine.close_room(room)
            self._rooms = {one: its for one, its in self._rooms.items() if its != room}

    # -- who listens in --------------------------------------------------------------------------

    def _settle(self, customer: int, heard: _Overheard) -> bool:
        """Whom the room overhears, and who has a seat there, as the call is now."""
        other = self._pairs.get(customer, 0)
        present = {leg for leg in (customer, other) if leg in self._streams}
        for leg in heard.guests - present:
            heard.guests.discard(leg)
            if leg in self._streams:
                self._engine.overhear_no_more(self._streams[leg])
        speaks = any(mode is not SuperviseMode.LISTEN for mode in heard.modes.values())
        heard.mixed = heard.mixed or speaks
        try:
            for leg in sorted(present, key=lambda one: one != customer):
                self._seat(customer, leg, heard)
        except OSError as error:
            log.warning("not all of leg %d can be heard: %s", customer, error)
            return False
        return True

    def _seat(self, customer: int, leg: int, heard: _Overheard) -> None:
        """One of the call's two sides."""
        engine, stream = self._engine, self._streams[leg]
        role = "agent" if leg in self._agents else "customer"
        if leg not in heard.guests:
            engine.overhear(heard.room, stream, role, played=leg == customer)
            heard.guests.add(leg)
        if heard.mixed:
            self._part(leg)
            engine.join(heard.room, stream, role)

    def _left(self, leg: int) -> None:
        """A supervisor goes."""
        customer = self._hears.pop(leg, 0)
        heard = self._calls.get(customer)
        if heard is None:
            return
        del heard.modes[leg]
        if leg in self._streams:
            self._engine.leave(self._streams[leg])
        if not heard.modes:
            self._end(customer, heard)

    def _end(self, customer: int, heard: _Overheard) -> None:
        """Nobody listens in any more: the two hear each other as before."""
        del self._calls[customer]
        for leg in heard.guests:
            if leg in self._streams:
                self._engine.overhear_no_more(self._streams[leg])
        self._engine.close_room(heard.room)
        other = self._pairs.get(customer, 0)
        if heard.mixed and other in self._streams:
            self._connect(customer, other)
