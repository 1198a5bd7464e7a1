"""Requests about scripts, flows and what customers answered, from the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from dialerd.control.agents import AgentRequests
from dialerd.control.refusing import refused
from dialerd.core import scripts_view as view
from dialerd.core.campaign_spec import at_time
from dialerd.core.chain import prompts_of, read_out
from dialerd.core.control_errors import FieldFault, Invalid, NotFound
from dialerd.core.flow_checks import FlowFault, flow_notes
from dialerd.core.flow_records import Flow, FlowVersion
from dialerd.core.flow_spec import spec_faults as flow_spec_faults
from dialerd.core.flow_spec import spec_of as flow_spec_of
from dialerd.core.flow_spec import to_flow
from dialerd.core.ops import SaveAnswer
from dialerd.core.ports import NotFoundError, Store, StoreError
from dialerd.core.records import Campaign
from dialerd.core.script import ScriptFault, answered, walk
from dialerd.core.script_answers import AnswerError, expected, shown
from dialerd.core.script_records import Answer, AnswerSheet, Item, Script, ScriptVersion
from dialerd.core.script_spec import spec_faults, spec_of, to_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialerd.control.daemon import Daemon

T = TypeVar("T")
TEXT_MAX: Final = 200  # of an answer in a refusal


class Answered(Protocol):
    """One attempt's answers."""

    @property
    def attempt_id(self) -> int:
        """Of which attempt."""

    @property
    def sheet(self) -> AnswerSheet:
        """The version of the script that they belong to."""

    @property
    def values(self) -> dict[str, Answer]:
        """By the ids of the questions."""


class Shelf(Store, Protocol):
    """What else is needed of the store."""

    def scripts(self) -> list[ScriptVersion]:
        """The newest version of each, by name."""

    def script_by_id(self, script_id: int, version: int) -> ScriptVersion | None:
        """As an answer sheet names it."""

    def save_script(
        self, name: str, script: Script, who: str, at_ms: int, behind: int | None = None
    ) -> Awaitable[ScriptVersion]:
        """A new version."""

    def flows(self) -> list[FlowVersion]:
        """The newest version of each, by name."""

    def flow(self, name: str, version: int = 0) -> FlowVersion:
        """One version; NotFoundError."""

    def save_flow(
        self, name: str, flow: Flow, who: str, at_ms: int, behind: int | None = None
    ) -> Awaitable[FlowVersion]:
        """A new version."""

    def remove_flow(self, name: str) -> Awaitable[None]:
        """Forget a flow."""

    def answers(self, campaign_id: int, lead_id: int) -> Sequence[Answered]:
        """What a lead answered, oldest attempt first."""


