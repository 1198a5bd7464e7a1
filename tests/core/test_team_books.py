"""Abandonment over the window that people look at, and over the one that the law counts by."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialerd.core.clock import WallClock
from dialerd.core.limits import MET_S
from dialerd.core.ops import Met
from dialerd.core.pacing import NS
from dialerd.core.records import DialMode, Outcome
from dialerd.core.regime_data import Abandonment, ShareOver
from dialerd.core.team_books import ROLL_S, Books, counts_from
from tests.core.build import settings
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
    office.run(16 * 3600)
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


def quarter(one, at_ns, served, lost):
    """What the store says of the quarter of an hour in which a moment lies."""
    at_ms = one._clock.ms(at_ns)
    return Met(1, at_ms - at_ms % (MET_S * 1000), served, lost)


def test_whom_an_earlier_process_met_counts_in_the_window_of_its_day():
    one, noon_ns = books("2026-06-10", "12:07")
    midnight_ns = noon_ns - (12 * 3600 + 7 * 60) * NS
    one.load(
        [
            quarter(one, midnight_ns - NS, 100, 50),  # the last one of yesterday
            quarter(one, midnight_ns, 20, 1),
            quarter(one, noon_ns, 4, 2),
        ],
        noon_ns,
    )
    assert one.legal(noon_ns)[:2] == (27, 3)
    assert (one.people, one.lost) == (0, 0), "those of this process"
    met(one, noon_ns + NS, 3, 0)
    assert one.legal(noon_ns + 2 * NS)[:2] == (30, 3)
    assert one.legal(midnight_ns + DAY_NS)[:2] == (0, 0)


def test_the_first_minute_of_a_day_after_a_restart():
    one, at_ns = books("2026-06-10", "00:00")
    one.load([quarter(one, at_ns - NS, 9, 9), quarter(one, at_ns, 2, 1)], at_ns + 20 * NS)
    assert one.legal(at_ns + 20 * NS)[:2] == (3, 1)


def test_the_whole_of_a_long_day_counts():
    one, at_ns = books("2026-10-25", "00:00", window_s=60)
    met(one, at_ns + NS, 5, 1)
    late_ns = at_ns + 24 * 3600 * NS + 1800 * NS
    met(one, late_ns, 1, 0)
    assert one.legal(late_ns)[:2] == (7, 1)


def test_no_quarter_leaves_a_rolling_window_early():
    one, at_ns = books("2026-06-10")
    one = Books(60, Abandonment(over=ShareOver.ROLLING, window_s=3_600), LONDON, one._clock)
    one.load([quarter(one, at_ns, 3, 1)], at_ns + 900 * NS)
    end_ns = at_ns + 900 * NS
    assert one.legal(end_ns + 3_599 * NS)[:2] == (4, 1)
    assert one.legal(end_ns + 3_600 * NS)[:2] == (0, 0)


def test_how_far_back_a_campaign_looks():
    day_ms = 86_400_000
    now_ms = 1_790_000_000_000
    assert now_ms - counts_from(settings(regime="vn-care"), now_ms) >= day_ms + 3_600_000
    assert now_ms - counts_from(settings(regime="us-tcpa"), now_ms) >= 30 * day_ms
    assert counts_from(settings(regime="gone"), now_ms) == now_ms


class Rash(Told):
    """Dials three at once whatever happens."""

    def __init__(self, dials):
        super().__init__()
        self.left = dials

    def windows(self):
        return [more for name, *more in self.said if name == "begin_window"]


def test_a_crash_in_the_middle_of_a_window_loses_nothing_of_it():
    office = Spy().office
    pacers = []

    def made(_):
        pacers.append(Rash(3))
        return pacers[-1]

    office.world.dialer._make_pacer = made
    campaign = office.campaign(DialMode.PREDICTIVE, people=12)
    office.login("an", campaign)
    office.until(lambda: office.world.store.progress(campaign).outcomes[Outcome.ABANDONED] == 2)
    books = office.world.dialer.desk.books_of(campaign)
    before = books.legal(office.world.now_ns)[:2]
    assert before == (3, 2)
    assert pacers[-1].windows() == [[0, 0]]
    for crashes in range(1, 3):
        office.run(600)  # into another quarter
        office.world.crash()
        office.world.dialer.floor.runs[campaign].gate._pacer = again = Rash(0)
        office.run(60)
        assert again.windows() == [[3, 2]], f"after {crashes}"
    store = office.world.store
    kept = store.met(campaign, 0)
    assert (sum(one.served for one in kept), sum(one.lost for one in kept)) == (1, 2)
    assert store.problems() == []
