"""In one sentence: why a person is not being dialed now, and why a line is idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from dialerd.core.floor import Floor
from dialerd.core.gateway_port import Port
from dialerd.core.line_spec import PortSpec, TrunkSpec
from dialerd.core.records import CampaignState, Lead, LeadState
from dialerd.core.rules import Rule, Verdict
from dialerd.core.statistics import held_by, why_not
from dialerd.core.trunk import Trunk
from fastpath.numbers import Number


class Why(NamedTuple):
    """A sentence; the rule that says no, if one does; and until when, Unix ms (0: for good)."""

    text: str
    rule: str = ""
    until_ms: int = 0


OVER: Final = {
    LeadState.DONE: "it was reached: nothing is left to do",
    LeadState.EXHAUSTED: "its tries are used up",
    LeadState.UNREACHABLE: "it was switched off at its last recheck: on the unreachable list",
    LeadState.INTERRUPTED: "a crash fell into its call: nobody knows what was heard",
}


def why_lead(
    lead: Lead, verdict: Verdict | None, state: CampaignState, halted: str, line: str, zone: tzinfo
) -> Why:
    """Of a lead that the rules judge so, in a campaign of that state.

    `halted` is what keeps the whole campaign from dialing now, `line` what keeps every line from
    carrying this number; empty: nothing. Times are told in `zone`.
    """
    if lead.state in OVER:
        return Why(OVER[lead.state])
    if lead.state is LeadState.DIALING:
        return Why("it is being called just now")
    if verdict is not None and (verdict.rule < Rule.HOURS or state is not CampaignState.FINISHED):
        return _said(lead, verdict, zone)
    if lead.state is LeadState.BLOCKED:
        return Why("it was blocked when it was to be called, and stays so", "do_not_call")
    if state is not CampaignState.RUNNING:
        return Why(f"the campaign is {state}")
    if halted:
        return Why(f"the whole campaign waits: {halted}")
    if not line and lead.state is LeadState.CLAIMED:
        line = "it is in hand and waits for a free line"
    return Why(line or "nothing is against it: it is called when its turn comes")


def _said(lead: Lead, verdict: Verdict, zone: tzinfo) -> Why:
    rule = verdict.rule.name.lower()
    text = verdict.text
    if verdict.rule is Rule.RETRY_GAP:
        text = _WAITS.get(lead.state, text)
    if verdict.until_ms:
        text = f"{text} until {local(verdict.until_ms, zone)}"
    return Why(text, rule, verdict.until_ms)


_WAITS: Final = {
    LeadState.CALLBACK: "a callback is booked: it waits, for its agent if it has one,",
    LeadState.RECHECK: "it was switched off: on the waiting list",
    LeadState.CAPPED: "it is held back by a cap",
    LeadState.RESTING: "it is not to be called",
    LeadState.RETRY: "it was not reached: the gap before its next try lasts",
}


def local(at_ms: int, zone: tzinfo) -> str:
    """A moment for people, in a zone."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def why_no_line(floor: Floor, number: Number, carrier: str, *, loopback: bool, now_ns: int) -> str:
    """Why no line carries a number now; empty when one could."""
    route = floor.trunks.route(number, carrier, loopback=loopback)
    of = number.carrier or carrier or "this number"
    if not route.trunks:
        return f"no line for {of}: none that is up carries it"
    if all(trunk.in_use >= trunk.channels for trunk in route.trunks):
        return f"no free line for {of}: all channels of rule {route.rule!r} are in use"
    held = held_by(route, now_ns)
    return f"no line for {of} just now: {held}" if held else ""


def why_no_route(floor: Floor, number: Number, carrier: str, *, loopback: bool) -> str:
    """Why no line of the configuration ever carries a number; empty when one does, be it down."""
    of = number.carrier or carrier
    for trunk in floor.trunks.listed:
        if loopback and not trunk.spec.loopback:
            continue
        specs: list[PortSpec | TrunkSpec] = [port.spec for port in trunk.ports.values()]
        for spec in [one for one in specs if one.prefixes or one.carriers] or [trunk.spec]:
            free = not spec.prefixes and not spec.carriers
            if free or of in spec.carriers or number.digits.startswith(tuple(spec.prefixes)):
                return ""
    return f"no line carries {of or 'such numbers'}"


def idle_lines(floor: Floor, now_ns: int) -> Iterator[tuple[str, str, str]]:
    """Trunk, port and sentence of every line with a free channel."""
    nothing = _nothing_to_do(floor, now_ns)
    for trunk in floor.trunks.listed:
        why = trunk.why_not(now_ns)
        if not trunk.ports:
            if trunk.in_use < trunk.channels or why:
                yield trunk.name, "", why or _unwanted(floor, trunk, nothing)
            continue
        for port in trunk.ports.values():
            if not port.busy:
                told = why or port.why_not(now_ns) or _unable(floor, port)
                yield trunk.name, port.name, told or _unwanted(floor, trunk, nothing)


def _nothing_to_do(floor: Floor, now_ns: int) -> str:
    """Why no campaign asks for any line; empty when one does."""
    running = [run for run in floor.runs.values() if run.campaign.state is CampaignState.RUNNING]
    if not running:
        return "no campaign is running"
    whys = {run.settings.name: why_not(floor, run, now_ns) for run in running}
    if any(not why for why in whys.values()):
        return ""
    return "; ".join(f"{name}: {why}" for name, why in whys.items())


def _unable(floor: Floor, port: Port) -> str:
    """Why no running campaign can use a port that cannot do everything; empty when one can."""
    if port.can is None:
        return ""
    running = [run for run in floor.runs.values() if run.campaign.state is CampaignState.RUNNING]
    whys = {run.settings.name: port.can.lacks(run.needs) for run in running}
    if not all(whys.values()):
        return ""
    said = "; ".join(f"{name}: its flow {why}" for name, why in whys.items())
    return f"its speech is files on the modem: {said}" if said else ""


def _unwanted(floor: Floor, trunk: Trunk, nothing: str) -> str:
    if nothing:
        return nothing
    for run in floor.runs.values():
        for lane in run.lanes:
            if lane.held and trunk in lane.route.trunks:
                return "its next call is held back by the pace only"
    claims = [*trunk.spec.carriers, *trunk.spec.prefixes]
    fits = f"it carries {', '.join(claims[:_CLAIMS_TOLD])}" if claims else "it carries any number"
    return f"no person in hand fits it: {fits}"


_CLAIMS_TOLD: Final = 8
