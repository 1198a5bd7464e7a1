"""The telephones of agents: rung, answered, fallen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialerd.core.agent import LOST, PAUSED, PHONE, RESERVED, TALKING, Agent, Refusal
from dialerd.core.clock import NEVER
from dialerd.core.effects import Release, RingAgent
from dialerd.core.events import Answered, LegEvent, MediaLost, Released
from dialerd.core.floor import Floor
from dialerd.core.limits import RING_AGAIN_S
from dialerd.core.pacing import NS
from dialerd.core.records import Outcome

if TYPE_CHECKING:
    from dialerd.core.desk import Desk

NO_ANSWER: Final = "the phone is not registered or was not answered"
FELL: Final = "the phone hung up"
RING_S: Final = 60  # of a shift: no campaign says how long


class Phones:
    """The legs of all agents."""

    __slots__ = ("_desk", "_floor")

    def __init__(self, floor: Floor, desk: Desk) -> None:
        """Nobody is rung."""
        self._floor = floor
        self._desk = desk

    def ring(
        self, agent: Agent, now_ns: int, call: int = 0, *, until_ns: int = 0, answers: bool = False
    ) -> None:
        """Ring an agent's telephone, for a call or for the shift.

        `until_ns` (0: as long as its campaign says) ends it; `answers`: it shall by itself.
        """
        floor = self._floor
        if floor.ending and not call:
            return
        leg = agent.leg = floor.next_leg()
        agent.leg_up = False
        run = agent.run
        for_s = run.settings.agents.ring_agent_s if run else RING_S
        agent.ring_ns = until_ns or now_ns + for_s * NS
        self._desk.team.legs[leg] = agent
        call_id = f"agent.{floor.clock.ms(now_ns):x}.{leg}@{floor.host}"
        floor.out.append(
            RingAgent(call, leg, agent.name, agent.phone, call_id, agent.nailed_up, answers)
        )
        self._desk.watch(agent)

    def pick_up(self, agent: Agent, now_ns: int) -> None:
        """The agent answers elsewhere than at the telephone that rings: it is to do so by itself.

        A telephone answers by itself only what came to it so: it is called anew, for what is left
        of its time. Refusal when it does not ring.
        """
        if agent.leg_up:
            raise Refusal("your telephone is up already")
        if not agent.leg:
            raise Refusal("your telephone does not ring")
        until_ns, call = agent.ring_ns, agent.call
        self.hang(agent)
        self.ring(
            agent, now_ns, call.claim.attempt_id if call else 0, until_ns=until_ns, answers=True
        )

    def hang(self, agent: Agent) -> None:
        """End an agent's leg."""
        if agent.leg:
            self._floor.out.append(Release(0, agent.leg))
        self._forget(agent)

    def refused(self, agent: Agent, now_ns: int) -> None:
        """It rang long enough, or is to be rung again."""
        if not agent.leg:
            agent.ring_ns = NEVER
            self.ring(agent, now_ns)
            return
        self.hang(agent)
        self._no_phone(agent, NO_ANSWER, now_ns)

    def _forget(self, agent: Agent) -> None:
        agent.leg, agent.leg_up, agent.ring_ns = 0, False, NEVER

    def on_leg(self, event: LegEvent, now_ns: int) -> None:
        """One event of an agent's leg."""
        agent = self._desk.team.legs[event.leg]
        kind = type(event)
        if kind is Released:
            del self._desk.team.legs[event.leg]
        if agent.leg != event.leg:
            return  # one that was hung up
        if kind is Answered:
            agent.leg_up, agent.ring_ns, agent.return_ns = True, NEVER, 0
            self._leg_up(agent, now_ns)
        elif isinstance(event, Released):
            hung_up = event.by == "them" and event.outcome is Outcome.ANSWERED
            was_up = agent.leg_up
            self._forget(agent)
            self._leg_gone(agent, now_ns, hung_up=hung_up, was_up=was_up)
        elif kind is MediaLost and agent.leg_up:
            self.hang(agent)
            self._leg_gone(agent, now_ns, hung_up=False, was_up=True)
        self._desk.watch(agent)

    def _leg_up(self, agent: Agent, now_ns: int) -> None:
        call = agent.call
        if agent.state is PAUSED:
            self._desk.go(agent, "up", now_ns)
        elif call is not None and call.talk is not None:
            call.talk.up(now_ns)
            self._desk.touch(call, now_ns)
        elif agent.card is not None:
            self._desk.cards.at_phone(agent, now_ns)
        elif agent.state is RESERVED and call is None:
            self._desk.go(agent, "free", now_ns)  # the customer it was rung for is gone
        self._floor.dial_ns = now_ns

    def _leg_gone(self, agent: Agent, now_ns: int, *, hung_up: bool, was_up: bool) -> None:
        """`hung_up`: by the agent, which in a call is the end of that call."""
        call = agent.call
        if agent.state is TALKING and call is not None:
            if hung_up:
                self._desk.hang_up(agent, now_ns)
            else:
                self._desk.go(agent, "gone", now_ns, FELL)
        elif agent.state is LOST and agent.was is TALKING and call is not None:
            if agent.deadline_ns >= NEVER:
                agent.deadline_ns = now_ns  # its grace was over while they still talked
            elif call.talk is not None:
                call.talk.held(now_ns)
                self._desk.touch(call, now_ns)
        else:
            self._no_phone(agent, FELL if was_up else NO_ANSWER, now_ns)

    def _no_phone(self, agent: Agent, why: str, now_ns: int) -> None:
        if agent.nailed_up and now_ns < agent.return_ns and why is NO_ANSWER:
            agent.ring_ns = now_ns + RING_AGAIN_S * NS  # it may have yet to register again
            self._desk.watch(agent)
        elif agent.can("gone"):
            self._desk.go(agent, "gone", now_ns, why)
        elif agent.state is PAUSED and agent.reason == PHONE:
            self._desk.go(agent, "pause", now_ns, why)
