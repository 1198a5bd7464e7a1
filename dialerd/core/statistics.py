"""The dialer's figures for the live table, and in words why a campaign is not dialing now."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from dialerd.core.breaker import LONG_AGO
from dialerd.core.call import ADVANCING, DIALING, RELEASING, RINGING, UP
from dialerd.core.floor import Floor
from dialerd.core.metering import Left, Meter
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignState
from dialerd.core.regime import find_regime, next_opening_ns
from dialerd.core.running import Run
from dialerd.core.selection import Route
from dialerd.core.trunk import Trunk


class CampaignFigures(msgspec.Struct, frozen=True):
    """One campaign since the daemon started. `why` is empty while it dials."""

    campaign_id: int
    name: str
    state: str
    why: str
    placed: int
    live: int
    held: int  # leads claimed ahead
    calls_per_s: float  # the pace seen, smoothed
    outcomes: dict[str, int]


class LineUse(msgspec.Struct, frozen=True):
    """What a line used today and in its period, and what it may still use. Cost in thousandths."""

    calls_day: int
    seconds_day: int
    milli_day: int
    calls_period: int
    seconds_period: int
    milli_period: int
    left: Left


class PortFigures(msgspec.Struct, frozen=True):
    """One port of a gateway since the daemon started; `why` says why it takes no call."""

    name: str
    busy: bool
    placed: int
    answered: int
    why: str
    use: LineUse


class TrunkFigures(msgspec.Struct, frozen=True):
    """One trunk since the daemon started; `why` says why it takes no calls."""

    name: str
    kind: str
    provider: str
    up: bool
    channels: int
    in_use: int
    placed: int
    cps_max: float
    cps: float  # what it takes now, when it said that this is too fast
    slowed: int
    breaker: str
    reason: str
    since_ms: int  # of the breaker's state; 0: since the start
    opened: int
    registration: str
    why: str
    outcomes: dict[str, int]
    use: LineUse
    ports: tuple[PortFigures, ...]
    incoming: int = 0  # calls to us


class Figures(msgspec.Struct, frozen=True):
    """The whole dialer. `placed` counts attempts, not the legs of an attempt that advanced."""

    in_flight: int
    dialing: int
    ringing: int
    talking: int
    releasing: int
    placed: int
    outcomes: dict[str, int]
    draining: bool
    store_ok: bool
    strays: int
    campaigns: tuple[CampaignFigures, ...]
    trunks: tuple[TrunkFigures, ...]


def figures(floor: Floor, strays: int, now_ns: int) -> Figures:
    """Everything at `now_ns`; walks the live calls, so ask a few times a second, not per call."""
    states = [0] * 7
    for call in floor.calls.values():
        states[call.state] += 1
    outcomes: dict[str, int] = {}
    for run in floor.runs.values():
        for outcome, count in run.outcomes.items():
            outcomes[str(outcome)] = outcomes.get(str(outcome), 0) + count
    return Figures(
        len(floor.calls),
        states[DIALING] + states[ADVANCING],
        states[RINGING],
        states[UP],
        states[RELEASING],
        sum(run.placed for run in floor.runs.values()),
        outcomes,
        floor.draining,
        floor.store_ok,
        strays,
        tuple(_campaign(floor, run, now_ns) for run in floor.runs.values()),
        tuple(_trunk(floor, trunk, now_ns) for trunk in floor.trunks.listed),
    )


def _trunk(floor: Floor, trunk: Trunk, now_ns: int) -> TrunkFigures:
    breaker = trunk.breaker
    state = breaker.state_at(now_ns)
    return TrunkFigures(
        trunk.name,
        trunk.spec.kind,
        trunk.spec.provider,
        trunk.up,
        trunk.channels,
        trunk.in_use,
        trunk.placed,
        trunk.spec.cps_max,
        trunk.pace.rate,
        trunk.pace.slowed,
        str(state),
        breaker.reason,
        floor.clock.ms(breaker.since_ns) if breaker.since_ns > LONG_AGO else 0,
        breaker.opened,
        trunk.registration,
        trunk.why_not(now_ns),
        {str(outcome): count for outcome, count in trunk.outcomes.items()},
        _use(trunk.meter),
        tuple(
            PortFigures(
                port.name,
                port.busy,
                port.placed,
                port.answered,
                port.why_not(now_ns),
                _use(port.meter),
            )
            for port in trunk.ports.values()
        ),
        trunk.incoming,
    )


def port_use(floor: Floor, trunk: str, port: str) -> LineUse | None:
    """What one port used, and what it may still use; None: the dialer knows no such port."""
    found = floor.trunks.by_name.get(trunk)
    one = found.ports.get(port) if found is not None else None
    return None if one is None else _use(one.meter)


def _use(meter: Meter) -> LineUse:
    day, period = meter.today, meter.period
    return LineUse(
        day.calls, day.seconds, day.milli, period.calls, period.seconds, period.milli, meter.left()
    )


def _campaign(floor: Floor, run: Run, now_ns: int) -> CampaignFigures:
    return CampaignFigures(
        run.campaign.campaign_id,
        run.settings.name,
        str(run.campaign.state),
        why_not(floor, run, now_ns),
        run.placed,
        run.live,
        run.held_count,
        round(run.pace(now_ns), 2),
        {str(outcome): count for outcome, count in run.outcomes.items()},
    )


def why_not(floor: Floor, run: Run, now_ns: int) -> str:
    """Why a campaign places no call now; empty when it does, or could in a moment."""
    if run.broken:
        return f"cannot run: {run.broken}"
    for holds, text in (
        (run.campaign.state is not CampaignState.RUNNING, str(run.campaign.state)),
        (floor.draining, "the daemon is draining"),
        (not floor.store_ok, "the store refuses writes"),
        (not floor.clock.known, "the clock is not known yet"),
        (floor.media_full, floor.media_why),
        (floor.full, f"the daemon has its {floor.calls_max} calls in progress"),
    ):
        if holds:
            return text
    wall_ns = now_ns + floor.clock.offset_ns
    if not run.open_at(wall_ns):
        return _closed(run, wall_ns)
    if not floor.trunks.usable(loopback=run.loopback):
        kind = "loopback trunk" if run.loopback else "trunk"
        return f"no {kind} is up"
    if run.held_count:
        return _held_up(run, now_ns) or _no_agent(run)
    return _no_leads(run, wall_ns)


def _closed(run: Run, wall_ns: int) -> str:
    if run.ended:
        return "end time reached"
    opening_ns = next_opening_ns(run.settings, wall_ns)
    if opening_ns is None:
        return "outside hours"
    starts = wall_ns < run.settings.start_ms * 1_000_000
    what = "starts" if starts else "outside hours until"
    return f"{what} {_local(run, opening_ns, wall_ns)}"


def _held_up(run: Run, now_ns: int) -> str:
    """Why the leads in hand are not dialed: '' when only the pace holds them back."""
    reasons = []
    for lane in run.lanes:
        if not lane.held:
            continue
        if not lane.route.trunks:
            carrier = lane.held[0].number.carrier or lane.held[0].claim.carrier
            reasons.append(f"no trunk for {carrier or 'this number'}")
        elif all(trunk.in_use >= trunk.channels for trunk in lane.route.trunks):
            reasons.append("no free channel")
        elif why := held_by(lane.route, now_ns):
            reasons.append(why)
        else:
            return ""
    return ", ".join(dict.fromkeys(reasons))


def held_by(route: Route, now_ns: int) -> str:
    """What keeps every trunk of a route from starting a call, its pace aside; '' when nothing."""
    reasons = []
    for trunk in route.trunks:
        why = trunk.why_not(now_ns)
        if not why and trunk.ports:
            ports = route.ports.get(trunk.name, ())
            whys = [
                port.why_not(now_ns) or "busy"
                for port in ports
                if port.away or port.ready_ns > now_ns or port.meter.blocked
            ]
            why = f"ports of {trunk.name}: {', '.join(dict.fromkeys(whys))}" * (
                len(whys) == len(ports)
            )
        if not why:
            return ""
        reasons.append(why if why.startswith("ports of") else f"{trunk.name}: {why}")
    return "; ".join(dict.fromkeys(reasons))


def _no_leads(run: Run, wall_ns: int) -> str:
    if run.asked:
        return ""
    if run.exhausted:
        return "list exhausted"
    if run.back_off_s:
        return "the store could not claim leads"
    if run.next_due_s is not None and run.next_due_s * NS > wall_ns:
        return f"next lead is due {_local(run, run.next_due_s * NS, wall_ns)}"
    if run.gate is not None:
        return _no_agent(run)
    return "the last calls are live" if run.live else ""


def _no_agent(run: Run) -> str:
    return "" if run.gate is None else run.gate.why_not()


def _local(run: Run, at_ns: int, wall_ns: int) -> str:
    """A moment in the regime's zone: the time of today, or with its date."""
    zone = find_regime(run.settings.regime).zone
    at = datetime.fromtimestamp(at_ns // NS, UTC).astimezone(zone)
    today = datetime.fromtimestamp(wall_ns // NS, UTC).astimezone(zone).date()
    return f"{at:%H:%M}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"
