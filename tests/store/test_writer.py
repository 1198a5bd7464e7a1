"""Group commit: who shares a commit, who pays for a mistake, and where results arrive."""

from __future__ import annotations

import asyncio
import threading

import pytest

from dialerd.core.ports import ConflictError, StoreFailedError
from dialerd.core.records import CampaignState, LeadState
from dialerd.store import MemoryStore, Ticket, limits, open_store, wait
from tests.store.kit import NOW, begin, draft, filled_list, finish, people, running, take

FOR_EVER_S = 100  # to linger


@pytest.fixture
def patient(lmdb_store):
    """Waits for company long enough for any machine, once `run` has begun."""
    yield lmdb_store
    assert lmdb_store.problems() == []


def run(store, work, linger_s=0.7) -> None:
    store._writer._linger_s = linger_s
    try:
        asyncio.run(work())
    finally:
        store._writer._linger_s = 0.0


def by_its_thread(store) -> None:
    """From now on no commit is made by the thread that asks for it."""
    store._writer._linger_s = 0.001


def commits_of(store, work, *linger_s) -> int:
    before = store.figures()["commits"]
    run(store, work, *linger_s)
    return store.figures()["commits"] - before


def test_requests_share_a_commit(patient):
    async def work():
        await asyncio.gather(*(patient.create_list(f"list {i}", NOW) for i in range(64)))

    assert commits_of(patient, work) == 1
    assert len(patient.lists()) == 64


def test_a_full_group_does_not_wait(patient):
    async def work():
        asked = [patient.create_list(f"list {i}", NOW) for i in range(640)]
        async with asyncio.timeout(FOR_EVER_S / 2):
            await asyncio.gather(*asked)

    assert commits_of(patient, work, FOR_EVER_S) <= 10


def test_one_batch_of_operations_counts_as_many_events(patient):
    wait(patient.add_contacts(wait(patient.create_list("a", NOW)).list_id, people(100)))
    running(patient, 1)

    async def work():
        async with asyncio.timeout(FOR_EVER_S / 2):
            batch = await patient.claim(1, 64, NOW, 60)
            await patient.apply([begin(claim.attempt_id) for claim in batch.claims])
        assert len(batch.claims) == 64

    assert commits_of(patient, work, FOR_EVER_S) == 2


def test_a_mistake_costs_only_who_made_it(patient):
    wait(patient.create_list("taken", NOW))

    async def work():
        asked = [patient.create_list(f"list {i}", NOW) for i in range(10)]
        asked.insert(4, patient.create_list("taken", NOW))
        asked.insert(7, patient.create_list("", NOW))
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(found[4], ConflictError)
        assert [i for i, one in enumerate(found) if isinstance(one, Exception)] == [4, 7]

    run(patient, work)
    assert len(patient.lists()) == 11
    assert sorted(one.list_id for one in patient.lists()) == list(range(1, 12))


def test_books_survive_a_mistake_in_their_group(patient):
    running(patient, filled_list(patient, "a", people(5)))

    async def work():
        claimed = patient.claim(1, 2, NOW, 60)
        wrong = patient.claim(1, 0, NOW, 60)
        more = patient.claim(1, 2, NOW, 60)
        found = await asyncio.gather(claimed, wrong, more, return_exceptions=True)
        assert [claim.attempt_id for claim in found[0].claims] == [1, 2]
        assert [claim.attempt_id for claim in found[2].claims] == [3, 4]

    run(patient, work)
    assert patient.progress(1).leads[LeadState.CLAIMED] == 4


def test_an_error_that_is_no_refusal_stays_with_its_request(lmdb_store):
    def wrong(unit):
        unit.t.lists.put(b"x", b"y")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait(lmdb_store._submit(wrong))
    assert lmdb_store.lists() == []
    wait(lmdb_store.create_list("a", NOW))


def test_a_key_too_long_for_the_engine_stays_with_its_request(patient):
    async def work():
        wrong = patient._submit(lambda unit: unit.t.meta.put(b"x" * 600, b""))
        right = patient.create_list("a", NOW)
        found = await asyncio.gather(wrong, right, return_exceptions=True)
        assert isinstance(found[0], Exception)
        assert found[1].name == "a"

    run(patient, work)


def test_a_cancelled_caller_does_not_harm_the_others(patient):
    async def work():
        given_up = patient.create_list("a", NOW)
        kept = patient.create_list("b", NOW)
        given_up.cancel()
        assert (await kept).name == "b"

    run(patient, work)
    assert len(patient.lists()) == 2


def test_results_arrive_in_the_thread_of_the_loop(lmdb_store):
    async def work():
        seen = []
        asked = lmdb_store.create_list("a", NOW)
        asked.add_done_callback(lambda _: seen.append(threading.current_thread()))
        await asked
        await asyncio.sleep(0)
        assert seen == [threading.main_thread()]

    asyncio.run(work())


