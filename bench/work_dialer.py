"""The dialing machine alone, as a fixed workload: answered calls, one key, two prompts, no store.

Time is virtual and jumps from deadline to deadline, a quarter of a second or more. Writes succeed
at once and lead nowhere, so that what is counted is the machine.
"""

from __future__ import annotations

from collections.abc import Callable
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

NS = 1_000_000_000
PLAN = Path(__file__).resolve().parent.parent / "conf" / "numbering" / "vn.toml"
FLOW = Flow((FlowStep("hello", "hello", {"1": "more"}, wait_ms=3_000), FlowStep("more", "more")))
TRUNK = ev.TrunkSpec("loopback", 64, 1000.0, loopback=True)


class Carrier:
    """Answers every call, hears the prompt, presses 1, hears the second prompt, is hung up on."""

    def __init__(self) -> None:
        self.dialer = Dialer(load_numbering(PLAN.read_text(encoding="utf-8")))
        self.now_ns = NS
        self.claimed = 0
        self.done = 0
        settings = CampaignSettings("bench", 1, FLOW, "loopback", ring_s_max=5)
        self.feed(ev.ClockStepped(1_790_000_000 * NS))
        self.feed(ev.LinesChanged((TRUNK,)))
        self.feed(ev.CampaignChanged(Campaign(1, settings, CampaignState.RUNNING, audience=10**6)))

    def feed(self, event: ev.AnyEvent) -> None:
        """One input, everything drained, and what that leads to."""
        self.dialer.handle(event, self.now_ns)
        self.carry_out()

    def carry_out(self) -> None:
        for effect in self.dialer.drain():
            match effect:
                case fx.WantLeads():
                    self.feed(ev.Claimed(self.claims(effect.n)))
                case fx.Dial():
                    self.feed(ev.Ringing(effect.leg))
                    self.feed(ev.Answered(effect.leg))
                case fx.Play(prompt="hello"):
                    self.feed(ev.PlayEnded(effect.leg, effect.token))
                    self.feed(ev.Digit(effect.leg, "1"))
                case fx.Play():
                    self.feed(ev.PlayEnded(effect.leg, effect.token))
                case fx.Release():
                    self.done += 1
                    self.feed(ev.Released(effect.leg, Outcome.ANSWERED, 200, by="us"))

    def claims(self, n: int) -> ClaimBatch:
        first = self.claimed
        self.claimed += n
        found = tuple(
            Claim(i + 1, 1, i, 84_912_000_000 + i, 1, "vinaphone", {})
            for i in range(first, self.claimed)
        )
        return ClaimBatch(1, found, 0, 0, None, exhausted=False)

    def calls(self, count: int) -> None:
        """Advance from deadline to deadline until so many more calls have ended."""
        until = self.done + count
        while self.done < until:
            due = self.dialer.deadline_ns()
            if due is None:
                raise RuntimeError("the dialer waits for nothing")
            self.now_ns = max(self.now_ns + NS // 4, due)
            self.dialer.tick(self.now_ns)
            self.carry_out()


def calls(count: int) -> Callable[[], None]:
    """Prepare a carrier; each run is `count` calls."""
    carrier = Carrier()
    return lambda: carrier.calls(count)
