"""Numbers that persons are put through to: found a line for, dialed, joined, ended together.

The number is judged as any that is dialed: what the numbering plan never allows, emergency and
premium numbers among them, is not dialed for a flow either. The store gives the attempt first, or
says why the number is left alone: it is on a do-not-call list, in a call already, the person's own.

Such a call starts under the daemon's own limits. Where they or the lines have no room now it waits:
how long, the flow says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dialerd.core.agent_call import AgentCall
from dialerd.core.call import UP, Call
from dialerd.core.effects import WantOver, Write
from dialerd.core.events import CallOrdered, ReturnFound
from dialerd.core.floor import Floor
from dialerd.core.ops import Claim, ReleaseClaim
from dialerd.core.over_call import OverCall
from dialerd.core.party_call import PartyCall
from dialerd.core.supervise_records import Supervise
from fastpath.numbers import Number

if TYPE_CHECKING:
    from dialerd.core.leads import Leads
    from dialerd.core.placing import Placing


class Parties:
    """See the module's text. It is the `Exchange` of all calls."""

    __slots__ = ("_floor", "_leads", "_placing", "_wanted", "waiting")

    def __init__(self, floor: Floor, leads: Leads, placing: Placing) -> None:
        """Nobody is put through."""
        self._floor = floor
        self._leads = leads
        self._placing = placing
        self._wanted: dict[int, tuple[AgentCall, Number]] = {}  # the store is asked; by leg
        self.waiting: dict[int, tuple[AgentCall, Number, Claim]] = {}  # for a line; by leg

    def dial(self, call: AgentCall, target: str, now_ns: int) -> None:
        """Ask the store for the attempt of a number."""
        floor = self._floor
        try:
            number = self._leads.numbering.number(target)
        except ValueError as error:
            call.over_failed(str(error), now_ns)  # the number may be a secret of the flow
            return
        if floor.draining or not floor.store_ok:
            call.over_failed("no call may be begun now", now_ns)
            return
        self._wanted[call.leg] = call, number
        floor.out.append(WantOver(call.leg, call.claim.attempt_id, number.value))

    def dials_for(self, call: AgentCall) -> bool:
        """Whether somebody is being found or dialed for a person, or talks with it."""
        return call.other is not None or call.leg in self._wanted or call.leg in self.waiting

    def drop(self, call: AgentCall, now_ns: int) -> None:
        """Whoever is dialed for a person is not wanted any more."""
        self._wanted.pop(call.leg, None)
        waits = self.waiting.pop(call.leg, None)
        if waits is not None:
            self._give_back(waits[2], now_ns)
        other, call.other = call.other, None
        if other is not None:
            other.parent = None
            other.hang_up(now_ns)
            self._placing.after(other, now_ns)

    def found(self, event: ReturnFound, now_ns: int) -> None:
        """The attempt of a number, or none."""
        wanted, returned = self._wanted.get(event.leg), event.returned
        claim = None if returned is None else returned.claim
        if wanted is None or wanted[1].value != event.phone:  # the person did not wait for that one
            if claim is not None:
                self._give_back(claim, now_ns)
            return
        del self._wanted[event.leg]
        call, number = wanted
        if claim is None:
            call.over_failed((returned and returned.why) or "the store failed", now_ns)
            self._placing.after(call, now_ns)
            return
        self.waiting[event.leg] = call, number, replace(claim, carrier=number.carrier)
        self.begin(now_ns)

    def begin(self, now_ns: int) -> None:
        """Dial for everybody for whom there is a line now."""
        floor = self._floor
        for leg, (call, number, claim) in list(self.waiting.items()):
            run = floor.runs[claim.campaign_id]
            route = floor.route_over(run, claim, number)
            room_ns = floor.room_ns(now_ns)
            trunk = None if room_ns or floor.draining else route.choose(now_ns)
            if trunk is not None:
                del self.waiting[leg]
                call.other = other = OverCall(
                    claim, number, call.settings, floor.clock, floor.out, call, host=floor.host
                )
                floor.limit.take(now_ns)
                self._placing.begin(other, run, trunk, route, now_ns)
            elif not floor.draining and route.untried(frozenset()):
                ready_ns = room_ns or route.ready_ns()
                floor.dial_ns = min(floor.dial_ns, ready_ns)  # or when a call ends
            else:
                del self.waiting[leg]
                self._give_back(claim, now_ns)
                call.over_failed("there is no line for it", now_ns)
            self._placing.after(call, now_ns)

    def _give_back(self, claim: Claim, now_ns: int) -> None:
        due_s = self._floor.clock.ms(now_ns) // 1000
        self._floor.out.append(Write(0, (ReleaseClaim(claim.attempt_id, due_s),)))

    def ordered(self, event: CallOrdered, now_ns: int) -> None:
        """A person's word about one call: through to somebody, listened to, or over."""
        call = self._floor.calls.get(event.call)
        if call is None:
            return
        if event.deed is None:
            call.hang_up(now_ns)
        elif isinstance(event.deed, Supervise):
            self._placing.supervisors.ordered(call, event.deed, now_ns)
        elif isinstance(call, PartyCall):
            call.divert(event.deed, now_ns)
        self._placing.after(call, now_ns)

    def ended(self, call: Call, now_ns: int) -> None:
        """A call is over: a person's, or one that was dialed for a person."""
        if isinstance(call, AgentCall):
            self.drop(call, now_ns)
        elif isinstance(call, OverCall) and call.parent is not None:
            parent, call.parent = call.parent, None
            parent.other = None
            if parent.state is UP:
                if call.through:
                    parent.over_parted(now_ns)
                else:
                    parent.over_failed(str(call.outcome or "not dialed"), now_ns)
                self._placing.after(parent, now_ns)
