"""Records of what ended go when everybody has taken them, in steps, and nothing is missed by it."""

from __future__ import annotations

import json

import pytest

from dialerd.core.ports import ConflictError, StoreError
from dialerd.store import copies, ended, exporting, open_store, wait
from dialerd.store.cdr_files import CURSOR_NAME
from dialerd.store.retention import STEP, Days, Retention
from dialerd.store.schema import Cursor, number64
from tests.store.killing import lines
from tests.store.kit import NOW, begin, call, filled_list, finish, people, running, take
from tests.store.test_cdr_files import cdr
from tests.store.test_exporting import ZONE, export, taken

DAY = 86_400_000


def over(store, ages: list[int], name: str = "a") -> None:
    """A call for each age in days, the oldest first."""
    first = 84_912_000_000 + 10_000 * len(store.lists())
    campaign = running(store, filled_list(store, name, people(len(ages), first)), name)
    for claim, age in zip(take(store, campaign.campaign_id, len(ages)), ages, strict=True):
        call(store, claim, at_ms=NOW - age * DAY)


def trim(store, days: int = 30, needs: tuple[str, ...] = (), dry: bool = False) -> int:
    work = Retention(
        store, None, Days(ended=days), {}, now_ms=NOW, secret=bytes(32), dry=dry, takers=needs
    )
    for _ in work.steps():
        pass
    return work.counts["ended"]


def left(store) -> list[int]:
    return [one.seq for one in store.ended(0, 10_000)]


def stand(store, name: str, seq: int) -> None:
    wait(store.move_cursor(store.cursor(name), Cursor(name, seq)))


def test_what_is_old_and_taken_goes_and_the_numbers_go_on(store):
    over(store, [50, 40, 31, 29, 10])
    stand(store, "crm", 5)
    assert trim(store, dry=True) == 3
    assert left(store) == [1, 2, 3, 4, 5]
    assert trim(store) == 3
    assert left(store) == [4, 5]
    assert trim(store) == 0
    assert store.problems() == []
    over(store, [1], "b")
    assert left(store) == [4, 5, 6]
    assert store.last_ended() == 6
    assert trim(store, days=1) == 2  # the cursor has not taken the last one
    stand(store, "crm", 6)
    assert trim(store, days=1) == 1
    assert left(store) == []
    over(store, [1], "c")
    assert left(store) == [7]
    assert [line.counts["ended"] for line in store.audit()] == [3, 2, 1]
    assert store.problems() == []


def test_nothing_goes_before_every_cursor_has_it(store):
    over(store, [50, 50, 50, 50])
    stand(store, "crm", 3)
    stand(store, "slow", 1)
    assert trim(store) == 1
    assert left(store) == [2, 3, 4]
    wait(store.remove_cursor("slow"))
    assert trim(store) == 2
    assert left(store) == [4]


def test_who_is_to_take_them_is_waited_for_before_it_has_begun(store):
    over(store, [50, 50])
    assert trim(store, needs=(CURSOR_NAME,)) == 0
    stand(store, CURSOR_NAME, 1)
    assert trim(store, needs=(CURSOR_NAME,)) == 1
    assert left(store) == [2]


def test_a_younger_one_keeps_those_behind_it(store):
    """They ended in this order; a wall clock that was moved back makes nothing older."""
    over(store, [50, 2, 50])
    assert trim(store) == 1
    assert left(store) == [2, 3]


def test_a_new_cursor_begins_with_the_oldest_that_is_left(lmdb_store, tmp_path):
    over(lmdb_store, [50, 50, 1, 1])
    assert trim(lmdb_store) == 2
    assert lmdb_store.cursor("crm") == Cursor("crm", 2)
    (file,) = export(lmdb_store, tmp_path)
    assert file.name == "crm-000000000003-000000000004.jsonl"
    assert taken(tmp_path) == [3, 4]
    files = cdr(lmdb_store, tmp_path / "cdr")
    assert files.write("d", NOW) == 2
    assert lines(tmp_path / "cdr") == [3, 4]
    files.write("e", NOW)
    over(lmdb_store, [1], "b")
    files.write("e", NOW)
    assert (tmp_path / "cdr" / "cdr-000000000003-000000000004.jsonl").exists()
    assert lmdb_store.problems() == []


