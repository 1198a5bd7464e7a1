"""What the control service needs of the running daemon."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from dialerd.core.control import Status
from dialerd.core.lines_view import ListTrunks, Reloaded, TrunkList
from dialerd.core.operate_view import Level
from dialerd.core.people_view import IdleLine
from dialerd.core.prompts_view import PromptTaken
from dialerd.core.records import Campaign
from dialerd.core.tracing import GetTrace, ListTraces, Trace, TraceList


class Daemon(Protocol):
    """What the service needs of the running daemon."""

    def now_ms(self) -> int:
        """Wall clock, Unix milliseconds."""
        ...

    def status(self) -> Status:
        """The whole of it."""
        ...

    def why(self, campaign: Campaign) -> str:
        """Why a running campaign does not dial just now; empty when it does."""
        ...

    @property
    def naming(self) -> AbstractAsyncContextManager[object]:
        """Held from a campaign's check to its commit, so that no prompt of it goes meanwhile."""
        ...

    async def prompt_fault(self, name: str) -> str:
        """Why a campaign may not name this prompt; empty when it may."""
        ...

    @property
    def detector_fault(self) -> Callable[[str], str]:
        """Why a campaign may not name this detector; empty when it may."""
        ...

    def regime_fault(self, name: str) -> str:
        """Why no line of this daemon may dial under a regime; empty when one may."""
        ...

    def busy(self) -> str:
        """Why no campaign may be started just now; empty when one may."""
        ...

    def dial_again(self) -> None:
        """Undo an emergency stop, if there was one; only asked when not `busy`."""
        ...

    def campaign_changed(self, campaign: Campaign) -> None:
        """Tell the dialer; the change is already durable."""
        ...

    def leads_joined(self, campaign_id: int) -> None:
        """Tell the dialer that a campaign has more people; it is durable."""
        ...

    def drain(self, *, hang_up: bool) -> int:
        """No new calls; returns how many are live."""
        ...

    def stop(self, *, hang_up: bool) -> int:
        """Drain, then end; returns how many are live."""
        ...

    def halt(self, *, hang_up: bool) -> int:
        """Emergency: no new calls, whatever a campaign's state; returns how many are live."""
        ...

    def read_number(self, text: str) -> int:
        """The number that a text is, as the store keeps it; Invalid when it is none."""
        ...

    def never(self, phone: int) -> str:
        """Why the numbering plan lets nobody dial a number; empty when it may be dialed."""
        ...

    def no_line(self, campaign: Campaign, phone: int, carrier: str) -> str:
        """Why no line carries a number for a campaign now; empty when one could."""
        ...

    def no_route(self, campaign: Campaign, phone: int, carrier: str) -> str:
        """Why no line of the configuration ever carries a number; empty when one does."""
        ...

    def idle_lines(self) -> tuple[IdleLine, ...]:
        """Why the lines that carry no call do not."""
        ...

    async def breathe(self) -> None:
        """Let calls have their turn in the middle of long work."""
        ...

    def mark_stopped(self) -> None:
        """The store refused to keep an emergency stop: keep it over a restart by other means."""
        ...

    def trunks(self, request: ListTrunks) -> TrunkList:
        """The lines; NotFound."""
        ...

    def log_level(self, level: Level | None) -> Level:
        """Log so much from now on (None: as it is); how much that is."""
        ...

    async def reload(self, who: str) -> Reloaded:
        """Take over the configuration's trunks; Invalid."""
        ...

    @property
    def config(self) -> Callable[[], dict[str, Any]]:
        """The configuration as it is in force, secrets masked."""
        ...

    async def prompt_changed(self, name: str) -> PromptTaken:
        """Play what a prompt's name stands for now."""
        ...

    async def remove_prompt(self, name: str) -> PromptTaken:
        """Forget an imported prompt, whoever names it; PromptError when it is not there."""
        ...

    def traces(self, request: ListTraces) -> TraceList:
        """The calls whose SIP messages are kept."""
        ...

    def trace(self, request: GetTrace) -> Trace:
        """The messages of one call; NotFound."""
        ...
