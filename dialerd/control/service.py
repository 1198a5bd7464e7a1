"""The daemon's `Control`: campaigns and lists from the store, everything else from the daemon.

The HTTP API and the CLI come here over the socket; a test may call it directly. A campaign's move
is durable in the store before the dialer hears of it.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import datetime
from typing import Protocol

from msgspec import structs

from dialerd.control.agents import AgentDesk
from dialerd.control.calls import CallRequests
from dialerd.control.checking import (
    draft_settings,
    flow_refusals,
    regime_refusal,
    remove_prompt,
    spec_refusals,
)
from dialerd.control.daemon import Daemon
from dialerd.control.hub import EventHub
from dialerd.control.leads import LeadRequests, LeadShelf
from dialerd.control.lists import ListRequests, ListShelf
from dialerd.control.people import People
from dialerd.control.ports import PortRequests
from dialerd.control.refusing import refused
from dialerd.control.scripts import ScriptRequests
from dialerd.control.scripts import Shelf as ScriptShelf
from dialerd.core.campaign import action_target, allowed_actions
from dialerd.core.campaign_spec import at_time
from dialerd.core.control import (
    ActOnCampaign,
    CampaignAction,
    CampaignInfo,
    CampaignPage,
    Conflict,
    CreateCampaign,
    Drain,
    EmergencyStop,
    GetCampaign,
    GetMoves,
    GetProgress,
    GetStatus,
    Invalid,
    ListCampaigns,
    MoveInfo,
    Moves,
    NotFound,
    Ping,
    Pong,
    ProgressInfo,
    ReviseCampaign,
    Sink,
    Status,
    Stop,
    Stopped,
    Subscribe,
    Unavailable,
    Unsubscribe,
)
from dialerd.core.lines_view import ConfigInfo, GetConfig, ListTrunks, Reload, Reloaded, TrunkList
from dialerd.core.operate_view import LogLevelInfo, SetLogLevel
from dialerd.core.people_view import (
    CheckCampaign,
    CheckInfo,
    GetWhy,
    IdleLines,
    LeadPage,
    ListIdle,
    ListLeads,
    WhyInfo,
)
from dialerd.core.ports import (
    StoreError,
    StoreFailedError,
)
from dialerd.core.prompts_view import PromptChanged, PromptTaken
from dialerd.core.records import IN_HAND, WAITING, Campaign, CampaignSettings, CampaignState
from dialerd.core.regime import check_approval
from dialerd.core.remaining import eta_ms
from dialerd.core.spec_settings import from_settings
from dialerd.core.tracing import GetTrace, ListTraces, Trace, TraceList

log = logging.getLogger("dialerd.control")

_LEFT = (*WAITING, *IN_HAND)
_NAMING = (CampaignAction.APPROVE, CampaignAction.SWITCH)  # a pause waits for nobody


class Shelf(ScriptShelf, ListShelf, LeadShelf, Protocol):
    """What it needs of the store."""


class ControlService(ScriptRequests, PortRequests, ListRequests, LeadRequests, CallRequests):
    """See the module's text; the methods are those of `dialerd.core.control.Control`."""

    _store: Shelf

    def __init__(self, store: Shelf, daemon: Daemon, hub: EventHub, desk: AgentDesk) -> None:
        """`hub` is where the daemon publishes its live events, `desk` where its agents are."""
        super().__init__(desk, self._find, store, daemon.now_ms)
        self._store = store
        self._daemon = daemon
        self._hub = hub
        self._people = People(store, daemon)
        if store.halted():  # by an earlier process: only a person ends that
            daemon.halt(hang_up=False)

    async def ping(self, request: Ping) -> Pong:  # noqa: ARG002 - one shape for all
        """Who answers."""
        status = self._daemon.status()
        return Pong(version=status.version, pid=status.pid, started_at=status.started_at)

    async def status(self, request: GetStatus) -> Status:  # noqa: ARG002 - one shape for all
        """How the daemon is."""
        return self._daemon.status()

    async def campaigns(self, request: ListCampaigns) -> CampaignPage:
        """A page of campaigns."""
        found = [c for c in self._store.campaigns() if c.campaign_id > request.after]
        page = found[: request.limit]
        names = {item.list_id: item.name for item in self._store.lists()}
        last = page[-1].campaign_id if len(found) > len(page) else None
        return CampaignPage(items=tuple(self._info(c, names) for c in page), next=last)

    async def campaign(self, request: GetCampaign) -> CampaignInfo:
        """One campaign."""
        return self._info(self._find(request.campaign))

    async def create_campaign(self, request: CreateCampaign) -> CampaignInfo:
        """A draft, checked as far as it can be checked before it is approved."""
        async with self._daemon.naming:
            settings = await draft_settings(request.spec, self._store, self._daemon)
            try:
                campaign = await self._store.create_campaign(
                    settings, request.who, self._daemon.now_ms()
                )
            except StoreError as error:
                raise refused(error) from None
        return self._told(campaign, request.who)

    async def revise_campaign(self, request: ReviseCampaign) -> CampaignInfo:
        """Other content for a draft, checked like a new one."""
        async with self._daemon.naming:
            before = self._find(request.campaign)
            if request.seen is not None and self._info(before).spec != request.seen:
                raise Conflict(f"{before.settings.name!r} was changed meanwhile: read it again")
            settings = await draft_settings(request.spec, self._store, self._daemon)
            try:
                campaign = await self._store.revise_campaign(
                    before, settings, request.who, self._daemon.now_ms()
                )
            except StoreError as error:
                raise refused(error) from None
        return self._told(campaign, request.who)

    async def act(self, request: ActOnCampaign) -> CampaignInfo:
        """One legal move."""
        campaign = self._find(request.campaign)
        try:
            async with self._daemon.naming if request.action in _NAMING else nullcontext():
                moved = await self._act(campaign, request)
        except StoreError as error:
            raise refused(error) from None
        return self._told(moved, request.who)

    async def _act(self, campaign: Campaign, request: ActOnCampaign) -> Campaign:
        if request.action is CampaignAction.SWITCH:
            await self._check_flows(self._store.newest(campaign.settings))
            now_ms = self._daemon.now_ms()
            return await self._store.switch_campaign(campaign.campaign_id, request.who, now_ms)
        after = action_target(campaign.state, request.action)
        await self._check_now(campaign, request.action)
        return await self._move(campaign, after, request.who)

    async def _check_flows(self, settings: CampaignSettings) -> None:
        faults = await flow_refusals(settings, self._daemon, self._store)
        if faults:
            raise Invalid("; ".join(fault.detail for fault in faults), faults=tuple(faults))

    async def moves(self, request: GetMoves) -> Moves:
        """Who moved it and when."""
        found = self._store.moves(self._find(request.campaign).campaign_id)
        return Moves(
            items=tuple(
                MoveInfo(
                    at=at_time(m.at_ms), who=m.who, before=m.before, after=m.after, reason=m.reason
                )
                for m in found
            )
        )

    async def progress(self, request: GetProgress) -> ProgressInfo:
        """Its books; those of its lists are counted, which takes a while where there are many."""
        campaign = self._find(request.campaign)
        books = self._store.progress(campaign.campaign_id)
        left = sum(books.leads.get(state, 0) for state in _LEFT)
        return ProgressInfo(
            id=campaign.campaign_id,
            name=campaign.settings.name,
            state=campaign.state,
            audience=campaign.audience,
            leads={state.name.lower(): n for state, n in books.leads.items()},
            outcomes=books.outcomes,
            left=left,
            eta=self._eta(campaign, left),
            lists=await self._people.by_list(campaign) if request.by_list else (),
        )

    def _eta(self, campaign: Campaign, left: int) -> datetime | None:
        moves, over = self._store.moves(campaign.campaign_id), campaign.audience - left
        found = eta_ms(campaign.settings, moves, over, left, self._daemon.now_ms())
        return None if found is None else at_time(found)

    async def leads(self, request: ListLeads) -> LeadPage:
        """People of a campaign in some states."""
        return self._people.leads(self._find(request.campaign), request)

    async def why(self, request: GetWhy) -> WhyInfo:
        """Why a number is not being dialed now."""
        try:
            return self._people.why(self._find(request.campaign), request.number)
        except StoreError as error:
            raise refused(error) from None

    async def idle(self, request: ListIdle) -> IdleLines:  # noqa: ARG002 - one shape for all
        """Why the lines that carry no call do not."""
        return IdleLines(items=self._daemon.idle_lines())

    async def check(self, request: CheckCampaign) -> CheckInfo:
        """Who will be skipped, before it starts."""
        return await self._people.check(self._find(request.campaign))

    async def drain(self, request: Drain) -> Stopped:
        """No new calls."""
        log.info("drain by %r", request.who)
        self._say("alert", {"what": "drain", "who": request.who, "hang_up": request.hang_up})
        return Stopped(calls_in_flight=self._daemon.drain(hang_up=request.hang_up))

    async def stop(self, request: Stop) -> Stopped:
        """Drain and end."""
        log.info("stop by %r", request.who)
        self._say("alert", {"what": "stop", "who": request.who, "hang_up": request.hang_up})
        return Stopped(calls_in_flight=self._daemon.stop(hang_up=request.hang_up))

    async def emergency_stop(self, request: EmergencyStop) -> Stopped:
        """The dialer first, so that nothing waits for the disk; then every running campaign."""
        live = self._daemon.halt(hang_up=request.hang_up)
        log.warning("emergency stop by %r, %d calls in flight", request.who, live)
        self._say("alert", {"what": "emergency_stop", "who": request.who})
        paused: list[str] = []
        try:
            await self._store.set_halted(on=True)
            for campaign in self._store.campaigns():
                if campaign.state is CampaignState.RUNNING:
                    moved = await self._move(
                        campaign, CampaignState.PAUSED, request.who, "emergency stop"
                    )
                    self._told(moved, request.who)
                    paused.append(campaign.settings.name)
        except StoreFailedError as error:
            self._daemon.mark_stopped()
            text = f"dialing has stopped, but the store could not record it: {error}"
            raise Unavailable(text) from None
        return Stopped(calls_in_flight=live, paused=tuple(paused))

    async def trunks(self, request: ListTrunks) -> TrunkList:
        """The lines."""
        return self._daemon.trunks(request)

    async def reload(self, request: Reload) -> Reloaded:
        """Take over the configuration's trunks."""
        return await self._daemon.reload(request.who)

    async def config(self, request: GetConfig) -> ConfigInfo:  # noqa: ARG002 - one shape for all
        """The configuration as it is in force."""
        return ConfigInfo(config=self._daemon.config())

    async def log_level(self, request: SetLogLevel) -> LogLevelInfo:
        """How much is logged, changed or not."""
        if request.level is not None:
            log.info("log level %s by %r", request.level, request.who)
        return LogLevelInfo(level=self._daemon.log_level(request.level))

    async def prompt_changed(self, request: PromptChanged) -> PromptTaken:
        """A prompt was imported or replaced, or is to be removed."""
        if not request.remove:
            return await self._daemon.prompt_changed(request.name)
        async with self._daemon.naming:
            return await remove_prompt(request.name, self._store, self._daemon)

    async def traces(self, request: ListTraces) -> TraceList:
        """The calls whose SIP messages are kept."""
        return self._daemon.traces(structs.replace(request, call=self._meant(request.call)))

    async def trace(self, request: GetTrace) -> Trace:
        """The messages of one."""
        return self._daemon.trace(structs.replace(request, call=self._meant(request.call)))

    def _meant(self, call: str) -> str:
        """`lead:CAMPAIGN/LEAD` is its last attempt; NotFound."""
        if not call.startswith("lead:"):
            return call
        name, _, number = call.removeprefix("lead:").rpartition("/")
        lead_id = int(number) if number.isdecimal() else 0
        found = self._store.lead(self._find(name).campaign_id, lead_id)
        if found is None or not found.attempts:
            raise NotFound(f"campaign {name!r} has no lead {number!r} that was dialed")
        return found.attempts[-1][0].call_id

    def subscribe(self, request: Subscribe, sink: Sink) -> Unsubscribe:
        """Live events from the hub."""
        return self._hub.subscribe(request, sink)

    async def _move(
        self, campaign: Campaign, after: CampaignState, who: str, reason: str = ""
    ) -> Campaign:
        return await self._store.move_campaign(
            campaign.campaign_id, after, who, self._daemon.now_ms(), reason
        )

    async def _check_now(self, campaign: Campaign, action: CampaignAction) -> None:
        """What may have changed since the draft was made: its prompts, our lines, the daemon."""
        if action in {CampaignAction.START, CampaignAction.RESUME}:
            if why := self._daemon.busy():
                raise Unavailable(why)
            if self._store.halted():
                await self._store.set_halted(on=False)
            self._daemon.dial_again()
        if action is CampaignAction.APPROVE:
            await self._check_flows(self._store.newest(campaign.settings))
            faults = await spec_refusals(from_settings(campaign.settings, {}), self._daemon)
            try:
                check_approval(campaign.settings, self._daemon.now_ms())
            except ValueError as error:
                faults.append(regime_refusal(str(error)))
            if faults:
                raise Invalid("; ".join(fault.detail for fault in faults), faults=tuple(faults))

    def _find(self, name: str) -> Campaign:
        try:
            return self._store.find_campaign(name)
        except StoreError as error:
            raise refused(error) from None

    def _told(self, campaign: Campaign, who: str) -> CampaignInfo:
        """Tell the dialer and everybody who listens."""
        self._daemon.campaign_changed(campaign)
        data: dict[str, object] = {
            "id": campaign.campaign_id,
            "name": campaign.settings.name,
            "state": campaign.state.value,
            "who": who,
        }
        self._say("campaign", data)
        return self._info(campaign)

    def _say(self, topic: str, data: dict[str, object]) -> None:
        self._hub.publish(topic, data, self._daemon.now_ms())

    def _info(self, campaign: Campaign, names: dict[int, str] | None = None) -> CampaignInfo:
        if names is None:
            names = {item.list_id: item.name for item in self._store.lists()}
        settings = campaign.settings
        return CampaignInfo(
            id=campaign.campaign_id,
            name=settings.name,
            state=campaign.state,
            allowed=tuple(CampaignAction(action) for action in allowed_actions(campaign.state)),
            created_at=at_time(campaign.created_ms),
            audience=campaign.audience,
            spec=from_settings(settings, names),
            why=self._daemon.why(campaign) if campaign.state is CampaignState.RUNNING else "",
        )
