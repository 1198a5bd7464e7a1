"""What a call's states say about its number, by its carrier's rules: a pure function of times."""

from __future__ import annotations

from collections.abc import Sequence

from gsm.carrier import ReachRule
from gsm.limits import SECOND


def judge(
    rules: Sequence[ReachRule], dialing_ns: int, alerting_ns: int | None, ended_ns: int | None,
    now_ns: int,
) -> ReachRule | None:  # fmt: skip
    """The first rule that holds now; None when none does (yet).

    Times are absolute; `alerting_ns`, `ended_ns` None: has not happened.
    """
    for rule in rules:
        first = dialing_ns + round(rule.from_s * SECOND)
        last = dialing_ns + round(rule.within_s * SECOND)
        if rule.when == "alerting":
            held = alerting_ns is not None and first <= alerting_ns <= last
        elif rule.when == "no_alerting":
            held = alerting_ns is None and now_ns >= last
        else:
            held = alerting_ns is None and ended_ns is not None and first <= ended_ns <= last
        if held:
            return rule
    return None


def next_ns(rules: Sequence[ReachRule], dialing_ns: int, now_ns: int) -> int | None:
    """When a rule may hold that does not now, by time alone."""
    times = (
        dialing_ns + round(rule.within_s * SECOND) for rule in rules if rule.when == "no_alerting"
    )
    return min((time for time in times if time > now_ns), default=None)