class ScriptRequests(AgentRequests):
    """Their part of the control service, which has these three."""

    if TYPE_CHECKING:
        _store: Shelf
        _daemon: Daemon
        _find: Callable[[str], Campaign]

    async def scripts(self, request: view.ListScripts) -> view.Saved:  # noqa: ARG002
        """What is saved."""
        return view.Saved(
            scripts=tuple(_info(one, len(one.script.items)) for one in self._store.scripts()),
            flows=tuple(_info(one, len(one.flow.steps)) for one in self._store.flows()),
        )

    async def script(self, request: view.GetScript) -> view.ScriptInfo:
        """One version."""
        return _script(_found(lambda: self._store.script(request.name, request.version)))

    async def save_script(self, request: view.SaveScript) -> view.ScriptInfo:
        """The next version, if there is no fault."""
        _refuse(spec_faults(request.spec))
        script, at_ms = to_script(request.spec), self._daemon.now_ms()
        name, who, behind = request.spec.name, request.who, request.behind
        return _script(await _kept(self._store.save_script(name, script, who, at_ms, behind)))

    async def check_script(self, request: view.CheckScript) -> view.Checked:
        """Nothing is kept."""
        _refuse(spec_faults(request.spec))
        return view.Checked()

    async def flow(self, request: view.GetFlow) -> view.FlowInfo:
        """One version."""
        return _flow(_found(lambda: self._store.flow(request.name, request.version)))

    async def save_flow(self, request: view.SaveFlow) -> view.FlowInfo:
        """The next version, if there is no fault."""
        _refuse(flow_spec_faults(request.spec))
        flow, at_ms = to_flow(request.spec), self._daemon.now_ms()
        name, who, behind = request.spec.name, request.who, request.behind
        return _flow(await _kept(self._store.save_flow(name, flow, who, at_ms, behind)))

    async def check_flow(self, request: view.CheckFlow) -> view.Checked:
        """Nothing is kept; prompts that are not there are told, for they may come."""
        _refuse(flow_spec_faults(request.spec))
        flow = to_flow(request.spec)
        faults = [await self._daemon.prompt_fault(name) for name in sorted(prompts_of(flow))]
        notes = [note.text for note in flow_notes(flow)]
        return view.Checked(notes=(*notes, *filter(None, faults)))

    async def remove_flow(self, request: view.RemoveFlow) -> view.Gone:
        """No campaign is made or approved meanwhile that names it."""
        async with self._daemon.naming:
            await _kept(self._store.remove_flow(request.name))
        return view.Gone(name=request.name)

    async def sheet(self, request: view.GetSheet) -> view.Sheet:
        """A customer's questionnaire as it stands."""
        return self._sheet(self._find(request.campaign), request.lead, request.attempt)[0]

    async def save_answers(self, request: view.SaveAnswers) -> view.Sheet:
        """Durable before it returns."""
        campaign = self._find(request.campaign)
        _, script = self._sheet(campaign, request.lead, request.attempt)
        of = campaign.campaign_id, request.lead, request.attempt
        at_ms, ops, faults = self._daemon.now_ms(), [], []
        for question, given in request.answers.items():
            try:
                value = answered(script, question, given)
                ops.append(SaveAnswer(*of, question, value, at_ms, request.agent))
            except AnswerError as error:
                faults.append(FieldFault(str(error)[:TEXT_MAX], f"/answers/{question[:TEXT_MAX]}"))
        _raise(faults)
        if ops:
            await self._store.apply(ops)
        return self._sheet(campaign, request.lead, request.attempt)[0]

    def _sheet(self, campaign: Campaign, lead: int, attempt: int) -> tuple[view.Sheet, Script]:
        row = self._store.lead(campaign.campaign_id, lead)
        found = [
            one
            for one in ([] if row is None else self._store.answers(campaign.campaign_id, lead))
            if attempt in (0, one.attempt_id)
        ]
        if row is None or not found:
            raise NotFound(f"lead {lead} of {campaign.settings.name!r} has no questionnaire there")
        last = found[-1]
        saved = self._store.script_by_id(last.sheet.script_id, last.sheet.version)
        if saved is None:
            raise NotFound("its script is not there any more")
        stands = walk(saved.script, last.values)
        items = tuple(_item(item, row.contact.fields, stands.answers) for item in stands.path)
        sheet = view.Sheet(
            campaign=campaign.settings.name,
            lead=lead,
            attempt=last.attempt_id,
            script=saved.name,
            version=saved.version,
            items=items,
            at=stands.at,
            complete=stands.complete,
            kept=last.values,
        )
        return sheet, saved.script


def _item(item: Item, fields: Mapping[str, str], answers: Mapping[str, Answer]) -> view.SheetItem:
    given = item.item_id in answers
    answer = answers.get(item.item_id)
    return view.SheetItem(
        id=item.item_id,
        text=read_out(item.text, fields),
        asks=item.asks,
        required=item.required,
        choices=tuple(view.SheetChoice(id=one.choice_id, text=one.text) for one in item.choices),
        expects=expected(item) if item.asks is not None else "",
        hint=item.hint,
        answered=given,
        answer=answer,
        shown=shown(item, answer) if given else "",
    )


def _info(saved: ScriptVersion | FlowVersion, size: int) -> view.SavedInfo:
    at = at_time(saved.at_ms)
    return view.SavedInfo(name=saved.name, version=saved.version, at=at, who=saved.who, size=size)


def _script(saved: ScriptVersion) -> view.ScriptInfo:
    spec = spec_of(saved.name, saved.script)
    return view.ScriptInfo(version=saved.version, at=at_time(saved.at_ms), who=saved.who, spec=spec)


def _flow(saved: FlowVersion) -> view.FlowInfo:
    return view.FlowInfo(
        version=saved.version,
        at=at_time(saved.at_ms),
        who=saved.who,
        spec=flow_spec_of(saved.name, saved.flow),
        notes=tuple(note.text for note in flow_notes(saved.flow)),
    )


async def _kept(written: Awaitable[T]) -> T:
    try:
        return await written
    except StoreError as error:
        raise refused(error) from None


def _found(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except NotFoundError as error:
        raise NotFound(str(error)) from None


def _refuse(faults: Iterable[ScriptFault | FlowFault]) -> None:
    _raise([FieldFault(text, "/spec/" + "/".join(map(str, where))) for where, text in faults])


def _raise(faults: list[FieldFault]) -> None:
    if faults:
        raise Invalid("; ".join(fault.detail for fault in faults), faults=tuple(faults))
