"""The part of every store that keeps scripts, flows, and what customers answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from dialerd.core.flow_records import Flow, FlowVersion
from dialerd.core.records import Campaign, CampaignSettings
from dialerd.core.script_records import Script, ScriptVersion
from dialerd.store import answers, scripts, survey
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.survey import Surveyed
from dialerd.store.unit import Unit

T = TypeVar("T")


class ScriptStore(ABC):
    """See the module's text."""

    @abstractmethod
    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        """See `BaseStore`."""

    @abstractmethod
    def _read(self, work: Callable[[Unit], T]) -> T:
        """See `BaseStore`."""

    def save_script(
        self, name: str, script: Script, who: str, at_ms: int, behind: int | None = None
    ) -> Awaitable[ScriptVersion]:
        """A new version behind that one; the newest one again when nothing has changed."""
        return self._submit(
            lambda unit: scripts.save_script(unit, name, script, who, at_ms, behind)
        )

    def scripts(self) -> list[ScriptVersion]:
        """The newest version of each, by name."""
        return self._read(scripts.SCRIPTS.newest)

    def script_versions(self, name: str) -> list[ScriptVersion]:
        """Every version, oldest first; NotFoundError."""
        return self._read(lambda unit: scripts.SCRIPTS.all_versions(unit, name))

    def script(self, name: str, version: int = 0) -> ScriptVersion:
        """One version, 0: the newest; NotFoundError."""
        return self._read(lambda unit: scripts.SCRIPTS.find(unit, name, version))

    def script_by_id(self, script_id: int, version: int) -> ScriptVersion | None:
        """As an answer sheet names it."""
        return self._read(lambda unit: scripts.SCRIPTS.by_id(unit, script_id, version))

    def save_flow(
        self, name: str, flow: Flow, who: str, at_ms: int, behind: int | None = None
    ) -> Awaitable[FlowVersion]:
        """A new version behind that one; the newest one again when nothing has changed."""
        return self._submit(lambda unit: scripts.save_flow(unit, name, flow, who, at_ms, behind))

    def remove_flow(self, name: str) -> Awaitable[None]:
        """Forget a flow; NotFoundError, ConflictError while an unfinished campaign names it."""
        return self._submit(lambda unit: scripts.remove_flow(unit, name))

    def flows(self) -> list[FlowVersion]:
        """The newest version of each, by name."""
        return self._read(scripts.FLOWS.newest)

    def flow_versions(self, name: str) -> list[FlowVersion]:
        """Every version, oldest first; NotFoundError."""
        return self._read(lambda unit: scripts.FLOWS.all_versions(unit, name))

    def flow(self, name: str, version: int = 0) -> FlowVersion:
        """One version, 0: the newest; NotFoundError."""
        return self._read(lambda unit: scripts.FLOWS.find(unit, name, version))

    def switch_campaign(self, campaign_id: int, who: str, at_ms: int) -> Awaitable[Campaign]:
        """Its scripts and flows become the newest versions; calls in progress keep theirs.

        ConflictError when it has finished.
        """
        return self._submit(lambda unit: scripts.switch(unit, campaign_id, who, at_ms))

    def newest(self, settings: CampaignSettings) -> CampaignSettings:
        """With the newest versions of the script and the flows that it names; NotFoundError."""
        return self._read(lambda unit: scripts.settled(unit, settings))

    def answers(self, campaign_id: int, lead_id: int) -> list[answers.Answered]:
        """What a lead answered, oldest attempt first."""
        return self._read(lambda unit: answers.of_lead(unit, campaign_id, lead_id))

    def survey(self, campaign_id: int, chunk: int = 500) -> Iterator[list[Surveyed]]:
        """Every lead of a campaign with its answers, in chunks of one short read each."""
        limit = min(max(chunk, 1), SCAN_PAGE)
        after = 0
        while rows := self._read(
            partial(survey.rows, campaign_id=campaign_id, after=after, limit=limit)
        ):
            yield rows
            after = rows[-1].lead.lead_id
