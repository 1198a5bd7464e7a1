"""The root machine: campaigns, trunks, leads claimed ahead, and the calls they become.

A call is placed when all of these hold, looked at again at the moment of dialing:
1. the daemon is not draining, the store takes commits, the wall clock is known;
2. the campaign is RUNNING and inside its start, end, hours and regime;
3. the campaign's calls per second allow it;
4. the lease of the claimed lead is not over;
5. a trunk of the number's route is up, has a free channel, and its calls per second allow it.

What does not hold is waited for, never failed. The table of inputs is `_INPUTS`, at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_args

from dialerd.core.agent_inputs import AgentInputs
from dialerd.core.campaign_moves import finish_if_over, start_if_due
from dialerd.core.clock import NEVER
from dialerd.core.desk import Desk
from dialerd.core.effects import AnyEffect, Notify, Write
from dialerd.core.events import (
    AgentEvent,
    AgentsKnown,
    AnyAgentEvent,
    AnyEvent,
    CallOrdered,
    CampaignChanged,
    Claimed,
    ClaimFailed,
    ClockStepped,
    Dialed,
    DialRefused,
    Drain,
    Incoming,
    LeadsJoined,
    LegEvent,
    LimitsChanged,
    LineHealth,
    LinesChanged,
    MediaRoom,
    NumberingChanged,
    Resume,
    ReturnFound,
    StoreRecovered,
    UsageKnown,
    WriteFailed,
)
from dialerd.core.floor import Floor
from dialerd.core.inbound import REFUSAL, Inbound
from dialerd.core.leads import Leads
from dialerd.core.limits import BACK_OFF_S_MAX, CAMPAIGNS_MAX, FINISHED_KEPT
from dialerd.core.modes import MakePacer, gate_for, pacer_of
from dialerd.core.ops import ReleaseClaim
from dialerd.core.pacing import NS
from dialerd.core.placing import Placing
from dialerd.core.records import CampaignState
from dialerd.core.running import Run
from dialerd.core.standing import leave, restore
from dialerd.core.statistics import Figures, figures
from fastpath.numbers import Numbering

_AT_REST: Final = (CampaignState.DRAFT, CampaignState.FINISHED)


class Dialer:
    """See the module's text. One input, then `drain()`."""

    def __init__(
        self,
        numbering: Numbering,
        *,
        first_leg: int = 1,
        confirms_dials: bool = False,
        calls_per_s_max: float = 0.0,
        calls_max: int = 0,
        host: str = "dialerd",
        inbound_status: int = REFUSAL,
        make_pacer: MakePacer = pacer_of,
    ) -> None:
        """`numbering` makes the dialable number of a claim, and refuses what may not be dialed.

        Legs are numbered from `first_leg`; a leg's number is unique for the dialer's life. A driver
        that `confirms_dials` tells `Dialed` when it carried a `Dial` out: then a trunk's calls per
        second hold for the moments at which calls leave, however long their commits took.
        `calls_per_s_max` and `calls_max` are limits over all campaigns and trunks; 0 binds nothing.
        `host` ends every Call-ID: it tells apart what two dialers call attempt 1. Calls to us are
        refused with `inbound_status`. `make_pacer` paces predictive campaigns.
        """
        self.floor = Floor(calls_per_s_max, calls_max, host)
        self._leads = Leads(self.floor, numbering)
        self._placing = Placing(self.floor, self._leads, first_leg, confirms_dials=confirms_dials)
        self.inbound = Inbound(self.floor, self._leads, self._placing, inbound_status)
        self._placing.inbound = self.inbound
        self.supervisors = self._placing.supervisors
        self._make_pacer = make_pacer
        self.desk = Desk(self.floor, self._leads, self._placing)
        self._placing.desk = self.desk
        self._agents = AgentInputs(self.floor, self._leads, self.desk)
        self._owed: list[ReleaseClaim] = []  # given back when the store is well again
        self._store_ns = NEVER

    # -- the machine contract --------------------------------------------------------------------

    def handle(self, event: AnyEvent, now_ns: int) -> None:
        """One input."""
        _INPUTS[type(event)](self, event, now_ns)
        self._settle(now_ns)

    def deadline_ns(self) -> int | None:
        """When `tick` is next due; None: only an event changes anything."""
        floor = self.floor
        calls_ns = min(self._placing.deadline_ns(), self.inbound.deadline_ns())
        house_ns = min(floor.dial_ns, floor.house_ns, self._store_ns)
        due = min(calls_ns, house_ns, self.desk.deadline_ns())
        return None if due >= NEVER else due

    def tick(self, now_ns: int) -> None:
        """Do all that is due at `now_ns`."""
        self._placing.tick(now_ns)
        self.desk.tick(now_ns)
        self.inbound.tick(now_ns)
        if self._store_ns <= now_ns:
            self._store_well(now_ns)
        self._settle(now_ns)

    def drain(self) -> list[AnyEffect]:
        """The effects since the last drain, in order."""
        out = self.floor.out[:]
        self.floor.out.clear()
        return out

    # -- looking at it ---------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether no call lives and no claimed lead is held: a drained daemon may stop."""
        held = any(run.held_count or run.asked for run in self.floor.runs.values())
        return not self.floor.calls and not held

    @property
    def numbering(self) -> Numbering:
        """By which plan numbers are judged now."""
        return self._leads.numbering

    def watch_calls(self, *, on: bool) -> None:
        """A `Notify("call", …)` for every change of a call: only while somebody looks."""
        self._placing.watch_calls = on

    def statistics(self, now_ns: int) -> Figures:
        """Figures for a live table."""
        return figures(self.floor, self._placing.strays, now_ns)

    # -- inputs ----------------------------------------------------------------------------------

    def _on_leg(self, event: LegEvent, now_ns: int) -> None:
        if event.leg in self.desk.team.legs:
            self.desk.phones.on_leg(event, now_ns)
        elif self.inbound.owns(event.leg):
            self.inbound.on_leg(event)
        else:
            self._placing.on_leg(event, now_ns)

    def _on_agent(self, event: AgentEvent, now_ns: int) -> None:
        self._agents.handle(event, now_ns)

    def _on_claimed(self, event: Claimed, now_ns: int) -> None:
        if not self.floor.store_ok:
            self._store_well(now_ns)
        if event.batch.agent:
            self.desk.cards.claimed(event, now_ns)
        else:
            self._leads.claimed(event, now_ns)

    def _on_claim_failed(self, event: ClaimFailed, now_ns: int) -> None:
        if event.agent:
            self.desk.cards.failed(event, now_ns)
        else:
            self._leads.failed(event, now_ns)

    def _on_campaign(self, event: CampaignChanged, now_ns: int) -> None:
        campaign, runs = event.campaign, self.floor.runs
        run = runs.get(campaign.campaign_id)
        if run is None:
            if campaign.state in _AT_REST:
                return
            if len(runs) >= CAMPAIGNS_MAX:
                text = f"more than {CAMPAIGNS_MAX} campaigns: {campaign.settings.name} must wait"
                self.floor.out.append(Notify("error", {"text": text}))
                return
            run = runs[campaign.campaign_id] = Run(campaign)
            run.gate = gate_for(run, self.floor, self.desk, self._make_pacer)
            self.desk.met_before(run, event.met, now_ns)
        run.take_over(campaign)
        run.exhausted, run.unsure = False, True
        run.ask_at_ns = min(run.ask_at_ns, now_ns)
        if not run.running:
            self._leads.give_back(run.take_all(), now_ns)
            self.desk.cards.stop(run, now_ns)
        self.desk.assign(now_ns)
        self._forget_finished()
        self._placing.rotation = [run for run in runs.values() if run.running]
        self.floor.look_now(now_ns)
        data: dict[str, object] = {
            "campaign_id": campaign.campaign_id,
            "name": campaign.settings.name,
            "state": str(campaign.state),
        }
        self.floor.out.append(Notify("campaign", data))

    def _on_joined(self, event: LeadsJoined, now_ns: int) -> None:
        run = self.floor.runs.get(event.campaign_id)
        if run is not None:
            run.exhausted, run.unsure = False, True
            self._leads.ask_by(run, now_ns)

    def _forget_finished(self) -> None:
        runs = self.floor.runs
        finished = [i for i, r in runs.items() if r.campaign.state is CampaignState.FINISHED]
        for campaign_id in finished[:-FINISHED_KEPT]:
            if not runs[campaign_id].live:
                del runs[campaign_id]

    def _on_lines(self, event: LinesChanged, now_ns: int) -> None:
        self.floor.trunks.configure(event.trunks, event.utc_offset_s)
        self._route_anew(now_ns)

    def _on_health(self, event: LineHealth, now_ns: int) -> None:
        trunk = self.floor.trunks.by_name.get(event.trunk)
        if trunk is None:
            return
        told = trunk.registration
        changed = trunk.health(event, now_ns)
        if changed:
            self.floor.trunks.rebuild()
            self._route_anew(now_ns)
        if changed or trunk.registration != told:
            self.floor.tell(trunk, now_ns)
        self.floor.dial_ns = now_ns

    def _on_usage(self, event: UsageKnown, now_ns: int) -> None:
        self.floor.trunks.load(event.history)
        self.floor.look_now(now_ns)

    def _route_anew(self, now_ns: int) -> None:
        for run in self.floor.runs.values():
            for held in run.take_all():
                run.hold(held, self.floor.route(run, held.claim, held.number))
        self.floor.look_now(now_ns)

    def _on_clock(self, event: ClockStepped, now_ns: int) -> None:
        self.floor.clock.step(event.offset_ns)
        for run in self.floor.runs.values():
            run.clock_stepped()
        self.floor.look_now(now_ns)

    def _on_media_room(self, event: MediaRoom, now_ns: int) -> None:
        self.floor.media_max, self.floor.media_why = event.calls_max, event.why
        self.floor.dial_ns = now_ns

    def _on_limits(self, event: LimitsChanged, now_ns: int) -> None:
        floor = self.floor
        floor.limit = floor.limit.resized(event.calls_per_s_max)
        floor.calls_max = event.calls_max
        self.inbound.configure(event)
        floor.dial_ns = now_ns

    def _on_numbering(self, event: NumberingChanged, now_ns: int) -> None:
        self._leads.numbering = event.numbering
        for run in self.floor.runs.values():
            for held in run.take_all():
                self._leads.hold(run, held.claim, held.lease_ns, now_ns)
            self.desk.cards.stop(run, now_ns)
        self.floor.look_now(now_ns)

    def _on_incoming(self, event: Incoming, now_ns: int) -> None:
        self.inbound.on_incoming(event, now_ns)

    def _on_return(self, event: ReturnFound, now_ns: int) -> None:
        if event.leg < 0 or self.inbound.owns(event.leg):
            self.inbound.found(event, now_ns)
            self._forget_finished()
        else:
            self._placing.parties.found(event, now_ns)

    def _on_drain(self, event: Drain, now_ns: int) -> None:
        self.floor.draining = True
        for run in self.floor.runs.values():
            self._leads.give_back(run.take_all(), now_ns)
        if event.hang_up:
            self._placing.hang_up(now_ns)
        if event.ends:
            leave(self.desk)
        self.floor.look_now(now_ns)

    def _on_resume(self, _: Resume, now_ns: int) -> None:
        self.floor.draining = False
        self.floor.look_now(now_ns)

    def _on_write_failed(self, event: WriteFailed, now_ns: int) -> None:
        self.floor.store_ok = False
        self._store_ns = now_ns + BACK_OFF_S_MAX * NS  # should nobody tell of its recovery
        call = self.floor.calls.get(event.call)
        if call is not None and self._placing.undo(call, now_ns):
            due_s = self.floor.clock.ms(now_ns) // 1000
            self._owed.append(ReleaseClaim(event.call, due_s))

    def _on_refused(self, event: DialRefused, now_ns: int) -> None:
        call = self.floor.calls.get(event.call)
        if call is not None:
            self._placing.undo(call, now_ns)

    def _store_well(self, now_ns: int) -> None:
        self.floor.store_ok = True
        self._store_ns = NEVER
        if self._owed:
            self.floor.out.append(Write(0, tuple(self._owed)))
            self._owed.clear()
        self.floor.look_now(now_ns)

    # -- the house -------------------------------------------------------------------------------

    def _settle(self, now_ns: int) -> None:
        if self.floor.house_ns <= now_ns:  # first: it takes away the leads whose lease is over
            self._keep_house(now_ns)
        if self.floor.dial_ns <= now_ns:
            self._placing.pump(now_ns)
        self.desk.keeping.flush(self.floor.out, self.floor.clock.ms(now_ns), now_ns)

    def _keep_house(self, now_ns: int) -> None:
        """What is rare: hours that open or close, leases that end, leads to ask for, finishing."""
        floor = self.floor
        floor.house_ns = NEVER
        wall_ns = now_ns + floor.clock.offset_ns
        if floor.clock.known:
            floor.look_by(floor.trunks.roll(now_ns, floor.clock.offset_ns))
        for run in floor.runs.values():
            if run.campaign.state in _AT_REST or run.broken:
                continue
            if floor.clock.known:
                opens = run.open_at(wall_ns)
                floor.look_by(now_ns + run.changes_ns(wall_ns))
                if not opens:
                    self._leads.give_back(run.take_all(), now_ns)
            if run.held_count:
                self._leads.give_back(run.take_late(now_ns), now_ns)
                floor.look_by(run.lease_ns())
                floor.dial_ns = now_ns
            self._leads.ask(run, now_ns)
            start_if_due(floor, run, now_ns)
            if run.gate is not None:
                self.desk.house(run, now_ns)
            finish_if_over(floor, self.desk, run, now_ns)


