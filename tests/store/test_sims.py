"""SIMs and their texts: kept once, bounded, erased with a number, in backups, over kill -9."""

from __future__ import annotations

import os
import subprocess

import pytest

from dialerd.core.modem_records import SimCard, SimText
from dialerd.core.ports import StoreFailedError
from dialerd.store import copies, open_store, sims, wait
from dialerd.store.engine import TABLE_NAMES
from dialerd.store.reading import scan_all
from dialerd.store.retention import Days, Retention
from tests.store.kit import FIRST, NOW, filled_list, people
from tests.store.test_crash import run_until_killed

DAY = 86_400_000


def text(number: int = 0, phone: int = FIRST, **more) -> SimText:
    fields = {"at": f"2026-09-21T10:00:{number % 60:02d}+07:00", "arrived_ms": NOW + number}
    fields |= {"text": f"xin chào {number}", "whole": True, "port": "sims/1", "iccid": "8984"}
    return SimText(**(fields | {"sender": f"+{phone}", "phone": phone} | more))


def card(number: int = 0, **more) -> SimCard:
    return SimCard(f"8984{number:015d}", **({"port": "sims/1", "seen_ms": NOW + number} | more))


def texts(store) -> list[str]:
    return [one.text for _, one in store.texts(0, 100)]


def traces(store, phone: int) -> int:
    """How often a number is somewhere in the file."""

    def read(unit):
        return sum(
            (key + value).count(form)
            for name in TABLE_NAMES
            for key, value in scan_all(getattr(unit.t, name), b"", b"\xff" * 64)
            for form in (phone.to_bytes(8), str(phone).encode())
        )

    return store._read(read)


def test_a_card_is_as_it_was_told_last(store):
    locks = {"rest": NOW + 60_000, "blocked": -1}
    wait(store.keep_cards([card(1), card(2), card(1, failed=3, locks=locks, pin_refused=True)]))
    found = {one.iccid: one for one in store.cards()}
    assert len(found) == 2
    one = found[card(1).iccid]
    assert (one.failed, one.locks, one.pin_refused) == (3, locks, True)


def test_of_too_many_cards_those_seen_longest_ago_go(store, monkeypatch):
    monkeypatch.setattr(sims, "CARDS_MAX", 3)
    wait(store.keep_cards([card(n) for n in (5, 1, 4)]))
    wait(store.keep_cards([card(9), card(7)]))
    assert {one.seen_ms - NOW for one in store.cards()} == {5, 7, 9}


def test_a_text_that_is_read_twice_is_kept_once(store):
    assert wait(store.keep_text(text(1))) is True
    assert wait(store.keep_text(text(1, arrived_ms=NOW + DAY, port="sims/2"))) is False
    assert wait(store.keep_text(text(2))) is True
    assert wait(store.keep_text(text(1, iccid="8985"))) is True  # the same to another SIM
    assert texts(store) == ["xin chào 1", "xin chào 2", "xin chào 1"]


def test_without_the_centres_time_every_arrival_is_another(store):
    for at in (NOW, NOW + 1):
        assert wait(store.keep_text(text(1, at="", arrived_ms=at))) is True
    assert len(texts(store)) == 2


def test_of_too_many_texts_the_oldest_goes(store, monkeypatch):
    monkeypatch.setattr(sims, "TEXTS_MAX", 3)
    for n in range(7):
        wait(store.keep_text(text(n, FIRST + n % 2)))
    assert texts(store) == [f"xin chào {n}" for n in (4, 5, 6)]
    (page,) = store.texts(6, 100)
    assert page[0] == 7
    assert store.texts(7, 100) == []


def test_what_a_number_wrote_is_shown_and_erased_with_it(store):
    filled_list(store, "a", people(3))
    for n in range(4):
        wait(store.keep_text(text(n, FIRST + n % 2)))
    wait(store.keep_text(text(9, 0, sender="Viettel")))
    assert [one.text for one in store.about(FIRST).texts] == ["xin chào 0", "xin chào 2"]
    assert wait(store.erase(FIRST, "an", NOW))["texts"] == 2
    assert traces(store, FIRST) == 0
    assert texts(store) == ["xin chào 1", "xin chào 3", "xin chào 9"]
    assert store.about(0).texts == ()


