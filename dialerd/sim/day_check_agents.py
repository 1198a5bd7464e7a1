"""Whether agents and the people who answered were treated as promised, by what both saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

import msgspec

from dialerd.core.agent_spec import AgentSpec
from dialerd.core.records import Answerer, Outcome
from dialerd.sim.checkers import Fault, Kind
from dialerd.sim.day_clock import NS
from dialerd.sim.day_ledger import StaffLedger, Talk
from dialerd.sim.day_lines import Leg

SURE: Final = 0.005  # a share over so few people as one day has is this much of luck
FEW: Final = 3


class Told(msgspec.Struct, frozen=True):
    """What the store has of an attempt that was for agents, and the rules it was made under."""

    rules: AgentSpec
    outcome: Outcome | None
    limited: bool  # its line ends calls: by a plan, or by what is left of its minutes


def agent_faults(
    ledger: StaffLedger, legs: list[Leg], told: Mapping[int, Told], commit_ns: int
) -> Iterator[Fault]:
    """No agent in two calls; nobody waits past the grace; as few abandoned as the campaign says.

    `told` leaves out the attempts that a crash fell into.
    """
    talks = ledger.talks
    for text in ledger.wrong:
        yield Fault(Kind.AGENT_TWICE, None, "", text)
    by_agent: defaultdict[str, list[Talk]] = defaultdict(list)
    of_leg: defaultdict[int, list[Talk]] = defaultdict(list)
    for talk in talks:
        by_agent[talk.agent].append(talk)
        of_leg[talk.customer].append(talk)
    for name, mine in by_agent.items():
        for before, after in pairwise(mine):
            if not before.ended_ns or before.ended_ns > after.begun_ns:
                yield Fault(Kind.AGENT_TWICE, None, "", f"{name} is in two calls")
    answered: defaultdict[float, int] = defaultdict(int)
    abandoned: defaultdict[float, int] = defaultdict(int)
    for leg in legs:
        found = told.get(leg.attempt)
        if found is None or not leg.answered_ns:
            continue
        mine = of_leg.get(leg.leg, [])
        yield from _outcome(leg, mine, found)
        if leg.verdict is Answerer.MACHINE and not mine:
            continue
        yield from _waited(leg, mine, found.rules, commit_ns)
        target = found.rules.abandon_target
        answered[target] += 1
        abandoned[target] += not mine and leg.by == "us"
    for target, count in answered.items():
        if abandoned[target] > (target + SURE) * count + FEW:
            text = f"{abandoned[target]} of {count} people found no agent; {target:.1%} may"
            yield Fault(Kind.ABANDONED, None, "", text)


def _waited(leg: Leg, talks: list[Talk], rules: AgentSpec, commit_ns: int) -> Iterator[Fault]:
    """From the answer to an agent, to the message for nobody there, or to the end."""
    verdict_ns = round(rules.verdict_s * NS) if rules.machines else 0
    until_ns = talks[0].begun_ns if talks else leg.said_ns or leg.ended_ns
    waited_ns = until_ns - leg.answered_ns
    if waited_ns > round(rules.grace_s * NS) + verdict_ns + commit_ns + NS:
        text = f"waited {waited_ns / NS:.1f} s for an agent"
        yield Fault(Kind.ABANDONED, leg.phone, leg.call_id, text)


def _outcome(leg: Leg, talks: list[Talk], told: Told) -> Iterator[Fault]:
    """The record of an answered call says what agents and carriers saw of it."""
    outcome = told.outcome
    if outcome is Outcome.ANSWERED:
        right = bool(talks)
    elif outcome is Outcome.AGENT_LEFT:
        right = any(talk.fell for talk in talks)
    elif outcome is Outcome.TOO_LONG:
        right = told.limited and leg.by == "us"
    elif outcome is Outcome.MACHINE:
        right = leg.verdict is Answerer.MACHINE and not talks
    else:
        right = outcome is Outcome.ABANDONED and not talks
    if not right:
        with_whom = ", ".join(talk.agent for talk in talks) or "nobody"
        text = f"talked with {with_whom}, and its record says {outcome}"
        yield Fault(Kind.MISMATCHED, leg.phone, leg.call_id, text)
