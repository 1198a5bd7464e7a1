"""Who acts to place a call, by the campaign's mode: a gate that each call without an agent passes.

| mode        | leads                       | one more call when                               |
|-------------|-----------------------------|--------------------------------------------------|
| broadcast   | claimed ahead               | always: lines and rates alone bind               |
| manual      | one for each `AgentTake`    | its agent says so                                |
| preview     | one for each ready agent    | its agent says so, or `preview_s` have passed    |
| progressive | claimed ahead, as agents are| an agent is ready and at the telephone           |
| predictive  | claimed ahead, as the pace  | the pacer says so                                |

Cards of agents (manual, preview, and every agent's own callbacks) pass by no gate: they have their
agent already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from dialerd.core.agent import Agent
from dialerd.core.clock import NEVER
from dialerd.core.effects import Notify
from dialerd.core.floor import Floor
from dialerd.core.limits import AGENTS_MAX, PACE_NS
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignSettings, DialMode, Outcome
from dialerd.core.running import Run
from dialerd.core.team import Team
from dialerd.core.team_books import Books
from fastpath.pacer import Pacer as FastPacer

if TYPE_CHECKING:
    from dialerd.core.desk import Desk


class Pacer(Protocol):
    """How many calls to start: times are seconds, calls and agents are numbers.

    `fastpath.pacer.Pacer` is one; a test may bring its own.
    """

    def dial_started(self, call: int, now: float, p: float | None = None) -> None:
        """A call rings; `p` is the chance that this lead answers, if it is known."""

    def call_ended(self, call: int, now: float, cause: str) -> None:
        """Without an agent: busy, no_answer, failed, machine."""

    def answered(self, call: int, now: float) -> None:
        """Picked up; whether by a person is not known yet."""

    def human_answered(self, call: int, now: float) -> None:
        """A person wants an agent now."""

    def abandoned(self, call: int, now: float) -> None:
        """There was none in time."""

    def agent_ready(self, agent: int, now: float) -> None:
        """An agent may take a call."""

    def agent_reserved(self, agent: int, call: int, now: float) -> None:
        """An agent was chosen for a call."""

    def agent_talking(self, agent: int, now: float) -> None:
        """They talk."""

    def agent_wrap_up(self, agent: int, now: float) -> None:
        """The conversation is over, its paperwork not."""

    def agent_left(self, agent: int, now: float) -> None:
        """On a break, gone, or busy elsewhere."""

    def begin_window(self, people: int = 0, abandoned: int = 0) -> None:
        """A window of the legal cap begins, with what was counted in it before."""

    def dials(self, now: float, lines_free: int) -> int:
        """How many calls to start now."""
        ...

    def explain(self) -> dict[str, Any]:
        """The last decision, for people."""
        ...


def pacer_of(settings: CampaignSettings) -> Pacer:
    """The pacer of a campaign."""
    s = settings.agents
    return FastPacer(
        AGENTS_MAX,
        abandon_target=s.abandon_target,
        lines_per_agent_max=s.lines_per_agent_max,
        grace_s=s.grace_s,
    )


MakePacer = Callable[[CampaignSettings], Pacer]

_CAUSES = {
    Outcome.BUSY: "busy",
    Outcome.DECLINED: "busy",
    Outcome.NO_ANSWER: "no_answer",
    Outcome.UNREACHABLE: "failed",
    Outcome.INVALID: "failed",
    Outcome.FAILED: "failed",
    Outcome.MACHINE: "machine",
}


def cause(outcome: Outcome | None) -> str:
    """Why a call ended without a person, as a pacer names it."""
    return "failed" if outcome is None else _CAUSES.get(outcome, "no_answer")


class Gate:
    """Manual and preview: no call without a card."""

    __slots__ = ("floor", "run", "team")

    def __init__(self, run: Run, floor: Floor, team: Team) -> None:
        """Of one campaign."""
        self.run = run
        self.floor = floor
        self.team = team

    @property
    def pacer(self) -> Pacer | None:
        """Whoever is fed with what happens."""
        return None

    def most(self) -> int:
        """How many leads are worth claiming ahead."""
        return 0

    def ready_ns(self, _now_ns: int) -> int:
        """0: one more call may be placed now; else when (NEVER: an event will tell)."""
        return NEVER

    def take(self) -> Agent | None:
        """One more call is placed now: the agent it is for, if it has one already."""
        return None

    def why_not(self) -> str:
        """What it waits for; empty: nothing."""
        if not self.team.count(self.run.campaign.campaign_id):
            return "no agent is ready"
        manual = self.run.settings.mode is DialMode.MANUAL
        return "its agents ask for each customer" if manual else ""


class Progressive(Gate):
    """One call for each ready agent, who is at the telephone before the customer is dialed."""

    __slots__ = ("_arm",)

    def __init__(self, run: Run, floor: Floor, team: Team, arm: Callable[[Run, int], None]) -> None:
        """`arm` has the telephones of ready agents rung."""
        super().__init__(run, floor, team)
        self._arm = arm

    def most(self) -> int:
        """One for each who is ready."""
        return self.team.count(self.run.campaign.campaign_id)

    def ready_ns(self, now_ns: int) -> int:
        """An agent must be there; who is ready and is not at the telephone yet is rung."""
        if self.team.first(self.run.campaign.campaign_id, up=True) is not None:
            return 0
        self._arm(self.run, now_ns)
        return NEVER

    def take(self) -> Agent | None:
        """The one who has been idle longest."""
        return self.team.first(self.run.campaign.campaign_id, up=True)


class Predictive(Gate):
    """As many calls as the pacer finds safe; it is asked every 100 ms while somebody works."""

    __slots__ = ("_books_of", "_pacer", "_quota", "_told_ns", "_window_ns", "at_work", "pace_ns")

    def __init__(
        self, run: Run, floor: Floor, team: Team, pacer: Pacer, books_of: Callable[[int], Books]
    ) -> None:
        """`pacer` is this campaign's alone; `books_of` has who was abandoned."""
        super().__init__(run, floor, team)
        self._pacer = pacer
        self._books_of = books_of
        self._quota = 0
        self._told_ns = 0
        self._window_ns = 0  # until when the regime's window lasts
        self.pace_ns = 0  # when it is asked next
        self.at_work = 0  # agents whose home this campaign is

    @property
    def pacer(self) -> Pacer:
        """The campaign's."""
        return self._pacer

    def most(self) -> int:
        """A few seconds' worth of what the lines of the agents can use."""
        return round(self.at_work * self.run.settings.agents.lines_per_agent_max)

    def why_not(self) -> str:
        """Who talks counts too: it dials ahead of them."""
        return "" if self.at_work else "no agent is at work"

    def ready_ns(self, now_ns: int) -> int:
        """What the last decision left, then the next decision's time."""
        if not self.at_work:
            return NEVER
        if self.pace_ns <= now_ns:
            self.pace_ns = now_ns + PACE_NS
            if self._window_ns <= now_ns and self.floor.clock.known:
                books = self._books_of(self.run.campaign.campaign_id)
                people, abandoned, self._window_ns = books.legal(now_ns)
                self._pacer.begin_window(people, abandoned)
            lines = self.floor.lines_free(loopback=self.run.loopback)
            self._quota = self._pacer.dials(now_ns / NS, lines)
            if now_ns >= self._told_ns + NS:
                self._told_ns = now_ns
                data = {"campaign_id": self.run.campaign.campaign_id, **self._pacer.explain()}
                self.floor.out.append(Notify("pacing", data))
        return 0 if self._quota > 0 else self.pace_ns

    def take(self) -> None:
        """No agent yet: whoever is ready when the customer answers."""
        self._quota -= 1


def gate_for(run: Run, floor: Floor, desk: Desk, make_pacer: MakePacer) -> Gate | None:
    """The gate of a campaign; None: every call passes."""
    team = desk.team
    match run.settings.mode:
        case DialMode.BROADCAST:
            return None
        case DialMode.PROGRESSIVE:
            return Progressive(run, floor, team, desk.arm)
        case DialMode.PREDICTIVE:
            return Predictive(run, floor, team, make_pacer(run.settings), desk.books_of)
        case DialMode.MANUAL | DialMode.PREVIEW:
            return Gate(run, floor, team)