_INPUTS: Final[dict[type, Callable[[Dialer, Any, int], None]]] = {
    Dialed: lambda dialer, event, now_ns: dialer._placing.dialed(event, now_ns),
    **dict.fromkeys(get_args(LegEvent), Dialer._on_leg),
    **dict.fromkeys(get_args(AnyAgentEvent), Dialer._on_agent),
    MediaRoom: Dialer._on_media_room,
    LimitsChanged: Dialer._on_limits,
    NumberingChanged: Dialer._on_numbering,
    Incoming: Dialer._on_incoming,
    ReturnFound: Dialer._on_return,
    Claimed: Dialer._on_claimed,
    ClaimFailed: Dialer._on_claim_failed,
    WriteFailed: Dialer._on_write_failed,
    DialRefused: Dialer._on_refused,
    StoreRecovered: lambda dialer, _event, now_ns: dialer._store_well(now_ns),
    AgentsKnown: lambda dialer, event, now_ns: restore(dialer.desk, event.at_work, now_ns),
    CampaignChanged: Dialer._on_campaign,
    LeadsJoined: Dialer._on_joined,
    LinesChanged: Dialer._on_lines,
    LineHealth: Dialer._on_health,
    UsageKnown: Dialer._on_usage,
    ClockStepped: Dialer._on_clock,
    CallOrdered: lambda dialer, event, now_ns: dialer._placing.parties.ordered(event, now_ns),
    Drain: Dialer._on_drain,
    Resume: Dialer._on_resume,
}
