"""A call whose customer talks with an agent: a `Call` with a `Talk` in place of a flow.

Where several agents talk with the customer, one after another, the last one has the last word and
is asked for it. What one before said is kept in the history, or as a note when that is written
already, and stands where the last one says nothing; a number that it forbids is forbidden at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dialerd.core.agent import Agent
from dialerd.core.call import ENDED, Call
from dialerd.core.clock import WallClock
from dialerd.core.effects import AnyEffect, Notify, Write
from dialerd.core.flow import FlowRun
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.greeted import Greeted
from dialerd.core.keeping import recorded
from dialerd.core.limits import CALL_S_MAX, TALK_S_MAX
from dialerd.core.ops import Ban, Claim, DialOp, Dispose, Finish
from dialerd.core.pacing import NS
from dialerd.core.records import Answerer, CampaignSettings, DoNotCall, EventKind, Outcome
from dialerd.core.talk import HELD, Reception, Talk
from fastpath.numbers import Number

if TYPE_CHECKING:
    from dialerd.core.over_call import OverCall


class AgentCall(Call):
    """The machine of one attempt of an agents' campaign."""

    __slots__ = (
        "_desk", "agent", "agent_name", "connected_ms", "counted", "disposed", "earlier",
        "human_ms", "human_ns", "notes", "other", "owes", "passed_by", "place", "settings",
        "spoken", "talk",
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
        self.disposed: Dispose | None = None  # said before the end, by who talked last
        self.earlier: Dispose | None = None  # said by who talked before
        self.notes: dict[str, str] = {}  # by agent
        self.talk: Talk | None = None
        self.place: int | str = claim.campaign_id  # whose agents it waits for
        self.passed_by: Agent | None = None  # who has put it through, and is not given it again
        self.other: OverCall | None = None  # whom it is put through to, by a number

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

    def ask_anew(self, now_ns: int) -> None:
        """A further conversation begins."""
        said, self.disposed = self.disposed, None
        if said is not None:
            self.said_before(said, now_ns)

    def said_before(self, said: Dispose, now_ns: int) -> str:
        """An agent who did not have the last conversation says what came of it: in words."""
        if not (said.disposition or said.lead_state):
            return ""
        self.earlier = said
        words = f"{said.disposition or said.lead_state}"
        if not self.over:
            self.record(EventKind.RESULT, f"{said.agent}: {words}", now_ns)
        if said.do_not_call:
            entry = DoNotCall(self.claim.phone, said.at_ms, f"agent {said.agent}")
            self.out.append(Write(0, (Ban(entry),)))
        return words

    def noted(self, agent: Agent, text: str) -> str:
        """One note is kept of a call: that of all its agents, each with its name."""
        self.notes[agent.name] = text
        kept = {name: text for name, text in self.notes.items() if text}
        if kept.keys() <= {agent.name}:
            return text
        return "\n".join(f"{name}: {text}" for name, text in kept.items())

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

    def no_person(self, now_ns: int) -> None:
        """Nobody is there to talk to; whom an agent hears is left to the agent."""
        if self.talk is not None:
            self.talk.no_person(now_ns)
            self.look()

    def nobody_there(self, now_ns: int, *, only_sign: bool) -> None:
        """The far end is gone, as a tone says."""
        if self.talk is not None:
            self.talk.nobody_there(now_ns, only_sign=only_sign)
            self.look()

    def greeting_over(self, now_ns: int, *, guessed: bool = False) -> None:
        """The machine records from here on; `guessed`: as silence tells, and no beep."""
        if self.talk is not None:
            self.talk.beep(now_ns, guessed=guessed)
            self.look()

    def mark_machine(self) -> None:
        """If it ended now, a machine had answered."""
        self.spoken = Outcome.MACHINE

    def mark_unheard(self) -> None:
        """Hung up on before anything was said: it may have been a person."""
        self.spoken = Outcome.ABANDONED

    def talk_over(self, now_ns: int) -> None:
        """Nothing is left to say: hang up."""
        self._release(self.spoken, now_ns)

    def look(self) -> None:
        """Its talk was moved from outside: take over its deadline."""
        self._set_deadline()

    # -- its agent puts it through to a number ---------------------------------------------------

    @property
    def wants_over(self) -> bool:
        """Whether somebody who is dialed for it may still be joined."""
        return self.talk is not None and self.talk.state is HELD

    def over_joined(self, other: Call, now_ns: int) -> None:
        """The number has answered: the agent is out of it."""
        if self.talk is not None:
            self._desk.passed(self, now_ns)
            self.talk.through(other, now_ns)
            self.look()

    def over_failed(self, why: str, now_ns: int) -> None:
        """Nobody is reached at the number: the agent still has the customer, who waits."""
        self.record(EventKind.TRANSFER_FAILED, why, now_ns)
        if self.agent is not None:
            told: dict[str, object] = {"agent": self.agent.name, "refused": f"transfer: {why}"}
            self.out.append(Notify("agent", told))

    def over_parted(self, now_ns: int) -> None:
        """Who was reached at the number has hung up."""
        self.record(EventKind.PARTED, "", now_ns)
        if self.talk is not None:
            self.talk.parted(now_ns)

    # -- what the call asks ----------------------------------------------------------------------

    def _body(self) -> FlowRun | Talk | Greeted:
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
            wraps=self.owes or self.earlier is not None,
        )
        said = self.disposed if self.owes else self.earlier
        return (full,) if said is None else (full, said)
