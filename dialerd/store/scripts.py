"""Saved scripts and saved flows: each saving makes a version that never changes.

A campaign names one of them. At its approval it takes the newest version, which stays its own until
somebody switches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec

from dialerd.core.flow_checks import flow_faults
from dialerd.core.flow_records import Flow, FlowChoice, FlowVersion
from dialerd.core.ports import ConflictError, NotFoundError, StoreError
from dialerd.core.records import Campaign, CampaignMove, CampaignSettings, CampaignState
from dialerd.core.script import script_faults
from dialerd.core.script_records import Script, ScriptVersion
from dialerd.store.engine import Table, Tables
from dialerd.store.limits import LISTED_MAX, NAME_BYTES_MAX, VERSIONS_MAX
from dialerd.store.lists import check_name
from dialerd.store.reading import scan_all
from dialerd.store.schema import (
    CAMPAIGN,
    FLOW,
    MOVE,
    SCRIPT,
    Codec,
    move_key,
    number32,
    read_u32,
    split_version,
    version_key,
)
from dialerd.store.unit import Unit

B = TypeVar("B", Script, Flow)
V = TypeVar("V", ScriptVersion, FlowVersion)
_END: Final = b"\xff" * 9


class Shelf(Generic[B, V]):
    """All versions of one kind of thing."""

    def __init__(
        self,
        what: str,
        made: Callable[[int, str, int, int, str, B], V],
        body: Callable[[V], B],
        codec: Codec[V],
        tables: Callable[[Tables], tuple[Table, Table]],
    ) -> None:
        """`tables` are those of the versions and of the names."""
        self._what = what
        self._made: Callable[[int, str, int, int, str, B], V] = made
        self._body: Callable[[V], B] = body
        self._codec: Codec[V] = codec
        self._tables = tables

    def save(
        self, unit: Unit, name: str, body: B, who: str, at_ms: int, behind: int | None = None
    ) -> V:
        """A new version; the newest one again when nothing has changed.

        ConflictError when the newest is not the version `behind` any more; 0: there must be none.
        """
        versions, names = self._tables(unit.t)
        key = check_name(name, self._what)
        raw = names.get(key)
        if behind is not None:
            now = self.all_versions(unit, name)[-1].version if raw is not None else 0
            if now != behind:
                there = f"is at version {now}" if now else "is gone"
                raise ConflictError(f"the {self._what} {name!r} {there}: read it again")
        if raw is None:
            number, version = unit.next_number(f"next_{self._what}".encode()), 1
            names.put(key, number32(number))
        else:
            number = read_u32(raw)
            last = self.all_versions(unit, name)[-1]
            if self._body(last) == body:
                return last
            version = last.version + 1
        if version > VERSIONS_MAX:
            raise StoreError(f"the {self._what} {name!r} has {VERSIONS_MAX} versions: no more")
        saved = self._made(number, name, version, at_ms, who, body)
        versions.put(version_key(number, version), self._codec.pack(saved))
        return saved

    def remove(self, unit: Unit, name: str) -> None:
        """Forget it with all its versions; NotFoundError."""
        versions, names = self._tables(unit.t)
        for one in self.all_versions(unit, name):
            number = read_u32(names.get(check_name(name, self._what)) or b"")
            versions.delete(version_key(number, one.version))
        names.delete(check_name(name, self._what))

    def find(self, unit: Unit, name: str, version: int = 0) -> V:
        """One version, 0: the newest; NotFoundError."""
        found = self.all_versions(unit, name)
        if not version:
            return found[-1]
        if not 0 < version <= len(found):
            raise NotFoundError(
                f"the {self._what} {name!r:.80} has no version {version}, only 1 to {len(found)}"
            )
        return found[version - 1]

    def all_versions(self, unit: Unit, name: str) -> list[V]:
        """Oldest first; NotFoundError."""
        versions, names = self._tables(unit.t)
        key = name.encode("utf-8", "replace")[: NAME_BYTES_MAX + 1]
        raw = names.get(key) if key else None
        if raw is None:
            raise NotFoundError(f"there is no {self._what} named {name!r:.80}")
        number = read_u32(raw)
        rows = versions.scan(version_key(number, 0), version_key(number + 1, 0), VERSIONS_MAX)
        return [self._codec.unpack(row) for _, row in rows]

    def newest(self, unit: Unit) -> list[V]:
        """The newest version of each, by name."""
        _, names = self._tables(unit.t)
        return [
            self.find(unit, key.decode("utf-8", "replace"))
            for key, _ in names.scan(b"", _END * 64, LISTED_MAX)
        ]

    def by_id(self, unit: Unit, number: int, version: int) -> V | None:
        """As a record elsewhere names it; None when there is none."""
        raw = self._tables(unit.t)[0].get(version_key(number, version))
        return None if raw is None else self._codec.unpack(raw)

    def problems(self, unit: Unit) -> Iterator[str]:
        """Each has a name, and its versions lie one behind the other."""
        versions, names = self._tables(unit.t)
        named = {
            read_u32(raw): key.decode("utf-8", "replace")
            for key, raw in scan_all(names, b"", _END * 64)
        }
        last = dict.fromkeys(named, 0)
        for key, raw in scan_all(versions, b"", _END):
            number, version = split_version(key)
            found: Any = self._codec.unpack(raw)
            if named.get(number) != found.name:
                yield f"{self._what} {number} is not found by its name"
            elif version != last[number] + 1 or version != found.version:
                yield f"{self._what} {found.name!r}: version {last[number] + 1} is missing"
            last[number] = version
        yield from (
            f"the name {name!r} leads to no {self._what}"
            for number, name in named.items()
            if not last[number]
        )
        if named and max(named) > unit.counter(f"next_{self._what}".encode()):
            yield f"counter next_{self._what} is below {max(named)}, which is in use"


SCRIPTS: Final = Shelf[Script, ScriptVersion](
    "script",
    ScriptVersion,
    lambda saved: saved.script,
    SCRIPT,
    lambda t: (t.scripts, t.script_names),
)
FLOWS: Final = Shelf[Flow, FlowVersion](
    "flow",
    FlowVersion,
    lambda saved: saved.flow,
    FLOW,
    lambda t: (t.flows, t.flow_names),
)


def settled(unit: Unit, settings: CampaignSettings) -> CampaignSettings:
    """A campaign's settings with the newest versions of what they name; NotFoundError."""
    changes: dict[str, Any] = {}
    if settings.script:
        changes["script_version"] = SCRIPTS.find(unit, settings.script).version
    if settings.flow_name:
        found = FLOWS.find(unit, settings.flow_name)
        changes |= {"flow_version": found.version, "flow": found.flow}
    if settings.flows:
        each = [(one.value, FLOWS.find(unit, one.name)) for one in settings.flows]
        changes["flows"] = tuple(FlowChoice(v, f.name, f.version, f.flow) for v, f in each)
    if settings.returns.flow_name:
        found = FLOWS.find(unit, settings.returns.flow_name)
        changes["returns"] = msgspec.structs.replace(
            settings.returns, flow_version=found.version, flow=found.flow
        )
    return msgspec.structs.replace(settings, **changes) if changes else settings


