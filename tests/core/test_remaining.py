"""When a campaign will be over: its pace in the hours in which it dialed, and those to come."""

from datetime import datetime

import pytest

from dialerd.core.records import CampaignMove, CampaignState, Hours
from dialerd.core.regime_data import VIETNAM
from dialerd.core.remaining import eta_ms
from tests.core.build import settings

RUNNING, PAUSED, APPROVED = CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.APPROVED
HOUR_MS = 3_600_000
OFFICE = settings(regime="loopback", hours=(Hours(8 * 60, 12 * 60), Hours(13 * 60, 17 * 60)))
ANY = settings(regime="loopback", hours=())


def at(day, clock):
    """On a day of June 2026; the first is a Monday. Hours are the regime's."""
    hour, minute = map(int, clock.split(":"))
    return int(datetime(2026, 6, day, hour, minute, tzinfo=VIETNAM).timestamp() * 1000)


def moved(*said):
    moves, before = [], CampaignState.DRAFT
    for after, at_ms in said:
        moves.append(CampaignMove(1, at_ms, "an", before, after))
        before = after
    return moves


def test_at_any_hour_it_is_a_plain_share():
    moves = moved((APPROVED, at(1, "07:00")), (RUNNING, at(1, "08:00")))
    assert eta_ms(ANY, moves, 100, 300, at(1, "10:00")) == at(1, "16:00")


@pytest.mark.parametrize(
    ("left", "over_at"),
    [(100, at(1, "10:00")), (300, at(1, "12:00")), (400, at(1, "14:00")), (800, at(2, "09:00"))],
)
def test_lunch_and_the_night_are_waited_for(left, over_at):
    moves = moved((RUNNING, at(1, "08:00")))
    assert eta_ms(OFFICE, moves, 100, left, at(1, "09:00")) == over_at


def test_pauses_and_closed_hours_are_no_pace():
    moves = moved(
        (RUNNING, at(1, "06:00")),  # two hours before it may
        (PAUSED, at(1, "09:00")),
        (RUNNING, at(1, "11:00")),
    )
    now_ms = at(1, "13:30")
    assert eta_ms(OFFICE, moves, 50, 20, now_ms) == now_ms + HOUR_MS  # 2.5 hours for 50
    assert eta_ms(OFFICE, moves, 50, 20, at(1, "19:00")) == at(2, "10:24"), "6 hours for 50"


def test_nothing_is_told_that_nobody_knows():
    begun = moved((RUNNING, at(1, "08:00")))
    assert eta_ms(ANY, [], 5, 5, at(1, "09:00")) is None
    assert eta_ms(ANY, begun, 0, 5, at(1, "09:00")) is None, "nobody has left the list"
    assert eta_ms(ANY, begun, 5, 0, at(1, "09:00")) is None, "nobody is left"
    assert eta_ms(ANY, begun, 5, 5, at(1, "08:00") + 59_999) is None
    assert eta_ms(ANY, begun, 5, 5, at(1, "08:01")) == at(1, "08:02")
    assert eta_ms(ANY, begun, 5, 5, at(1, "07:00")) is None, "the clock was set back"
    paused = [*begun, *moved((PAUSED, at(1, "09:00")))]
    assert eta_ms(ANY, paused, 5, 5, at(1, "09:00")) is None
    assert eta_ms(settings(regime="gone"), begun, 5, 5, at(1, "09:00")) is None
    assert eta_ms(OFFICE, begun, 1, 10**9, at(1, "09:00")) is None, "not in our time"


def test_a_campaign_that_ends_before_is_not_over_by_then():
    ends = settings(regime="loopback", hours=(), end_ms=at(1, "12:00"))
    begun = moved((RUNNING, at(1, "08:00")))
    assert eta_ms(ends, begun, 100, 200, at(1, "09:00")) == at(1, "11:00")
    assert eta_ms(ends, begun, 100, 400, at(1, "09:00")) is None
