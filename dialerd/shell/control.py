"""What `dialerd.control.service` asks of the running daemon: figures, checks, and the way down."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

from dialerd import __version__
from dialerd.core.campaign_spec import at_time
from dialerd.core.control import DaemonState, Invalid, NotFound, Status, TrunkStatus, Unavailable
from dialerd.core.dialer import Dialer
from dialerd.core.events import CampaignChanged, Drain, LeadsJoined, Resume
from dialerd.core.lines_view import ListTrunks, Reloaded, TrunkList
from dialerd.core.operate_view import Level
from dialerd.core.people_view import IdleLine
from dialerd.core.prompts_view import PromptError, PromptTaken
from dialerd.core.records import SPOKEN, Campaign, CampaignState, Outcome
from dialerd.core.regime import find_regime
from dialerd.core.statistics import Figures, TrunkFigures
from dialerd.core.tracing import GetTrace, ListTraces, Trace, TraceList
from dialerd.core.why import idle_lines, why_no_line, why_no_route
from dialerd.shell.bank_desk import BankDesk
from dialerd.shell.banks import Banks
from dialerd.shell.beginning import StopMark
from dialerd.shell.call_desk import CallDesk
from dialerd.shell.clock import Clock
from dialerd.shell.driver import Driver
from dialerd.shell.loop_lag import LoopLag
from dialerd.shell.prompt_table import Prompts
from dialerd.shell.tracing import Traces
from dialerd.shell.trunk_view import trunk_info


class RunningDaemon:
    """Implements `dialerd.control.service.Daemon` over the running parts."""

    def __init__(
        self,
        clock: Clock,
        dialer: Dialer,
        driver: Driver,
        prompts: Prompts,
        *,
        simulates: Callable[[], bool],
        counters: Callable[[], dict[str, float]],
        stop: Callable[[bool], None],
        traces: Traces | None,
    ) -> None:
        """`stop(hang_up)` begins the daemon's end; `counters` gathers what each part counts.

        `simulates`: whether the configuration of now has a line that the loopback regime may use.
        """
        self._clock = clock
        self._dialer = dialer
        self._driver = driver
        self._prompts = prompts
        self._simulates = simulates
        self._counters = counters
        self._stop = stop
        self._traces = traces
        self.naming = asyncio.Lock()
        self.mark: StopMark | None = None  # of an emergency stop that the store refused
        self.takes_over: Callable[[str], Awaitable[Reloaded]] = _no_configuration
        self.config: Callable[[], dict[str, Any]] = dict
        self.detector_fault: Callable[[str], str] = lambda _name: ""
        self.claims_wait: Callable[[int], str] = lambda _campaign: ""
        self.lag = LoopLag()  # of the loop that runs all of it, until that ends
        self.lag.start()
        self._started = at_time(clock.wall_ms())
        self._state = DaemonState.RUNNING

    def now_ms(self) -> int:
        """Wall clock, Unix milliseconds."""
        return self._clock.wall_ms()

    def status(self) -> Status:
        """The whole of it."""
        books = self._figures()
        return Status(
            version=__version__,
            pid=os.getpid(),
            started_at=self._started,
            now=at_time(self.now_ms()),
            state=self._state_now(),
            calls_in_flight=books.in_flight,
            calls_per_s=sum(c.calls_per_s for c in books.campaigns),
            placed=books.placed,
            outcomes={Outcome(name): n for name, n in books.outcomes.items()},
            running=tuple(c.name for c in books.campaigns if c.state == CampaignState.RUNNING),
            trunks=tuple(_trunk(t) for t in books.trunks),
            counters=self._counters() | prefixed(loop=self.lag.figures()),
        )

    def why(self, campaign: Campaign) -> str:
        """Why a running campaign does not dial just now; empty when it does."""
        for figures in self._figures().campaigns:
            if figures.campaign_id == campaign.campaign_id:
                return figures.why or self.claims_wait(campaign.campaign_id)
        return ""

    async def prompt_fault(self, name: str) -> str:
        """Why a campaign may not name this prompt; decoded here, so that a call can play it."""
        try:
            await self._prompts.prepare(name)
        except PromptError as error:
            return str(error)
        return ""

    async def prompt_changed(self, name: str) -> PromptTaken:
        """Play what its name stands for now; it may stand for nothing any more."""
        try:
            return PromptTaken(name=name, seconds=await self._prompts.renew(name))
        except PromptError as error:
            return PromptTaken(name=name, seconds=0.0, why=str(error))

    async def remove_prompt(self, name: str) -> PromptTaken:
        """Forget an imported one, here and on the disk; PromptError."""
        await self._prompts.remove(name)
        return await self.prompt_changed(name)

    def regime_fault(self, name: str) -> str:
        """The loopback regime needs a simulated line; an unknown regime is `check_regime`'s."""
        try:
            regime = find_regime(name)
        except ValueError:
            return ""
        if regime.loopback_only and not self._simulates():
            return (
                f"regime {name} dials simulated lines only, and no trunk of the configuration has "
                "loopback = true"
            )
        return ""

    def busy(self) -> str:
        """Why no campaign may be started just now."""
        if self._state is DaemonState.DRAINING:
            return "the daemon is draining: nothing is dialed until it is started again"
        if self._state is DaemonState.HALTED:
            figures = self._figures().campaigns
            still = [c.name for c in figures if c.state == CampaignState.RUNNING]
            if still:
                return f"the emergency stop could not pause {', '.join(still)}: pause it first"
        return ""

    def dial_again(self) -> None:
        """Undo an emergency stop: what was running is paused, so only what is asked for dials."""
        if self.mark is not None:
            self.mark.remove()
        if self._state is DaemonState.HALTED:
            self._state = DaemonState.RUNNING
            self._driver.feed(Resume())

    def campaign_changed(self, campaign: Campaign) -> None:
        """Tell the dialer; the change is already durable."""
        self._driver.feed(CampaignChanged(campaign))

    def leads_joined(self, campaign_id: int) -> None:
        """Tell the dialer that a campaign has more people; it is durable."""
        self._driver.feed(LeadsJoined(campaign_id))

    def drain(self, *, hang_up: bool) -> int:
        """No new calls; returns how many are live."""
        return self._drain(Drain(hang_up=hang_up))

    def _drain(self, event: Drain) -> int:
        self._state = DaemonState.DRAINING
        live = self._figures().in_flight
        self._driver.feed(event)
        return live

    def stop(self, *, hang_up: bool) -> int:
        """Drain, then end; returns how many are live."""
        live = self._drain(Drain(hang_up=hang_up, ends=True))
        self._stop(hang_up)
        return live

    def halt(self, *, hang_up: bool) -> int:
        """Emergency: no new calls until a campaign is started or resumed; how many are live."""
        before = self._state
        live = self.drain(hang_up=hang_up)
        if before is not DaemonState.DRAINING:  # that one ends with the daemon
            self._state = DaemonState.HALTED
        return live

    def read_number(self, text: str) -> int:
        """The number that a text is, as the store keeps it; Invalid when it is none."""
        found = self._dialer.numbering.analyse(text)
        if found.e164 is None:
            raise Invalid(f"{text!r} is no number: {found.reason}")
        return int(found.e164[1:])

    def never(self, phone: int) -> str:
        """Why the numbering plan lets nobody dial a number; empty when it may be dialed."""
        try:
            self._dialer.numbering.from_value(phone)
        except ValueError as error:
            return str(error)
        return ""

    def no_line(self, campaign: Campaign, phone: int, carrier: str) -> str:
        """Why no line carries a number for a campaign now; empty when one could."""
        number = self._dialer.numbering.from_value(phone)
        loopback = find_regime(campaign.settings.regime).loopback_only
        now_ns = self._clock.now_ns()
        return why_no_line(self._dialer.floor, number, carrier, loopback=loopback, now_ns=now_ns)

    def no_route(self, campaign: Campaign, phone: int, carrier: str) -> str:
        """Why no line of the configuration ever carries a number; empty when one does."""
        number = self._dialer.numbering.from_value(phone)
        loopback = find_regime(campaign.settings.regime).loopback_only
        return why_no_route(self._dialer.floor, number, carrier, loopback=loopback)

    def idle_lines(self) -> tuple[IdleLine, ...]:
        """Why the lines that carry no call do not."""
        found = idle_lines(self._dialer.floor, self._clock.now_ns())
        return tuple(IdleLine(trunk=trunk, port=port, why=why) for trunk, port, why in found)

    async def breathe(self) -> None:
        """Let calls have their turn in the middle of long work."""
        await asyncio.sleep(0)

    def mark_stopped(self) -> None:
        """The store refused to keep an emergency stop: something else must."""
        if self.mark is not None:
            self.mark.make()

    def trunks(self, request: ListTrunks) -> TrunkList:
        """The lines; NotFound."""
        found = tuple(
            trunk_info(trunk)
            for trunk in self._figures().trunks
            if request.name in {"", trunk.name}
        )
        if request.name and not found:
            raise NotFound(f"there is no trunk {request.name!r}")
        return TrunkList(items=found)

    def desk(self, banks: Banks) -> BankDesk:
        """What people ask of the ports of banks."""
        return BankDesk(banks, self._dialer, self._clock)

    def calls(self) -> CallDesk:
        """What people ask of calls in progress."""
        return CallDesk(self._dialer, self._driver)

    def log_level(self, level: Level | None) -> Level:
        """Log so much from now on (None: as it is); how much that is."""
        root = logging.getLogger()
        if level is not None:
            root.setLevel(level.upper())
        now = logging.getLevelName(root.level).lower()
        return next(one for one in get_args(Level) if one == now)

    async def reload(self, who: str) -> Reloaded:
        """Take over the configuration's trunks; Invalid."""
        return await self.takes_over(who)

    def traces(self, request: ListTraces) -> TraceList:
        """The calls whose SIP messages are kept."""
        return self._kept().listed(request)

    def trace(self, request: GetTrace) -> Trace:
        """The messages of one call."""
        return self._kept().get(request)

    def _kept(self) -> Traces:
        if self._traces is None:
            raise Unavailable("nothing is traced: [trace] enabled = false")
        return self._traces

    def _figures(self) -> Figures:
        return self._dialer.statistics(self._clock.now_ns())

    def _state_now(self) -> DaemonState:
        if self._state is DaemonState.RUNNING and self._driver.degraded:
            return DaemonState.DEGRADED
        return self._state


def _trunk(trunk: TrunkFigures) -> TrunkStatus:
    return TrunkStatus(
        name=trunk.name,
        up=trunk.up,
        channels=trunk.channels,
        in_use=trunk.in_use,
        placed=trunk.placed,
        answered=sum(trunk.outcomes.get(one.value, 0) for one in SPOKEN),
        failed=trunk.outcomes.get(Outcome.FAILED.value, 0),
        why=trunk.why,
        calls_per_s_max=trunk.cps_max,
        calls_per_s=trunk.cps,
        incoming=trunk.incoming,
    )


async def _no_configuration(who: str) -> Reloaded:
    """Until the daemon says how its configuration is taken over."""
    raise Unavailable(f"{who}: the daemon is still starting")


def prefixed(**parts: Mapping[str, float]) -> dict[str, float]:
    """The counters of several parts in one table, each name behind its part's."""
    return {
        f"{part}_{name}": float(value)
        for part, counters in parts.items()
        for name, value in counters.items()
    }
