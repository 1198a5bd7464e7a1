"""The order of rules, pair by pair; exemptions; what each rule says and until when."""

from __future__ import annotations

import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from dialerd.core.frequency import ABANDONED, ANSWERED, ATTEMPTED, HEARD, RESERVED
from dialerd.core.records import (
    BanList,
    CampaignSettings,
    CapCounts,
    DoNotCall,
    Flow,
    FrequencyCap,
    Hours,
    Outcome,
)
from dialerd.core.regime_data import DAY_S, VIETNAM
from dialerd.core.rules import Person, Rule, Rules
from dialerd.core.us_zones import ZONES_OF_AREA

PHONE = 84_912_345_678
HOUR_MS = 3_600_000
DAY_MS = DAY_S * 1000


def at(text: str, zone=VIETNAM) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


NOON = at("2026-11-23 12:00")
NIGHT = at("2026-11-23 22:00")


def rules(now_ms: int = NOON, regime: str = "vn-advertising", **settings) -> Rules:
    return Rules(7, CampaignSettings("c", 1, Flow(()), regime, **settings), now_ms)


# What breaks each rule and no other; all of them together break all rules at once.
BROKEN = {
    Rule.NUMBER: {"never": "emergency number"},
    Rule.DO_NOT_CALL: {"bans": (DoNotCall(PHONE, 1),)},
    Rule.CONSENT: {"fields": {}},
    Rule.HOURS: {"now_ms": NIGHT},
    Rule.REGIME_CAP: {"calls": ((NOON - HOUR_MS, ATTEMPTED, 1),)},
    Rule.CAMPAIGN_CAP: {"calls": ((NOON - 9 * DAY_MS, HEARD, 1),)},
    Rule.SEQUENCE: {"heard_ms": -1},
    Rule.RETRY_GAP: {"due_ms": NIGHT + HOUR_MS},
}


def judge(*broken: Rule):
    facts = {"phone": PHONE, "fields": {"agreed": "yes"}, "heard_ms": NOON - 9 * DAY_MS}
    now_ms, calls = NOON, ()
    for rule in broken:
        change = dict(BROKEN[rule])
        now_ms = change.pop("now_ms", now_ms)
        calls += change.pop("calls", ())
        facts |= change
    plan = rules(now_ms, consent_column="agreed", after_campaign=3, after_s=60)
    return plan.first(Person(**facts, calls=calls))


def test_nothing_broken_is_nothing_said():
    assert judge() is None


@pytest.mark.parametrize("rule", list(Rule))
def test_each_rule_speaks_alone(rule):
    assert judge(rule).rule is rule


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(Rule, 2)))
def test_of_two_broken_rules_the_earlier_speaks(first, second):
    assert judge(first, second).rule is first
    assert judge(second, first).rule is first


def test_all_broken_rules_are_told_in_order():
    plan = rules(NIGHT, consent_column="agreed", after_campaign=3)
    person = Person(
        PHONE, {}, (DoNotCall(PHONE, 1),), ((NIGHT - 1, ATTEMPTED, 1), (NIGHT - 9, HEARD, 2)),
        never="x", heard_ms=-1, due_ms=NIGHT + 1,
    )  # fmt: skip
    told = []
    while (found := plan.first(person, after=told[-1] if told else None)) is not None:
        told.append(found.rule)
    assert told == list(Rule)


# -- the cap and who is exempt from it --

HEARD_LAST_WEEK = ((NOON - 7 * DAY_MS, HEARD, 1),)


@pytest.mark.parametrize(
    "again",
    [{"outcome": Outcome.NO_ANSWER}, {"outcome": Outcome.UNREACHABLE}, {"outcome": Outcome.BUSY},
     {"outcome": Outcome.ANSWERED, "callback": True}],
)  # fmt: skip
def test_retries_rechecks_and_callbacks_are_exempt_from_the_campaigns_cap_alone(again):
    person = Person(PHONE, {}, calls=HEARD_LAST_WEEK, **again)
    assert rules().first(person) is None
    assert rules(cap_binds_retries=True).first(person).rule is Rule.CAMPAIGN_CAP
    called_today = msgspec.structs.replace(person, calls=((NOON - HOUR_MS, ATTEMPTED, 1),))
    found = rules().first(called_today)
    assert (found.rule, found.until_ms) == (Rule.REGIME_CAP, NOON - HOUR_MS + DAY_MS)
    banned = msgspec.structs.replace(person, bans=(DoNotCall(PHONE, 1),))
    assert rules().first(banned).rule is Rule.DO_NOT_CALL
    assert rules(NIGHT).first(person).rule is Rule.HOURS


