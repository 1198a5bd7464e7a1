"""One campaign in the dialer: its leads claimed ahead, its pace, when it may dial, its figures."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from dialerd.core.clock import NEVER
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.limits import (
    AHEAD_S,
    BACK_OFF_S_MAX,
    BACK_OFF_S_MIN,
    CLAIM_MAX,
    CLAIM_MIN,
)
from dialerd.core.needs import NOTHING, Needs, needs_of
from dialerd.core.ops import Claim
from dialerd.core.pacing import NS, RateLimit
from dialerd.core.records import Campaign, CampaignState, DialMode, Outcome
from dialerd.core.regime import Openings, check_regime, find_regime, judged_by_lead, window
from dialerd.core.return_records import ReturnAnswer, agents_flow
from dialerd.core.selection import Route
from fastpath.numbers import Number

if TYPE_CHECKING:
    from dialerd.core.agent import Agent
    from dialerd.core.modes import Gate

_LONG_AGO: Final = -(1 << 62)


class Held:
    """A claimed lead that waits for its trunk, or for the agent whose card it is."""

    __slots__ = ("agent", "claim", "lease_ns", "number", "wanted")

    def __init__(self, claim: Claim, number: Number, lease_ns: int) -> None:
        """`lease_ns`: monotonic time from which it must not be dialed any more."""
        self.claim = claim
        self.number = number
        self.lease_ns = lease_ns
        self.agent: Agent | None = None
        self.wanted = False  # a card that is to be dialed


class Lane:
    """Claimed leads that share a route, in the order they were claimed."""

    __slots__ = ("held", "route")

    def __init__(self, route: Route) -> None:
        """An empty lane."""
        self.route = route
        self.held: deque[Held] = deque()


class Run:
    """A campaign as the dialer works on it."""

    __slots__ = (
        "_lane_of",
        "_open",
        "_openings",
        "_rate_count",
        "_rate_from_ns",
        "_until_wall_ns",
        "ask_at_ns",
        "asked",
        "asked_ns",
        "back_off_s",
        "bound",
        "broken",
        "by_lead",
        "campaign",
        "ended",
        "exhausted",
        "gate",
        "held_count",
        "lanes",
        "limit",
        "live",
        "loopback",
        "low",
        "moved_ns",
        "needs",
        "next_due_s",
        "outcomes",
        "placed",
        "plan",
        "plans",
        "rate",
        "returns",
        "settings",
        "told",
        "turn",
        "unsure",
    )

    def __init__(self, campaign: Campaign) -> None:
        """Settings that cannot run never dial; `broken` says why."""
        self.campaign = campaign
        self.settings = settings = campaign.settings
        self.limit = RateLimit(settings.calls_per_s_max)
        self.plan: FlowPlan | None = None
        self.plans: dict[str, FlowPlan] = {}  # by a value of the column that chooses
        self.returns: FlowPlan | None = None  # of who calls back, if another one
        self.loopback = False
        self.needs: Needs = NOTHING
        self.broken = ""
        try:
            check_regime(settings)
            self.loopback = find_regime(settings.regime).loopback_only
            if settings.mode is DialMode.BROADCAST:
                self._lay_out()
            self._lay_out_returns()
            self.needs = needs_of(settings)
        except ValueError as error:
            self.broken = str(error)
        self.by_lead = not self.broken and judged_by_lead(settings)
        self._openings = Openings(settings)
        self.gate: Gate | None = None  # what a call without a card passes; see `core.modes`
        self.bound: deque[Held] = deque()  # cards that are to be dialed
        self._open = False
        self._until_wall_ns: int | None = _LONG_AGO
        self.ended = False  # past its end time
        self.lanes: list[Lane] = []
        self._lane_of: dict[Route, Lane] = {}
        self.turn = 0
        self.held_count = 0
        self.live = 0
        self.asked = 0  # how many leads were asked for and not answered yet; -1: only if any
        self.unsure = True  # whether anybody is left is to be asked, though nobody is wanted
        self.low = 0  # at so few held leads more are asked for
        self.asked_ns = _LONG_AGO
        self.ask_at_ns = _LONG_AGO
        self.back_off_s = 0
        self.next_due_s: int | None = None
        self.exhausted = False
        self.moved_ns = _LONG_AGO
        self.placed = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.rate = 0.0
        self._rate_from_ns = _LONG_AGO
        self._rate_count = 0
        self.told = ""

    def _lay_out(self) -> None:
        s = self.settings
        self.plan = FlowPlan(s.flow, f"{s.flow_name}@{s.flow_version}" if s.flow_name else "")
        self.plans = {f.value: FlowPlan(f.flow, f"{f.name}@{f.version}") for f in s.flows}

    def _lay_out_returns(self) -> None:
        wanted = self.settings.returns
        if wanted.answer is ReturnAnswer.FLOW:
            name = f"{wanted.flow_name}@{wanted.flow_version}" if wanted.flow_name else ""
            self.returns = FlowPlan(wanted.flow, name)
        elif wanted.answer is ReturnAnswer.AGENTS:
            self.returns = FlowPlan(agents_flow(wanted))

    def take_over(self, campaign: Campaign) -> None:
        """Its state, and, after a switch, its flows: calls in progress keep theirs."""
        self.campaign = campaign
        if campaign.settings != self.settings:
            self.settings = campaign.settings
            if self.plan is not None:
                self._lay_out()
            self._lay_out_returns()
            self.needs = needs_of(self.settings)

    def return_plan(self, claim: Claim) -> FlowPlan | None:
        """The flow of a person who calls back."""
        return self.returns or self.plan_for(claim)

    def plan_for(self, claim: Claim) -> FlowPlan | None:
        """The flow that a person hears."""
        column = self.settings.flow_column
        return self.plans.get(claim.fields.get(column, ""), self.plan) if column else self.plan

    @property
    def running(self) -> bool:
        """Whether its gate lets it dial."""
        return self.campaign.state is CampaignState.RUNNING and not self.broken

    # -- hours -----------------------------------------------------------------------------------

    def open_at(self, wall_ns: int) -> bool:
        """Whether regime, hours, start and end allow dialing now; cheap until that changes."""
        until = self._until_wall_ns
        if until is not None and wall_ns >= until:
            now = window(self.settings, wall_ns)
            self._open, self._until_wall_ns = now
            self.ended = now.until_ns is None
        return self._open

    def open_for(self, claim: Claim, wall_ns: int) -> bool:
        """Whether hours allow dialing where this person lives; only asked when `by_lead`."""
        return self._openings.at(wall_ns, claim.zones).open

    def clock_stepped(self) -> None:
        """Nothing known about time holds any more."""
        self._until_wall_ns = _LONG_AGO
        self.ask_at_ns = _LONG_AGO

    def changes_ns(self, wall_ns: int) -> int:
        """In how many ns its hours next open or close; NEVER when nothing will change."""
        until = self._until_wall_ns
        return NEVER if until is None else max(0, until - wall_ns)

    # -- leads claimed ahead ---------------------------------------------------------------------

    def hold(self, held: Held, route: Route) -> None:
        """Keep a claimed lead until its trunk is free."""
        lane = self._lane_of.get(route)
        if lane is None:
            lane = self._lane_of[route] = Lane(route)
            self.lanes.append(lane)
        lane.held.append(held)
        self.held_count += 1

    def take_all(self) -> list[Held]:
        """All claimed leads, which are no longer held."""
        found = [held for lane in self.lanes for held in lane.held]
        self.lanes = []
        self._lane_of = {}
        self.turn = 0
        self.held_count = 0
        return found

    def take_late(self, now_ns: int) -> list[Held]:
        """Those whose lease is over."""
        late: list[Held] = []
        for lane in self.lanes:
            while lane.held and lane.held[0].lease_ns <= now_ns:
                late.append(lane.held.popleft())
        self.held_count -= len(late)
        return late

    def lease_ns(self) -> int:
        """When the first lease of the held leads is over."""
        return min((lane.held[0].lease_ns for lane in self.lanes if lane.held), default=NEVER)

    def wants(self, calls_per_s: float, channels_free: int) -> int:
        """How many leads to claim now: 0 while enough are held.

        Enough is what `AHEAD_S` seconds use up at the pace seen, or the free channels, whichever is
        more, within what the rate limits let through in that time.
        """
        most = min(self.settings.calls_per_s_max or calls_per_s, calls_per_s) * AHEAD_S
        likely = max(self.rate * AHEAD_S, channels_free, CLAIM_MIN)
        target = int(min(likely, max(most, CLAIM_MIN), CLAIM_MAX))
        self.low = target // 2
        return target - self.held_count if self.held_count <= self.low else 0

    def dialed(self, now_ns: int) -> None:
        """Count one call into the pace seen (once a second, averaged with what was seen before)."""
        self.placed += 1
        self._rate_count += 1
        passed_ns = now_ns - self._rate_from_ns
        if passed_ns >= NS:
            seen = self._rate_count * NS / passed_ns
            self.rate = seen if passed_ns > 10 * NS else (self.rate + seen) / 2
            self._rate_from_ns = now_ns
            self._rate_count = 0

    def pace(self, now_ns: int) -> float:
        """New calls a second as they are seen now: fewer while none comes, soon 0."""
        passed_ns = now_ns - self._rate_from_ns
        if passed_ns <= 2 * NS:
            return self.rate
        return min(self.rate, self._rate_count * NS / passed_ns)

    def backs_off(self, now_ns: int) -> None:
        """A claim failed: ask again later, each time later."""
        self.back_off_s = min(max(self.back_off_s * 2, BACK_OFF_S_MIN), BACK_OFF_S_MAX)
        self.ask_at_ns = now_ns + self.back_off_s * NS
