"""From names to addresses in order: RFC 3263, 2782, 3403, without a network."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from sip import limits
from sip.errors import SipError
from sip.limits import SECOND
from sip.transport.locate import (
    Located,
    Locator,
    Naptr,
    Query,
    Record,
    Srv,
    Target,
    Wanted,
    wanted_of,
)

ALL = [("udp", False), ("udp", True), ("tcp", False), ("tls", False)]
V4 = [("udp", False), ("tcp", False), ("tls", False)]
Zone = dict[tuple[str, str], tuple[Record, ...]]
SHOP: Zone = {
    ("example.com", "NAPTR"): (
        Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.com."),
        Naptr(100, 50, "S", "sip+d2u", "_sip._udp.Example.com"),
        Naptr(10, 10, "s", "SIP+D2S", "_sip._sctp.example.com"),
        Naptr(10, 10, "u", "E2U+sip", ""),
    ),
    ("_sips._tcp.example.com", "SRV"): (Srv(0, 1, 5061, "tls.example.com"),),
    ("_sip._tcp.example.com", "SRV"): (Srv(0, 1, 5070, "a.example.com"),),
    ("_sip._udp.example.com", "SRV"): (
        Srv(20, 0, 5062, "b.example.com"),
        Srv(10, 0, 5060, "a.example.com."),
    ),
    ("a.example.com", "A"): ("192.0.2.1",),
    ("a.example.com", "AAAA"): ("2001:db8::1",),
    ("b.example.com", "A"): ("192.0.2.2",),
    ("tls.example.com", "A"): ("192.0.2.3",),
}


class World:
    """A locator with a zone and a clock. `silent` names nobody answers for."""

    def __init__(
        self, zone: Zone, kinds: list[tuple[str, bool]] = V4, seed: int = 1, ttl_s: int = 60
    ) -> None:
        self.zone = zone
        self.locator = Locator(kinds, random.Random(seed))
        self.now_ns = SECOND
        self.ttl_s = ttl_s
        self.asked: list[Query] = []
        self.silent = False
        self.found: dict[int, tuple[Target, ...]] = {}

    def pump(self) -> None:
        while out := self.locator.drain():
            for effect in out:
                if isinstance(effect, Located):
                    assert effect.number not in self.found
                    self.found[effect.number] = effect.targets
                    continue
                self.asked.append(effect)
                if self.silent:
                    self.locator.fail(effect, self.now_ns)
                    continue
                records = self.zone.get((effect.name, effect.kind), ())
                self.locator.answer(effect, records, self.ttl_s, self.now_ns)

    def find(self, uri: str) -> list[tuple[str, str, int]]:
        self.found.clear()
        self.locator.locate(wanted_of(uri), 1, self.now_ns)
        self.pump()
        return [(t.transport, t.host, t.port) for t in self.found[1]]


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("sip:a@Example.com", Wanted("example.com")),
        ("sip:a@example.com:5070;transport=TCP", Wanted("example.com", 5070, "tcp")),
        ("sips:example.com", Wanted("example.com", secure=True)),
        ("sips:example.com;transport=tcp", Wanted("example.com", 0, "tls", True)),
        ("sip:[2001:db8::1]:5060", Wanted("2001:db8::1", 5060)),
        ("sip:a@example.com;maddr=192.0.2.9;lr", Wanted("192.0.2.9")),
    ],
)
def test_what_a_uri_asks_for(uri: str, wanted: Wanted) -> None:
    assert wanted_of(uri) == wanted


@pytest.mark.parametrize("uri", ["tel:+8490", "http://x", "sip:", ""])
def test_what_leads_nowhere(uri: str) -> None:
    with pytest.raises(SipError):
        wanted_of(uri)


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("sip:192.0.2.7", [("udp", "192.0.2.7", 5060)]),
        ("sips:192.0.2.7", [("tls", "192.0.2.7", 5061)]),
        ("sip:192.0.2.7:99;transport=tcp", [("tcp", "192.0.2.7", 99)]),
        ("sip:[2001:DB8::7]", [("udp", "2001:db8::7", 5060)]),
        ("sip:a.example.com:5088", [("udp", "192.0.2.1", 5088)]),
        ("sips:a.example.com:5088", [("tls", "192.0.2.1", 5088)]),
        ("sip:a.example.com", [("udp", "192.0.2.1", 5060)]),
        ("sip:a.example.com;transport=tls", [("tls", "192.0.2.1", 5061)]),
        ("sip:example.com;transport=tcp", [("tcp", "192.0.2.1", 5070)]),
        (
            "sip:example.com;transport=udp",
            [("udp", "192.0.2.1", 5060), ("udp", "192.0.2.2", 5062)],
        ),
        (
            "sip:example.com",
            [
                ("tls", "192.0.2.3", 5061), ("tcp", "192.0.2.1", 5070),
                ("udp", "192.0.2.1", 5060), ("udp", "192.0.2.2", 5062),
            ],
        ),
        ("sips:example.com", [("tls", "192.0.2.3", 5061)]),
        ("sip:nowhere.example", []),
    ],
)  # fmt: skip
def test_where_it_leads(uri: str, found: list[tuple[str, str, int]]) -> None:
    assert World(SHOP).find(uri) == found


def test_only_transports_that_we_have() -> None:
    only = World(SHOP, [("udp", False)])
    found = [("udp", "192.0.2.1", 5060), ("udp", "192.0.2.2", 5062)]
    assert only.find("sip:example.com") == found
    assert {q.kind for q in only.asked} == {"NAPTR", "SRV", "A"}


def test_ipv6_comes_first_where_we_speak_it() -> None:
    world = World(SHOP, ALL)
    assert world.find("sip:a.example.com") == [
        ("udp", "2001:db8::1", 5060), ("udp", "192.0.2.1", 5060),
    ]  # fmt: skip
    assert world.find("sip:a.example.com;transport=tcp") == [("tcp", "192.0.2.1", 5060)]


def test_without_naptr_every_srv_is_asked_for_in_our_order() -> None:
    zone = {key: value for key, value in SHOP.items() if key[1] != "NAPTR"}
    assert World(zone).find("sip:example.com") == [
        ("udp", "192.0.2.1", 5060), ("udp", "192.0.2.2", 5062), ("tcp", "192.0.2.1", 5070),
        ("tls", "192.0.2.3", 5061),
    ]  # fmt: skip


def test_without_srv_the_name_itself() -> None:
    zone: Zone = {("gw.example", "A"): ("192.0.2.8",)}
    assert World(zone).find("sip:gw.example") == [("udp", "192.0.2.8", 5060)]
    assert World(zone).find("sips:gw.example") == [("tls", "192.0.2.8", 5061)]


def test_a_service_that_says_it_is_not_there() -> None:
    """RFC 2782: a target of "." means decidedly not available, so A is not asked for."""
    zone: Zone = {
        ("_sip._udp.gw.example", "SRV"): (Srv(0, 0, 5060, "."),),
        ("gw.example", "A"): ("192.0.2.8",),
    }
    world = World(zone)
    assert world.find("sip:gw.example;transport=udp") == []
    assert Query("gw.example", "A") not in world.asked


def test_the_name_that_a_certificate_must_show_is_the_one_looked_for() -> None:
    """RFC 5922 section 4: not what an unsigned SRV record puts in its place."""
    world = World(SHOP)
    world.find("sips:example.com")
    assert {t.name for t in world.found[1]} == {"example.com"}


def test_weights_are_shares() -> None:
    zone: Zone = {("_sip._udp.w.example", "SRV"): tuple(
        Srv(1, weight, 5060, f"192.0.2.{n}") for n, weight in ((1, 60), (2, 30), (3, 10), (4, 0))
    )}  # fmt: skip
    world = World(zone, seed=4)
    firsts: Counter[str] = Counter()
    for _ in range(4_000):
        found = world.find("sip:w.example;transport=udp")
        assert len(found) == len(set(found)) == 4
        firsts[found[0][1]] += 1
    assert 2_200 < firsts["192.0.2.1"] < 2_600
    assert 1_050 < firsts["192.0.2.2"] < 1_350
    assert 300 < firsts["192.0.2.3"] < 500
    assert 0 < firsts["192.0.2.4"] < 100
    assert len(world.asked) == 1


def test_addresses_of_one_name_take_turns() -> None:
    zone: Zone = {("w.example", "A"): ("192.0.2.1", "192.0.2.2", "192.0.2.3")}
    world = World(zone)
    orders = {tuple(world.find("sip:w.example:5060")) for _ in range(100)}
    assert len(orders) == 6


# ---- time


def test_an_answer_is_kept_for_its_time_and_asked_again_after() -> None:
    world = World(SHOP, ttl_s=60)
    world.find("sip:a.example.com:5060")
    world.now_ns += 59 * SECOND
    world.find("sip:a.example.com:5060")
    assert len(world.asked) == 1
    world.zone = {("a.example.com", "A"): ("192.0.2.77",)}
    world.now_ns += 2 * SECOND
    assert world.find("sip:a.example.com:5060") == [("udp", "192.0.2.77", 5060)]
    assert len(world.asked) == 2


@pytest.mark.parametrize(
    ("ttl_s", "kept_s", "zone"),
    [
        (0, limits.TTL_MIN_S, SHOP),
        (10**9, limits.TTL_MAX_S, SHOP),
        (10**9, limits.TTL_NONE_MAX_S, {}),
    ],
)
def test_times_have_bounds(ttl_s: int, kept_s: int, zone: Zone) -> None:
    world = World(zone, ttl_s=ttl_s)
    world.find("sip:a.example.com:5060")
    world.now_ns += kept_s * SECOND - 1
    world.find("sip:a.example.com:5060")
    assert len(world.asked) == 1
    world.now_ns += 1
    world.find("sip:a.example.com:5060")
    assert len(world.asked) == 2


def test_old_answers_serve_while_no_server_answers() -> None:
    world = World(SHOP, ttl_s=60)
    world.find("sip:a.example.com:5060")
    world.silent = True
    world.now_ns += 3_600 * SECOND
    assert world.find("sip:a.example.com:5060") == [("udp", "192.0.2.1", 5060)]
    assert world.find("sip:a.example.com:5060") == [("udp", "192.0.2.1", 5060)]
    assert len(world.asked) == 2  # a failure is not asked again at once
    world.now_ns += (limits.TTL_STALE_S + 61) * SECOND
    assert world.find("sip:a.example.com:5060") == []
    world.silent = False
    world.now_ns += limits.TTL_MIN_S * SECOND
    assert world.find("sip:a.example.com:5060") == [("udp", "192.0.2.1", 5060)]


def test_a_search_that_takes_too_long_ends_with_nothing() -> None:
    locator = Locator(V4, random.Random(1))
    locator.locate(Wanted("x.example", 5060), 7, SECOND)
    assert locator.drain() == [Query("x.example", "A")]
    due_ns = locator.deadline_ns()
    assert due_ns == SECOND + limits.SEARCH_TIME
    locator.tick(due_ns - 1)
    assert locator.drain() == []
    locator.tick(due_ns)
    assert locator.drain() == [Located(7, ())]
    assert locator.deadline_ns() is None
    locator.answer(Query("x.example", "A"), ("192.0.2.1",), 60, due_ns)
    locator.locate(Wanted("x.example", 5060), 8, due_ns)
    found = locator.drain()[0]
    assert isinstance(found, Located)
    assert found.targets[0].host == "192.0.2.1"


def test_many_requests_for_one_name_are_one_question() -> None:
    locator = Locator(V4, random.Random(1))
    for number in range(100):
        locator.locate(Wanted("x.example", 5060), number, SECOND)
    assert locator.drain() == [Query("x.example", "A")]
    locator.answer(Query("x.example", "A"), ("192.0.2.1",), 60, SECOND)
    assert sorted(f.number for f in locator.drain() if isinstance(f, Located)) == list(range(100))


# ---- limits


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEARCHES_MAX", "QUERIES_MAX", "NAMES_KNOWN_MAX"):
        monkeypatch.setattr(limits, name, 3)
    locator = Locator(V4, random.Random(1))
    for n in range(10):
        locator.locate(Wanted(f"h{n}.example", 5060), n, SECOND)
    out = locator.drain()
    assert len([q for q in out if isinstance(q, Query)]) == 3
    assert [f for f in out if isinstance(f, Located)] == [Located(n, ()) for n in range(3, 10)]
    assert locator.drain() == []
    for n in range(10):
        locator.answer(Query(f"h{n}.example", "A"), ("192.0.2.1",), 60, SECOND)
    assert len(locator._known) == 3


def test_many_names_are_asked_for_together_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "QUERIES_MAX", 4)
    locator = Locator(V4, random.Random(1))
    for n in range(50):
        locator.locate(Wanted(f"h{n}.example", 5060), n, SECOND)
    waiting: list[Query] = []
    asked: list[str] = []
    found: list[tuple[int, int]] = []
    while True:
        for effect in locator.drain():
            if isinstance(effect, Located):
                found.append((effect.number, len(effect.targets)))
            else:
                waiting.append(effect)
                asked.append(effect.name)
        assert len(waiting) <= 4
        if not waiting:
            break
        query = waiting.pop(0)
        if query.name in {"h7.example", "h8.example"}:
            locator.fail(query, SECOND)
        else:
            locator.answer(query, ("192.0.2.1",), 60, SECOND)
    assert asked == [f"h{n}.example" for n in range(50)]
    assert sorted(found) == [(n, int(n not in {7, 8})) for n in range(50)]


def test_hostile_records_do_no_harm() -> None:
    zone: Zone = {
        ("x.example", "NAPTR"): (Naptr(1, 1, "s", "SIP+D2U", "x.example"), "192.0.2.1"),
        ("x.example", "SRV"): (
            Srv(1, 1, 0, "a.example"), Srv(1, 1, 70_000, "a.example"), Srv(1, 1, 5060, "b.example"),
            Naptr(1, 1, "s", "", ""),
        ),
        ("b.example", "A"): ("not an address", "192.0.2.5", Srv(1, 1, 1, "x")),
    }  # fmt: skip
    assert World(zone).find("sip:x.example") == [("udp", "192.0.2.5", 5060)]


def test_a_thousand_records_give_a_few_targets() -> None:
    zone: Zone = {("_sip._udp.x.example", "SRV"): tuple(
        Srv(n, n, 5060, f"192.0.{n // 250}.{n % 250 + 1}") for n in range(1_000)
    )}  # fmt: skip
    found = World(zone).find("sip:x.example;transport=udp")
    assert len(found) == limits.TARGETS_MAX
    assert found[0][1] == "192.0.0.1"


def test_a_reload_asks_for_what_was_not_there_and_old_answers_serve_on() -> None:
    """A record that was set up since is not waited for until its absence runs out (RFC 2308)."""
    world = World({}, ttl_s=10**9)
    assert world.find("sip:a.example.com:5060") == []
    world.zone = SHOP
    assert world.find("sip:a.example.com:5060") == []
    world.locator.renew()
    assert world.find("sip:a.example.com:5060") == [("udp", "192.0.2.1", 5060)]
    assert len(world.asked) == 2
    world.silent = True
    world.locator.renew()
    assert world.find("sip:a.example.com:5060") == [("udp", "192.0.2.1", 5060)]
    assert len(world.asked) == 3