def test_a_first_export_across_a_trim_gives_up_and_goes_again(lmdb_store, tmp_path, monkeypatch):
    """The cursor of a first export stands nowhere yet: what it began to write is not all there."""
    over(lmdb_store, [50, 50, 1])
    real = lmdb_store.ended

    def trimmed(after: int, limit: int):
        found = real(after, limit)
        trim(lmdb_store)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(lmdb_store, "ended", trimmed)
        with pytest.raises(ConflictError, match="moved by another program"):
            export(lmdb_store, tmp_path)
    assert list(tmp_path.glob("*.part")) == []
    assert [one.name for one in export(lmdb_store, tmp_path)] == [
        "crm-000000000003-000000000003.jsonl"
    ]


def test_what_is_missing_is_never_passed_over(lmdb_store, tmp_path):
    over(lmdb_store, [1, 1, 1])
    wait(lmdb_store._submit(lambda unit: unit.t.ended.delete(number64(1))))
    with pytest.raises(StoreError, match="record 1 of what ended is missing"):
        list(exporting.export(lmdb_store, "crm", tmp_path, "jsonl", ZONE, NOW))
    with pytest.raises(StoreError, match="record 1 of what ended is missing"):
        cdr(lmdb_store, tmp_path / "cdr").write("d", NOW)


def test_many_go_in_steps_of_a_bounded_size(lmdb_store):
    count = 2 * STEP + 7
    campaign = running(lmdb_store, filled_list(lmdb_store, "a", people(count)))
    claims = take(lmdb_store, campaign.campaign_id, 1_000)
    claims += take(lmdb_store, campaign.campaign_id, 1_000)
    for at in range(0, count, 100):
        some = claims[at : at + 100]
        wait(lmdb_store.apply([begin(one.attempt_id) for one in some]))
        wait(lmdb_store.apply([finish(one.attempt_id, at_ms=NOW - 40 * DAY) for one in some]))
    work = Retention(lmdb_store, None, Days(ended=30), {}, now_ms=NOW, secret=bytes(32))
    sizes = [len(left(lmdb_store)) for _ in work.steps()]
    assert sizes == [STEP + 7, 7, 0]
    assert lmdb_store.problems() == []


def test_a_trim_that_is_killed_is_gone_on_with(tmp_path):
    """It lies in one transaction a step with its counters: what is found is sound, and goes on."""
    store = open_store(tmp_path, linger_s=0.0)
    over(store, [50] * 9)
    assert wait(store._submit(lambda unit: ended.trim(unit, NOW, (), 4))) == 4
    store.close()
    assert copies.check(tmp_path).sound
    store = open_store(tmp_path, linger_s=0.0)
    assert trim(store) == 5
    assert store.problems() == []
    store.close()


@pytest.mark.parametrize("damage", ["number", "sum", "record", "cursor"])
def test_fsck_tells_when_what_was_taken_away_is_not_what_is_counted(lmdb_store, damage):
    over(lmdb_store, [50, 50, 1, 1])
    trim(lmdb_store)

    def change(unit) -> None:
        if damage == "number":
            unit.set_counter(ended.TRIMMED, 1)
        elif damage == "sum":
            unit.set_counter(ended.TRIMMED_IDS, 7)
        elif damage == "record":  # another attempt in the place of one that is left
            unit.t.ended.put(number64(3), unit.t.ended.get(number64(4)))
        else:
            unit.t.cursors.put(b"late", ended.CURSOR.pack(Cursor("late", 1)))
        unit.flush()

    assert lmdb_store.problems() == []
    wait(lmdb_store._submit(change))
    assert lmdb_store.problems()


def test_a_line_of_what_was_exported_before_is_whole(lmdb_store, tmp_path):
    """A cursor that has taken some goes on behind them, whatever went meanwhile."""
    over(lmdb_store, [50, 50, 50])
    files = export(lmdb_store, tmp_path, rows=2)
    assert len(files) == 2
    trim(lmdb_store)
    over(lmdb_store, [50], "b")
    (file,) = export(lmdb_store, tmp_path)
    assert json.loads(file.read_text())["seq"] == 4