@pytest.mark.parametrize("outcome", [None, Outcome.ANSWERED, Outcome.INVALID, Outcome.TOO_LONG])
def test_everybody_else_is_held_back_until_the_cap_passes(outcome):
    found = rules().first(Person(PHONE, {}, calls=HEARD_LAST_WEEK, outcome=outcome))
    assert (found.rule, found.until_ms) == (Rule.CAMPAIGN_CAP, NOON + 23 * DAY_MS)


@pytest.mark.parametrize(
    ("counts", "level", "held"),
    [("heard", ANSWERED, False), ("heard", HEARD, True), ("answered", ATTEMPTED, False),
     ("answered", ANSWERED, True), ("attempted", ATTEMPTED, True)],
)  # fmt: skip
def test_a_cap_counts_what_it_is_set_to(counts, level, held):
    plan = rules(cap=FrequencyCap(1, 30 * DAY_S, CapCounts(counts)))
    person = Person(PHONE, {}, calls=((NOON - 2 * DAY_MS, level, 1),))
    assert (plan.first(person) is not None) is held


def test_a_number_in_other_hands_waits_whatever_the_caps():
    plan = rules(regime="loopback", cap=FrequencyCap(window_s=0))
    found = plan.first(Person(PHONE, {}, calls=((NOON, RESERVED, 9),), outcome=Outcome.BUSY))
    assert found.rule is Rule.REGIME_CAP
    assert NOON < found.until_ms <= NOON + 60_000


def test_the_lock_out_after_an_abandoned_call():
    zone = ZoneInfo("Europe/London")
    plan = rules(at("2026-11-23 12:00", zone), "uk-ofcom", cap=FrequencyCap(window_s=0))
    abandoned = ((plan.now_ms - DAY_MS, ANSWERED | ABANDONED, 1),)
    found = plan.first(Person(447_700_900_123, {}, calls=abandoned, outcome=Outcome.NO_ANSWER))
    assert (found.rule, found.until_ms) == (Rule.REGIME_CAP, plan.now_ms + 2 * DAY_MS)
    talked = ((plan.now_ms - DAY_MS, ANSWERED, 1),)
    assert plan.first(Person(447_700_900_123, {}, calls=talked)) is None


# -- do not call --


@pytest.mark.parametrize(
    ("ban", "advertising", "care"),
    [
        (DoNotCall(PHONE, 1), True, True),
        (DoNotCall(PHONE, 1, kind=BanList.REGISTER), True, False),
        (DoNotCall(PHONE, 1, kind=BanList.BLACKLIST), True, True),
        (DoNotCall(PHONE, 1, campaign_id=7), True, True),
        (DoNotCall(PHONE, 1, campaign_id=8), False, False),
        (DoNotCall(PHONE, 1, until_ms=NOON), False, False),
        (DoNotCall(PHONE, 1, until_ms=NOON + 1), True, True),
    ],
)
def test_each_regime_heeds_its_lists(ban, advertising, care):
    person = Person(PHONE, {}, (ban,))
    assert (rules().first(person) is not None) is advertising
    own_hours = rules(regime="vn-care", hours=(Hours(0, 1440),))
    assert (own_hours.first(person) is not None) is care


def test_of_several_entries_the_longest_binds():
    short, longer = DoNotCall(PHONE, 1, until_ms=NOON + 5), DoNotCall(PHONE, 1, until_ms=NOON + 9)
    for_good = DoNotCall(PHONE, 1, kind=BanList.REGISTER)
    assert rules().first(Person(PHONE, {}, (short, longer))).until_ms == NOON + 9
    assert rules().first(Person(PHONE, {}, (longer, short))).until_ms == NOON + 9
    assert rules().first(Person(PHONE, {}, (longer, for_good, short))).until_ms == 0


# -- hours where people live --


