"""A call whose flow may put its person through to others; also the call of one who calls back.

The flow has the call from the answer to the end. While it transfers, `core.transfer` finds an agent
for the person.
"""

from __future__ import annotations

from dialerd.core.agent_call import AgentCall
from dialerd.core.call import DIALING, NEW
from dialerd.core.clock import WallClock
from dialerd.core.effects import Answer, AnyEffect
from dialerd.core.flow import FlowRun
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.limits import ACK_S_MAX
from dialerd.core.ops import Claim, ReturnCall
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignSettings, EventKind, LeadState, Outcome, Usage
from dialerd.core.talk import Reception, Talk
from fastpath.numbers import Number


class PartyCall(AgentCall):
    """The machine of one attempt, with a flow and those whom its person is put through to."""

    __slots__ = ()

    def __init__(
        self,
        claim: Claim,
        number: Number,
        settings: CampaignSettings,
        plan: FlowPlan,
        clock: WallClock,
        out: list[AnyEffect],
        *,
        host: str,
        desk: Reception,
    ) -> None:
        """As `Call`."""
        super().__init__(
            claim, number, settings, clock, out, host=host, desk=desk, agent=None, plan=plan
        )
        self.spoken = Outcome.ANSWERED

    def answer(self, asked: ReturnCall, leg: int, now_ns: int) -> None:
        """Take the call of one who calls back: its attempt is durable."""
        if self.state is not NEW:
            raise AssertionError(f"answer() in state {self.state.name}")
        self._offset_ns = self._clock.offset_ns
        self.state = DIALING
        self.trunk = asked.trunk
        self.leg = leg
        self._legs = 1
        self.deadline_ns = now_ns + ACK_S_MAX * NS
        self.record(EventKind.CALLED_BACK, f"{asked.trunk} {asked.called}".strip(), now_ns)
        self._out.append(Answer(self.claim.attempt_id, leg, asked.call_id, self._settings.record))

    def _end(self, outcome: Outcome, now_ns: int, by: str) -> None:
        super()._end(outcome, now_ns, by)
        if self.incoming:
            self.next_state = LeadState.DONE  # or where its lead stood, which the store knows

    def _used(self, at_ms: int) -> Usage | None:
        return None if self.incoming else super()._used(at_ms)

    def _body(self) -> FlowRun | Talk:
        assert self._plan is not None  # noqa: S101 - it was made with one
        return FlowRun(self._plan, self, self.claim.fields)
