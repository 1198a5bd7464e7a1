"""Retention as a chore: a pass a day, and none by a clock that is far off the records."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest

from dialerd.config import Config
from dialerd.config.records_tables import Retention
from dialerd.core.events import LeadsJoined
from dialerd.core.list_records import Newcomers
from dialerd.shell.chore_list import DOUBTED_DAYS, chores_of
from dialerd.shell.chores import Chores
from dialerd.store import open_store, wait
from dialerd.store.lmdb_store import LmdbStore
from tests.store.kit import FIRST, NOW, call, filled_list, people, running, take

DAY = 86_400_000


class Days:
    """The chore of a store, and the time that it is told."""

    def __init__(self, store: LmdbStore, folder: Path) -> None:
        self.store = store
        self.now_ms = NOW
        config = msgspec.structs.replace(Config(), retention=Retention(ended_days=30))
        config = msgspec.structs.replace(
            config, store=msgspec.structs.replace(config.store, path=folder)
        )
        self.told = []
        now = lambda: (str(self.now_ms // DAY), self.now_ms)  # noqa: E731
        made = chores_of(config, store, now, self.told.append)
        self.made = made
        self.chores = Chores({name: one for name, one in made.items() if name == "[retention]"})

    def run(self, days: float, times: int = 4) -> int:
        """So many days on; how many records are left."""
        self.now_ms += int(days * DAY)
        for _ in range(times):
            self.chores.run()
        return len(self.store.ended(0, 100))


def test_people_whom_another_process_brings_are_called(days: Days) -> None:
    wait(days.store.create_list("grows", NOW))
    wait(days.store.add_contacts(2, people(2, FIRST + 10)))
    campaign = running(days.store, 2, "grows", newcomers=Newcomers.CALL)
    look = days.made["newcomers"]
    look()
    assert days.told == []
    wait(days.store.add_contacts(2, people(3, FIRST + 20)))  # as an import does
    look()
    look()
    assert days.told == [LeadsJoined(campaign.campaign_id)]
    assert len(take(days.store, campaign.campaign_id)) == 5


@pytest.fixture
def days(lmdb_store: LmdbStore, tmp_path: Path) -> Days:
    running(lmdb_store, filled_list(lmdb_store, "a", people(3)))
    for claim in take(lmdb_store):
        call(lmdb_store, claim, at_ms=NOW)
    return Days(lmdb_store, tmp_path)


@pytest.fixture
def lmdb_store(tmp_path: Path):
    store = open_store(tmp_path / "data", linger_s=0.0)
    yield store
    store.close()


def test_a_pass_each_day_as_time_goes_by(days: Days):
    assert days.run(0) == 3
    for _ in range(29):
        assert days.run(1, 2) == 3
    assert days.run(1) == 0


def test_a_clock_far_ahead_at_the_start_removes_nothing_for_a_day(days: Days, caplog):
    with caplog.at_level(logging.WARNING):
        assert days.run(DOUBTED_DAYS + 300, 50) == 3
        assert days.run(0.9) == 3
    told = [one.getMessage() for one in caplog.records]
    assert len(told) <= 2, "it is told when it changes, not every second"
    assert f"the clock stands {DOUBTED_DAYS + 300} days after the newest record" in told[0]
    assert "`dialerd retention`" in told[0]
    days.now_ms -= (DOUBTED_DAYS + 300) * DAY  # set right
    caplog.clear()
    assert days.run(0) == 3
    assert [one.getMessage() for one in caplog.records] == ["[retention] goes on"]


def test_an_office_that_was_closed_for_long_gets_its_pass_a_day_later(days: Days):
    assert days.run(DOUBTED_DAYS + 5) == 3
    assert days.run(1.01) == 0


def test_a_store_that_is_used_is_not_doubted(days: Days):
    assert days.run(DOUBTED_DAYS - 1) == 0
    wait(days.store.create_list("new", days.now_ms))
    assert days.run(DOUBTED_DAYS - 1) == 0


def test_a_store_with_nothing_in_it_is_not_doubted(tmp_path: Path, caplog):
    store = open_store(tmp_path / "data", linger_s=0.0)
    assert Days(store, tmp_path).run(DOUBTED_DAYS) == 0
    store.close()
    assert caplog.records == []