def test_a_number_of_no_list_that_wrote_is_erased_too(store):
    wait(store.keep_text(text(1, FIRST + 77)))
    assert wait(store.erase(FIRST + 77, "an", NOW))["texts"] == 1
    assert traces(store, FIRST + 77) == 0
    assert store.audit()[-1].counts["texts"] == 1


@pytest.mark.parametrize("dry", [True, False])
def test_old_texts_go_by_age_in_steps(store, tmp_path, monkeypatch, dry):
    monkeypatch.setattr(sims, "STEP_ROWS", 2)
    monkeypatch.setattr("dialerd.store.retention.STEP_ROWS", 2)
    for n in range(5):
        wait(store.keep_text(text(n, arrived_ms=NOW - 10 * DAY + n)))
    wait(store.keep_text(text(9, arrived_ms=NOW - DAY)))
    days = Days(texts=5)
    work = Retention(store, tmp_path, days, {}, now_ms=NOW, secret=bytes(32), dry=dry)
    assert sum(1 for _ in work.steps()) == 3
    assert work.counts["texts"] == 5
    assert len(texts(store)) == (6 if dry else 1)


def test_people_who_go_by_age_take_their_texts_along(store, tmp_path):
    filled_list(store, "a", people(2))
    wait(store.keep_text(text(1)))
    wait(store.keep_text(text(2, FIRST + 500)))
    days = Days(people=1)
    work = Retention(store, tmp_path, days, {}, now_ms=NOW + 2 * DAY, secret=bytes(32))
    list(work.steps())
    assert texts(store) == ["xin chào 2"]


def test_a_backup_has_them(tmp_path):
    folder = tmp_path / "data"
    store = open_store(folder)
    wait(store.keep_cards([card(1, locks={"blocked": -1})]))
    wait(store.keep_text(text(1)))
    store.close()
    made = copies.backup(folder, tmp_path / "b.mdb")
    store = open_store(folder)
    wait(store.keep_cards([card(1)]))
    wait(store.keep_text(text(2)))
    store.close()
    assert made.findings.records["sim_cards"] == made.findings.records["texts"] == 1
    copies.restore(made.file, folder)
    store = open_store(folder)
    assert texts(store) == ["xin chào 1"]
    assert store.cards()[0].locks == {"blocked": -1}
    assert store.problems() == []
    store.close()


WRITER = """
import sys
from dialerd.store import open_store, wait
from tests.store.test_sims import card, text
store = open_store(sys.argv[1], linger_s=0.0)
for n in range(100_000):
    wait(store.keep_cards([card(n % 7, calls=n)]))
    wait(store.keep_text(text(n, at=str(n))))
    print(n, flush=True)
"""


def test_what_was_kept_is_there_after_a_kill(tmp_path):
    lines = run_until_killed(tmp_path, WRITER, 30)
    last = int(lines[-1][0])
    store = open_store(tmp_path)
    assert store.problems() == []
    found = [one.at for _, one in store.texts(0, 10_000)]
    assert found in ([str(n) for n in range(last + 1)], [str(n) for n in range(last + 2)])
    assert max(one.calls for one in store.cards()) in (last, last + 1)
    store.close()


def test_a_full_disk_refuses_and_leaves_what_is_there(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], check=True)
    try:
        store = open_store(tmp_path, linger_s=0.0)
        kept = 0
        while True:
            more = text(kept, at=str(kept), text=f"{kept} {os.urandom(700).hex()}")
            refusal = store.keep_text(more).exception(30)
            if refusal is not None:
                break
            kept += 1
        assert isinstance(refusal, StoreFailedError)
        assert kept > 100
        assert [one.at for _, one in store.texts(0, 10_000)] == [str(n) for n in range(kept)]
        assert store.problems() == []
        store.close()
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)
