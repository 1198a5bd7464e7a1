"""Abandonment over the window that people look at, and over the one that the law counts by."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialerd.core.clock import WallClock
from dialerd.core.pacing import NS
from dialerd.core.records import DialMode
from dialerd.core.regime_data import Abandonment, ShareOver
from dialerd.core.team_books import ROLL_S, Books
from tests.core.test_desk import Spy
from tests.core.test_verdicts import Told

LONDON = ZoneInfo("Europe/London")
DAY_NS = 86_400 * NS


def books(day: str, clock_at: str = "12:00", window_s=86_400, **legal):
    """And the monotonic time of that moment in London."""
    clock = WallClock()
    at = datetime.fromisoformat(f"{day}T{clock_at}").replace(tzinfo=LONDON)
    clock.step(int(at.timestamp()) * NS - 500 * NS)
    return Books(window_s, Abandonment(**legal), LONDON, clock), 500 * NS


def met(one, at_ns, served, lost):
    for _ in range(served):
        one.human()
        one.connected(at_ns, 0)
    for _ in range(lost):
        one.human()
        one.abandoned(at_ns)


def test_a_day_begins_at_local_midnight():
    one, noon_ns = books("2026-06-10")
    met(one, noon_ns, 9, 1)
    assert one.legal(noon_ns) == (10, 1, noon_ns + 12 * 3600 * NS)
    night_ns = noon_ns + 12 * 3600 * NS
    met(one, night_ns, 1, 0)
    assert one.legal(night_ns)[:2] == (1, 0)
    assert one.legal_share(noon_ns + 11 * 3600 * NS) == pytest.approx(1 / 11)
    assert one.abandonment(night_ns) == pytest.approx(1 / 11), "what people look at goes on"
    assert one.abandonment(night_ns + DAY_NS) == 0


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_the_days_on_which_clocks_change(day, hours):
    one, at_ns = books(day, "00:00")
    assert one.legal(at_ns)[2] == at_ns + hours * 3600 * NS


def test_a_rolling_window_forgets_what_is_older_and_is_told_every_hour():
    month_s = 30 * 86_400
    one, at_ns = books("2026-06-10", over=ShareOver.ROLLING, window_s=3_600)
    one = Books(60, Abandonment(over=ShareOver.ROLLING, window_s=month_s), LONDON, one._clock)
    for day in range(40):
        met(one, at_ns + day * DAY_NS, 9, 1)
    now_ns = at_ns + 39 * DAY_NS
    people, lost, over_ns = one.legal(now_ns)
    assert (people, lost) == (310, 31)
    assert over_ns == now_ns + ROLL_S * NS
    assert len(one._window) <= 31


def test_a_machine_that_seemed_a_person_is_counted_back():
    one, _ = books("2026-06-10")
    one.human()
    one.no_human()
    assert one.people == 0


def test_the_pacer_is_told_of_each_new_window():
    spy, pacer = Spy(), Told()
    office = spy.office
    office.world.dialer._make_pacer = lambda _: pacer
    office.login("an", office.campaign(DialMode.PREDICTIVE, people=40))
    office.until(lambda: office.state("an") == "talking")
    office.run(25 * 3600)
    told = [more for name, *more in pacer.said if name == "begin_window"]
    assert told == [[0, 0], [0, 0]], "at the start, and at midnight"


def test_what_was_counted_is_told_again_when_a_window_rolls():
    spy, pacer = Spy(), Told()
    office = spy.office
    office.world.dialer._make_pacer = lambda _: pacer
    campaign = office.campaign(DialMode.PREDICTIVE, people=40)
    one = office.world.dialer.desk.books[campaign] = Books(
        60, Abandonment(over=ShareOver.ROLLING, window_s=7_200), LONDON,
        office.world.dialer.floor.clock,
    )  # fmt: skip
    office.login("an", campaign)
    met(one, office.world.now_ns, 4, 1)
    office.run(timedelta(hours=3, minutes=1).total_seconds())
    told = [more for name, *more in pacer.said if name == "begin_window"]
    assert told[0] == [0, 0]
    assert [6, 1] in told, "the one who talks as well"
    assert told[-1] == [0, 0], "two hours later"
