"""A day to simulate, as people write it: `conf/scenarios/*.toml`, checked whole.

Campaigns are written as for the daemon, plans and ports of lines as in its configuration, people
as for the demo's carriers; so a scenario is made of what will run, and of what may go wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.keys import NAME, Section
from dialerd.config.line_specs import plan_spec, port_specs
from dialerd.config.trunk import Kind as LineKind
from dialerd.config.trunk_tables import Plan, Ports, Prefixes
from dialerd.core.campaign_spec import CampaignSpec, list_names, spec_faults
from dialerd.core.line_spec import TrunkSpec
from dialerd.core.records import DialMode
from dialerd.core.regime import check_regime
from dialerd.core.spec_settings import to_settings
from dialerd.sim import limits
from dialerd.sim.people import Town, check_town
from dialerd.toml_load import Fault, read

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=limits.DAY_S_MAX)]
Span = tuple[Annotated[float, Meta(ge=0.0, le=60_000.0)], Annotated[float, Meta(ge=0, le=60_000)]]
Hour = Annotated[str, Meta(pattern=r"^([0-9]|1[0-9]|2[0-3])$(?!\n)", extra={"hint": "0 to 23"})]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
_CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$(?!\n)"


class PeopleList(Section):
    """People to call, each with another number; shares of them are special."""

    name: Name
    people: Annotated[int, Meta(ge=1, le=limits.ROWS_MAX)]
    do_not_call: Annotated[Share, Meta(description="On that list from the start.")] = 0.0
    do_not_call_later: Annotated[Share, Meta(description="Put on it at some time.")] = 0.0
    forbidden: Annotated[
        Share, Meta(description="Numbers that the plan does not let anybody dial.")
    ] = 0.0
    shares: Annotated[str, Meta(description="An earlier list whose people are in this too.")] = ""
    shared: Annotated[Share, Meta(description="How many of ours are that list's.")] = 0.0
    columns: Annotated[
        dict[Name, dict[Annotated[str, Meta(max_length=128)], Annotated[float, Meta(gt=0.0)]]],
        Meta(description="Further columns: values with weights, drawn for each person."),
    ] = {}  # noqa: RUF012 - a Struct copies it


class Answers(Section):
    """Who answers when. `[people]` says the rest."""

    by_hour: Annotated[
        dict[Hour, Annotated[float, Meta(ge=0.0, le=100.0)]],
        Meta(description="Local hour to a factor of how many answer; 1 where none stands."),
    ] = {}  # noqa: RUF012 - a Struct copies it
    machines: Annotated[Share, Meta(description="Share of answers that are machines.")] = 0.0
    machine_s: Annotated[float, Meta(gt=0.0, le=600.0)] = 25.0
    verdict_s: Annotated[
        float,
        Meta(gt=0.0, le=60.0, description="Median time to tell a machine from a person."),
    ] = 1.2
    verdict_sigma: Annotated[float, Meta(ge=0.0, le=3.0)] = 0.4
    verdict_wrong: Annotated[Share, Meta(description="Share of verdicts that are wrong.")] = 0.0
    verdict_none: Annotated[Share, Meta(description="Share of answers without a verdict.")] = 0.0


class LineTable(Section):
    """A trunk, with what a carrier does beside carrying calls."""

    name: Annotated[str, Meta(pattern=NAME, extra={"hint": "letters, digits, dot, dash"})]
    channels: Annotated[int, Meta(ge=1, le=100_000)]
    calls_per_s_max: Annotated[float, Meta(ge=0.0, le=10_000.0)] = 0.0
    carriers: tuple[str, ...] = ()
    prefixes: Prefixes = ()
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1
    kind: LineKind = LineKind.SIP
    plan: Plan = Plan()
    ports: tuple[Ports, ...] = ()
    refuses: Annotated[Share, Meta(description="Share of calls that get 503.")] = 0.0
    silent: Annotated[Share, Meta(description="Share of calls that get no answer at all.")] = 0.0
    crossing: Annotated[
        Share, Meta(description="Share of our hanging up on a ringing phone that meets an answer.")
    ] = 0.0

    def spec(self) -> TrunkSpec:
        """What the core is told. Every simulated line is one that `loopback` may use."""
        return TrunkSpec(
            name=self.name,
            channels=self.channels,
            cps_max=self.calls_per_s_max,
            carriers=self.carriers,
            prefixes=self.prefixes,
            weight=self.weight,
            loopback=True,
            kind=self.kind.value,
            plan=plan_spec(self.plan),
            ports=port_specs(self.ports),
        )


class AgentTable(Section):
    """A team of agents who are alike. Talks and wrap-ups are lognormal around their medians."""

    name: Annotated[str, Meta(pattern=NAME, extra={"hint": "letters, digits, dot, dash"})]
    count: Annotated[int, Meta(ge=1, le=2_000)]
    campaigns: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=100)]
    nailed_up: Annotated[bool, Meta(description="One call for the shift, else one per call.")] = (
        True
    )
    talk_s: Annotated[float, Meta(gt=0.0, le=7_200.0)] = 90.0
    talk_sigma: Annotated[float, Meta(ge=0.0, le=3.0)] = 0.5
    wrap_s: Annotated[float, Meta(gt=0.0, le=3_600.0)] = 15.0
    wrap_sigma: Annotated[float, Meta(ge=0.0, le=3.0)] = 0.4
    breaks_every_s: Annotated[Seconds, Meta(description="Mean time between two; 0: none.")] = 0.0
    break_s: Annotated[float, Meta(gt=0.0, le=86_400.0)] = 600.0
    think_s: Annotated[
        float,
        Meta(gt=0.0, le=3_600.0, description="Before each click: next customer, dial, skip."),
    ] = 4.0
    skips: Annotated[Share, Meta(description="Of cards that are skipped, where one may.")] = 0.0
    undialed: Annotated[Share, Meta(description="Of cards disposed of without a call.")] = 0.0
    callbacks: Annotated[Share, Meta(description="Of talks after which one is booked.")] = 0.0
    callback_s: Annotated[float, Meta(gt=0.0, le=864_000.0, description="Mean time to it.")] = 1_800
    callback_anybody: Annotated[Share, Meta(description="Of callbacks that anybody makes.")] = 0.3
    never: Annotated[Share, Meta(description="Of talks that end with do-not-call.")] = 0.0
    silent: Annotated[Share, Meta(description="Of talks that are never disposed of.")] = 0.0
    deaf: Annotated[Share, Meta(description="Of rings that nobody hears.")] = 0.0
    vanishes: Annotated[Share, Meta(description="Of talks in which their telephone dies.")] = 0.0
    reloads: Annotated[Share, Meta(description="Of talks in which their page reloads.")] = 0.0
    gone: Annotated[Share, Meta(description="Of talks in which page and telephone go.")] = 0.0


class FaultKind(StrEnum):
    """What may go wrong."""

    CRASH = "crash"  # the daemon is killed, and back after `for_s`
    TRUNK_DOWN = "trunk_down"  # nothing comes back from a trunk
    TRUNK_REFUSES = "trunk_refuses"  # it answers 503
    PORT_HANG = "port_hang"  # nothing comes back from one port of it
    CLOCK_STEP = "clock_step"  # the wall clock jumps by `step_s`, and back after `for_s`
    SLOW_DISK = "slow_disk"  # commits take `commit_ms`
    DISK_FULL = "disk_full"  # commits fail


class FaultTable(Section):
    """Something that goes wrong: once at a time of day, or again and again by chance."""

    kind: FaultKind
    at: Annotated[
        str,
        Meta(
            pattern=r"^$(?!\n)|" + _CLOCK,
            description="Local time of day.",
            extra={"hint": 'a time such as "10:30"'},
        ),
    ] = ""
    every_s: Annotated[Seconds, Meta(description="Mean time between two of them.")] = 0.0
    for_s: Seconds = 0.0
    trunk: str = ""
    port: str = ""
    step_s: Annotated[int, Meta(ge=-limits.STEP_S_MAX, le=limits.STEP_S_MAX)] = 0
    commit_ms: Span = (100.0, 2_000.0)


class Scenario(Section):
    """A simulated day, or some."""

    start: Annotated[datetime, Meta(tz=True, description="With its zone: local time is of it.")]
    list: Annotated[tuple[PeopleList, ...], Meta(min_length=1, max_length=1_000)]
    trunk: Annotated[tuple[LineTable, ...], Meta(min_length=1, max_length=10_000)]
    campaign: Annotated[tuple[CampaignSpec, ...], Meta(min_length=1, max_length=1_000)]
    hours: Annotated[float, Meta(gt=0.0, le=limits.DAY_S_MAX / 3600)] = 10.0
    numbering: Path = Path("../numbering/vn.toml")
    people: Town = Town()
    answers: Answers = Answers()
    prompts: Annotated[
        dict[str, Annotated[float, Meta(gt=0.0, le=3600.0)]],
        Meta(description="Seconds of each; others last `prompt_s`."),
    ] = {}  # noqa: RUF012 - a Struct copies it
    prompt_s: Annotated[float, Meta(gt=0.0, le=3600.0)] = 6.0
    calls_per_s_max: Annotated[float, Meta(ge=0.0, le=10_000.0)] = 0.0
    calls_max: Annotated[int, Meta(ge=0, le=100_000)] = 0
    commit_ms: Annotated[Span, Meta(description="How long a durable commit takes.")] = (2.0, 8.0)
    agents: Annotated[tuple[AgentTable, ...], Meta(max_length=1_000)] = ()
    fault: Annotated[tuple[FaultTable, ...], Meta(max_length=1_000)] = ()


def read_scenario(path: Path) -> Scenario:
    """A scenario from its file; TomlError with every fault in it."""
    return read(path, Scenario, rules=rules)


def rules(scenario: Scenario) -> Iterator[Fault]:
    """What must hold between values."""
    yield from _twice("list", (one.name for one in scenario.list))
    yield from _twice("trunk", (one.name for one in scenario.trunk))
    yield from _twice("campaign", (one.name for one in scenario.campaign))
    yield from _people(scenario)
    for index, line in enumerate(scenario.trunk):
        yield from _line(line, ("trunk", index))
    known = [one.name for one in scenario.list]
    for index, spec in enumerate(scenario.campaign):
        at = ("campaign", index)
        for name in list_names(spec):
            if name not in known:
                yield Fault((*at, "list"), f"there is no list {name!r}", ", ".join(known))
        yield from (Fault((*at, *fault.pointer), fault.text) for fault in spec_faults(spec))
        try:
            check_regime(to_settings(spec, {}))
        except ValueError as error:
            key, colon, text = str(error).partition(": ")
            yield Fault((*at, key) if colon else (*at, "regime"), text if colon else key)
        for key in _UNKNOWN:
            if getattr(spec, key):
                yield Fault((*at, key), "a simulated day does not know it")
        yield from _columns(scenario, spec, at)
        earlier = [one.name for one in scenario.campaign[:index]]
        if spec.after and spec.after not in earlier:
            text = f"there is no earlier campaign {spec.after!r}"
            yield Fault((*at, "after"), text, ", ".join(earlier))
    yield from _teams(scenario)
    for index, fault in enumerate(scenario.fault):
        yield from _fault(scenario, fault, ("fault", index))
    if scenario.commit_ms[0] > scenario.commit_ms[1]:
        yield Fault(("commit_ms",), "the shortest comes first")


def _teams(scenario: Scenario) -> Iterator[Fault]:
    yield from _twice("agents", (one.name for one in scenario.agents))
    modes = {spec.name: spec.mode for spec in scenario.campaign}
    for index, team in enumerate(scenario.agents):
        if team.vanishes + team.reloads + team.gone > 1.0:
            yield Fault(("agents", index, "vanishes"), "with `reloads` and `gone` more than all")
        if team.callbacks + team.never > 1.0:
            yield Fault(("agents", index, "callbacks"), "with `never` more than the whole")
        for name in team.campaigns:
            if modes.get(name, DialMode.BROADCAST) is DialMode.BROADCAST:
                text = f"there is no campaign {name!r} that agents work in"
                yield Fault(("agents", index, "campaigns"), text)


#: Saved flows and scripts are in a store; a scenario has none.
_UNKNOWN: Final = ("flow", "flow_column", "script")


def _columns(scenario: Scenario, spec: CampaignSpec, at: tuple[str | int, ...]) -> Iterator[Fault]:
    has = next((tuple(one.columns) for one in scenario.list if one.name == spec.list), ())
    for key in ("zone_column", "consent_column", "priority_column"):
        name = getattr(spec, key)
        if name and name not in has:
            text = f"list {spec.list!r} has no column {name!r}"
            yield Fault((*at, key), text, ", ".join(has))


def _twice(table: str, names: Iterable[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Fault((table, index, "name"), f"{name!r} stands there twice")
        seen.add(name)


def _people(scenario: Scenario) -> Iterator[Fault]:
    earlier: dict[str, int] = {}
    for index, one in enumerate(scenario.list):
        if one.shares and one.shares not in earlier:
            yield Fault(("list", index, "shares"), f"there is no earlier list {one.shares!r}")
        elif one.shares and one.people * one.shared > earlier[one.shares]:
            yield Fault(("list", index, "shared"), f"more than {one.shares!r} has people")
        for name, values in one.columns.items():
            if not values:
                yield Fault(("list", index, "columns", name), "has no values")
        if one.do_not_call + one.do_not_call_later + one.forbidden > 1.0:
            yield Fault(("list", index), "its shares are more than the whole")
        earlier[one.name] = one.people
    if sum(earlier.values()) > limits.ROWS_MAX:
        yield Fault(("list",), f"more than {limits.ROWS_MAX} people in all")
    try:
        check_town(scenario.people)
    except ValueError as error:
        found = re.match(r"people: \[?(\w+)\]?:? ", str(error))
        key = found[1] if found else ""
        where = ("people", key) if key in Town.__struct_fields__ else ("people",)
        yield Fault(where, str(error).removeprefix("people: "))


def _line(line: LineTable, at: tuple[str | int, ...]) -> Iterator[Fault]:
    labels: set[str] = set()
    for index, group in enumerate(line.ports):
        where = (*at, "ports", index, "numbers")
        try:
            found = group.labels()
        except ValueError as error:
            yield Fault(where, str(error))
            continue
        if labels & set(found):
            yield Fault(where, "some of these ports are in an earlier group")
        labels |= set(found)
    if line.refuses + line.silent > 1.0:
        yield Fault((*at, "silent"), "with `refuses` more than the whole")


_NEEDS_TRUNK: Final = {FaultKind.TRUNK_DOWN, FaultKind.TRUNK_REFUSES, FaultKind.PORT_HANG}


def _fault(scenario: Scenario, fault: FaultTable, at: tuple[str | int, ...]) -> Iterator[Fault]:
    if bool(fault.at) == bool(fault.every_s):
        yield Fault((*at, "kind"), "needs either `at` or `every_s`")
    lines = {line.name: line for line in scenario.trunk}
    if fault.kind in _NEEDS_TRUNK and fault.trunk not in lines:
        known = ", ".join(lines)
        yield Fault((*at, "trunk" if fault.trunk else "kind"), "needs a `trunk`", known)
    elif fault.kind is FaultKind.PORT_HANG:
        labels = [label for group in lines[fault.trunk].ports for label in group.labels()]
        if fault.port not in labels:
            yield Fault((*at, "port" if fault.port else "kind"), "needs a `port` of its trunk")
    if fault.kind is FaultKind.CLOCK_STEP and not fault.step_s:
        yield Fault((*at, "kind"), "needs `step_s`, which is not 0")
    if fault.kind is FaultKind.CRASH and fault.for_s < limits.RESTART_S_MIN:
        yield Fault(
            (*at, "for_s" if fault.for_s else "kind"),
            f"needs `for_s` of at least {limits.RESTART_S_MIN:g}: no process is back sooner",
        )
    if fault.commit_ms[0] > fault.commit_ms[1]:
        yield Fault((*at, "commit_ms"), "the shortest comes first")
