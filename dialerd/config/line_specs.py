"""Plans and ports of lines, from words of a configuration to the core's units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from dialerd.config.trunk_tables import Plan, Ports
from dialerd.core.line_spec import PlanSpec, PortSpec

EPOCH: Final = dt.date(1970, 1, 1)


def port_specs(groups: Iterable[Ports]) -> tuple[PortSpec, ...]:
    """Every port of a trunk's groups, one by one."""
    return tuple(
        PortSpec(label, group.carriers, group.prefixes, group.gap_s, plan_spec(group.plan))
        for group in groups
        for label in group.labels()
    )


def plan_spec(plan: Plan) -> PlanSpec:
    """A plan in the core's units: thousandths, seconds, days since 1970."""
    return PlanSpec(
        minute_milli=round(plan.cost_minute * 1000),
        first_block_s=plan.first_block_s,
        block_s=plan.block_s,
        free_s=plan.free_s,
        cut_before_paid=plan.cut_before_paid,
        call_s_max=plan.call_s_max,
        calls_day=plan.calls_day,
        seconds_day=plan.minutes_day * 60,
        milli_day=round(plan.cost_day * 1000),
        calls_period=plan.calls_period,
        seconds_period=plan.minutes_period * 60,
        milli_period=round(plan.cost_period * 1000),
        since_day=(plan.since - EPOCH).days if plan.since else 0,
        period_days=plan.period_days,
        until_day=(plan.until - EPOCH).days if plan.until else 0,
    )
