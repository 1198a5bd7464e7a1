"""Whether the limits of every line were kept on a simulated day, by what its carrier saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from dialerd.config.trunk_tables import Plan, Ports
from dialerd.sim.checkers import Fault, Kind
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_lines import Leg
from dialerd.sim.day_scenario import LineTable, Scenario
from dialerd.sim.lists import PREFIXES, VIRTUAL

DAY_NS: Final = 86_400 * NS
CARRIER_OF: Final = {prefix: name for name, (_, found) in PREFIXES.items() for prefix in found}


def line_faults(
    scenario: Scenario, clock: VirtualClock, legs: list[Leg], crashes: list[int], commit_ns: int
) -> Iterator[Fault]:
    """Channels, calls a second, ports, quotas and routes of every line, and of all together.

    A carrier's calls a second hold for the moments at which calls leave. The daemon's own hold for
    its decisions: up to `commit_ns` may lie between.
    """
    offset = scenario.start.utcoffset()
    utc_ns = 0 if offset is None else round(offset.total_seconds()) * NS
    by_line: defaultdict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        by_line[leg.trunk].append(leg)
    for line in scenario.trunk:
        mine = by_line[line.name]
        ports = {label: group for group in line.ports for label in group.labels()}
        channels = min(line.channels, len(ports)) if ports else line.channels
        yield from _at_once(mine, channels, crashes, line.name)
        yield from _a_second(mine, line.calls_per_s_max, line.name)
        yield from _routes(mine, line, ports)
        day_ns = clock.true_offset_ns + utc_ns
        unsure_ns = max(abs(at - clock.true_offset_ns) for _, at in clock.steps)
        if not unsure_ns:  # else a day is not the same for both
            yield from _quota(mine, line.plan, day_ns, line.name)
        if ports:
            yield from _ports(mine, ports, crashes, day_ns if not unsure_ns else None)
    if scenario.calls_max:
        yield from _at_once(legs, scenario.calls_max, crashes, "the daemon")
    yield from _a_second(legs, scenario.calls_per_s_max, "the daemon", commit_ns)


def _at_once(legs: Iterable[Leg], most: int, crashes: list[int], name: str) -> Iterator[Fault]:
    """A process of the daemon knows nothing of the calls of the one before: its own count."""
    edges = sorted(edge for leg in legs for edge in ((leg.at_ns, 1), (_let_go(leg, crashes), -1)))
    up = 0
    for at_ns, change in edges:
        up += change
        if up > most:
            yield Fault(Kind.OVER_CHANNELS, None, "", f"{name}: {up} calls at once at {at_ns}")
            return


def _let_go(leg: Leg, crashes: list[int]) -> int:
    """When a leg ended, for the process that began it."""
    end_ns = leg.ended_ns or 1 << 62
    return min([end_ns, *(at for at in crashes if leg.at_ns <= at)])


def _a_second(legs: list[Leg], rate: float, name: str, unsure_ns: int = 0) -> Iterator[Fault]:
    if not rate:
        return
    slots = max(1, int(rate))
    window_ns = (NS if rate >= 1 else round(NS / rate)) - unsure_ns
    times = [leg.at_ns for leg in legs]
    for first, later in zip(times, times[slots:], strict=False):
        if later - first < window_ns:
            text = f"{name}: {slots + 1} calls in {(later - first) / 1e6:.0f} ms"
            yield Fault(Kind.TOO_FAST, None, "", text)
            return


def _routes(legs: list[Leg], line: LineTable, ports: dict[str, Ports]) -> Iterator[Fault]:
    """A line takes numbers of its prefixes and carriers; those that name none take any."""
    for leg in legs:
        group = ports.get(leg.port)
        if (leg.port != "") != bool(ports) or (ports and group is None):
            text = f"{line.name} has no port {leg.port!r}"
            yield Fault(Kind.WRONG_LINE, leg.phone, leg.call_id, text)
            continue
        own = group if group is not None and (group.prefixes or group.carriers) else line
        if not own.prefixes and not own.carriers:
            continue
        if not str(leg.phone).startswith(own.prefixes or "-") and (
            carrier_of(leg.phone) not in own.carriers
        ):
            text = f"{line.name} does not take it"
            yield Fault(Kind.WRONG_LINE, leg.phone, leg.call_id, text)


def carrier_of(phone: int) -> str:
    """Whose number it is, by this module's own table."""
    digits = str(phone).removeprefix("84")
    return VIRTUAL.get(digits[:3]) or CARRIER_OF.get(digits[:2], "")


def _ports(
    legs: list[Leg], ports: dict[str, Ports], crashes: list[int], day_ns: int | None
) -> Iterator[Fault]:
    """One call at a time, a pause after it, and the quota of its own."""
    by_port: defaultdict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        by_port[leg.port].append(leg)
    for label, mine in by_port.items():
        group = ports.get(label)
        if group is None:
            continue
        name = f"port {label}"
        yield from _at_once(mine, 1, crashes, name)
        for before, after in pairwise(mine):
            if any(before.at_ns <= at <= after.at_ns for at in crashes):
                continue
            if before.ended_ns and after.at_ns - before.ended_ns < group.gap_s * NS:
                gap_s = (after.at_ns - before.ended_ns) / NS
                text = f"{name} pauses {gap_s:.1f} s, not {group.gap_s}"
                yield Fault(Kind.TOO_FAST, after.phone, after.call_id, text)
        if day_ns is not None:
            yield from _quota(mine, group.plan, day_ns, name)


def _quota(legs: list[Leg], plan: Plan, day_ns: int, name: str) -> Iterator[Fault]:
    """No call begins on a line whose answered calls, or minutes, of the day are used up.

    A call that a crash cut off is counted by the daemon with the time since its dial, two minutes
    at most: what it lasted longer may be talked again.
    """
    if not plan.calls_day and not plan.minutes_day:
        return
    ends = sorted((leg.ended_ns or 1 << 62, index) for index, leg in enumerate(legs))
    begins = sorted((leg.at_ns, index) for index, leg in enumerate(legs))
    used: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    at = 0
    for begun_ns, index in begins:
        while at < len(ends) and ends[at][0] <= begun_ns:
            leg = legs[ends[at][1]]
            at += 1
            if leg.answered_ns and leg.process is not None:
                sums = used[(leg.at_ns + day_ns) // DAY_NS]
                sums[0] += 1
                sums[1] += (leg.ended_ns - leg.answered_ns) // NS
        calls, seconds = used[(begun_ns + day_ns) // DAY_NS]
        over = 0 < plan.calls_day <= calls or 0 < plan.minutes_day * 60 <= seconds
        if over:
            text = f"{name}: begun after {calls} calls and {seconds} s of its day"
            yield Fault(Kind.OVER_QUOTA, legs[index].phone, legs[index].call_id, text)
            return
