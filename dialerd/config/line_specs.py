"""Plans and ports of lines, from words of a configuration to the core's units."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from dialerd.config.bank_tables import Bank, Sim
from dialerd.config.trunk import Trunk
from dialerd.config.trunk_tables import Plan, Ports
from dialerd.core.limits import CALL_S_MAX
from dialerd.core.line_spec import PlanSpec, PortSpec, TrunkSpec
from dialerd.core.metering import longest_s

EPOCH: Final = dt.date(1970, 1, 1)


def port_specs(groups: Iterable[Ports]) -> tuple[PortSpec, ...]:
    """Every port of a trunk's groups, one by one."""
    return tuple(
        PortSpec(label, group.carriers, group.prefixes, group.gap_s, plan_spec(group.plan))
        for group in groups
        for label in group.labels()
    )


def bank_ports(bank: Bank, sims: Mapping[str, tuple[str, str]]) -> tuple[PortSpec, ...]:
    """The ports of a bank by name, each with the ICCID and the carrier of its SIM, or ""."""
    known = {sim.iccid: sim for sim in bank.sim}
    found = []
    for name, (iccid, carrier) in sims.items():
        own = known.get(iccid)
        carriers = own.carriers if own else ()
        if bank.on_net and carrier and not carriers:
            carriers = (carrier.lower(),)  # as numbering plans write them
        prefixes = own.prefixes if own else ()
        plan = plan_spec(_plan_of(bank, own))
        found.append(PortSpec(name, carriers, prefixes, plan=plan, watched=True))
    return tuple(found)


def _plan_of(bank: Bank, own: Sim | None) -> Plan:
    """A SIM that says nothing of its plan has the bank's."""
    return own.plan if own is not None and own.plan != Plan() else bank.plan


def longest_call_s(bank: Bank, iccid: str) -> int:
    """How long a call on a SIM of a bank may last by its plan; 0: as long as any call."""
    own = next((sim for sim in bank.sim if sim.iccid == iccid), None)
    longest = longest_s(plan_spec(_plan_of(bank, own)))
    return longest if longest < CALL_S_MAX else 0


def bank_spec(bank: Bank, ports: tuple[PortSpec, ...]) -> TrunkSpec:
    """A bank as the core's trunk; without ports it is down."""
    return TrunkSpec(
        name=bank.name,
        channels=max(1, len(ports)),
        cps_max=bank.calls_per_s_max,
        carriers=bank.carriers,
        prefixes=bank.prefixes,
        weight=bank.weight,
        loopback=bank.loopback,
        up=bool(ports),
        kind="gsm",
        provider=bank.provider,
        ports=ports,
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


def trunk_spec(trunk: Trunk, *, up: bool = True) -> TrunkSpec:
    """What the core must know of a trunk; not `up`: there is no address to call yet."""
    return TrunkSpec(
        name=trunk.name,
        channels=trunk.channels,
        cps_max=trunk.calls_per_s_max,
        carriers=trunk.carriers,
        prefixes=trunk.prefixes,
        weight=trunk.weight,
        loopback=trunk.loopback,
        kind=trunk.kind.value,
        provider=trunk.provider,
        plan=plan_spec(trunk.plan),
        ports=port_specs(trunk.ports),
        registers=trunk.register,
        up=up,
    )
