"""The people of the simulated world: repeatable, and divided as the settings say."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.sim.limits import DIGITS
from dialerd.sim.people import (
    Fate,
    Manner,
    Manners,
    Shares,
    Town,
    check_town,
    load_town,
    person,
)

TOWN = Town()
N = 6_000


def numbers(n: int = N) -> list[str]:
    return [str(84_900_000_000 + 7919 * i) for i in range(n)]


def only(**shares: float) -> Town:
    zero = dict.fromkeys(Shares.__struct_fields__, 0.0)
    return Town(shares=Shares(**(zero | shares)))


def test_the_same_seed_and_number_always_do_the_same():
    forward = [person(TOWN, 7, n, "viettel") for n in numbers(500)]
    backward = [person(TOWN, 7, n, "viettel") for n in reversed(numbers(500))]
    assert forward == backward[::-1]


def test_a_known_seed_is_pinned_so_that_old_runs_can_be_replayed():
    fates = [person(TOWN, 1, n).fate.value for n in numbers(8)]
    assert fates == [
        "busy",
        "answers",
        "switched_off",
        "no_answer",
        "no_answer",
        "switched_off",
        "answers",
        "answers",
    ]


def test_another_seed_is_another_world():
    one = [person(TOWN, 1, n).fate for n in numbers(500)]
    two = [person(TOWN, 2, n).fate for n in numbers(500)]
    assert one != two


def test_the_fates_divide_as_the_shares_say():
    counts = Counter(person(TOWN, 3, n).fate for n in numbers())
    for fate, share in zip(Fate, msgspec.structs.astuple(TOWN.shares), strict=True):
        expected = share / 100
        tolerance = 4 * (expected * (1 - expected) / N) ** 0.5  # four standard deviations
        assert abs(counts[fate] / N - expected) < tolerance, fate


def test_only_congestion_depends_on_the_carrier():
    town = Town(shares=Shares(congested=30.0))
    for number in numbers(400):
        here, there = person(town, 5, number, "viettel"), person(town, 5, number, "mobifone")
        if here.fate is not Fate.CONGESTED and there.fate is not Fate.CONGESTED:
            assert here == there
    worlds = [[person(town, 5, n, c).fate is Fate.CONGESTED for n in numbers(400)] for c in "ab"]
    assert worlds[0] != worlds[1]


@pytest.mark.parametrize(
    ("share", "code", "q850"),
    [
        ("busy", 486, 17),
        ("declines", 603, 21),
        ("switched_off", 480, 20),
        ("invalid", 404, 1),
        ("congested", 503, 34),
        ("no_answer", 480, 19),
    ],
)
def test_each_refusal_carries_its_status_and_cause(share, code, q850):
    town = only(**{share: 1.0})
    for number in numbers(50):
        who = person(town, 9, number)
        assert (who.code, who.q850) == (code, q850)
        assert who.manner is None
        assert who.keys == ()
        assert who.phrase


def test_no_answer_alerts_until_the_network_gives_up():
    for number in numbers(50):
        who = person(only(no_answer=1.0), 9, number)
        assert who.alerts
        assert not who.early_media
        assert who.final_s - who.setup_s == pytest.approx(TOWN.network_ring_s_max)


def test_some_phones_that_are_off_are_announced_in_early_media():
    people = [person(only(switched_off=1.0), 9, n) for n in numbers(1_000)]
    announced = [p for p in people if p.early_media]
    assert 230 < len(announced) < 370
    for who in people:
        assert who.alerts is who.early_media
        spoken = TOWN.announcement_s if who.early_media else 0.0
        assert who.final_s == pytest.approx(who.setup_s + spoken)


def test_the_busy_the_unknown_and_the_congested_never_ring():
    for share in ("busy", "invalid", "congested"):
        assert not any(person(only(**{share: 1.0}), 1, n).alerts for n in numbers(50))


def test_those_who_answer_ring_first_around_the_median():
    rings = sorted(
        who.final_s - who.setup_s
        for who in (person(only(answers=1.0), 4, n) for n in numbers(2_000))
    )
    assert rings[0] > 0
    assert rings[1_000] == pytest.approx(TOWN.ring_s_median, rel=0.08)


def test_every_manner_occurs_and_does_what_its_name_says():
    people = [person(only(answers=1.0), 4, n) for n in numbers(3_000)]
    manners = Counter(p.manner for p in people)
    assert set(manners) == set(Manner)
    for who in people:
        if who.manner is Manner.AT_ONCE:
            assert who.leaves_s < 0.2 * TOWN.prompt_s
        elif who.manner is Manner.DURING:
            assert 0.2 * TOWN.prompt_s <= who.leaves_s <= TOWN.prompt_s
        elif who.manner is Manner.AFTER:
            assert who.leaves_s > TOWN.prompt_s
        else:
            assert who.leaves_s == TOWN.patience_s
        assert bool(who.keys) is (who.manner is Manner.PRESSES)
    keys = Counter(key for p in people for _, key in p.keys)
    assert keys["1"] > keys["2"] > 0
    assert set(keys) <= set(TOWN.keys)
    assert any(len(p.keys) == 2 for p in people)


@given(
    number=st.integers(84_000_000_000, 84_999_999_999),
    seed=st.integers(0, 2**64),
    speed=st.floats(0.5, 50),
)
def test_a_person_is_always_sensible_and_speed_only_scales(number, seed, speed):
    slow = person(TOWN, seed, str(number))
    fast = person(msgspec.structs.replace(TOWN, speed=speed), seed, str(number))
    assert 0 <= slow.setup_s <= slow.final_s
    assert all(0 < at < TOWN.patience_s and key in DIGITS for at, key in slow.keys)
    assert list(slow.keys) == sorted(slow.keys)
    assert slow.leaves_s <= TOWN.patience_s
    assert (fast.fate, fast.manner, fast.code) == (slow.fate, slow.manner, slow.code)
    assert fast.final_s * speed == pytest.approx(slow.final_s)
    assert fast.leaves_s * speed == pytest.approx(slow.leaves_s)


def test_settings_come_from_toml():
    town = load_town("speed = 2.0\nring_s_median = 1.5\n[shares]\nanswers = 100\n[keys]\n1 = 1.0\n")
    assert town.speed == 2.0
    assert town.shares.answers == 100
    assert town.shares.busy == 6.0
    assert town.keys == {"1": 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("speed = 0.0", "speed"),
        ("speed = nan", "speed"),
        ("speeed = 1.0", "speeed"),
        ("patience_s = 1e9", "patience_s"),
        ("setup_s_min = 9.0", "setup_s_max"),
        ("announced = 1.5", "announced"),
        ("ring_s_sigma = -1.0", "ring_s_sigma"),
        ("[keys]\nAB = 1.0", "AB"),
        ("[shares]\nanswers = -1.0", "shares"),
        ("[shares]\nanswers = 'many'", "answers"),
        ("[manners]\nat_once=0.0\nduring=0.0\nafter=0.0\npresses=0.0\nwaits=0.0", "manners"),
        ("speed = ", "people"),
    ],
)
def test_nonsense_is_refused_by_name(text, words):
    with pytest.raises(ValueError, match=words):
        load_town(text)


def test_the_defaults_pass_their_own_check():
    assert check_town(TOWN) is TOWN
    assert sum(msgspec.structs.astuple(Shares())) == 100
    assert sum(msgspec.structs.astuple(Manners())) == 100
