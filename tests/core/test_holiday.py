"""Holidays of Vietnam against the sky and against a table made by hand."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from dialerd.core.holiday import holiday
from dialerd.core.records import CampaignSettings, Flow, Hours
from dialerd.core.regime import window
from dialerd.core.regime_data import VIETNAM
from tests.reference.lunar import lunar

# By hand, from printed calendars: the first day of Tết and the tenth of the third lunar month.
TABLE = {
    2025: (date(2025, 1, 29), date(2025, 4, 7)),
    2026: (date(2026, 2, 17), date(2026, 4, 26)),
    2027: (date(2027, 2, 6), date(2027, 4, 16)),
    2028: (date(2028, 1, 26), date(2028, 4, 4)),
    2029: (date(2029, 2, 13), date(2029, 4, 23)),
    2030: (date(2030, 2, 2), date(2030, 4, 12)),  # a day before China's: the new moon is at 22:07
}
FIXED = ((1, 1), (4, 30), (5, 1), (9, 2))


def off(day: date) -> bool:
    return bool(holiday("VN", day.toordinal()))


@pytest.mark.parametrize("year", TABLE)
def test_the_table_and_the_sky_agree(year):
    assert (lunar(year, 1, 1), lunar(year, 3, 10)) == TABLE[year]


@pytest.mark.parametrize("year", TABLE)
def test_tet_and_the_hung_kings_day_are_days_off(year):
    tet, kings = TABLE[year]
    for days in range(-1, 4):  # New Year's Eve and four days: five by the Labour Code
        assert off(tet + timedelta(days=days)), (year, days)
    assert off(kings)
    for month, day in FIXED:
        assert off(date(year, month, day))
    for far in (tet - timedelta(days=12), tet + timedelta(days=12), date(year, 7, 16)):
        assert not off(far)


@pytest.mark.parametrize("year", TABLE)
def test_a_campaign_that_skips_them_is_closed_then(year):
    hours = (Hours(0, 1440),)
    skips = CampaignSettings("c", 1, Flow(()), "vn-care", hours=hours, skip_holidays=True)
    for day, free in ((TABLE[year][0], True), (TABLE[year][1], True), (date(year, 7, 16), False)):
        noon = datetime.combine(day, time(12), VIETNAM)
        assert window(skips, int(noon.timestamp()) * 1_000_000_000).open is not free
