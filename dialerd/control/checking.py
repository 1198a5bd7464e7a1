"""What the daemon, its prompts and its lines have against a campaign."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from dialerd.core.campaign_spec import CampaignSpec, list_names, spec_faults
from dialerd.core.chain import SILENCE, campaign_prompts, prompts_done, prompts_of
from dialerd.core.control import Conflict, FieldFault, Invalid, NotFound
from dialerd.core.deed_spec import deed_of
from dialerd.core.deeds import KIND
from dialerd.core.flow_checks import fields_wanted
from dialerd.core.ports import NotFoundError, Store
from dialerd.core.prompts_view import PromptError, PromptTaken
from dialerd.core.records import CampaignSettings, CampaignState, ContactList
from dialerd.core.regime import check_regime
from dialerd.core.script import fields_needed
from dialerd.core.spec_settings import to_settings
from dialerd.core.spoken import vocabulary
from dialerd.core.step_spec import StepSpec, flow_of

UNFINISHED: Final = frozenset(CampaignState) - {CampaignState.FINISHED}
APPROVED: Final = UNFINISHED - {CampaignState.DRAFT}


class Knows(Protocol):
    """Whom to ask."""

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

    async def remove_prompt(self, name: str) -> PromptTaken:
        """Forget an imported prompt; PromptError."""
        ...


async def spec_refusals(spec: CampaignSpec, daemon: Knows) -> list[FieldFault]:
    """Prompts and a detector that are not there, and a regime that no line may dial under."""
    faults = [
        FieldFault(fault, where)
        for where, names in _prompts(spec)
        if (fault := await _first_fault(names, daemon))
    ]
    if fault := daemon.detector_fault(spec.detection.detector):
        faults.append(FieldFault(fault, "/spec/detection/detector"))
    if fault := daemon.regime_fault(spec.regime):
        faults.append(FieldFault(fault, "/spec/regime"))
    return faults


def _prompts(spec: CampaignSpec) -> Iterator[tuple[str, list[str]]]:
    """What each step needs to be there, and where it says so."""
    if spec.abandoned_prompt:
        yield "/spec/abandoned_prompt", [spec.abandoned_prompt]
    if spec.detection.machine_prompt:
        yield "/spec/detection/machine_prompt", [spec.detection.machine_prompt]
    for name in ("left_prompt", "hold_prompt", "machine_prompt"):
        if prompt := getattr(spec.agents, name, ""):
            yield f"/spec/agents/{name}", [prompt]
    for name in ("hold_prompt", "sorry_prompt"):
        if prompt := getattr(spec.returns, name, ""):
            yield f"/spec/returns/{name}", [prompt]
    for at, steps in (("/spec", spec.steps), ("/spec/returns", spec.returns.steps)):
        for index, step in enumerate(steps):
            yield from _step_prompts(step, f"{at}/steps/{index}")


def _step_prompts(step: StepSpec, at: str) -> Iterator[tuple[str, list[str]]]:
    if step.pause_ms:
        yield f"{at}/pause_ms", [SILENCE]
    if step.prompt:
        yield f"{at}/prompt", [step.prompt]
    if (deed := deed_of(step)) is not None:
        for name in sorted(prompts_done(deed)):
            yield f"{at}/{KIND[type(deed)]}", [name]
    for place, part in enumerate(step.chain):
        names = [part] if isinstance(part, str) else vocabulary(part.lang)
        yield f"{at}/chain/{place}", names


async def flow_refusals(
    settings: CampaignSettings, daemon: Knows, store: Store
) -> list[FieldFault]:
    """What saved flows and the script need and is not there: prompts, and columns of the list."""
    flows = [("/spec/flow", settings.flow)] if settings.flow_name else []
    flows += [(f"/spec/flows/{one.value}", one.flow) for one in settings.flows]
    if settings.returns.flow_name:
        flows.append(("/spec/returns/flow", settings.returns.flow))
    faults = [
        FieldFault(fault, where)
        for where, flow in flows
        if (fault := await _first_fault(sorted(prompts_of(flow)), daemon))
    ]
    wanted = [(field, where) for where, flow in flows for _, field in fields_wanted(flow)]
    if settings.script:
        found = store.script(settings.script, settings.script_version).script
        wanted += [(field, "/spec/script") for field in fields_needed(found)]
    for list_id in [one.list_id for one in settings.lists] or [settings.list_id]:
        with suppress(NotFoundError):  # which is told already
            faults += _not_there(wanted, store.contact_list(list_id))
    return faults


def users_of(prompt: str, store: Store, states: Collection[CampaignState]) -> list[str]:
    """Campaigns in one of these states that may play it, with flows as they are saved now."""
    return [
        campaign.settings.name
        for campaign in store.campaigns()
        if campaign.state in states and prompt in _may_play(campaign.settings, store)
    ]


async def remove_prompt(name: str, store: Store, daemon: Knows) -> PromptTaken:
    """Forget an imported prompt that no unfinished campaign names; Conflict, NotFound."""
    if users := users_of(name, store, UNFINISHED):
        raise Conflict(in_use(name, users))
    try:
        return await daemon.remove_prompt(name)
    except PromptError as error:
        raise NotFound(str(error)) from None


def in_use(prompt: str, users: Sequence[str]) -> str:
    """Why a prompt may not go."""
    return (
        f"{prompt} is used by {', '.join(users)}: finish it first, or put another recording in its"
        " place (dialerd prompt add --replace)"
    )


def _may_play(settings: CampaignSettings, store: Store) -> set[str]:
    found = campaign_prompts(settings)
    if (
        settings.flow_name or settings.flows or settings.returns.flow_name
    ):  # approval and a switch take the newest ones
        with suppress(NotFoundError):
            found |= campaign_prompts(store.newest(settings))
    return found


async def _first_fault(names: list[str], daemon: Knows) -> str:
    for name in names:
        if fault := await daemon.prompt_fault(name):
            return fault
    return ""


async def draft_settings(spec: CampaignSpec, store: Store, daemon: Knows) -> CampaignSettings:
    """What a draft is to be kept as; Invalid with every fault that can be found now."""
    faults = [
        FieldFault(fault.text, "/spec/" + "/".join(map(str, fault.pointer)))
        for fault in spec_faults(spec)
    ]
    faults += await spec_refusals(spec, daemon)
    after = 0
    try:
        if spec.after:
            after = store.find_campaign(spec.after).campaign_id
    except NotFoundError as error:
        faults.append(FieldFault(str(error), "/spec/after"))
    lists: dict[str, int] = {}
    for index, name in enumerate(list_names(spec)):
        try:
            found = store.find_list(name)
            lists[name] = found.list_id
            faults += field_refusals(spec, found)
        except NotFoundError as error:
            where = f"/spec/lists/{index}/list" if spec.lists else "/spec/list"
            faults.append(FieldFault(str(error), where))
    settings = to_settings(spec, lists, after)
    try:
        faults += await flow_refusals(store.newest(settings), daemon, store)
    except NotFoundError as error:
        faults.append(FieldFault(str(error), "/spec"))
    try:
        check_regime(settings)
    except ValueError as error:
        faults.append(regime_refusal(str(error)))
    if faults:
        raise Invalid("; ".join(fault.detail for fault in faults), faults=tuple(faults))
    return settings


def field_refusals(spec: CampaignSpec, people: ContactList) -> list[FieldFault]:
    """Fields of people that the list's people do not have."""
    wanted = [
        (field, "/spec/" + "/".join(map(str, where)))
        for where, field in fields_wanted(flow_of(spec.steps))
    ]
    wanted += [
        (spec.zone_column, "/spec/zone_column"),
        (spec.flow_column, "/spec/flow_column"),
        (spec.consent_column, "/spec/consent_column"),
        (spec.consent_date_column, "/spec/consent_date_column"),
    ]
    return _not_there(wanted, people)


def _not_there(wanted: Iterable[tuple[str, str]], people: ContactList) -> list[FieldFault]:
    has = ", ".join(people.columns) or "none"
    return [
        FieldFault(f"the list {people.name} has no column {field!r}; it has {has}", where)
        for field, where in dict.fromkeys(wanted)
        if field and field not in people.columns
    ]


def regime_refusal(text: str) -> FieldFault:
    """`check_regime` begins its text with the field it means."""
    field, colon, rest = text.partition(": ")
    known = {"start_ms, end_ms": "start_at", "end_ms": "end_at"}
    if colon and " " not in known.get(field, field):
        return FieldFault(rest, "/spec/" + known.get(field, field).replace(".", "/"))
    return FieldFault(text, "/spec/regime")