def switch(unit: Unit, campaign_id: int, who: str, at_ms: int) -> Campaign:
    """The newest versions, from the next call on; recorded among the campaign's moves."""
    campaign = unit.campaign(campaign_id)
    if campaign.state is CampaignState.FINISHED:
        raise ConflictError(f"campaign {campaign_id} has finished: nothing follows")
    after = settled(unit, campaign.settings)
    if after != campaign.settings:
        campaign = msgspec.structs.replace(campaign, settings=after)
        unit.put_campaign(campaign)
        state = campaign.state
        move = CampaignMove(campaign_id, at_ms, who, state, state, f"switched to {_named(after)}")
        unit.t.moves.put(move_key(campaign_id, unit.next_number(b"next_move")), MOVE.pack(move))
    return campaign


def _named(settings: CampaignSettings) -> str:
    each = [
        (settings.script, settings.script_version),
        (settings.flow_name, settings.flow_version),
        *((one.name, one.version) for one in settings.flows),
        (settings.returns.flow_name, settings.returns.flow_version),
    ]
    return ", ".join(f"{name}@{version}" for name, version in each if name)


def save_flow(
    unit: Unit, name: str, flow: Flow, who: str, at_ms: int, behind: int | None = None
) -> FlowVersion:
    """See `Shelf.save`; StoreError when a flow cannot run."""
    for pointer, text in flow_faults(flow):
        raise StoreError(f"flow/{'/'.join(map(str, pointer))}: {text}")
    return FLOWS.save(unit, name, flow, who, at_ms, behind)


def save_script(
    unit: Unit, name: str, script: Script, who: str, at_ms: int, behind: int | None = None
) -> ScriptVersion:
    """See `Shelf.save`; StoreError when a script cannot be gone through."""
    for pointer, text in script_faults(script):
        raise StoreError(f"script/{'/'.join(map(str, pointer))}: {text}")
    return SCRIPTS.save(unit, name, script, who, at_ms, behind)


def remove_flow(unit: Unit, name: str) -> None:
    """Forget a flow; NotFoundError, ConflictError while an unfinished campaign names it.

    Campaigns that have finished keep what they played.
    """
    FLOWS.find(unit, name)
    users = [
        one.settings.name
        for one in map(CAMPAIGN.unpack, (raw for _, raw in scan_all(unit.t.campaigns, b"", _END)))
        if one.state is not CampaignState.FINISHED and name in flow_names(one.settings)
    ]
    if users:
        raise ConflictError(f"the flow {name!r} is used by {', '.join(users[:5])}: finish it first")
    FLOWS.remove(unit, name)


def flow_names(settings: CampaignSettings) -> set[str]:
    """The saved flows that a campaign names."""
    return {settings.flow_name, settings.returns.flow_name, *(one.name for one in settings.flows)}
