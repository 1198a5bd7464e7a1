"""Answered calls through the dialer alone: no store, no lines; every effect is drained."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.dialer import Dialer
from dialerd.core.numbering import load_numbering
from dialerd.core.ops import Claim, ClaimBatch
from dialerd.core.records import (
    Campaign,
    CampaignSettings,
    CampaignState,
    Flow,
    FlowStep,
    Outcome,
)

ROOT = Path(__file__).resolve().parent.parent
NUMBERING = load_numbering((ROOT / "conf" / "numbering" / "vn.toml").read_text(encoding="utf-8"))
NS = 1_000_000_000
STEP_NS = 1_000_000
SETTINGS = CampaignSettings(
    "bench",
    1,
    Flow((FlowStep("hello", "greeting", {"1": "offer"}, 5_000), FlowStep("offer", "offer"))),
    "loopback",
)
TRUNKS = tuple(ev.TrunkSpec(f"t{i}", 500, 0, loopback=True) for i in range(4))


class Floor:
    """A dialer that is told, leg by leg, what an answered call with one key press brings."""

    def __init__(self) -> None:
        """A running campaign without leads yet."""
        self.dialer = Dialer(NUMBERING)
        self.now_ns = 5_000 * NS
        self.script: deque[object] = deque()
        self.next = 1
        self.ended = 0
        self.tell(ev.ClockStepped(1_795_000_000 * NS))
        self.tell(ev.LinesChanged(TRUNKS))
        self.left = 0
        self.tell(ev.CampaignChanged(Campaign(1, SETTINGS, CampaignState.RUNNING)))

    def tell(self, event: object) -> None:
        """One input; what it brings about is scripted."""
        self.now_ns += STEP_NS
        self.dialer.handle(event, self.now_ns)
        for effect in self.dialer.drain():
            kind = type(effect)
            if kind is fx.Dial:
                leg = effect.leg
                self.script += (ev.Ringing(leg), ev.Answered(leg), ev.Digit(leg, "1"))
            elif kind is fx.Play and effect.token == 2:
                self.script.append(ev.PlayEnded(effect.leg, 2))
            elif kind is fx.Release:
                self.script.append(ev.Released(effect.leg, Outcome.ANSWERED, 200, by="us"))
                self.ended += 1
            elif kind is fx.WantLeads:
                self.script.append(self.claims(min(effect.n, self.left)))

    def claims(self, n: int) -> ev.Claimed:
        """The store's answer."""
        first, self.next, self.left = self.next, self.next + n, self.left - n
        claims = tuple(
            Claim(i, 1, i, 84_900_000_000 + i % 10_000_000, 1, "", {})
            for i in range(first, first + n)
        )
        return ev.Claimed(ClaimBatch(1, claims, 0, 0, None, exhausted=False))

    def run(self, calls: int) -> None:
        """Dial and finish `calls` leads."""
        self.left += calls
        until = self.ended + calls
        self.script.append(self.claims(0))
        while self.ended < until or self.script:
            if self.script:
                self.tell(self.script.popleft())
            else:
                self.now_ns = max(self.now_ns, self.dialer.deadline_ns() or 0)
                self.dialer.tick(self.now_ns)
                self.tell(self.claims(0))
