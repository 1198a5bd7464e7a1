"""A call whose flow may put its person through to others; also the call of one who calls back.

The flow has the call from the answer to the end. While it transfers, `core.transfer` finds an agent
for the person, or `core.parties` dials a number; both tell the call, and the call its flow. Who is
put through may talk as long as people may.
"""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from dialerd.core.agent_call import AgentCall
from dialerd.core.call import DIALING, NEW, UP, Call
from dialerd.core.clock import WallClock
from dialerd.core.effects import Answer, AnyEffect, Bridge, Hold, StopPlay, Unbridge
from dialerd.core.flow import MOVES, FlowRun
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.flow_records import OWN, TargetKind
from dialerd.core.flow_records import Transfer as TransferDeed
from dialerd.core.greeted import Greeted
from dialerd.core.hear_side import HearSide
from dialerd.core.keeping import recorded
from dialerd.core.limits import ACK_S_MAX, CALL_S_MAX, TALK_S_MAX
from dialerd.core.ops import Claim, DialOp, Finish, ReturnCall
from dialerd.core.pacing import NS
from dialerd.core.records import (
    Answerer,
    CampaignSettings,
    EventKind,
    LeadState,
    Outcome,
    Usage,
)
from dialerd.core.talk import Reception, Talk
from dialerd.core.transfer import Transfer
from fastpath.numbers import Number


class Exchange(Protocol):
    """Who dials others for a person: `core.parties`."""

    def dial(self, call: PartyCall, target: str, now_ns: int) -> None:
        """Dial a number; `over_failed` or `over_joined` answers, at once or later."""

    def drop(self, call: PartyCall, now_ns: int) -> None:
        """Whoever is dialed for it is not wanted any more."""


