"""Whether agents and the people who answered were treated as promised, by what both saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from dialerd.core.agent_spec import AgentSpec
from dialerd.sim.checkers import Fault, Kind
from dialerd.sim.day_agents import Talk
from dialerd.sim.day_clock import NS
from dialerd.sim.day_lines import Leg

SURE: Final = 0.005  # a share over so few people as one day has is this much of luck
FEW: Final = 3


def agent_faults(
    talks: list[Talk], legs: list[Leg], rules: Mapping[int, AgentSpec], commit_ns: int
) -> Iterator[Fault]:
    """No agent in two calls; nobody waits past the grace; as few abandoned as the campaign says.

    `rules` are those of each attempt that is for agents, but of those that a crash fell into.
    """
    by_agent: defaultdict[str, list[Talk]] = defaultdict(list)
    first: dict[int, int] = {}
    for talk in talks:
        by_agent[talk.agent].append(talk)
        first.setdefault(talk.customer, talk.begun_ns)
    for name, mine in by_agent.items():
        for before, after in pairwise(mine):
            if not before.ended_ns or before.ended_ns > after.begun_ns:
                yield Fault(Kind.AGENT_TWICE, None, "", f"{name} is in two calls")
    answered: defaultdict[float, int] = defaultdict(int)
    abandoned: defaultdict[float, int] = defaultdict(int)
    for leg in legs:
        rule = rules.get(leg.attempt)
        if rule is None or not leg.answered_ns:
            continue
        waited_ns = first.get(leg.leg, leg.ended_ns) - leg.answered_ns
        if waited_ns > rule.grace_s * NS + commit_ns + NS:
            text = f"waited {waited_ns / NS:.1f} s for an agent"
            yield Fault(Kind.ABANDONED, leg.phone, leg.call_id, text)
        answered[rule.abandon_target] += 1
        abandoned[rule.abandon_target] += leg.leg not in first and leg.by == "us"
    for target, count in answered.items():
        if abandoned[target] > (target + SURE) * count + FEW:
            text = f"{abandoned[target]} of {count} people found no agent; {target:.1%} may"
            yield Fault(Kind.ABANDONED, None, "", text)
