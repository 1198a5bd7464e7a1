"""An agent for a person whose flow transfers the call: a `Talk` that ends in the flow again.

    | state      | what it waits for                  | and then                                  |
    |------------|------------------------------------|-------------------------------------------|
    | waiting    | an agent of the place              | the flow's own time ends it (`give_up`)   |
    | connecting | the agent's telephone              | the same; one that rings in vain: another |
    | bridged    | the end of the conversation        | the flow goes on                          |
    | held       | an agent who was lost              | the same                                  |

Who waits in a transfer has heard a message: nobody is abandoned, and no pacer hears of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.core.agent import Agent
from dialerd.core.clock import NEVER
from dialerd.core.effects import Unbridge
from dialerd.core.records import Answerer, EventKind, Outcome
from dialerd.core.talk import BRIDGED, CONNECTING, MOVES, OVER, Reception, Talk

if TYPE_CHECKING:
    from dialerd.core.party_call import PartyCall


class Transfer(Talk):
    """One transfer to agents."""

    __slots__ = ("_party",)

    def __init__(self, call: PartyCall, desk: Reception) -> None:
        """`start` begins it."""
        super().__init__(call, desk)
        self._party = call

    def start(self, now_ns: int) -> None:
        """Find an agent, at once or when one is ready."""
        call = self._party
        call.human_ms = call.human_ms or call.at_ms(now_ns)
        call.human_ns = now_ns
        call.counted = True
        self._sorry_ns = NEVER
        self._want(now_ns)

    def verdict(self, who: Answerer, now_ns: int) -> None:
        """Who answered: a flow has it, whoever it is."""

    def _bridge(self, agent: Agent, now_ns: int) -> None:
        super()._bridge(agent, now_ns)
        self._party.joined(now_ns)

    def gone(self, now_ns: int) -> None:
        """The agent is not there (any more)."""
        if self.state is CONNECTING:
            self._want(now_ns)
        elif (self.state, "gone") in MOVES:
            call = self._party
            call.record(EventKind.LEFT, call.agent_name, now_ns)
            call.spoken = Outcome.AGENT_LEFT
            if self.state is BRIDGED:
                call.out.append(Unbridge(call.claim.attempt_id, call.leg))
            self._over(now_ns)

    def give_up(self, now_ns: int) -> None:
        """The person has waited long enough."""
        if self.waits:
            self.state = OVER
            self._desk.unserved(self._party, now_ns)

    def _over(self, now_ns: int) -> None:
        self.state = OVER
        self._party.parted(now_ns)
