"""The daemon's side of `dialerd.core.control.Control`: store reads, moves and dialer events."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from dialerd import __version__
from dialerd.core import control as api
from dialerd.core.campaign import ACTIONS, allowed_actions
from dialerd.core.campaign_spec import (
    CampaignSpec,
    at_time,
    flow_faults,
    from_settings,
    to_settings,
)
from dialerd.core.dialer import Dialer
from dialerd.core.events import CampaignChanged, Drain
from dialerd.core.ports import ConflictError, NotFoundError, Store, StoreError, StoreFailedError
from dialerd.core.records import Campaign, CampaignState, LeadState, Outcome
from dialerd.core.regime import check_regime, find_regime
from dialerd.core.statistics import TrunkFigures
from dialerd.shell.clock import Clock
from dialerd.shell.driver import Driver
from dialerd.shell.live import Live
from dialerd.shell.media import PromptError, Prompts

LEFT = (LeadState.READY, LeadState.RETRY, LeadState.CLAIMED, LeadState.DIALING, LeadState.CAPPED)


class DaemonControl:
    """Implements the `Control` protocol over the running parts."""

    def __init__(  # noqa: PLR0913 - the composition root names each part once
        self,
        clock: Clock,
        store: Store,
        dialer: Dialer,
        driver: Driver,
        prompts: Prompts,
        live: Live,
        *,
        loopback_trunks: bool,
        counters: Callable[[], dict[str, float]],
        stop: Callable[[bool], None],
    ) -> None:
        """`stop(hang_up)` begins the daemon's end; `counters` gathers what each part counts."""
        self._clock = clock
        self._store = store
        self._dialer = dialer
        self._driver = driver
        self._prompts = prompts
        self._live = live
        self._loopback_trunks = loopback_trunks
        self._counters = counters
        self._stop = stop
        self._started = at_time(clock.wall_ms())
        self.state = api.DaemonState.RUNNING

    # -- the daemon ------------------------------------------------------------------------------

    async def ping(self, request: api.Ping) -> api.Pong:
        """Who answers."""
        del request
        return api.Pong(version=__version__, pid=os.getpid(), started_at=self._started)

    async def status(self, request: api.GetStatus) -> api.Status:
        """The daemon now."""
        del request
        books = self._dialer.statistics(self._clock.now_ns())
        return api.Status(
            version=__version__,
            pid=os.getpid(),
            started_at=self._started,
            now=self._now(),
            state=self._state(),
            calls_in_flight=books.in_flight,
            calls_per_s=sum(c.calls_per_s for c in books.campaigns),
            placed=books.placed,
            outcomes={Outcome(name): n for name, n in books.outcomes.items()},
            running=tuple(c.name for c in books.campaigns if c.state == CampaignState.RUNNING),
            trunks=tuple(_trunk(t) for t in books.trunks),
            counters=self._counters(),
        )

    async def drain(self, request: api.Drain) -> api.Stopped:
        """No new calls."""
        self.state = api.DaemonState.DRAINING
        self._driver.feed(Drain(hang_up=request.hang_up))
        return self._stopped()

    async def stop(self, request: api.Stop) -> api.Stopped:
        """Drain, then end."""
        self.state = api.DaemonState.DRAINING
        reply = self._stopped()
        self._stop(request.hang_up)
        return reply

    async def emergency_stop(self, request: api.EmergencyStop) -> api.Stopped:
        """Dialing stops before anything is written; then running campaigns are durably paused."""
        self.state = api.DaemonState.HALTED
        self._driver.feed(Drain(hang_up=request.hang_up))
        paused = []
        for campaign in self._store.campaigns():
            if campaign.state is CampaignState.RUNNING:
                await self._move(campaign, CampaignState.PAUSED, request.who, "emergency stop")
                paused.append(campaign.settings.name)
        return self._stopped(tuple(paused))

    def subscribe(self, request: api.Subscribe, sink: api.Sink) -> api.Unsubscribe:
        """Follow live events."""
        return self._live.subscribe(request, sink)

    # -- campaigns -------------------------------------------------------------------------------

    async def campaigns(self, request: api.ListCampaigns) -> api.CampaignPage:
        """A page, oldest first."""
        later = [c for c in self._store.campaigns() if c.campaign_id > request.after]
        page = later[: request.limit]
        more = len(later) > len(page)
        return api.CampaignPage(
            items=tuple(self._info(c) for c in page),
            next=page[-1].campaign_id if more else None,
        )

    async def campaign(self, request: api.GetCampaign) -> api.CampaignInfo:
        """One."""
        return self._info(self._find(request.campaign))

    async def create_campaign(self, request: api.CreateCampaign) -> api.CampaignInfo:
        """A draft, after everything that can be checked was checked."""
        spec = request.spec
        try:
            settings = to_settings(spec, self._store.find_list(spec.list).list_id)
        except NotFoundError as error:
            raise _invalid(str(error), "/spec/list") from error
        self._check(spec)
        try:
            check_regime(settings)
        except ValueError as error:
            raise _invalid(str(error), "/spec") from error
        try:
            campaign = await self._store.create_campaign(
                settings, request.who, self._clock.wall_ms()
            )
        except StoreError as error:
            raise _refusal(error) from error
        return self._info(campaign)

    async def act(self, request: api.ActOnCampaign) -> api.CampaignInfo:
        """One move through the gate."""
        campaign = self._find(request.campaign)
        if self.state is not api.DaemonState.RUNNING and request.action in {
            api.CampaignAction.START,
            api.CampaignAction.RESUME,
        }:
            raise api.Unavailable(f"the daemon is {self.state.value}: nothing is dialed")
        after = ACTIONS[request.action.value]
        if request.action is api.CampaignAction.APPROVE:
            self._check(from_settings(campaign.settings, self._list_name(campaign)))
        return self._info(await self._move(campaign, after, request.who))

    async def moves(self, request: api.GetMoves) -> api.Moves:
        """Its history."""
        campaign = self._find(request.campaign)
        return api.Moves(
            items=tuple(
                api.MoveInfo(
                    at=at_time(m.at_ms), who=m.who, before=m.before, after=m.after, reason=m.reason
                )
                for m in self._store.moves(campaign.campaign_id)
            )
        )

    async def progress(self, request: api.GetProgress) -> api.ProgressInfo:
        """Its books."""
        campaign = self._find(request.campaign)
        books = self._store.progress(campaign.campaign_id)
        return api.ProgressInfo(
            id=campaign.campaign_id,
            name=campaign.settings.name,
            state=campaign.state,
            audience=campaign.audience,
            leads={state.name.lower(): n for state, n in books.leads.items()},
            outcomes=dict(books.outcomes),
            left=sum(books.leads.get(state, 0) for state in LEFT),
        )

    async def lists(self, request: api.ListLists) -> api.Lists:
        """The imported lists."""
        del request
        return api.Lists(
            items=tuple(
                api.ListInfo(
                    id=found.list_id,
                    name=found.name,
                    created_at=at_time(found.created_ms),
                    size=found.size,
                )
                for found in self._store.lists()
            )
        )

    # -- helpers ---------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return at_time(self._clock.wall_ms())

    def _state(self) -> api.DaemonState:
        if self.state is api.DaemonState.RUNNING and self._driver.degraded:
            return api.DaemonState.DEGRADED
        return self.state

    def _stopped(self, paused: tuple[str, ...] = ()) -> api.Stopped:
        in_flight = self._dialer.statistics(self._clock.now_ns()).in_flight
        return api.Stopped(calls_in_flight=in_flight, paused=paused)

    def _find(self, name: str) -> Campaign:
        try:
            return self._store.find_campaign(name)
        except NotFoundError as error:
            raise api.NotFound(str(error)) from error

    def _list_name(self, campaign: Campaign) -> str:
        for found in self._store.lists():
            if found.list_id == campaign.settings.list_id:
                return found.name
        return ""

    def _info(self, campaign: Campaign) -> api.CampaignInfo:
        return api.CampaignInfo(
            id=campaign.campaign_id,
            name=campaign.settings.name,
            state=campaign.state,
            allowed=tuple(api.CampaignAction(a) for a in allowed_actions(campaign.state)),
            created_at=at_time(campaign.created_ms),
            audience=campaign.audience,
            spec=from_settings(campaign.settings, self._list_name(campaign)),
            why=self._why(campaign.campaign_id),
        )

    def _why(self, campaign_id: int) -> str:
        for campaign in self._dialer.statistics(self._clock.now_ns()).campaigns:
            if campaign.campaign_id == campaign_id:
                return campaign.why
        return ""

    async def _move(
        self, campaign: Campaign, after: CampaignState, who: str, reason: str = ""
    ) -> Campaign:
        try:
            moved = await self._store.move_campaign(
                campaign.campaign_id, after, who, self._clock.wall_ms(), reason
            )
        except StoreError as error:
            raise _refusal(error) from error
        self._driver.feed(CampaignChanged(moved))
        return moved

    def _check(self, spec: CampaignSpec) -> None:
        """What cannot be seen from the request alone: flow, prompts, regime, trunks."""
        faults = [
            api.FieldFault(detail=f.text, pointer="/spec/" + "/".join(map(str, f.pointer)))
            for f in flow_faults(spec)
        ]
        for index, step in enumerate(spec.steps):
            try:
                self._prompts.load(step.prompt)
            except PromptError as error:
                faults.append(
                    api.FieldFault(detail=str(error), pointer=f"/spec/steps/{index}/prompt")
                )
        try:
            if find_regime(spec.regime).loopback_only and not self._loopback_trunks:
                faults.append(
                    api.FieldFault(
                        detail="regime loopback dials simulated lines only, and no trunk of the "
                        "configuration has loopback = true",
                        pointer="/spec/regime",
                    )
                )
        except ValueError as error:
            faults.append(api.FieldFault(detail=str(error), pointer="/spec/regime"))
        if faults:
            raise api.Invalid("; ".join(f.detail for f in faults), faults=tuple(faults))


def _trunk(trunk: TrunkFigures) -> api.TrunkStatus:
    answered = trunk.outcomes.get(Outcome.ANSWERED.value, 0)
    why = "down" if not trunk.up else "rests after failures" if trunk.resting else ""
    return api.TrunkStatus(
        name=trunk.name,
        up=trunk.up,
        channels=trunk.channels,
        in_use=trunk.in_use,
        placed=trunk.placed,
        answered=answered,
        failed=trunk.outcomes.get(Outcome.FAILED.value, 0),
        why=why,
    )


def _invalid(text: str, pointer: str) -> api.Invalid:
    return api.Invalid(text, faults=(api.FieldFault(detail=text, pointer=pointer),))


def _refusal(error: StoreError) -> api.ControlError:
    """The store's refusals in the words of the control socket."""
    if isinstance(error, ConflictError):
        return api.Conflict(str(error), allowed=error.allowed)
    if isinstance(error, NotFoundError):
        return api.NotFound(str(error))
    if isinstance(error, StoreFailedError):
        return api.Unavailable(str(error))
    return api.Invalid(str(error))
