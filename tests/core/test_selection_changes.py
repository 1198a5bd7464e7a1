"""What happens to trunks and ports reaches the choice: the same as when each is looked at anew."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import dialerd.core.events as ev
from dialerd.core.clock import NEVER
from dialerd.core.limits import ASR_CALLS, SUSPECT_S
from dialerd.core.line_spec import PlanSpec, PortSpec, Trouble
from dialerd.core.records import Outcome, Usage
from dialerd.core.selection import Route, Trunks
from dialerd.core.trunk import Trunk
from tests.core.world import NS, NUMBERING

VIETTEL = NUMBERING.from_value(84_981_234_567)
DAY_NS = 86_400 * NS


def floor(*specs):
    trunks = Trunks()
    trunks.configure(specs)
    return trunks


def cheap(milli):
    return PlanSpec(minute_milli=milli)


def port_by_the_book(route: Route, trunk: Trunk, now_ns: int):
    open_ = [
        port
        for port in route.ports.get(trunk.name, ())
        if port.ready_ns <= now_ns and not port.meter.blocked
    ]

    def rank(port):
        cost = trunk.plan_of(port).minute_milli
        return cost, port.meter.today.seconds, port.used_ns

    return min(open_, key=rank, default=None)


def by_the_book(route: Route, now_ns: int):
    """The rules as they are written in the module's text, slowly."""
    open_ = [
        trunk
        for trunk in route.trunks
        if trunk.open_at(now_ns)
        and (not trunk.ports or port_by_the_book(route, trunk, now_ns) is not None)
    ]

    def rank(trunk):
        load = (trunk.in_use << 32) // trunk.capacity
        return trunk.sound_ns > now_ns, trunk.spec.plan.minute_milli, load, trunk.used_ns

    return min(open_, key=rank, default=None)