def test_a_loop_that_is_gone_does_not_stop_the_writer(lmdb_store):
    async def ask():
        lmdb_store.create_list("a", NOW)

    by_its_thread(lmdb_store)
    gate = threading.Event()
    lmdb_store._submit(lambda _: gate.wait(FOR_EVER_S))
    asyncio.run(ask())
    gate.set()
    wait(lmdb_store.create_list("b", NOW))
    assert len(lmdb_store.lists()) == 2


def test_without_a_loop_results_are_tickets(store):
    asked = store.create_list("a", NOW)
    assert isinstance(asked, Ticket)
    assert wait(asked).name == "a"

    async def later():
        return await asked

    assert asyncio.run(later()).name == "a"


def thread_of(store) -> str:
    return wait(store._submit(lambda _: threading.current_thread().name))


def test_who_asks_without_a_loop_and_a_linger_commits_itself(lmdb_store):
    assert thread_of(lmdb_store) == threading.main_thread().name
    by_its_thread(lmdb_store)
    assert thread_of(lmdb_store) == "store-writer"

    async def work():
        lmdb_store._writer._linger_s = 0.0
        return await lmdb_store._submit(lambda _: threading.current_thread().name)

    assert asyncio.run(work()) == "store-writer"


def test_who_asks_while_others_wait_is_behind_them(lmdb_store):
    by_its_thread(lmdb_store)
    gate = threading.Event()
    held = lmdb_store._submit(lambda _: gate.wait(FOR_EVER_S))
    waits = lmdb_store.create_list("a", NOW)
    lmdb_store._writer._linger_s = 0.0
    asked = lmdb_store.create_list("b", NOW)
    assert not asked.done()
    gate.set()
    assert [wait(held), wait(waits).list_id, wait(asked).list_id] == [True, 1, 2]


def test_a_long_request_of_its_own_thread_is_ended_by_the_writers(lmdb_store):
    draft(lmdb_store, filled_list(lmdb_store, "a", people(9_000)))
    asked = lmdb_store.move_campaign(1, CampaignState.APPROVED, "an", NOW)
    assert wait(asked).audience == 9_000
    assert lmdb_store.figures()["jobs"] == lmdb_store.figures()["commits"]


def test_threads_that_ask_at_once_each_get_their_own(lmdb_store):
    found: list[int] = []

    def ask(number: int) -> None:
        asked = (lmdb_store.create_list(f"list {number} {i}", NOW) for i in range(20))
        found.extend(wait(one).list_id for one in asked)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == list(range(1, 81))
    assert lmdb_store.figures()["jobs"] == 80


def test_a_ticket_is_awaited_in_a_loop_begun_later(patient):
    asked = patient.create_list("a", NOW)

    async def later():
        return await asked

    assert asyncio.run(later()).name == "a"


def test_inside_a_loop_results_are_awaited(store):
    async def work():
        asked = store.create_list("a", NOW)
        with pytest.raises(TypeError, match="await this write"):
            wait(asked)
        assert (await asked).name == "a"
        with pytest.raises(ConflictError):
            await store.create_list("a", NOW)

    asyncio.run(work())


def test_long_requests_let_others_in(lmdb_store):
    """An approval of many leads, and a claim asked for right after it."""
    running(lmdb_store, filled_list(lmdb_store, "a", people(10)), "x")
    big = draft(lmdb_store, filled_list(lmdb_store, "b", people(40_000, 84_300_000_000)), "y")

    async def work():
        order = []
        approval = lmdb_store.move_campaign(big.campaign_id, CampaignState.APPROVED, "an", NOW)
        approval.add_done_callback(lambda _: order.append("approval"))
        claim = lmdb_store.claim(1, 5, NOW, 60)
        claim.add_done_callback(lambda _: order.append("claim"))
        await asyncio.gather(approval, claim)
        await asyncio.sleep(0)
        assert order == ["claim", "approval"]

    asyncio.run(work())


def test_closing_commits_what_is_queued(tmp_path):
    store = open_store(tmp_path, linger_s=60.0)
    asked = [store.create_list(f"list {i}", NOW) for i in range(5)]
    store.close()
    assert [wait(one).list_id for one in asked] == [1, 2, 3, 4, 5]
    store.close()
    again = open_store(tmp_path)
    assert len(again.lists()) == 5
    again.close()


def test_a_closed_store_refuses(store):
    store_lists = store.lists()
    closed = MemoryStore() if isinstance(store, MemoryStore) else None
    assert store_lists == []
    if closed is not None:
        closed.close()
        with pytest.raises(StoreFailedError, match="closed"):
            wait(closed.create_list("a", NOW))