def us(now_ms, **settings):
    return rules(now_ms, "us-tcpa", cap=FrequencyCap(window_s=0), **settings)


def test_hours_are_judged_where_the_number_lives():
    new_york, california, nowhere = 12_125_550_100, 13_105_550_100, 18_005_550_100
    morning = at("2026-11-23 08:30", ZoneInfo("America/New_York"))
    assert us(morning).first(Person(new_york, {})) is None
    found = us(morning).first(Person(california, {}))
    assert found.until_ms == at("2026-11-23 08:00", ZoneInfo("America/Los_Angeles"))
    found = us(morning).first(Person(nowhere, {}))  # open in all zones that it may be in
    assert found.until_ms == at("2026-11-23 08:00", ZoneInfo("Pacific/Honolulu"))
    late = at("2026-11-23 20:30", ZoneInfo("America/Los_Angeles"))
    assert us(late).first(Person(california, {})) is None
    found = us(late).first(Person(new_york, {}))
    assert found.until_ms == at("2026-11-24 08:00", ZoneInfo("America/New_York"))


def test_a_claim_asks_of_hours_only_where_people_differ():
    """Its clock may be behind the wall clock, by which the dialer judges the whole campaign."""
    night = at("2026-11-23 22:00")
    plan = CampaignSettings("c", 1, Flow(()), "vn-advertising")
    assert Rules(7, plan, night, claims=True).first(Person(PHONE, {})) is None
    by_column = CampaignSettings("c", 1, Flow(()), "vn-advertising", zone_column="zone")
    found = Rules(7, by_column, night, claims=True).first(Person(PHONE, {}))
    assert found.rule is Rule.HOURS


def test_a_column_knows_better_than_the_number():
    morning = at("2026-11-23 08:30", ZoneInfo("America/New_York"))
    plan = us(morning, zone_column="zone")
    assert plan.first(Person(13_105_550_100, {"zone": "America/New_York"})) is None
    assert plan.first(Person(12_125_550_100, {"zone": "-10:00"})).rule is Rule.HOURS
    assert plan.first(Person(12_125_550_100, {"zone": "Middle/Earth"})) is None  # by number
    abroad = rules(NOON, zone_column="zone")
    assert abroad.first(Person(PHONE, {"zone": "America/New_York"})).rule is Rule.HOURS
    assert abroad.first(Person(PHONE, {"zone": ""})) is None  # the regime's


def test_holidays_close_where_people_live():
    christmas = at("2026-12-25 12:00", ZoneInfo("America/New_York"))
    found = us(christmas).first(Person(12_125_550_100, {}))
    assert found.until_ms == at("2026-12-26 08:00", ZoneInfo("America/New_York"))
    tet = at("2027-02-06 10:00")  # the first day of the year of the goat
    assert rules(tet).first(Person(PHONE, {})) is None  # the decree names no holidays
    found = rules(tet, skip_holidays=True).first(Person(PHONE, {}))
    assert found.until_ms == at("2027-02-11 08:00")


def test_area_codes_agree_with_a_library_of_numbers():
    """Where it knows an area code as one zone, that zone is ours, or among ours."""
    known = 0
    for area, zones in ZONES_OF_AREA.items():
        theirs = TIMEZONE_DATA.get(f"1{area}")
        if theirs is None or area in {"689"}:  # Orlando, which it takes for Texas
            continue
        known += 1
        assert set(zones) & set(theirs) or area in {"340", "670", "701", "907"}, area
    assert known > 250


# -- evidence --


def test_the_evidence_names_regime_version_lists_hours_caps_and_consent():
    plan = rules(consent_column="agreed", consent="unused")
    text = plan.evidence(Person(PHONE, {"agreed": "form 12"}))
    for part in (
        "vn-advertising 2020-10-01",
        "register",
        "1/86400 s attempted",
        "1/2592000 s heard",
        "consent form 12",
        "+07:00",
    ):
        assert part in text
    again = plan.evidence(Person(PHONE, {}, outcome=Outcome.NO_ANSWER))
    assert "exempt" in again
    assert "consent" not in again
    assert "America/Chicago" in us(NOON).evidence(Person(13_125_550_100, {}))
    assert "consent form 7" in rules(consent="form 7").evidence(Person(PHONE, {}))
