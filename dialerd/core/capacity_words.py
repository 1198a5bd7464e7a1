"""A capacity plan in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from dialerd.core.capacity import BANKS, Bound, Carried, Need, Work


def sentences(
    work: Work,
    need: Need | None,
    carried: Carried | None,
    bounds: Sequence[Bound] | None,
    today: int | None,
) -> list[str]:
    """What is needed, carried, configured, and whether that is enough; `today`: calls answered."""
    said = [_call(work)]
    if need is not None:
        said.append(
            f"{need.calls_day:,.0f} calls in {_hours(work)} ({need.calls_month:,.0f} in {work.days}"
            f" days) are {need.calls_per_s:.2f} calls/s: {_count(need.lines, 'line')}, "
            f"that is {_boxes(need)} or trunk channels."
        )
    if carried is not None:
        said.append(
            f"{_count(carried.lines, 'line')} carry {carried.calls_day:,} calls in {_hours(work)}, "
            f"{carried.calls_month:,} in {work.days} days."
        )
    if bounds is None:
        return said
    said.extend(
        f"{one.trunk}: {_count(one.lines, 'line')}, {one.calls_day:,} calls a day; {one.because}."
        for one in bounds
    )
    said.append(_together(work, bounds, need, today))
    return said


def _call(work: Work) -> str:
    if work.hold_s:
        return f"A call keeps its line for {float(work.call_s):g} s."
    gap = f" + {work.gap_s:g} s pause" if work.gap_s else ""
    return (
        f"A call keeps its line for {float(work.call_s):g} s: {work.dial_s:g} s dialing + "
        f"{work.ring_s:g} s ringing + {work.talk_s:g} s talk of {1 - work.unreachable:.0%}{gap}."
    )


def _together(work: Work, bounds: Sequence[Bound], need: Need | None, today: int | None) -> str:
    """What all lines of the configuration carry, and whether that is enough."""
    lines = sum(one.lines for one in bounds)
    a_day = sum(one.calls_day for one in bounds)
    said = (
        f"The configured {_count(lines, 'line')} carry {a_day:,} calls a day, "
        f"{sum(one.calls_month for one in bounds):,} in {work.days} days"
    )
    if need is not None and a_day >= need.calls_day:
        said += ": enough"
    elif need is not None:
        missing = need.lines - lines
        more = f"{_count(missing, 'line')} more" if missing > 0 else "fewer limits"
        said += f": {need.calls_day - a_day:,.0f} too few, it takes {more}"
    if today is not None:
        reached = int(a_day * (1 - work.unreachable))
        said += f"; {today:,} answered today of {reached:,} that they could"
    return said + "."


def _boxes(need: Need) -> str:
    words = []
    for ports in BANKS:
        boxes = need.boxes[str(ports)]
        words.append(f"{boxes:,} box{'' if boxes == 1 else 'es'} of {ports} ports")
    return " or ".join(words)


def _hours(work: Work) -> str:
    return f"{work.hours:g} h"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
