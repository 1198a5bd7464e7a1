"""Regimes: hours in local time, across midnight, daylight saving, start and end; caps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.limits import HORIZON_DAYS
from dialerd.core.records import CampaignSettings, CapCounts, Flow, FrequencyCap, Hours
from dialerd.core.regime import (
    NS,
    check_regime,
    effective_caps,
    find_regime,
    next_opening_ns,
    window,
)
from dialerd.core.regime_data import DAY_S, REGIMES, VIETNAM, Regime


def settings(name="loopback", **changes):
    return CampaignSettings("c", 1, Flow(()), name, **changes)


def wall(text, zone=VIETNAM):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * NS)


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-11-23 07:59:59.999999", False),
        ("2026-11-23 08:00:00", True),
        ("2026-11-23 16:59:59.999999", True),
        ("2026-11-23 17:00:00", False),
        ("2026-11-22 12:00:00", True),  # a Sunday: the decree names no weekdays
    ],
)
def test_vietnamese_advertising_hours(at, allowed):
    assert window(settings("vn-advertising"), wall(at)).open is allowed


def test_next_opening_is_now_today_or_tomorrow():
    plan = settings("vn-advertising")
    for at, opens in [
        ("2026-11-23 03:00", "2026-11-23 08:00"),
        ("2026-11-23 09:30", "2026-11-23 09:30"),
        ("2026-11-23 17:00", "2026-11-24 08:00"),
        ("2026-12-31 23:00", "2027-01-01 08:00"),
    ]:
        assert next_opening_ns(plan, wall(at)) == wall(opens)


def test_campaign_hours_and_regime_hours_both_bind():
    plan = settings("vn-advertising", hours=(Hours(7 * 60, 9 * 60), Hours(16 * 60, 20 * 60)))
    assert window(plan, wall("2026-11-23 07:30")) == (False, wall("2026-11-23 08:00"))
    assert window(plan, wall("2026-11-23 08:30")) == (True, wall("2026-11-23 09:00"))
    assert window(plan, wall("2026-11-23 12:00")) == (False, wall("2026-11-23 16:00"))
    assert window(plan, wall("2026-11-23 16:30")) == (True, wall("2026-11-23 17:00"))
    assert window(plan, wall("2026-11-23 18:00")) == (False, wall("2026-11-24 08:00"))


def test_weekdays_are_of_the_local_day():
    monday_only = settings(hours=(Hours(0, 120, (0,)),))
    assert window(monday_only, wall("2026-11-23 01:00")).open  # Sunday still in UTC
    assert not window(monday_only, wall("2026-11-24 01:00")).open
    assert next_opening_ns(monday_only, wall("2026-11-24 01:00")) == wall("2026-11-30 00:00")


def test_hours_across_midnight_belong_to_the_day_they_begin():
    friday_night = settings(hours=(Hours(22 * 60, 2 * 60, (4,)),))
    assert window(friday_night, wall("2026-11-27 23:00")) == (True, wall("2026-11-28 02:00"))
    assert window(friday_night, wall("2026-11-28 01:00")) == (True, wall("2026-11-28 02:00"))
    assert not window(friday_night, wall("2026-11-28 23:00")).open
    assert not window(friday_night, wall("2026-11-27 01:00")).open


def test_touching_windows_are_one():
    whole_day = settings(hours=(Hours(0, 720), Hours(720, 1440)))
    state = window(whole_day, wall("2026-11-23 11:00"))
    assert state.open
    assert state.until_ns is not None
    assert state.until_ns > wall("2026-11-30 00:00")


def test_start_and_end_bind_to_the_millisecond():
    start, end = wall("2026-11-23 09:00") + 250_000_000, wall("2026-11-23 10:30")
    plan = settings("vn-advertising", start_ms=start // 10**6, end_ms=end // 10**6)
    assert window(plan, start - 1) == (False, start)
    assert window(plan, start) == (True, end)
    assert window(plan, end - 1) == (True, end)
    assert window(plan, end) == (False, None)
    assert next_opening_ns(plan, end) is None


def test_a_start_far_ahead_is_found():
    start = wall("2027-03-05 18:00")
    plan = settings("vn-advertising", start_ms=start // 10**6)
    assert next_opening_ns(plan, wall("2026-11-23 09:00")) == wall("2027-03-06 08:00")


def test_end_inside_a_closed_time_ends_the_waiting():
    plan = settings("vn-advertising", end_ms=wall("2026-11-23 20:00") // 10**6)
    assert next_opening_ns(plan, wall("2026-11-23 18:00")) is None


@pytest.fixture
def abroad(monkeypatch):
    """A regime whose zone has daylight saving."""
    zone = ZoneInfo("Europe/London")
    regime = Regime("abroad", "", zone, hours=(Hours(8 * 60, 21 * 60),))
    monkeypatch.setitem(REGIMES, "abroad", regime)
    return zone


def test_daylight_saving_moves_the_opening_not_the_local_time(abroad):
    plan = settings("abroad")
    for day in (
        "2026-03-28",
        "2026-03-29",
        "2026-10-24",
        "2026-10-25",
    ):  # before and on each change
        opening = wall(f"{day} 08:00", abroad)
        assert window(plan, opening - 1) == (False, opening)
        assert window(plan, opening) == (True, wall(f"{day} 21:00", abroad))
    spring = wall("2026-03-29 08:00", abroad) - wall("2026-03-28 08:00", abroad)
    autumn = wall("2026-10-25 08:00", abroad) - wall("2026-10-24 08:00", abroad)
    assert (spring, autumn) == (23 * 3600 * NS, 25 * 3600 * NS)


def test_a_window_inside_the_lost_hour_does_not_open(abroad, monkeypatch):
    regime = Regime("abroad", "", abroad)
    monkeypatch.setitem(REGIMES, "abroad", regime)
    plan = settings("abroad", hours=(Hours(70, 110),))  # 01:10-01:50 local
    midnight = wall("2026-03-29 00:00", abroad)
    opened = [window(plan, midnight + minute * 60 * NS).open for minute in range(0, 240, 5)]
    local = [
        datetime.fromtimestamp(midnight / NS + minute * 60, UTC).astimezone(abroad)
        for minute in range(0, 240, 5)
    ]
    for is_open, at in zip(opened, local, strict=True):
        assert not is_open or at.hour in (
            1,
            2,
        )  # the lost hour maps onto the next one, never earlier


@given(
    at_s=st.integers(1_700_000_000, 1_900_000_000),
    hours=st.lists(
        st.builds(
            Hours,
            st.integers(0, 1439),
            st.integers(1, 1440),
            st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
        ).filter(lambda h: h.start_minute != h.end_minute),
        min_size=1,
        max_size=4,
    ).map(tuple),
    name=st.sampled_from(["loopback", "vn-advertising"]),
)
def test_windows_agree_with_the_plain_definition(at_s, hours, name):
    """Against the definition read minute by minute, at fixed +07:00."""

    def inside(minute_of_epoch, which):
        local = minute_of_epoch + 7 * 60
        day, minute = divmod(local, 1440)
        for h in which:
            wraps = h.end_minute <= h.start_minute
            today = (day + 3) % 7 in h.weekdays  # the epoch was a Thursday
            yesterday = (day + 2) % 7 in h.weekdays
            if today and h.start_minute <= minute < (1440 if wraps else h.end_minute):
                return True
            if wraps and yesterday and minute < h.end_minute:
                return True
        return False

    plan = settings(name, hours=hours)
    legal = REGIMES[name].hours or (Hours(0, 1440),)

    def is_open(minute):
        return inside(minute, hours) and inside(minute, legal)

    state = window(plan, at_s * NS)
    minute = at_s // 60
    assert state.open is is_open(minute)
    assert state.until_ns is not None
    assert state.until_ns > at_s * NS
    horizon = state.until_ns == (at_s + HORIZON_DAYS * DAY_S) * NS
    last = (state.until_ns - 1) // NS // 60
    assert is_open(last) is state.open
    if not horizon:
        assert is_open(state.until_ns // NS // 60) is not state.open
    for probe in range(minute, last, 7):
        assert is_open(probe) is state.open


def test_caps_of_regime_and_campaign():
    legal = FrequencyCap(1, DAY_S, CapCounts.ATTEMPTED)
    default = FrequencyCap()
    assert effective_caps(settings()) == (default,)
    assert effective_caps(settings(cap=FrequencyCap(window_s=0))) == ()
    assert effective_caps(settings("vn-advertising")) == (legal, default)
    looser = FrequencyCap(3, 3600, CapCounts.ATTEMPTED)
    assert effective_caps(settings("vn-advertising", cap=looser)) == (legal,)
    stricter = FrequencyCap(1, 30 * DAY_S, CapCounts.ATTEMPTED)
    assert effective_caps(settings("vn-advertising", cap=stricter)) == (stricter,)
    none = FrequencyCap(window_s=0)
    assert effective_caps(settings("vn-advertising", cap=none)) == (legal,)


@given(
    st.builds(
        FrequencyCap, st.integers(1, 3), st.sampled_from([0, 3600, DAY_S, 9 * DAY_S]),
        st.sampled_from(list(CapCounts)),
    )
)  # fmt: skip
def test_a_campaign_never_loosens_its_regime(own):
    legal = REGIMES["vn-advertising"].cap
    caps = effective_caps(settings("vn-advertising", cap=own))
    assert any(
        cap.calls_max <= legal.calls_max
        and cap.window_s >= legal.window_s
        and cap.counts is CapCounts.ATTEMPTED
        for cap in caps
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"regime": "vn-ads"}, "unknown regime 'vn-ads'; known: vn-advertising, vn-care,"),
        ({"regime": "vn-care"}, "hours: regime vn-care requires"),
        ({"hours": (Hours(-1, 10),)}, "hours: minutes"),
        ({"hours": (Hours(0, 1441),)}, "hours: minutes"),
        ({"hours": (Hours(60, 60),)}, "hours: a window must not be empty"),
        ({"hours": (Hours(0, 60, ()),)}, "hours: weekdays"),
        ({"hours": (Hours(0, 60, (7,)),)}, "hours: weekdays"),
        ({"hours": (Hours(0, 60),) * 51}, "hours: at most 50"),
        ({"cap": FrequencyCap(0)}, "cap.calls_max"),
        ({"cap": FrequencyCap(1, -1)}, "cap.window_s"),
        ({"start_ms": -1}, "start_ms"),
        ({"start_ms": 5, "end_ms": 5}, "end_ms: must be after"),
        (
            {"regime": "vn-advertising", "hours": (Hours(18 * 60, 20 * 60),)},
            "never inside the hours",
        ),
    ],
)
def test_impossible_settings_are_refused_by_field(changes, text):
    base = {"name": "c", "list_id": 1, "flow": Flow(()), "regime": "loopback"}
    with pytest.raises(ValueError, match=text):
        check_regime(CampaignSettings(**(base | changes)))


def test_good_settings_pass():
    check_regime(settings())
    check_regime(settings("vn-advertising", hours=(Hours(16 * 60, 20 * 60, (0, 5)),)))
    check_regime(settings("vn-care", hours=(Hours(20 * 60, 60),), start_ms=5, end_ms=6))


def test_every_regime_says_what_it_is():
    for name, regime in REGIMES.items():
        assert find_regime(name) is regime
        assert regime.text
    assert {name for name, regime in REGIMES.items() if regime.loopback_only} == {"loopback"}
    assert timedelta(hours=7) == VIETNAM.utcoffset(None)
