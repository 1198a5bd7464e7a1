"""The call to a number that a person is put through to: an attempt beside the person's.

It is a `Call` without a flow: as soon as it is answered the two are joined. When the person's ends,
so does this one; when this one ends, the person's flow goes on (`core.party_call`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from dialerd.core.call import Call
from dialerd.core.clock import NEVER, WallClock
from dialerd.core.effects import AnyEffect
from dialerd.core.flow import FlowRun
from dialerd.core.limits import TALK_S_MAX
from dialerd.core.ops import Claim
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignSettings, LeadState, Outcome
from dialerd.core.talk import Talk
from fastpath.numbers import Number

if TYPE_CHECKING:
    from dialerd.core.agent_call import AgentCall


class _Through:
    """In place of a flow: keys and prompts mean nothing."""

    deadline_ns = NEVER

    def __init__(self, call: OverCall) -> None:
        self._call = call

    def start(self, now_ns: int) -> None:
        """Answered."""
        self._call.reached(now_ns)

    def key(self, key: str, now_ns: int) -> None:
        """For nobody."""

    def played(self, token: int, now_ns: int) -> None:
        """Nothing was."""

    def tick(self, now_ns: int) -> None:
        """Nothing is due."""


class OverCall(Call):
    """The machine of one such attempt."""

    __slots__ = ("parent", "through")

    def __init__(
        self,
        claim: Claim,
        number: Number,
        settings: CampaignSettings,
        clock: WallClock,
        out: list[AnyEffect],
        parent: AgentCall,
        *,
        host: str,
    ) -> None:
        """`parent` is the person's call."""
        super().__init__(claim, number, settings, None, clock, out, host=host)
        self.parent: AgentCall | None = parent  # None: the person is gone, or wants it no more
        self.through = False

    def reached(self, now_ns: int) -> None:
        """Somebody answers."""
        if self.parent is None or not self.parent.wants_over:
            self._release(Outcome.ANSWERED, now_ns)
            return
        self.through = True
        if not self.line.plan.call_s_max:
            self._up_until_ns = now_ns + TALK_S_MAX * NS
        self.parent.over_joined(self, now_ns)

    def detection(self) -> None:
        """Whoever answers is put through."""

    def no_person(self, now_ns: int) -> None:
        """Whom the person hears is left to the person."""

    def nobody_there(self, now_ns: int, *, only_sign: bool) -> None:
        """The far end is gone: told by a tone where nothing else tells it."""
        if only_sign:
            self._release(Outcome.ANSWERED, now_ns)

    def _end(self, outcome: Outcome, now_ns: int, by: str) -> None:
        super()._end(outcome, now_ns, by)
        self.next_state = LeadState.DONE  # it has no lead of its own

    def _body(self) -> FlowRun | Talk:
        return cast(Talk, _Through(self))
