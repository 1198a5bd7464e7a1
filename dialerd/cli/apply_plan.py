"""What `dialerd apply` would change: a file of objects beside what the daemon has.

Both sides are compared as the daemon keeps them, so that two ways to write the same are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from dialerd.core import flow_spec, script_spec
from dialerd.core.campaign_spec import CampaignSpec, list_names, spec_faults
from dialerd.core.control import CampaignInfo, GetCampaign, ListLists, NotFound
from dialerd.core.flow_checks import flow_notes
from dialerd.core.flow_spec import FlowSpec
from dialerd.core.records import CampaignState
from dialerd.core.regime import check_regime
from dialerd.core.script_spec import ScriptSpec
from dialerd.core.scripts_view import CheckFlow, GetFlow, GetScript
from dialerd.core.spec_parts import Name, Spec
from dialerd.core.spec_settings import from_settings, to_settings
from dialerd.toml_load import Fault

if TYPE_CHECKING:
    from dialerd.control.io_client import SyncClient
    from dialerd.core.flow_checks import FlowFault
    from dialerd.core.script import ScriptFault

OBJECTS_MAX: Final = 500  # of a kind
CHANGES_SHOWN_MAX: Final = 40  # of an object
_MISSING: Final = object()


class ListFile(Spec):
    """A list by its name; `file` is imported when there is none of that name."""

    name: Name
    file: Path | None = None
    map: dict[str, str] = {}  # noqa: RUF012 - a Struct copies it


class Wanted(Spec):
    """The whole file."""

    script: Annotated[tuple[ScriptSpec, ...], Meta(max_length=OBJECTS_MAX)] = ()
    flow: Annotated[tuple[FlowSpec, ...], Meta(max_length=OBJECTS_MAX)] = ()
    list: Annotated[tuple[ListFile, ...], Meta(max_length=OBJECTS_MAX)] = ()
    campaign: Annotated[tuple[CampaignSpec, ...], Meta(max_length=OBJECTS_MAX)] = ()


AnySpec = ScriptSpec | FlowSpec | ListFile | CampaignSpec


class What(StrEnum):
    """What becomes of an object."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REFUSED = "refused"


class Item(msgspec.Struct, frozen=True):
    """One object: where it stands in the file, and what differs, a line each.

    `seen` is the campaign that the difference was told of. `why` is of what is refused.
    """

    kind: str
    name: str
    index: int
    what: What
    spec: AnySpec
    changes: tuple[str, ...] = ()
    why: str = ""
    seen: CampaignSpec | None = None


def faults(wanted: Wanted) -> Iterator[Fault]:
    """What in a file does not fit the rest of it, each with its place."""
    for kind in Wanted.__struct_fields__:
        names: dict[str, int] = {}
        for index, spec in enumerate(getattr(wanted, kind)):
            first = names.setdefault(spec.name, index)
            if first != index:
                yield Fault((kind, index, "name"), f"a second {kind} named {spec.name!r}")
    checks: tuple[tuple[str, Callable[[Any], Iterable[FlowFault | ScriptFault]]], ...] = (
        ("script", script_spec.spec_faults),
        ("flow", flow_spec.spec_faults),
        ("campaign", spec_faults),
    )
    for kind, check in checks:
        for index, spec in enumerate(getattr(wanted, kind)):
            for fault in check(spec):
                yield Fault((kind, index, *fault.pointer), fault.text)


def plan(wanted: Wanted, client: SyncClient, *, judges_regimes: bool = True) -> list[Item]:
    """Every object in the order in which they depend on each other; ControlError.

    `judges_regimes`: the regimes of the daemon's configuration are known here.
    """
    there = {one.name: one.id for one in client.call(ListLists()).items}
    found = [_script(index, spec, client) for index, spec in enumerate(wanted.script)]
    found += [_flow(index, spec, client) for index, spec in enumerate(wanted.flow)]
    found += [_list(index, spec, there) for index, spec in enumerate(wanted.list)]
    made = {one.name for one in wanted.campaign}
    for index, spec in enumerate(wanted.campaign):
        found.append(_campaign(index, spec, there, client, made, judges_regimes=judges_regimes))
    return found


def _script(index: int, spec: ScriptSpec, client: SyncClient) -> Item:
    kept = script_spec.spec_of(spec.name, script_spec.to_script(spec))
    try:
        now = client.call(GetScript(name=spec.name))
    except NotFound:
        return Item("script", spec.name, index, What.CREATE, spec, (f"{len(spec.items)} items",))
    return _compared("script", index, spec, (now.spec, kept), f"version {now.version + 1}")