PORTS = tuple(
    PortSpec(str(n), gap_s=gap_s, plan=PlanSpec(calls_day=calls))
    for n, (gap_s, calls) in enumerate([(0, 0), (3, 4), (1, 2)])
)
SPECS = (
    ev.TrunkSpec("plain", 2, 1.0),
    ev.TrunkSpec("wide", 5, 0.0, weight=2),
    ev.TrunkSpec("dear", 4, 0.0, plan=cheap(900)),
    ev.TrunkSpec("metered", 3, 2.0, plan=PlanSpec(calls_day=5)),
    ev.TrunkSpec("bank", 3, 0.0, ports=PORTS),
    ev.TrunkSpec("second", 2, 0.0, ports=PORTS[:2], plan=cheap(200)),
)
TROUBLES = st.sampled_from([None, Trouble.NONE, Trouble.FAULT, Trouble.TOO_FAST, Trouble.FULL])
STEPS = st.one_of(
    st.tuples(st.just("take"), st.booleans()),
    st.tuples(st.just("end"), st.integers(0, 9), TROUBLES, st.sampled_from([0, 0, 2])),
    st.tuples(st.just("left"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([NS // 10, NS, 5 * NS, 70 * NS])),
    st.tuples(st.just("health"), st.sampled_from(SPECS), st.booleans()),
    st.tuples(st.just("day")),
)


def released(trouble: Trouble | None, retry_after_s: int) -> ev.Released:
    code = 503 if trouble else 200
    return ev.Released(
        1, code=code, outcome=Outcome.FAILED, advance=False, retry_after_s=retry_after_s,
        trouble=trouble, by="them",
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SPECS), unique=True, min_size=1), st.lists(STEPS, max_size=60))
def test_choices_after_whatever_happened(specs, steps):
    trunks = floor(*specs)
    now_ns = trunks.day * DAY_NS
    live, unsent = [], []
    for what, *of_step in steps:
        route = trunks.route(VIETTEL)
        chosen = route.choose(now_ns)
        assert chosen is by_the_book(route, now_ns)
        if what == "take" and chosen is not None:
            port = route.port(chosen, now_ns)
            assert port is port_by_the_book(route, chosen, now_ns)
            slot = chosen.take(now_ns, port, left=of_step[0])
            live.append((chosen, port.name if port else ""))
            if not of_step[0]:
                unsent.append((chosen, chosen.limit, slot))
        elif what == "end" and live:
            trunk, name = live.pop(of_step[0] % len(live))
            trunk.ended(released(*of_step[1:]), name, now_ns)
            used = Usage(trunk.name, name, trunk.meter.day, 1, 30, 0) if of_step[0] % 2 else None
            trunk.give_back(Outcome.ANSWERED, now_ns, name, used)
        elif what == "left" and unsent:
            trunk, limit, slot = unsent.pop(of_step[0] % len(unsent))
            limit.left(slot, now_ns)
            trunk.changed()
        elif what == "wait":
            now_ns += of_step[0]
        elif what == "health" and of_step[0].name in trunks.by_name:
            told = ev.LineHealth(of_step[0].name, alive=of_step[1])
            if trunks.by_name[of_step[0].name].health(told, now_ns):
                trunks.rebuild()
        elif what == "day":
            now_ns += DAY_NS
            trunks.roll(now_ns, 0)
        if chosen is None:
            assert route.ready_ns() >= min(now_ns, NEVER)


def test_the_cheapest_minute_first():
    trunks = floor(
        ev.TrunkSpec("dear", 9, 0.0, plan=cheap(500)), ev.TrunkSpec("cheap", 1, 0.0, plan=cheap(90))
    )
    route = trunks.route(VIETTEL)
    names = []
    for now_ns in range(3):
        chosen = route.choose(now_ns)
        names.append(chosen.name)
        chosen.take(now_ns)
    assert names == ["cheap", "dear", "dear"]


def test_who_failed_twice_stands_behind_the_others_for_a_while():
    trunks = floor(ev.TrunkSpec("a", 9, 0.0), ev.TrunkSpec("b", 1, 0.0))
    a, route = trunks.by_name["a"], trunks.route(VIETTEL)
    a.ended(released(Trouble.FAULT, 0), "", 0)
    assert route.choose(1).name == "a"
    a.ended(released(Trouble.FAULT, 0), "", 1)
    assert route.choose(2).name == "b"
    assert route.explain(2) == [
        "b: 0 of 1 used",
        "a: 0 of 9 used, after the others: calls failed or were not answered lately",
    ]
    trunks.by_name["b"].take(2)
    assert route.choose(3).name == "a"  # better than none
    trunks.by_name["b"].give_back(Outcome.NO_ANSWER, 4)
    assert route.choose(SUSPECT_S * NS + 1).name == "a"  # and then it gets its turn


def test_who_is_hardly_answered_is_tried_seldom_and_does_not_starve():
    """A trunk that swallows calls: one call a minute, until it is answered again."""
    trunks = floor(ev.TrunkSpec("good", 50, 0.0), ev.TrunkSpec("hole", 50, 0.0))
    route = trunks.route(VIETTEL)
    calls = []
    for second in range(1800):
        chosen = route.choose(second * NS)
        chosen.take(second * NS)
        answered = chosen.name == "good" and second % 2 == 0
        used = Usage(chosen.name, "", 0, 1, 30, 0) if answered else None
        chosen.give_back(Outcome.ANSWERED, second * NS, "", used)
        calls.append(chosen.name)
    assert ASR_CALLS <= calls[:300].count("hole") <= 2 * ASR_CALLS
    assert 20 <= calls[-1500:].count("hole") <= 26


def test_why_the_others_are_not_taken():
    trunks = floor(
        ev.TrunkSpec("full", 1, 0.0),
        ev.TrunkSpec("paced", 5, 1.0),
        ev.TrunkSpec("ported", 3, 0.0, ports=PORTS[:1]),
        ev.TrunkSpec("free", 2, 0.0, plan=cheap(120)),
    )
    trunks.by_name["full"].take(0)
    trunks.by_name["paced"].take(0)
    ported = trunks.by_name["ported"]
    route = trunks.route(VIETTEL)
    ported.channels = 3  # as configured; its one port is what binds
    ported.take(0, route.port(ported, 0))
    assert route.explain(1) == [
        "free: 0 of 2 used, 0.12 a minute",
        "full: no free channel",
        "paced: its calls a second are used up",
        "ported: no free port",
    ]