def test_a_closed_lmdb_store_refuses(tmp_path):
    store = open_store(tmp_path)
    store.close()
    with pytest.raises(StoreFailedError, match="closed"):
        wait(store.create_list("a", NOW))
    with pytest.raises(StoreFailedError, match="closed"):
        store.lists()


def test_closing_ends_a_long_request_between_its_steps(tmp_path):
    store = open_store(tmp_path, linger_s=0.0)
    campaign = draft(store, filled_list(store, "a", people(40_000)))
    by_its_thread(store)
    gate = threading.Event()
    store._submit(lambda _: gate.wait(FOR_EVER_S))
    asked = store.move_campaign(campaign.campaign_id, CampaignState.APPROVED, "an", NOW)
    closer = threading.Thread(target=store.close)
    closer.start()
    while not store._writer._closing:
        pass
    gate.set()
    closer.join()
    with pytest.raises(StoreFailedError, match="closed before"):
        wait(asked)
    again = open_store(tmp_path)
    assert again.campaign(campaign.campaign_id).state is CampaignState.DRAFT
    assert again.problems() == []
    again.close()


def test_the_queue_is_bounded(lmdb_store, monkeypatch):
    monkeypatch.setattr("dialerd.store.writer.QUEUE_MAX", 10)
    by_its_thread(lmdb_store)
    gate = threading.Event()
    first = lmdb_store._submit(lambda _: gate.wait(FOR_EVER_S))
    while lmdb_store._writer._queue:
        pass
    asked = [lmdb_store.create_list(f"list {i}", NOW) for i in range(12)]
    gate.set()
    wait(first)
    refused = [one for one in asked if isinstance(one.exception(), StoreFailedError)]
    assert len(refused) == 2
    assert "waiting already" in str(refused[0].exception())
    assert limits.QUEUE_MAX > 10


def test_an_empty_batch_is_a_commit_that_the_disk_must_take(lmdb_store):
    file = lmdb_store._engine.folder / "data.mdb"
    before = file.read_bytes()
    assert wait(lmdb_store.apply([])) == ()
    assert file.read_bytes() != before


def test_who_yields_leaves_others_time_between_its_commits(tmp_path, monkeypatch):
    paused, store = [], open_store(tmp_path, linger_s=0.001, yields=True)
    turn = store._writer._turn

    def sleep(seconds):
        paused.append((seconds, turn.locked()))

    monkeypatch.setattr("dialerd.store.writer.time.sleep", sleep)
    made = wait(store.create_list("a", NOW)).list_id
    for first in range(3):
        wait(store.add_contacts(made, people(10, 84_900_000_000 + 100 * first)))
    commits = store.figures()["commits"]
    store.close()
    assert len(paused) == commits == 4
    low, high = limits.YIELD_S_MIN, limits.YIELD_S_MAX
    assert all(low <= seconds <= high and not locked for seconds, locked in paused)


def test_nobody_else_waits_between_commits(lmdb_store, monkeypatch):
    by_its_thread(lmdb_store)
    monkeypatch.setattr("dialerd.store.writer.time.sleep", lambda seconds: pytest.fail("it waits"))
    wait(lmdb_store.create_list("a", NOW))
    assert lmdb_store.figures()["commits"] == 1


def test_figures(lmdb_store):
    running(lmdb_store, filled_list(lmdb_store, "a", people(5)))
    claims = take(lmdb_store)
    wait(lmdb_store.apply([begin(1), finish(1)]))
    found = lmdb_store.figures()
    assert len(claims) == 5
    assert found["commits"] == found["jobs"] >= 7
    assert found["failures"] == 0
    assert 0 < found["commit_s_max"] <= found["commit_s_sum"]
    assert found["file_bytes"] >= found["used_bytes"] > 0


def test_what_was_committed_before_the_disk_failed_is_not_told_as_failed(patient, monkeypatch):
    """The jobs of a group with a mistake run one by one; the disk fails behind the first."""
    wait(patient.create_list("there", NOW))
    engine, made = patient._engine, patient._writer._transact_once

    def once(group):
        done = made(group)
        if len(group) == 1:
            engine.broken = StoreFailedError("the disk")
        return done

    monkeypatch.setattr(patient._writer, "_transact_once", once)

    async def work():
        names = ("new", "there", "newer")
        asked = [patient.create_list(name, NOW) for name in names]
        return await asyncio.gather(*asked, return_exceptions=True)

    patient._writer._linger_s = 0.7
    first, *others = asyncio.run(work())
    assert first.name == "new"
    assert [type(one) for one in others] == [StoreFailedError] * 2
    engine.broken = None
    assert [one.name for one in patient.lists()] == ["there", "new"]
