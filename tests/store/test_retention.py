"""What goes by age and by campaign, in steps, and nothing else."""

from __future__ import annotations

import pytest

from dialerd.core.agent_records import AgentMove, AgentState
from dialerd.core.ops import LogAgent
from dialerd.core.records import CallEvent, CampaignState, EventKind
from dialerd.store import campaigns, wait
from dialerd.store.recording_files import day_name, files_of
from dialerd.store.retention import KINDS, Days, Retention
from tests.store.kit import NOW, begin, filled_list, finish, people, running, take

DAY = 86_400_000
NOTHING = Days()


@pytest.fixture
def folder(tmp_path):
    """Of recordings."""
    return tmp_path / "recordings"


def spoken(store, campaign_id: int, n: int, at_ms: int, folder) -> list[int]:
    """Calls that ended at a time, each with a recording."""
    found = []
    for claim in take(store, campaign_id, n, at_ms - 9_000):
        path = f"2026-09-21/{claim.attempt_id}.wav"
        (folder / "2026-09-21").mkdir(parents=True, exist_ok=True)
        (folder / path).with_suffix(".flac").write_bytes(b"x")
        happened = (
            CallEvent(at_ms, EventKind.DIALED, "a"),
            CallEvent(at_ms, EventKind.RECORDED, f"{path} 1.00 s, 1 bytes, 2 channels"),
        )
        ops = [
            begin(claim.attempt_id, at_ms - 9_000),
            finish(claim.attempt_id, at_ms=at_ms, events=happened),
        ]
        assert wait(store.apply(ops)) == ()
        found.append(claim.attempt_id)
    return found


def run(store, folder, usual=NOTHING, now_ms=NOW, dry=False, **named: Days):
    work = Retention(store, folder, usual, named, now_ms=now_ms, secret=bytes(32), dry=dry)
    count = sum(1 for _ in work.steps())
    return work.counts, count


def kinds(store, campaign_id: int) -> list[list[str]]:
    return [
        [event.kind for event in events]
        for rows in store.report(campaign_id)
        for row in rows
        for _, events in row.attempts
    ]


def files(folder) -> int:
    return sum(1 for path in folder.glob("*/*") if path.is_file())


def test_interactions_and_recordings_go_by_their_age(store, folder):
    running(store, filled_list(store, "a", people(4)))
    spoken(store, 1, 2, NOW - 10 * DAY, folder)
    spoken(store, 1, 2, NOW - 2 * DAY, folder)
    days = Days(recordings=5, events=5)
    assert run(store, folder, days, dry=True)[0] == {
        "recordings": 2,
        "events": 2,
        "people": 0,
        "agents": 0,
        "ended": 0,
        "texts": 0,
    }
    assert files(folder) == 4
    assert run(store, folder, days)[0] == {
        "recordings": 2,
        "events": 2,
        "people": 0,
        "agents": 0,
        "ended": 0,
        "texts": 0,
    }
    assert kinds(store, 1) == [[], [], ["dialed", "recorded"], ["dialed", "recorded"]]
    assert files(folder) == 2
    assert run(store, folder, days)[0] == {
        "recordings": 0,
        "events": 0,
        "people": 0,
        "agents": 0,
        "ended": 0,
        "texts": 0,
    }
    assert store.problems() == []
    (line,) = store.audit()
    gone = {"recordings": 2, "events": 2}
    assert line.counts == dict.fromkeys(KINDS, 0) | gone


def test_what_leads_to_a_recording_stays_as_long_as_it(store, folder):
    running(store, filled_list(store, "a", people(1)))
    spoken(store, 1, 1, NOW - 10 * DAY, folder)
    run(store, folder, Days(events=5))
    assert kinds(store, 1) == [["recorded"]]
    assert files(folder) == 1
    assert run(store, folder, Days(events=5, recordings=5))[0]["recordings"] == 1
    assert kinds(store, 1) == [[]]
    running(store, filled_list(store, "b", people(1, 84_913_000_000)), "other")
    spoken(store, 2, 1, NOW - 10 * DAY, folder)
    run(store, folder, Days(recordings=5))
    assert kinds(store, 2) == [["dialed"]]
    assert files(folder) == 0


def test_a_campaign_has_days_of_its_own(store, folder):
    for n, name in enumerate(("spring", "summer")):
        running(store, filled_list(store, name, people(1, 84_912_000_000 + n * 1000)), name)
        spoken(store, n + 1, 1, NOW - 10 * DAY, folder)
    run(store, folder, Days(5, 5, 0), summer=Days(20, 20, 0))
    assert kinds(store, 1) == [[]]
    assert kinds(store, 2) == [["dialed", "recorded"]]
    run(store, folder, Days(), summer=Days(0, 9, 0))
    assert kinds(store, 2) == [["recorded"]]