def _flow(index: int, spec: FlowSpec, client: SyncClient) -> Item:
    kept = flow_spec.spec_of(spec.name, flow_spec.to_flow(spec))
    try:
        now = client.call(GetFlow(name=spec.name))
    except NotFound:
        return Item("flow", spec.name, index, What.CREATE, spec, (f"{len(spec.steps)} steps",))
    return _compared("flow", index, spec, (now.spec, kept), f"version {now.version + 1}")


def _list(index: int, spec: ListFile, there: Mapping[str, int]) -> Item:
    if spec.name in there:
        return Item("list", spec.name, index, What.SAME, spec)
    if spec.file is None:
        why = "there is no such list; name a file to import"
        return Item("list", spec.name, index, What.REFUSED, spec, why=why)
    if not spec.file.is_file():
        why = f"there is no file {spec.file}"
        return Item("list", spec.name, index, What.REFUSED, spec, why=why)
    return Item("list", spec.name, index, What.CREATE, spec, (f"imported from {spec.file}",))


def _campaign(
    index: int,
    spec: CampaignSpec,
    lists: Mapping[str, int],
    client: SyncClient,
    made: set[str],
    *,
    judges_regimes: bool,
) -> Item:
    now = _find(spec.name, client)
    if why := _unfit(spec, client, judges_regimes=judges_regimes):
        return Item("campaign", spec.name, index, What.REFUSED, spec, why=why)
    if now is None:
        told = f"a draft over {', '.join(list_names(spec))}"
        return Item("campaign", spec.name, index, What.CREATE, spec, (told,))
    before = _find(spec.after, client) if spec.after else None
    if spec.after and before is None and spec.after not in made:
        why = f"there is no campaign {spec.after!r} for it to come after"
        return Item("campaign", spec.name, index, What.REFUSED, spec, why=why)
    # A list or campaign that is made by this same file has no id yet: none that is kept is it.
    ids = {name: lists.get(name, -1 - n) for n, name in enumerate(list_names(spec))}
    settings = to_settings(spec, ids, before.id if before else -1 if spec.after else 0)
    kept = from_settings(settings, {number: name for name, number in ids.items()})
    item = _compared("campaign", index, spec, (now.spec, kept), "the draft")
    if item.what is What.SAME or now.state is CampaignState.DRAFT:
        return msgspec.structs.replace(item, seen=now.spec)
    why = f"it is {now.state}: settings are frozen at approval; make another under a new name"
    return msgspec.structs.replace(item, what=What.REFUSED, why=why)


def _unfit(spec: CampaignSpec, client: SyncClient, *, judges_regimes: bool) -> str:
    """Why the daemon would refuse it, as far as that does not depend on what is made here."""
    found: list[str] = []
    if judges_regimes:
        try:
            check_regime(to_settings(spec, dict.fromkeys(list_names(spec), 1), 0))
        except ValueError as error:
            found.append(str(error))
    if spec.steps:
        flow = FlowSpec(name=spec.name, steps=spec.steps)
        known = {note.text for note in flow_notes(flow_spec.to_flow(flow))}
        notes = client.call(CheckFlow(spec=flow)).notes
        found += [note for note in notes if note not in known]  # what else it says is of prompts
    return "; ".join(found)


def _find(name: str, client: SyncClient) -> CampaignInfo | None:
    try:
        return client.call(GetCampaign(campaign=name))
    except NotFound:
        return None


def _compared(kind: str, index: int, spec: AnySpec, sides: tuple[Any, Any], to: str) -> Item:
    now, kept = (msgspec.to_builtins(side) for side in sides)
    lines = list(differences(now, kept))
    if not lines:
        return Item(kind, spec.name, index, What.SAME, spec)
    more = len(lines) - CHANGES_SHOWN_MAX
    shown = lines[:CHANGES_SHOWN_MAX] + [f"and {more} more"] * (more > 0)
    return Item(kind, spec.name, index, What.UPDATE, spec, (f"becomes {to}", *shown))


def differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """A line for each value that differs: `steps[2].wait_ms: 5000 -> 4000`."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{at}.{key}" if at else str(key)
            yield from differences(before.get(key, _MISSING), after.get(key, _MISSING), inner)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for index in range(max(len(before), len(after))):
            old, new = (side[index] if index < len(side) else _MISSING for side in (before, after))
            yield from differences(old, new, f"{at}[{index}]")
    elif before is _MISSING:
        yield f"{at}: {_shown(after)} (new)"
    elif after is _MISSING:
        yield f"{at}: {_shown(before)} (gone)"
    elif before != after:
        yield f"{at}: {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"
