"""Which trunk carries a call: routes, loads, limits, rests, and the rule that explains it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dialerd.core.events as ev
from dialerd.core.clock import NEVER
from dialerd.core.limits import CPS_MARGIN_NS, FAULTS_IN_A_ROW, REST_S_MAX, TRUNKS_MAX
from dialerd.core.records import Outcome
from dialerd.core.selection import Trunks
from tests.core.world import NS, NUMBERING

VIETTEL = NUMBERING.from_value(84_981_234_567)
MOBIFONE = NUMBERING.from_value(84_903_123_456)
LANDLINE = NUMBERING.from_value(842_438_251_234)


def trunk(name, channels=10, cps=0.0, **changes):
    return ev.TrunkSpec(name, channels, cps, **changes)


def floor(*specs):
    trunks = Trunks()
    trunks.configure(specs)
    return trunks


def names(route):
    return [t.name for t in route.trunks]


def test_longest_prefix_then_carrier_then_any():
    trunks = floor(
        trunk("short", prefixes=("849",)),
        trunk("long", prefixes=("84903", "84905")),
        trunk("viettel", carriers=("viettel",)),
        trunk("rest"),
    )
    for number, rule, expected in (
        (MOBIFONE, "prefix 84903", ["long"]),
        (VIETTEL, "prefix 849", ["short"]),
        (LANDLINE, "any", ["rest"]),
    ):
        route = trunks.route(number)
        assert (route.rule, names(route)) == (rule, expected)


def test_carrier_of_the_number_or_of_the_list():
    trunks = floor(trunk("v", carriers=("viettel", "vinaphone")), trunk("rest"))
    assert trunks.route(VIETTEL).rule == "carrier viettel"
    assert names(trunks.route(VIETTEL)) == ["v"]
    assert names(trunks.route(MOBIFONE)) == ["rest"]
    assert trunks.route(LANDLINE, "vinaphone").rule == "carrier vinaphone"
    assert trunks.route(LANDLINE).rule == "any"
    assert trunks.route(MOBIFONE, "viettel").rule == "any"  # what the number shows wins


def test_only_trunks_that_are_up_make_routes():
    specs = [trunk("v", carriers=("viettel",), up=False), trunk("rest")]
    trunks = floor(*specs)
    assert trunks.route(VIETTEL).rule == "any"
    trunks.configure([trunk("v", carriers=("viettel",)), trunk("rest")])
    assert names(trunks.route(VIETTEL)) == ["v"]
    trunks.configure([trunk("v", channels=0, carriers=("viettel",)), trunk("rest")])
    assert names(trunks.route(VIETTEL)) == ["rest"]


def test_loopback_campaigns_use_loopback_trunks_only():
    trunks = floor(trunk("real", carriers=("viettel",)), trunk("sim", loopback=True), trunk("more"))
    assert names(trunks.route(VIETTEL)) == ["real"]
    assert names(trunks.route(VIETTEL, loopback=True)) == ["sim"]
    assert [t.name for t in trunks.usable(loopback=True)] == ["sim"]
    assert names(floor(trunk("real")).route(VIETTEL, loopback=True)) == []


def test_least_used_relative_to_channels_and_weight():
    trunks = floor(trunk("small", 10), trunk("big", 30), trunk("heavy", 10, weight=3))
    route = trunks.route(VIETTEL)
    for now_ns in range(35):
        route.choose(now_ns).take(now_ns)
    used = {t.name: t.in_use for t in trunks.listed}
    assert used["heavy"] == 10  # its channels, of the 15 that its weight would give it
    assert (used["small"], used["big"]) in {(6, 19), (7, 18)}


def test_equal_trunks_take_turns():
    trunks = floor(trunk("a"), trunk("b"), trunk("c"))
    route = trunks.route(VIETTEL)
    order = []
    for now_ns in range(9):
        chosen = route.choose(now_ns)
        chosen.take(now_ns)
        chosen.give_back(Outcome.BUSY)  # all idle again
        order.append(chosen.name)
    assert order == ["a", "b", "c"] * 3


def test_full_trunks_are_waited_for_and_channels_come_back():
    trunks = floor(trunk("a", 2))
    route = trunks.route(VIETTEL)
    for _ in range(2):
        route.choose(0).take(0)
    assert route.choose(0) is None
    assert route.ready_ns() == NEVER
    trunks.by_name["a"].give_back(Outcome.BUSY)
    assert route.choose(0) is trunks.by_name["a"]
    assert route.ready_ns() <= 0


def test_calls_per_second_of_a_trunk():
    trunks = floor(trunk("a", 100, 4))
    route = trunks.route(VIETTEL)
    now_ns, starts = 0, []
    while now_ns < 3 * NS:
        chosen = route.choose(now_ns)
        if chosen is None:
            assert route.ready_ns() > now_ns
            now_ns = route.ready_ns()
            continue
        chosen.take(now_ns)
        starts.append(now_ns)
    for i in range(len(starts) - 4):
        assert starts[i + 4] - starts[i] >= NS + CPS_MARGIN_NS
    assert len(starts) == 12


def failed(code=503, **said):
    return ev.Released(1, Outcome.FAILED, code, advance=True, **said)


def test_a_trunk_that_fails_every_call_rests_longer_and_longer():
    trunks = floor(trunk("bad"), trunk("good", 1))
    bad, route = trunks.by_name["bad"], trunks.route(VIETTEL)
    now_ns, rests = 0, []
    for _ in range(FAULTS_IN_A_ROW):
        assert bad.breaker.until_ns <= now_ns
        bad.ended(failed(), "", now_ns)
    for _ in range(10):
        rests.append(bad.breaker.until_ns - now_ns)
        bad.ended(failed(), "", now_ns)  # calls that were under way do not count
        assert bad.breaker.until_ns - now_ns == rests[-1]
        assert route.choose(now_ns).name == "good"
        now_ns = bad.breaker.until_ns
        bad.ended(failed(), "", now_ns)
    assert [rest // NS for rest in rests[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert max(rests) == REST_S_MAX * NS
    bad.worked(bad.breaker.until_ns)
    bad.ended(failed(), "", bad.breaker.until_ns)
    assert route.choose(bad.breaker.until_ns).name == "bad"


def test_use_survives_a_change_of_configuration():
    trunks = floor(trunk("a", 10, 10), trunk("b"))
    a = trunks.by_name["a"]
    a.take(0)
    trunks.configure([trunk("b"), trunk("a", 1, 5)])
    assert trunks.by_name["a"] is a
    assert (a.in_use, a.channels) == (1, 1)
    assert names(trunks.route(VIETTEL)) == ["b", "a"]
    assert trunks.route(VIETTEL).choose(NS).name == "b"
    trunks.configure([trunk("b")])
    assert trunks.by_name["a"] is a  # a call lives on it
    assert names(trunks.route(VIETTEL)) == ["b"]
    a.give_back(Outcome.ANSWERED)
    trunks.configure([trunk("b")])
    assert "a" not in trunks.by_name


def test_tried_trunks_are_passed_over():
    trunks = floor(trunk("a"), trunk("b"))
    route = trunks.route(VIETTEL)
    assert route.choose(0, frozenset({"a"})).name == "b"
    assert route.choose(0, frozenset({"a", "b"})) is None
    assert not route.untried(frozenset({"a", "b"}))
    assert route.untried(frozenset({"a"}))
    assert route.ready_ns(frozenset({"a", "b"})) == NEVER


def test_trunks_past_the_limit_are_not_used():
    trunks = floor(*(trunk(f"t{i}") for i in range(TRUNKS_MAX + 5)))
    assert len(trunks.listed) == TRUNKS_MAX


def test_what_trunks_can_start_together():
    trunks = floor(trunk("a", 10, 5), trunk("b", 30), trunk("c", 10, 7, loopback=True))
    assert trunks.calls_per_s(loopback=False) == 5 + 30 + 7
    assert trunks.calls_per_s(loopback=True) == 7


SPECS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([(), ("viettel",), ("mobifone", "viettel")]),
        st.sampled_from([(), ("849",), ("8498", "84903"), ("84",), ("84981",)]),
        st.integers(1, 3),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
).map(
    lambda rows: [
        ev.TrunkSpec(f"t{i}", channels, 0, carriers, prefixes, weight, loopback, up)
        for i, (channels, carriers, prefixes, weight, loopback, up) in enumerate(rows)
    ]
)


def by_the_book(specs, used, number, loopback):
    """The rules as they are written in the module's text, slowly."""
    left = [s for s in specs if s.up and s.channels and (s.loopback or not loopback)]
    matching = [p for s in left for p in s.prefixes if number.digits.startswith(p)]
    if matching:
        longest = max(matching, key=len)
        tier, rule = [s for s in left if longest in s.prefixes], f"prefix {longest}"
    elif any(number.carrier in s.carriers for s in left):
        tier = [s for s in left if number.carrier in s.carriers]
        rule = f"carrier {number.carrier}"
    else:
        tier, rule = [s for s in left if not s.carriers and not s.prefixes], "any"
    free = [s for s in tier if used[s.name] < s.channels]
    loads = {s.name: used[s.name] / (s.channels * s.weight) for s in free}
    best = {name for name, load in loads.items() if load == min(loads.values())}
    return rule, best


@given(SPECS, st.lists(st.sampled_from([VIETTEL, MOBIFONE, LANDLINE]), max_size=20), st.booleans())
def test_choices_agree_with_the_rules_as_written(specs, numbers, loopback):
    trunks = floor(*specs)
    used = dict.fromkeys((s.name for s in specs), 0)
    for now_ns, number in enumerate(numbers):
        rule, best = by_the_book(specs, used, number, loopback)
        route = trunks.route(number, loopback=loopback)
        assert route.rule == rule
        chosen = route.choose(now_ns)
        assert (chosen.name if chosen else None) in (best or {None})
        if chosen:
            chosen.take(now_ns)
            used[chosen.name] += 1


def test_a_number_of_no_route_has_an_empty_one():
    route = floor(trunk("v", carriers=("viettel",))).route(LANDLINE)
    assert (route.rule, names(route), route.choose(0)) == ("any", [], None)
    assert route.ready_ns() == NEVER


@pytest.mark.parametrize("weight", [0, -3])
def test_a_weight_below_one_counts_as_one(weight):
    trunks = floor(trunk("a", 10, weight=weight))
    assert trunks.by_name["a"].capacity == 10