def test_people_go_when_every_campaign_on_their_list_is_long_over(store, folder):
    list_id = filled_list(store, "a", people(1_200))
    running(store, list_id, "one")
    running(store, list_id, "two")
    spoken(store, 1, 3, NOW, folder)
    wait(store.move_campaign(1, CampaignState.FINISHED, "an", NOW))
    days = Days(people=30)
    assert run(store, folder, days, NOW + 99 * DAY)[0]["people"] == 0
    wait(store.move_campaign(2, CampaignState.FINISHED, "an", NOW + 10 * DAY))
    assert run(store, folder, days, NOW + 39 * DAY)[0]["people"] == 0
    assert run(store, folder, days, NOW + 41 * DAY, one=Days())[0]["people"] == 0
    assert run(store, folder, days, NOW + 41 * DAY, dry=True)[0]["people"] == 1_200
    assert store.about(84_912_000_000).listed
    counts, steps = run(store, folder, days, NOW + 41 * DAY)
    assert counts == dict.fromkeys(KINDS, 0) | {"recordings": 3, "people": 1_200}
    assert steps >= 3
    assert files(folder) == 0
    found = store.about(84_912_000_000)
    assert (found.listed, found.tried, len(found.caps)) == ((), (), 1)
    assert store.progress(1).outcomes["answered"] == 3
    assert store.problems() == []


def test_a_list_that_nobody_used_goes_by_its_own_age(store, folder):
    filled_list(store, "a", people(3))
    assert run(store, folder, Days(people=1), NOW + DAY // 2)[0]["people"] == 0
    assert run(store, folder, Days(people=1), NOW + 2 * DAY)[0]["people"] == 3
    assert store.problems() == []


@pytest.mark.parametrize("name", ["../../outside", "/etc/outside", "2026-09-21/../../outside"])
def test_no_file_outside_of_the_folder_is_removed(tmp_path, name):
    from dialerd.store.recording_files import files_of, remove

    folder = tmp_path / "in/recordings"
    folder.mkdir(parents=True)
    (tmp_path / "outside.wav").write_bytes(b"x")
    (tmp_path / "in/outside.wav").write_bytes(b"x")
    assert remove(files_of(folder, [name])) == 0
    assert (tmp_path / "outside.wav").exists()
    assert (tmp_path / "in/outside.wav").exists()


def test_people_of_a_list_that_is_used_again_meanwhile_stay(store, folder):
    list_id = filled_list(store, "a", people(250))
    now_ms = NOW + 10 * DAY
    work = Retention(store, folder, Days(people=1), {}, now_ms=now_ms, secret=bytes(32))
    steps = work.steps()
    next(steps)
    assert work.counts["people"] == 100
    campaign = running(store, list_id)
    assert sum(1 for _ in steps) == 0
    assert work.counts["people"] == 100
    assert len(take(store, campaign.campaign_id, 250, now_ms)) == 150


def test_a_step_reads_the_campaigns_once_and_not_for_each_of_its_people(store, folder, monkeypatch):
    list_id = filled_list(store, "a", people(100))
    for name in "xyz":
        running(store, filled_list(store, name, people(1)), name)
    asked = []
    every = campaigns.all_campaigns
    monkeypatch.setattr(campaigns, "all_campaigns", lambda unit: asked.append(1) or every(unit))
    counts, _ = run(store, folder, Days(people=1), NOW + 10 * DAY)
    assert counts["people"] == 100
    assert len(asked) < 12
    assert store.contact_list(list_id).size == 100


def test_the_recording_of_a_call_that_a_crash_cut_off_goes_with_its_call(store, folder):
    campaign_id = running(store, filled_list(store, "a", people(2))).campaign_id
    kept = take(store, campaign_id, 2, NOW - 9_000)
    wait(store.apply([begin(claim.attempt_id, NOW - 9_000) for claim in kept]))
    wait(store.recover(NOW))
    paths = []
    for rows in store.report(campaign_id):
        for row in rows:
            ((attempt, events),) = row.attempts
            assert events[-1].detail == "by a crash"
            day = folder / day_name(attempt.begun_ms, 7 * 3600)
            day.mkdir(parents=True, exist_ok=True)
            paths.append(day / f"{attempt.call_id}.wav")
            paths[-1].write_bytes(b"x")
    phone = store.report(campaign_id).__next__()[0].lead.phone
    assert list(files_of(folder, store.about(phone).recordings)) == [paths[0].resolve()]
    assert run(store, folder, Days(recordings=1), NOW + DAY // 2)[0]["recordings"] == 0
    assert run(store, folder, Days(recordings=1), NOW + 2 * DAY)[0]["recordings"] == 2
    assert not files(folder)


def test_what_agents_did_goes_by_age(store, folder):
    day_ms = 86_400_000
    moves = [
        LogAgent(AgentMove("an", NOW - n * day_ms, AgentState.READY, seq=n)) for n in range(1_200)
    ]
    wait(store.apply(moves))
    counts, _ = run(store, folder, Days(agents=30), dry=True)
    assert counts["agents"] == 1_170
    assert len(store.agent_moves(0, NOW + 1, 10_000)) == 1_200
    counts, steps = run(store, folder, Days(agents=30))
    assert counts["agents"] == 1_170
    assert steps > 1, "a little at a time"
    kept = store.agent_moves(0, NOW + 1, 10_000)
    assert [move.seq for move in kept] == list(range(29, -1, -1))
    assert run(store, folder, Days(agents=30))[0]["agents"] == 0
