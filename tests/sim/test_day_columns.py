"""Days on which people differ: where they live, what they agreed to, what they have heard."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dialerd.core import regime, rules
from dialerd.core.records import LeadState
from dialerd.core.running import Run
from dialerd.sim.checkers import Kind
from dialerd.sim.day_check_hours import is_open
from dialerd.sim.day_run import Simulation
from dialerd.sim.day_scenario import read_scenario
from tests.sim.days import NUMBERING

TOWN = """
start = {start}
hours = {hours}
numbering = "{numbering}"
[[trunk]]
name = "any"
channels = 20
[[list]]
name = "people"
people = 120
[list.columns]
zone = {{ "Asia/Ho_Chi_Minh" = 1, "Asia/Tokyo" = 1, "Europe/Paris" = 1, "" = 1 }}
agreed = {{ "yes" = 3, "" = 1 }}
[[campaign]]
name = "first"
list = "people"
regime = "vn-care"
hours = [{{ start = "08:00", end = "10:00" }}]
steps = [{{ prompt = "hello" }}]
cap = {{ calls_max = 5, window_s = 60 }}
{first}
"""
SECOND = """
[[campaign]]
name = "second"
list = "people"
regime = "vn-care"
after = "first"
after_s = 1800
hours = [{ start = "08:00", end = "17:00" }]
steps = [{ prompt = "hello" }]
cap = { calls_max = 5, window_s = 60 }
"""


def day_of(folder, *, start="2026-11-23T05:30:00+07:00", hours=12, first="", more=""):
    path = folder / "town.toml"
    text = TOWN.format(start=start, hours=hours, numbering=NUMBERING, first=first)
    path.write_text(text + more)
    made = Simulation(read_scenario(path), "town")
    day = made.day(1)
    day.run()
    return day, {fault.kind for fault in made.examine(day)}


def test_hours_are_those_where_people_live(tmp_path):
    day, kinds = day_of(tmp_path, first='zone_column = "zone"')
    assert not kinds
    hours = {}
    for leg in day.carriers.ledger:
        zone = day.columns["people"][leg.phone]["zone"]
        at = datetime.fromtimestamp((leg.at_ns + day.clock.true_offset_ns) / 1e9, UTC)
        hours.setdefault(zone, set()).add(at.astimezone(ZoneInfo(zone or "Asia/Bangkok")).hour)
    assert set(hours) == {"Asia/Ho_Chi_Minh", "Asia/Tokyo", "Europe/Paris", ""}
    assert all(found <= {8, 9} for found in hours.values())


def test_a_dialer_that_thinks_everybody_lives_here(tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "zones_of", lambda settings, phone, fields: ())
    monkeypatch.setattr(Run, "open_for", lambda run, claim, wall_ns: True)
    assert Kind.OUTSIDE_HOURS in day_of(tmp_path, first='zone_column = "zone"')[1]


def test_who_has_not_agreed_is_not_called(tmp_path):
    day, kinds = day_of(tmp_path, first='consent_column = "agreed"')
    assert not kinds
    assert {day.columns["people"][leg.phone]["agreed"] for leg in day.carriers.ledger} == {"yes"}


def test_a_holiday_is_slept_through(tmp_path):
    """1 to 3 September 2026: the second is the National Day, and the first of its two days off."""
    day, kinds = day_of(
        tmp_path, start="2026-08-31T07:00:00+07:00", hours=96, first="skip_holidays = true"
    )
    assert not kinds
    assert day.carriers.ledger
    spec = day.scenario.campaign[0]
    noon = datetime(2026, 9, 2, 9, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert not is_open(spec, round(noon.timestamp() * 1e9))


def test_a_dialer_that_knows_no_holidays(tmp_path, monkeypatch):
    monkeypatch.setattr(regime, "holiday", lambda country, day: "")
    regime._spans_from.cache_clear()
    kinds = day_of(
        tmp_path, start="2026-09-02T07:00:00+07:00", hours=5, first="skip_holidays = true"
    )[1]
    regime._spans_from.cache_clear()
    assert Kind.OUTSIDE_HOURS in kinds


def test_the_second_message_is_for_those_who_heard_the_first(tmp_path):
    day, kinds = day_of(tmp_path, more=SECOND)
    assert not kinds
    books = day.store.progress(2)
    assert 10 < books.leads[LeadState.DONE] < 60


def test_a_dialer_that_tells_the_second_message_to_anybody(tmp_path, monkeypatch):
    monkeypatch.setattr(
        rules, "_ORDER", tuple(one for one in rules._ORDER if one[0] is not rules.Rule.SEQUENCE)
    )
    assert Kind.SEQUENCE in day_of(tmp_path, more=SECOND)[1]