class PartyCall(AgentCall):
    """The machine of one attempt, with a flow and those whom its person is put through to."""

    __slots__ = ("_exchange",)

    def __init__(  # noqa: PLR0913 - a `Call`'s, and who finds others
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
        exchange: Exchange,
    ) -> None:
        """As `Call`."""
        super().__init__(
            claim, number, settings, clock, out, host=host, desk=desk, agent=None, plan=plan
        )
        self._exchange = exchange
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
        by = f"{asked.trunk}/{asked.port}" if asked.port else asked.trunk
        self.record(EventKind.CALLED_BACK, f"{by} {asked.called}".strip(), now_ns)
        record = recorded(self._settings, self.claim.attempt_id)
        self._out.append(Answer(self.claim.attempt_id, leg, asked.call_id, record))

    # -- what its flow asks ----------------------------------------------------------------------

    def transfer(self, deed: TransferDeed, target: str, now_ns: int) -> None:
        """Connect the person with somebody."""
        dials = deed.kind is TargetKind.NUMBER
        if not dials:
            ours = deed.kind is TargetKind.QUEUE and target == OWN
            self.place = self.claim.campaign_id if ours else f"{deed.kind} {target}"
            if not self._desk.staffed(self.place):
                self._failed("nobody is at work there", now_ns)
                return
        if deed.hold_prompt:
            self._out.append(Hold(self.claim.attempt_id, self.leg, deed.hold_prompt))
        if dials:
            self._exchange.dial(self, target, now_ns)
        else:
            self.talk = Transfer(self, self._desk)
            self.talk.start(now_ns)

    def transfer_end(self, now_ns: int) -> None:
        """Nobody took it in time."""
        if isinstance(self.talk, Transfer):
            self.talk.give_up(now_ns)
        self._exchange.drop(self, now_ns)
        self._out.append(StopPlay(self.claim.attempt_id, self.leg))

    def flow_over(self, now_ns: int) -> None:
        """Nothing is left to say: hang up."""
        self._release(self.spoken, now_ns)

    # -- what people say about it ----------------------------------------------------------------

    def why_not_through(self) -> str:
        """Why nobody may put this call through to somebody else just now; empty when one may."""
        if self.state is not UP:
            return f"the call is {self.state.name.lower()}: nobody to put through"
        if not isinstance(self._flow, FlowRun) or (self._flow.state, "ordered") not in MOVES:
            return "its person is being put through already"
        return ""

    def divert(self, deed: TransferDeed, now_ns: int) -> None:
        """Put its person through, in the middle of the flow."""
        if not self.why_not_through() and isinstance(self._flow, FlowRun):
            self._flow.divert(deed, now_ns)
            self._set_deadline()

    # -- what is heard, while the flow has it ----------------------------------------------------

    def verdict(self, who: Answerer, now_ns: int) -> None:
        """Who answered; too late for one who is being put through."""
        if self.talk is None and self.other is None:
            HearSide.verdict(self, who, now_ns)

    def no_person(self, now_ns: int) -> None:
        """Nobody is there to talk to."""
        if self.talk is None and self.other is None:
            HearSide.no_person(self, now_ns)

    def nobody_there(self, now_ns: int, *, only_sign: bool) -> None:
        """The far end is gone, as a tone says; who is put through is a person."""
        through = self.talk is not None or self.other is not None
        if only_sign or not through:
            HearSide.nobody_there(self, now_ns, only_sign=only_sign)

    def greeting_over(self, now_ns: int, *, guessed: bool = False) -> None:
        """The machine records from here on; `guessed`: as silence tells, and no beep."""
        HearSide.greeting_over(self, now_ns, guessed=guessed)

    # -- what those tell who find others ---------------------------------------------------------

    def joined(self, now_ns: int) -> None:
        """The person and the other hear each other."""
        if self.line.call_s_max >= CALL_S_MAX and not self.line.plan.call_s_max:
            self._up_until_ns = now_ns + TALK_S_MAX * NS
        self.heard = True
        if isinstance(self._flow, FlowRun):
            self._flow.connected(now_ns)

    def parted(self, now_ns: int) -> None:
        """The other has left."""
        self.agent = None
        if isinstance(self._flow, FlowRun):
            self._flow.parted(now_ns)

    @property
    def wants_over(self) -> bool:
        """Whether somebody who is dialed for it may still be joined."""
        return True

    def over_joined(self, other: Call, now_ns: int) -> None:
        """The number that was dialed has answered."""
        record = recorded(self._settings, self.claim.attempt_id)
        self._out.append(Bridge(self.claim.attempt_id, self.leg, other.leg, record))
        self.joined(now_ns)
        self._set_deadline()

    def over_failed(self, why: str, now_ns: int) -> None:
        """Nobody is reached at the number."""
        self._out.append(StopPlay(self.claim.attempt_id, self.leg))
        self._failed(why, now_ns)
        self._set_deadline()

    def over_parted(self, now_ns: int) -> None:
        """Who was reached at the number has hung up."""
        self._out.append(Unbridge(self.claim.attempt_id, self.leg))
        self.parted(now_ns)
        self._set_deadline()

    def _failed(self, why: str, now_ns: int) -> None:
        if isinstance(self._flow, FlowRun):
            self._flow.failed(why, now_ns)

    # -- what `Call` asks ------------------------------------------------------------------------

    def _end(self, outcome: Outcome, now_ns: int, by: str) -> None:
        super()._end(outcome, now_ns, by)
        if self.incoming:
            self.next_state = LeadState.DONE  # or where its lead stood, which the store knows

    def _used(self, at_ms: int) -> Usage | None:
        return None if self.incoming else super()._used(at_ms)

    def _body(self) -> FlowRun | Talk | Greeted:
        return self._run() if self.incoming else self._first()

    def _ending(self, finish: Finish) -> tuple[DialOp, ...]:
        """An agent who talked has the last word; else it is the flow's."""
        finish = replace(finish, human_ms=self.human_ms, connected_ms=self.connected_ms)
        if not self.owes and self.earlier is None:
            return self._flow_ending(replace(finish, agent=self.agent_name))
        return super()._ending(replace(finish, fields=self.fields))
