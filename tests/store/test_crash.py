"""kill -9 of a writing process: what was acknowledged is there, and the rest adds up."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from dialerd.core.records import CampaignState, LeadState, Outcome
from dialerd.store import open_store, wait
from tests.store.kit import NOW, draft, filled_list, people, running, take

DIALER = """
import sys
from dialerd.store import open_store, wait
from tests.store.kit import begin, finish, take
store = open_store(sys.argv[1], daemon=True, linger_s=0.0)
print('recovered', wait(store.recover(1_790_000_000_000)), flush=True)
while claims := take(store, n=3):
    for claim in claims:
        print('claimed', claim.phone, flush=True)
    for claim in claims:
        wait(store.apply([begin(claim.attempt_id)]))
        print('dialed', claim.phone, flush=True)
    for claim in claims:
        wait(store.apply([finish(claim.attempt_id)]))
        print('done', claim.phone, flush=True)
"""

APPROVER = """
import sys
from dialerd.core.records import CampaignState
from dialerd.store import open_store, wait
store = open_store(sys.argv[1], linger_s=0.0)
print('go', flush=True)
wait(store.move_campaign(1, CampaignState.APPROVED, 'an', 1))
"""


def run_until_killed(folder, code: str, lines_min: int) -> list[list[str]]:
    """The lines a child printed before it was killed in the middle of something."""
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(lines_min)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [line.split() for line in lines if line.endswith("\n")]


def test_nothing_acknowledged_is_lost_and_nobody_is_dialed_twice(tmp_path):
    store = open_store(tmp_path)
    running(store, filled_list(store, "a", people(2_000)))
    store.close()
    dialed: list[int] = []
    done: set[int] = set()
    for round_ in range(6):
        lines = run_until_killed(tmp_path, DIALER, 150 + 37 * round_)
        dialed += [int(phone) for kind, phone in lines if kind == "dialed"]
        done |= {int(phone) for kind, phone in lines if kind == "done"}
        store = open_store(tmp_path)
        assert store.problems() == []
        rows = [row for chunk in store.report(1) for row in chunk]
        store.close()
        begun = {row.lead.phone for row in rows if row.attempts}
        finished = {row.lead.phone for row in rows if row.lead.state is LeadState.DONE}
        assert begun >= set(dialed)
        assert finished >= done
    assert len(dialed) == len(set(dialed)) > 150
    store = open_store(tmp_path)
    wait(store.recover(NOW))
    progress = store.progress(1)
    assert store.problems() == []
    store.close()
    assert sum(progress.leads.values()) == 2_000
    assert progress.leads[LeadState.INTERRUPTED] == progress.outcomes[Outcome.INTERRUPTED]
    assert progress.leads[LeadState.DONE] >= len(done)


@pytest.mark.parametrize("after_leads", [1, 12_000])
def test_an_approval_cut_short_counts_for_nothing(tmp_path, after_leads):
    store = open_store(tmp_path, linger_s=0.0)
    draft(store, filled_list(store, "a", people(60_000)))

    def leads() -> int:
        return store._read(lambda unit: unit.t.leads.count())

    command = [sys.executable, "-c", APPROVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "go\n"
        while leads() < after_leads and process.poll() is None:
            time.sleep(0)
        process.kill()
    left_behind = leads()
    assert after_leads <= left_behind < 60_000
    assert store.campaign(1).state is CampaignState.DRAFT
    assert store.problems() == []

    approved = wait(store.move_campaign(1, CampaignState.APPROVED, "binh", NOW))
    assert approved.audience == leads() == 60_000
    assert store.problems() == []
    assert [move.who for move in store.moves(1)] == ["an", "binh"]
    wait(store.move_campaign(1, CampaignState.RUNNING, "binh", NOW))
    assert [claim.lead_id for claim in take(store, n=3)] == [1, 2, 3]
    store.close()


def test_of_two_approvals_the_later_wins(tmp_path):
    store = open_store(tmp_path, linger_s=0.0)
    draft(store, filled_list(store, "a", people(20_000)))
    first = store.move_campaign(1, CampaignState.APPROVED, "an", NOW)
    second = store.move_campaign(1, CampaignState.APPROVED, "binh", NOW + 1)
    errors = [one.exception(10) for one in (first, second)]
    assert "took over" in str(errors[0])
    assert errors[1] is None
    assert store.campaign(1).audience == 20_000
    assert [move.who for move in store.moves(1)] == ["an", "binh"]
    assert store.problems() == []
    store.close()
