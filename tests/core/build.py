"""Small things the tests of the core are made of."""

from __future__ import annotations

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.call import ADVANCING, ENDED, NEW, RELEASING, RINGING, UP, Call
from dialerd.core.clock import WallClock
from dialerd.core.dialer import Dialer
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.ops import BeginDial, Claim, ClaimBatch, Finish, ReleaseClaim
from dialerd.core.records import Campaign, CampaignState, Outcome
from tests.core.world import MONDAY_0830, NS, NUMBERING, settings

PHONE = 84_912_345_678
T0 = 1_000 * NS
LEG = 7


def claim(attempt=1, phone=PHONE, number=1, campaign=1, carrier=""):
    return Claim(attempt, campaign, attempt, phone, number, carrier, {})


def call(out, number=1, **changes):
    plan = settings(**changes)
    return Call(
        claim(number=number),
        NUMBERING.from_value(PHONE),
        plan,
        FlowPlan(plan.flow),
        WallClock(MONDAY_0830 * NS - T0),
        out,
    )


def call_in(state, out):
    """A call led by the shortest way into a state; its effects so far are dropped."""
    made = call(out)
    if state is not NEW:
        made.dial("a", "any", LEG, T0)
    if state in (RINGING, UP):
        made.handle(ev.Ringing(LEG), T0)
    if state is UP:
        made.handle(ev.Answered(LEG), T0)
    if state is RELEASING:
        made.hang_up(T0)
    if state is ADVANCING:
        made.handle(ev.Released(LEG, Outcome.FAILED, 503, advance=True), T0)
    if state is ENDED:
        made.handle(ev.Released(LEG, Outcome.BUSY, 486), T0)
    assert made.state is state
    out.clear()
    return made


def ops(effects, kind=None):
    found = [op for e in effects if isinstance(e, fx.Write) for op in e.ops]
    return [op for op in found if kind is None or isinstance(op, kind)]


def finishes(effects):
    return ops(effects, Finish)


def only(effects, kind):
    return [e for e in effects if isinstance(e, kind)]


class Desk:
    """A dialer driven by hand: time moves when told, effects pile up in `seen`."""

    def __init__(self, *trunks, confirms_dials=False, limits=None, **changes) -> None:
        self.now_ns = T0
        self.dialer = Dialer(NUMBERING, confirms_dials=confirms_dials, **(limits or {}))
        self.seen = []
        self.attempt = 0
        self.phone = 84_901_000_000
        self.tell(ev.ClockStepped(MONDAY_0830 * NS - T0))
        self.tell(ev.LinesChanged(trunks or (trunk("a"),)))
        self.campaigns = {}
        self.campaign(1, **changes)

    def campaign(self, campaign_id, state=CampaignState.RUNNING, **changes):
        plan = settings(f"c{campaign_id}", **changes)
        self.campaigns[campaign_id] = plan
        return self.tell(ev.CampaignChanged(Campaign(campaign_id, plan, state)))

    def move(self, state, campaign_id=1):
        return self.tell(
            ev.CampaignChanged(Campaign(campaign_id, self.campaigns[campaign_id], state))
        )

    def tell(self, event, after_s=0.0):
        self.now_ns += round(after_s * NS)
        self.dialer.handle(event, self.now_ns)
        return self.take()

    def take(self):
        got = self.dialer.drain()
        self.seen += got
        return got

    def claims(self, n, campaign_id=1, next_due_s=None, exhausted=False, phones=None):
        made = []
        for i in range(n):
            self.attempt += 1
            self.phone += 1
            phone = phones[i] if phones else self.phone
            made.append(claim(self.attempt, phone, campaign=campaign_id))
        batch = ClaimBatch(campaign_id, tuple(made), 0, 0, next_due_s, exhausted)
        return self.tell(ev.Claimed(batch))

    def run(self, seconds):
        """Let the deadlines of a time pass; every effect, with its time, in order."""
        end_ns = self.now_ns + round(seconds * NS)
        got = []
        for _ in range(100_000):
            due = self.dialer.deadline_ns()
            if due is None or due > end_ns:
                break
            self.now_ns = max(self.now_ns, due)
            self.dialer.tick(self.now_ns)
            got += [(self.now_ns, effect) for effect in self.take()]
        else:
            raise AssertionError("the dialer is busy without end")
        self.now_ns = end_ns
        return got

    def dials(self):
        return only(self.seen, fx.Dial)

    def wants(self):
        return only(self.seen, fx.WantLeads)

    def released_claims(self):
        return {op.attempt_id for op in ops(self.seen, ReleaseClaim)}

    def begun(self):
        return {op.attempt_id for op in ops(self.seen, BeginDial)}

    def why(self, campaign_id=1):
        figures = self.dialer.statistics(self.now_ns).campaigns
        return next(c.why for c in figures if c.campaign_id == campaign_id)


def trunk(name, channels=10, cps=100.0, **changes):
    return ev.TrunkSpec(name, channels, cps, **({"loopback": True} | changes))
