"""A port against a modem of the simulated bank."""

from __future__ import annotations

from typing import Any

import msgspec

from dialerd.sim.ledger import Entry
from dialerd.sim.modem_bank import Bank, Gone, Here, Say, Setup
from dialerd.sim.people import Shares, Town
from tests.gsm.drive import Hand, Modem, S


class BankModem(Modem):
    """Slot 0 of a bank of one."""

    def __init__(self, dialect: str, *, seed: int = 3, **setup: Any) -> None:
        shares = setup.pop("shares", {"answers": 1.0})
        none = dict.fromkeys(Shares.__struct_fields__, 0.0)
        town = Town(shares=Shares(**(none | shares)))
        values = {"ports": 1, "seed": seed, "town": town, "dialects": (dialect,)} | setup
        self.ledger: list[Entry] = []
        self.bank = Bank(msgspec.convert(values, Setup), self.ledger.append, 1_000 * S)
        self._armed = -1

    def attach(self, hand: Hand) -> None:
        super().attach(hand)
        self._arm()

    def opened(self) -> None:
        self._work()

    def said(self, data: bytes) -> None:
        self.bank.received(0, data, self.hand.now)
        self._arm()

    def _arm(self) -> None:
        due = self.bank.deadline_ns()
        if due is not None and due != self._armed:
            self._armed = due
            self.hand.later(max(0, due - self.hand.now) / S, self._work)

    def _work(self) -> None:
        self._armed = -1
        self.bank.tick(self.hand.now)
        for effect in self.bank.drain():
            if isinstance(effect, Say):
                self.hand.say(effect.data)
            elif isinstance(effect, Gone):
                self.hand.unplug()
            elif isinstance(effect, Here):
                self.hand.present = True
        self._arm()
