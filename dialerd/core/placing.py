"""Placing calls on trunks, and following their legs to the end.

Campaigns take turns call by call, so that each has its share of the calls in progress, by its
weight; within one the routes take turns, so that a full carrier holds up only its own numbers.
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from dialerd.core.agent_call import AgentCall
from dialerd.core.call import ADVANCING, ENDED, Call
from dialerd.core.clock import NEVER
from dialerd.core.effects import Notify
from dialerd.core.events import Answered, Dialed, LegEvent, Released, Ringing
from dialerd.core.floor import Floor
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.leads import Leads
from dialerd.core.limits import ASK_GAP_NS, DIALS_PER_STEP, STALE_TIMERS_MAX
from dialerd.core.ops import Claim, ReturnCall, Returned
from dialerd.core.outcome import AGAIN
from dialerd.core.pacing import NS
from dialerd.core.parties import Parties
from dialerd.core.party_call import PartyCall
from dialerd.core.records import CampaignState, Direction, Outcome
from dialerd.core.running import Held, Run
from dialerd.core.selection import Route
from dialerd.core.supervising import Supervisors
from dialerd.core.trunk import Trunk
from fastpath.numbers import Number

if TYPE_CHECKING:
    from dialerd.core.desk import Desk
    from dialerd.core.inbound import Inbound


class Placing:
    """All calls of the dialer."""

    __slots__ = (
        "_advancing", "_at_once", "_floor", "_leads", "_legs", "_timers", "_turn", "desk",
        "inbound", "parties", "rotation", "strays", "supervisors", "watch_calls",
    )  # fmt: skip

    def __init__(self, floor: Floor, leads: Leads, first_leg: int, *, confirms_dials: bool) -> None:
        """Legs are numbered from `first_leg`; see `Dialer`."""
        self._at_once = not confirms_dials
        self._floor = floor
        self._leads = leads
        floor.leg = first_leg - 1
        self._legs: dict[int, Call] = {}
        self._timers: list[tuple[int, int]] = []  # (when, call); a stale entry finds nothing due
        self._advancing: deque[Call] = deque()
        self._turn = 0
        self.desk: Desk | None = None  # whoever has the agents
        self.inbound: Inbound | None = None  # whoever has the calls to us
        self.parties = Parties(floor, leads, self)
        self.supervisors = Supervisors(floor)
        self.rotation: list[Run] = []  # the campaigns that may dial
        self.strays = 0  # events of legs that are gone
        self.watch_calls = False  # a Notify for every change of a call: only while somebody looks

    # -- legs ------------------------------------------------------------------------------------

    def on_leg(self, event: LegEvent, now_ns: int) -> None:
        """One event of a leg."""
        call = self._legs.get(event.leg)
        if call is None:
            self.strays += not self.supervisors.on_leg(event, now_ns)
            return
        if call.limit is not None:
            self._left(call, now_ns)
        call.handle(event, now_ns)
        kind = type(event)
        if kind is Released:
            self._leg_gone(call, event, now_ns)  # type: ignore[arg-type]
        elif (kind is Ringing or kind is Answered) and not call.incoming:
            trunk = self._floor.trunks.by_name[call.trunk]
            if trunk.suspect:
                if trunk.worked(now_ns, call.line.port):
                    self._floor.tell(trunk, now_ns)
                self._floor.dial_ns = now_ns
        self.after(call, now_ns)
        if self.watch_calls:
            self._tell(call, now_ns)

    def dialed(self, event: Dialed, now_ns: int) -> None:
        """A dial has left: from now on its second counts."""
        call = self._legs.get(event.leg)
        if call is not None:
            self._left(call, now_ns)

    def _left(self, call: Call, now_ns: int) -> None:
        if call.limit is not None:
            call.limit.left(call.slot, now_ns)
            call.limit = None
            trunk = self._floor.trunks.by_name.get(call.trunk)
            if trunk is not None:
                trunk.changed()
            self._floor.dial_ns = now_ns

    def _leg_gone(self, call: Call, event: Released, now_ns: int) -> None:
        if call.incoming:
            return
        trunk = self._floor.trunks.by_name[call.trunk]
        if trunk.ended(event, call.line.port, now_ns):
            self._floor.tell(trunk, now_ns)
        if call.state is ADVANCING:
            del self._legs[event.leg]
            trunk.give_back(event.outcome, now_ns, call.line.port)
            self._advancing.append(call)
            self._floor.dial_ns = now_ns

    def after(self, call: Call, now_ns: int) -> None:
        """Whatever its machine did: end it, or look at it again at its deadline."""
        if call.state is ENDED:
            self._ended(call, now_ns)
        elif call.deadline_ns < call.timer_ns:
            call.timer_ns = call.deadline_ns
            heappush(self._timers, (call.deadline_ns, call.claim.attempt_id))
            if len(self._timers) > 2 * len(self._floor.calls) + STALE_TIMERS_MAX:
                self._forget_stale()

    def _forget_stale(self) -> None:
        calls = self._floor.calls
        live = ((when, n, calls.get(n)) for when, n in self._timers)
        self._timers = [(when, n) for when, n, call in live if call and call.timer_ns == when]
        heapify(self._timers)

    def _ended(self, call: Call, now_ns: int) -> None:
        floor, claim = self._floor, call.claim
        if floor.full:
            floor.dial_ns = now_ns  # there is room again
        del floor.calls[claim.attempt_id]
        if self._legs.pop(call.leg, None) is not None:
            self._left(call, now_ns)
            trunk = floor.trunks.by_name[call.trunk]
            if call.incoming:
                trunk.went()
            else:
                outcome = call.outcome or Outcome.CANCELLED
                trunk.give_back(outcome, now_ns, call.line.port, call.used)
            floor.dial_ns = now_ns  # its channel is free
        run = floor.runs[claim.campaign_id]
        run.live -= 1
        if call.outcome is not None and call.claim.direction is not Direction.OVER:
            run.outcomes[call.outcome] += 1
        if isinstance(call, AgentCall) and self.desk is not None:
            self.desk.ended(call, run, now_ns)
        self.parties.ended(call, now_ns)
        self.supervisors.ended(call, now_ns)
        if self.inbound is not None:
            self.inbound.ended(call)
        if call.incoming:  # its lead may be due again
            run.exhausted = False
            self._leads.ask_by(run, now_ns + ASK_GAP_NS)
        if call.next_state in AGAIN:
            due_ns = call.due_s * NS - floor.clock.offset_ns
            self._leads.ask_by(run, max(due_ns, now_ns + ASK_GAP_NS))
        if not run.live and not run.held_count:
            run.unsure = True
            self._leads.ask_by(run, now_ns + ASK_GAP_NS)  # perhaps that was the last lead

    def undo(self, call: Call, now_ns: int) -> bool:
        """The store did not record a dial; True when the call never was."""
        never = call.dial_refused(now_ns)
        if never and call.claim.direction is Direction.OUT:
            self._floor.runs[call.claim.campaign_id].placed -= 1
        self.after(call, now_ns)
        return never

    def hang_up(self, now_ns: int) -> None:
        """End every live call now."""
        for call in list(self._floor.calls.values()):
            call.hang_up(now_ns)
            self.after(call, now_ns)

    # -- time ------------------------------------------------------------------------------------

    def deadline_ns(self) -> int:
        """When the next call has something to do."""
        due_ns = self._timers[0][0] if self._timers else NEVER
        return min(due_ns, self.supervisors.deadline_ns())

    def tick(self, now_ns: int) -> None:
        """Calls whose ring limit, wait for a key, or longest time is over."""
        timers = self._timers
        self.supervisors.tick(now_ns)
        while timers and timers[0][0] <= now_ns:
            when, attempt_id = heappop(timers)
            call = self._floor.calls.get(attempt_id)
            if call is None:
                continue
            if call.timer_ns == when:
                call.timer_ns = NEVER
            if call.deadline_ns <= now_ns:
                call.tick(now_ns)
            self.after(call, now_ns)

    # -- dialing ---------------------------------------------------------------------------------

    def pump(self, now_ns: int) -> None:
        """Place every call that may be placed now, campaigns taking turns, a bounded number."""
        floor = self._floor
        floor.dial_ns = NEVER
        if self._advancing:
            self._advance(now_ns)
        if self.parties.waiting:
            self.parties.begin(now_ns)
        rotation = self.rotation
        budget = DIALS_PER_STEP
        turns = rotation[self._turn :] + rotation[: self._turn] if self._turn else rotation
        able = [run for run in turns if run.held_count or run.bound]
        while able:
            if not budget:
                floor.dial_ns = now_ns
                return
            run = able[0] if len(able) == 1 else min(able, key=_share)
            ready_ns = self._dial_one(run, now_ns)
            if ready_ns == 0:
                budget -= 1
                self._turn = (rotation.index(run) + 1) % len(rotation)
                if len(able) > 1:  # of equal shares the one that waited longest
                    able.append(able.pop(able.index(run)))
            else:
                able.remove(run)
                floor.dial_ns = min(floor.dial_ns, ready_ns)

    def _dial_one(self, run: Run, now_ns: int) -> int:
        """Place one call of a campaign: 0, or when it could be (NEVER: an event will tell)."""
        if not (run.held_count or run.bound) or not self._floor.may_dial(run, now_ns):
            return NEVER
        room_ns = self._floor.room_ns(now_ns)
        if room_ns:
            return room_ns
        if run.limit.ready_ns > now_ns:
            return run.limit.ready_ns
        ready_ns = self._dial_card(run, now_ns) if run.bound else NEVER
        if not ready_ns or not run.held_count:
            return ready_ns
        if run.gate is not None:
            gate_ns = run.gate.ready_ns(now_ns)
            if gate_ns:
                return min(ready_ns, gate_ns)
        lanes = run.lanes
        for step in range(len(lanes)):
            at = (run.turn + step) % len(lanes)
            lane = lanes[at]
            if not lane.held:
                continue
            trunk = lane.route.choose(now_ns)
            if trunk is None:
                ready_ns = min(ready_ns, lane.route.ready_ns())
                continue
            run.turn = at + 1
            run.held_count -= 1
            held = lane.held.popleft()
            if run.by_lead and not run.open_for(held.claim, now_ns + self._floor.clock.offset_ns):
                self._leads.give_back([held], now_ns)  # the store says when it opens there
                return 0
            if run.gate is not None:
                held.agent = run.gate.take()
            self._begin(run, held, trunk, lane.route, now_ns)
            return 0
        return ready_ns

    def _dial_card(self, run: Run, now_ns: int) -> int:
        """Dial the first card that a trunk takes: 0, or when one could."""
        ready_ns = NEVER
        for held in run.bound:
            if run.by_lead and not run.open_for(held.claim, now_ns + self._floor.clock.offset_ns):
                if held.agent is not None and self.desk is not None:
                    self.desk.cards.withdraw(held.agent, now_ns)
                return 0
            route = self._floor.route(run, held.claim, held.number)
            trunk = route.choose(now_ns)
            if trunk is None:
                ready_ns = min(ready_ns, route.ready_ns())
                continue
            run.bound.remove(held)
            self._begin(run, held, trunk, route, now_ns)
            return 0
        return ready_ns

    def begin(self, call: Call, run: Run, trunk: Trunk, route: Route, now_ns: int) -> None:
        """Place the first leg of a call."""
        run.live += 1
        self._floor.calls[call.claim.attempt_id] = call
        self._place(call, trunk, route, now_ns)

    def _begin(self, run: Run, held: Held, trunk: Trunk, route: Route, now_ns: int) -> None:
        self._floor.limit.take(now_ns)
        run.limit.take(now_ns)
        run.dialed(now_ns)
        call = self._call(run, held)
        self.begin(call, run, trunk, route, now_ns)
        if isinstance(call, AgentCall) and self.desk is not None:
            self.desk.begun(call, run, now_ns)
        if run.held_count <= run.low:
            self._leads.ask(run, now_ns)

    def _call(self, run: Run, held: Held) -> Call:
        floor, claim, number = self._floor, held.claim, held.number
        if run.gate is None or self.desk is None:
            plan = run.plan_for(claim)
            if plan is not None and plan.transfers:
                return self._party(run, claim, number, plan)
            return Call(claim, number, run.settings, plan, floor.clock, floor.out, host=floor.host)
        return AgentCall(
            claim, number, run.settings, floor.clock, floor.out,
            host=floor.host, desk=self.desk, agent=held.agent,
        )  # fmt: skip

    def _party(self, run: Run, claim: Claim, number: Number, plan: FlowPlan) -> PartyCall:
        floor, desk = self._floor, self.desk
        assert desk is not None  # noqa: S101 - only tests of parts have none
        return PartyCall(
            claim, number, run.settings, plan, floor.clock, floor.out, host=floor.host,
            desk=desk, exchange=self.parties,
        )  # fmt: skip

    def answer(
        self, found: Returned, number: Number, asked: ReturnCall, leg: int, now_ns: int
    ) -> Call | None:
        """Take the call of a customer who calls back; None: there is nothing for them."""
        floor, claim, campaign = self._floor, found.claim, found.campaign
        trunk = floor.trunks.by_name.get(asked.trunk)
        if claim is None or campaign is None or self.desk is None or trunk is None:
            return None
        run = floor.runs.get(claim.campaign_id)
        if run is None:  # it has finished, long ago perhaps
            run = floor.runs[claim.campaign_id] = Run(campaign)
        plan = run.return_plan(claim)
        if plan is None:
            return None
        run.live += 1
        call = self._party(run, claim, number, plan)
        floor.calls[claim.attempt_id] = self._legs[leg] = call
        trunk.came_in()
        if run.campaign.state is CampaignState.FINISHED:
            call.unkept = "the campaign is finished"
        call.answer(asked, leg, now_ns)
        self.after(call, now_ns)
        return call

    def _place(self, call: Call, trunk: Trunk, route: Route, now_ns: int) -> None:
        leg = self._floor.next_leg()
        port = route.port(trunk, now_ns) if trunk.ports else None
        slot = trunk.take(now_ns, port, left=self._at_once)
        if not self._at_once:
            call.limit, call.slot = trunk.limit, slot
        self._legs[leg] = call
        line = self._floor.trunks.line(trunk, port)
        call.dial(trunk.name, route.rule, leg, now_ns, line)
        self.after(call, now_ns)
        if self.watch_calls:
            self._tell(call, now_ns)

    def _advance(self, now_ns: int) -> None:
        """Calls whose trunk failed them before anybody was alerted: another trunk, or the end."""
        floor = self._floor
        for _ in range(len(self._advancing)):
            call = self._advancing.popleft()
            if call.state is not ADVANCING:
                continue
            run = floor.runs[call.claim.campaign_id]
            route = floor.route(run, call.claim, call.number)
            may = call.claim.direction is Direction.OVER or floor.may_dial(run, now_ns)
            if not may or not route.untried(call.tried):
                call.give_up(now_ns)
                self.after(call, now_ns)
                continue
            trunk = route.choose(now_ns, call.tried)
            if trunk is not None:
                self._place(call, trunk, route, now_ns)
            else:
                floor.dial_ns = min(floor.dial_ns, route.ready_ns(call.tried))
                self._advancing.append(call)

    def _tell(self, call: Call, now_ns: int) -> None:
        data: dict[str, object] = {
            "call": call.claim.attempt_id,
            "campaign_id": call.claim.campaign_id,
            "phone": call.number.e164,
            "trunk": call.trunk,
            "state": call.state.name.lower(),
            "keys": call.keys,
            "outcome": str(call.outcome or ""),
            "at_ms": self._floor.clock.ms(now_ns),
        }
        self._floor.out.append(Notify("call", data))


def _share(run: Run) -> float:
    """How much a campaign has of what it may ask for."""
    return run.live / run.settings.weight
