"""What goes wrong with modems, between a modem and its wire or in the modem itself.

    fault slot07 KIND [SECONDS]          without seconds until `fault slot07 none`

| kind | what happens |
|---|---|
| silence | hears and says nothing; calls stay up |
| wedge | the same, until it is unplugged |
| garbage | says random bytes ten times a second, between its answers too |
| late | says everything 3 s late |
| lost | loses what it would say unasked |
| half-dead | answers a bare `AT`, nothing else |
| echo | a loop: gives back what it is sent, nothing else |
| unplug | its devices disappear; they come back as others |
| flap | unplugged and plugged every 2 s |
| reset | starts again by itself, and is another device then |
| no-signal | hears no network: calls end, nothing can be dialed |
| no-sim | its card is out |
| drop | the network loses its calls, once |
| stuck-audio | samples cannot be had (SIMCom: until it is reset), or stop |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dialerd.sim.modem_agenda import Due

if TYPE_CHECKING:
    from dialerd.sim.modem_bank import Slot
    from dialerd.sim.modem_card import Card

LATE_S = 3.0
FLAP_S = 2.0
GARBAGE_S = 0.1
GARBAGE_BYTES = 40


class Faults:
    """Those of one slot; any number at once."""

    def __init__(self, slot: Slot) -> None:
        """None."""
        self._slot = slot
        self.kinds: set[str] = set()
        self._card: Card | None = None
        self._ends: dict[str, Due] = {}
        self._line = bytearray()  # of half-dead: the command so far

    def begin(self, kind: str, seconds: float = 0.0) -> None:
        """From now on, for so long (0: until told). ValueError for one that does not exist."""
        if kind == "none":
            for other in list(self.kinds):
                self.end(other)
            return
        if kind not in KINDS:
            raise ValueError(f"faults are none, {', '.join(KINDS)}")
        if due := self._ends.pop(kind, None):
            due.cancel()
        act = KINDS[kind]
        if kind not in self.kinds:
            self.kinds.add(kind)
            if act is not None:
                act(self)
        if kind in ONCE:
            self.kinds.discard(kind)
        elif seconds:
            self._ends[kind] = self._after(seconds, lambda: self.end(kind))

    def end(self, kind: str) -> None:
        """No longer; nothing when it was not."""
        if kind not in self.kinds:
            return
        self.kinds.discard(kind)
        modem = self._slot.modem
        if kind in ("unplug", "flap"):
            self._slot.plug()
        elif kind == "lost":
            modem.loses_urcs = False
        elif kind == "no-signal":
            modem.coverage = True
            modem.radio()
        elif kind == "no-sim":
            modem.card, self._card = self._card, None
            modem.radio()
        elif kind == "stuck-audio":
            modem.audio_stuck = False
            modem.sound()

    # ---- on the wire

    def heard(self, data: bytes) -> bytes:
        """What the modem hears of what the program wrote."""
        if "echo" in self.kinds:
            self._slot.put(data)
            return b""
        if "silence" in self.kinds:
            return b""
        if "half-dead" not in self.kinds:
            return data
        out = b""
        for byte in data:
            self._line.append(byte)
            if byte == 0x0D:
                if self._line.strip().upper() == b"AT":
                    out += self._line
                self._line.clear()
            del self._line[:-64]
        return out

    def said(self, data: bytes) -> None:
        """What the modem says, on its way out."""
        if not self.kinds & {"silence", "echo", "late"}:
            self._slot.put(data)
        elif "late" in self.kinds and not self.kinds & {"silence", "echo"}:
            self._after(LATE_S, lambda: self._slot.put(data))

    # ---- in the modem

    def _after(self, seconds: float, act: Callable[[], None]) -> Due:
        return self._slot.modem.agenda.after(seconds, act)

    def _spew(self) -> None:
        if "garbage" in self.kinds:
            self._slot.put(self._slot.modem.rng.randbytes(GARBAGE_BYTES))
            self._after(GARBAGE_S, self._spew)

    def _flap(self) -> None:
        if "flap" not in self.kinds:
            return
        if self._slot.plugged:
            self._slot.unplug()
        else:
            self._slot.plug()
        self._after(FLAP_S, self._flap)

    def _no_signal(self) -> None:
        self._slot.modem.coverage = False
        self._slot.modem.radio()

    def _no_sim(self) -> None:
        modem = self._slot.modem
        self._card, modem.card = modem.card, None
        modem.radio()

    def _lost(self) -> None:
        self._slot.modem.loses_urcs = True

    def _stuck(self) -> None:
        self._slot.modem.audio_stuck = True
        self._slot.modem.sound()

    def _drop(self) -> None:
        modem = self._slot.modem
        for leg in modem.calls.live():
            if leg.connection is not None:
                modem.network.lose(leg.connection)

    def _wedge(self) -> None:
        self._slot.modem.wedge()

    def _unplug(self) -> None:
        self._slot.unplug()

    def _reset(self) -> None:
        self._slot.modem.reset()


KINDS: dict[str, Callable[[Faults], None] | None] = {
    "silence": None, "wedge": Faults._wedge, "garbage": Faults._spew, "late": None,
    "lost": Faults._lost, "half-dead": None, "echo": None, "unplug": Faults._unplug,
    "flap": Faults._flap, "reset": Faults._reset, "no-signal": Faults._no_signal,
    "no-sim": Faults._no_sim, "drop": Faults._drop, "stuck-audio": Faults._stuck,
}  # fmt: skip
#: Those that happen at one moment. A wedge is over when its modem was unplugged.
ONCE = frozenset(("reset", "drop", "wedge"))
