"""A call whose customer talks with an agent: a `Call` with a `Talk` in place of a flow."""

from __future__ import annotations

import msgspec

from dialerd.core.agent import Agent
from dialerd.core.call import ENDED, Call
from dialerd.core.clock import WallClock
from dialerd.core.effects import AnyEffect
from dialerd.core.flow import FlowRun
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.keeping import recorded
from dialerd.core.limits import CALL_S_MAX, TALK_S_MAX
from dialerd.core.ops import Claim, DialOp, Dispose, Finish
from dialerd.core.pacing import NS
from dialerd.core.records import Answerer, CampaignSettings, Outcome
from dialerd.core.talk import Reception, Talk
from fastpath.numbers import Number


class AgentCall(Call):
    """The machine of one attempt of an agents' campaign."""

    __slots__ = (
        "_desk", "agent", "agent_name", "connected_ms", "counted", "disposed", "human_ms",
        "human_ns", "owes", "settings", "spoken", "talk",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - a `Call`'s, and its agents
        self,
        claim: Claim,
        number: Number,
        settings: CampaignSettings,
        clock: WallClock,
        out: list[AnyEffect],
        *,
        host: str,
        desk: Reception,
        agent: Agent | None,
        plan: FlowPlan | None = None,
    ) -> None:
        """`agent` is reserved for it; None: whoever is ready when the customer answers."""
        super().__init__(claim, number, settings, plan, clock, out, host=host)
        self._desk = desk
        self.settings = settings
        self.agent = agent
        self.agent_name = agent.name if agent else ""
        self.spoken = Outcome.ABANDONED  # what an answered call is if it ended now
        self.human_ms = 0
        self.human_ns = 0
        self.connected_ms = 0
        self.counted = False  # the owner's: as a person who found an agent
        self.owes = False  # an agent talked, and has yet to say what came of it
        self.disposed: Dispose | None = None  # said before the end
        self.talk: Talk | None = None

    @property
    def out(self) -> list[AnyEffect]:
        """Where its effects go."""
        return self._out

    @property
    def place(self) -> int | str:
        """Whose agents it waits for: those of its campaign."""
        return self.claim.campaign_id

    @property
    def over(self) -> bool:
        """Whether its `Finish` is written."""
        return self.state is ENDED

    def at_ms(self, now_ns: int) -> int:
        """The time in its history."""
        return self._ms(now_ns)

    def bridged(self, agent: Agent, now_ns: int) -> None:
        """An agent and the customer hear each other."""
        self.agent_name = agent.name
        self.spoken = Outcome.ANSWERED
        self.connected_ms = self.connected_ms or self._ms(now_ns)
        self.heard = True
        self.owes = True
        if self.line.call_s_max >= CALL_S_MAX and not self.line.plan.call_s_max:
            self._up_until_ns = now_ns + TALK_S_MAX * NS  # no plan says how long people may talk

    def recorded(self, agent: Agent) -> bool:
        """Whether what is said with this agent is recorded."""
        never = self._settings.agents.unrecorded
        share = recorded(self._settings, self.claim.attempt_id)
        return share and not {agent.name, *agent.queues} & set(never)

    def verdict(self, who: Answerer, now_ns: int) -> None:
        """Who answered."""
        if self.talk is not None:
            self.talk.verdict(who, now_ns)
            self.look()

    def talk_over(self, now_ns: int) -> None:
        """Nothing is left to say: hang up."""
        self._release(self.spoken, now_ns)

    def look(self) -> None:
        """Its talk was moved from outside: take over its deadline."""
        self._set_deadline()

    # -- what the call asks ----------------------------------------------------------------------

    def _body(self) -> FlowRun | Talk:
        self.talk = Talk(self, self._desk)
        return self.talk

    def _answered_as(self) -> Outcome:
        return self.spoken

    def _ending(self, finish: Finish) -> tuple[DialOp, ...]:
        full = msgspec.structs.replace(
            finish,
            agent=self.agent_name,
            human_ms=self.human_ms,
            connected_ms=self.connected_ms,
            wraps=self.owes,
        )
        if self.owes and self.disposed is not None:
            return full, self.disposed
        return (full,)
