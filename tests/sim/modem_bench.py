"""A bank of simulated modems driven by hand: virtual time, what was said, the ledger."""

from __future__ import annotations

import msgspec

from dialerd.sim.ledger import Ended, Entry
from dialerd.sim.modem import Modem
from dialerd.sim.modem_agenda import S
from dialerd.sim.modem_bank import Bank, Effect, Say, Setup
from dialerd.sim.modem_control import Reply, control
from dialerd.sim.people import Shares, Town


def town(**shares: float) -> Town:
    """Everybody does the same."""
    none = dict.fromkeys(Shares.__struct_fields__, 0.0)
    return Town(shares=Shares(**(none | (shares or {"answers": 1.0}))))


class Bench:
    """Modems and the hand that writes to them."""

    def __init__(self, *dialects: str, settle_s: float = 8.0, **setup: object) -> None:
        values = {"ports": len(dialects), "seed": 3, "town": town()} | setup
        self.ledger: list[Entry] = []
        self.now_ns = 0
        options = msgspec.convert({"dialects": dialects} | values, Setup)
        self.bank = Bank(options, self.ledger.append)
        self.effects: list[Effect] = []
        self._said: dict[int, bytearray] = {}
        if settle_s:
            self.run(settle_s)
            for slot in range(len(self.bank.slots)):
                self.at(slot, "ATE0")
                self.modem(slot).set["chatter"] = 0
                self.said(slot)

    def run(self, seconds: float) -> None:
        """Let time pass, each thing at its own moment."""
        end_ns = self.now_ns + int(seconds * S)
        while (due := self.bank.deadline_ns()) is not None and due <= end_ns:
            self.bank.tick(due)
        self.bank.tick(end_ns)
        self.now_ns = end_ns
        for effect in self.bank.drain():
            self.effects.append(effect)
            if isinstance(effect, Say):
                self._said.setdefault(effect.slot, bytearray()).extend(effect.data)

    def said(self, slot: int = 0) -> bytes:
        """What a modem wrote since asked last."""
        return bytes(self._said.pop(slot, b""))

    def lines(self, slot: int = 0) -> list[str]:
        """The same as lines."""
        return [line for line in self.said(slot).decode("latin-1").split("\r\n") if line]

    def write(self, data: bytes, slot: int = 0) -> None:
        """Bytes, as they are."""
        self.bank.received(slot, data, self.now_ns)

    def at(self, slot: int, command: str, seconds: float = 0.5) -> list[str]:
        """A command line and the lines that come within so many seconds."""
        self.write(command.encode("latin-1") + b"\r", slot)
        self.run(seconds)
        return self.lines(slot)

    def modem(self, slot: int = 0) -> Modem:
        return self.bank.slots[slot].modem

    def control(self, line: str) -> Reply:
        """A line of the control socket."""
        self.bank.tick(self.now_ns)
        return control(self.bank, line)

    def ended(self) -> list[Ended]:
        """Ends of calls in the ledger."""
        return [entry for entry in self.ledger if isinstance(entry, Ended)]
