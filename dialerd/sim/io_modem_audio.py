"""Samples of all sounding modems, on one clock: every 20 ms, whatever is due of all of them.

A modem takes and gives 8,000 samples a second by its own clock, however late the program is: what
it was not given in time is a gap, what it was given too soon waits in the device until that is
full.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from dialerd.sim import limits
from dialerd.sim.io_modem_ptys import Plug
from dialerd.sim.modem_audio import FRAME, Ear, Frames
from dialerd.sim.modem_bank import Bank, Slot

PERIOD_NS = 20_000_000
AHEAD_FRAMES = 5  # what a modem takes at once beyond its clock: its own buffer
LATE_FRAMES = 25  # after a longer standstill of ours the rest is left out


class Channel:
    """One sounding modem."""

    __slots__ = ("begun_ns", "ear", "gaps", "record", "taken", "turns")

    def __init__(self, ear: Ear, begun_ns: int, record: int) -> None:
        self.ear, self.begun_ns, self.record = ear, begun_ns, record
        self.turns = 0  # frames that time has seen
        self.taken = 0  # bytes heard
        self.gaps = 0  # periods without a frame of the program, after its first


class Sounds:
    """The clock of all channels; it runs while there is one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bank: Bank,
        plugs: list[Plug],
        speech: list[Frames],
        record: Path | None,
    ) -> None:
        """`record`: a folder for what each call was heard to say, as raw samples."""
        self._loop, self._bank, self._plugs = loop, bank, plugs
        self._speech, self._record = speech, record
        self._channels: dict[int, Channel] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0

    def begin(self, slot: int) -> None:
        """Samples of a slot flow."""
        self.end(slot)
        self._channel(self._bank.slots[slot], slot)
        if self._timer is None and self._channels:
            self._next_s = self._loop.time() + PERIOD_NS / 1e9
            self._timer = self._loop.call_at(self._next_s, self._tick)

    def _channel(self, place: Slot, slot: int) -> Channel | None:
        leg = place.modem.calls.sounding()
        if leg is None or leg.connection is None:
            return None
        ear = Ear(leg.connection, calls=leg.outgoing, speech=self._speech)
        record = -1
        if self._record is not None:
            file = self._record / f"{leg.connection.seen.call_id}-{place.name}.raw"
            record = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        channel = self._channels[slot] = Channel(ear, time.monotonic_ns(), record)
        return channel

    def end(self, slot: int) -> None:
        """They flow no longer; idempotent."""
        channel = self._channels.pop(slot, None)
        if channel is not None and channel.record >= 0:
            os.close(channel.record)

    def close(self) -> None:
        """End all."""
        for slot in list(self._channels):
            self.end(slot)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        for slot, channel in list(self._channels.items()):
            device = self._plugs[slot].audio
            if device is None:
                continue
            if channel.ear.connection.over:
                self.end(slot)
                continue
            due = (now_ns - channel.begun_ns) // PERIOD_NS - channel.turns
            if due <= 0:
                continue
            if due > LATE_FRAMES:
                channel.begun_ns += (due - LATE_FRAMES) * PERIOD_NS
                due = LATE_FRAMES
            channel.turns += due
            ear = channel.ear
            device.write(ear.speak() if due == 1 else b"".join(ear.speak() for _ in range(due)))
            room = (channel.turns + AHEAD_FRAMES) * FRAME - channel.taken
            data = device.read(room) if room > 0 else b""
            if data:
                self._heard(channel, data)
            elif channel.taken:
                channel.gaps += 1
        self._again()

    def _heard(self, channel: Channel, data: bytes) -> None:
        channel.taken += len(data)
        whole = channel.ear.hear(data)
        if channel.record >= 0 and channel.taken <= limits.HEARD_FRAMES_MAX * FRAME:
            os.write(channel.record, whole)
        self._cross(channel, whole)

    def _cross(self, channel: Channel, data: bytes) -> None:
        """To the other modem of the bank, when the call is between two of them."""
        connection = channel.ear.connection
        if connection.caller is None or connection.called is None:
            return
        for far in self._channels.values():
            if far.ear.connection is connection and far is not channel:
                far.ear.crossed.extend(data[at : at + FRAME] for at in range(0, len(data), FRAME))

    def _again(self) -> None:
        self._timer = None
        if not self._channels:
            return
        self._next_s = max(self._next_s + PERIOD_NS / 1e9, self._loop.time())
        self._timer = self._loop.call_at(self._next_s, self._tick)
