"""The dialer's figures of its trunks as the control service tells them."""

from __future__ import annotations

from dialerd.core.campaign_spec import at_time
from dialerd.core.lines_view import PortInfo, TrunkInfo, Use
from dialerd.core.records import SPOKEN, Outcome
from dialerd.core.statistics import LineUse, TrunkFigures


def trunk_info(trunk: TrunkFigures) -> TrunkInfo:
    """One line."""
    answered = sum(trunk.outcomes.get(one.value, 0) for one in SPOKEN)
    ended = sum(trunk.outcomes.values())
    return TrunkInfo(
        name=trunk.name,
        kind=trunk.kind,
        provider=trunk.provider,
        up=trunk.up,
        channels=trunk.channels,
        in_use=trunk.in_use,
        placed=trunk.placed,
        answered=answered,
        failed=trunk.outcomes.get(Outcome.FAILED.value, 0),
        asr=round(answered / ended, 3) if ended else None,
        calls_per_s_max=trunk.cps_max,
        calls_per_s=round(trunk.cps, 3),
        registration=trunk.registration,
        breaker=trunk.breaker,
        breaker_reason=trunk.reason,
        breaker_since=at_time(trunk.since_ms) if trunk.since_ms else None,
        breaker_opened=trunk.opened,
        why=trunk.why,
        outcomes=trunk.outcomes,
        use=use(trunk.use),
        ports=tuple(
            PortInfo(
                name=port.name,
                busy=port.busy,
                placed=port.placed,
                answered=port.answered,
                why=port.why,
                use=use(port.use),
            )
            for port in trunk.ports
        ),
    )


def use(line: LineUse) -> Use:
    """Seconds as minutes, thousandths as units; of a day's and a period's rest the smaller."""
    left = line.left
    seconds = _least(left.seconds_day, left.seconds_period)
    milli = _least(left.milli_day, left.milli_period)
    return Use(
        calls_today=line.calls_day,
        minutes_today=round(line.seconds_day / 60, 1),
        cost_today=line.milli_day / 1000,
        calls_period=line.calls_period,
        minutes_period=round(line.seconds_period / 60, 1),
        cost_period=line.milli_period / 1000,
        calls_left=_least(left.calls_day, left.calls_period),
        minutes_left=None if seconds is None else round(seconds / 60, 1),
        cost_left=None if milli is None else milli / 1000,
        days_left=left.days,
    )


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
