"""Recordings of unanswered calls: their prints, and groups of the same announcement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dialerd.detect import bank_learn
from dialerd.detect.bank import AnnouncementBank, compose
from dialerd.detect.bank_file import Announcement, Kind
from dialerd.detect.bank_learn import (
    Clusters,
    Heard,
    cluster,
    load_clusters,
    save_clusters,
    with_known,
)
from dialerd.detect.bank_prints import SECONDS_MAX, agreement, prints_of
from fastpath.prints_bank import PrintBank
from tests.detect.spoken import announcement, call, ringback, silence

EMPTY = AnnouncementBank(PrintBank([]), (), (), (), ())


def recordings() -> list[Heard]:
    """Three announcements, four calls each, and calls that only rang."""
    made = []
    for number, kind in enumerate((Kind.SWITCHED_OFF, Kind.INVALID, Kind.BUSY)):
        one, gap = announcement(kind), silence(1.2)
        calls = [
            call(silence(0.5), one, gap, one),
            call(one[5_000:], gap, one[:20_000], codec="gsm", snr_db=25, seed=2),
            call(ringback(4), ringback(3.3), one, gap, one, codec="alaw", snr_db=20, seed=3),
            call(one, snr_db=15, seed=4),
        ]
        made += [Heard(f"{kind}-{k}", prints_of(each)) for k, each in enumerate(calls[number:])]
    made.append(Heard("rings", prints_of(call(ringback(5), ringback(5), ringback(5)))))
    return made


def kinds(found: Clusters) -> list[set[str]]:
    return [{member.path.rpartition("-")[0] for member in one.members} for one in found.clusters]


def test_recordings_of_one_announcement_come_together() -> None:
    told: list[tuple[int, int]] = []
    found = cluster(recordings(), EMPTY, lambda done, total: told.append((done, total)))
    assert kinds(found) == [{"switched_off"}, {"invalid"}, {"busy"}]
    assert [one.size for one in found.clusters] == [4, 3, 2]
    assert [one.name for one in found.clusters] == ["c1", "c2", "c3"]
    assert not any(one.known for one in found.clusters)
    assert told[-1] == (9, 10)


def test_what_the_bank_knows_is_told_and_comes_last() -> None:
    prints = prints_of(announcement(Kind.SWITCHED_OFF))
    entry = Announcement("tắt máy", Kind.SWITCHED_OFF, "viettel", "a.prints", "0" * 64)
    composed, shared, _ = compose([(entry.kind, prints)])
    bank = AnnouncementBank(composed, (entry,), (prints,), (Path("a.toml"),), shared)
    found = cluster(recordings(), bank)
    assert kinds(found) == [{"invalid"}, {"busy"}, {"switched_off"}]
    assert found.clusters[-1].known == "switched_off:viettel:tắt máy"
    assert found.clusters[-1].size == 4


def test_a_recording_that_only_shares_a_phrase_is_a_group_of_its_own() -> None:
    one, other = announcement(Kind.SWITCHED_OFF), announcement(Kind.BUSY)
    both = [np.hstack([one[:20_000], other]), np.hstack([other[10_000:], one[:20_000]])]
    heard = [Heard(str(k), prints_of(call(each))) for k, each in enumerate([one, *both])]
    assert [one.size for one in cluster(heard, EMPTY).clusters] == [1, 1, 1]


def test_groups_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_learn, "GROUPS_MAX", 2)
    assert len(cluster(recordings(), EMPTY).clusters) == 2


def test_more_first_recordings_than_a_shelf_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_learn, "SHELF", 1)
    assert kinds(cluster(recordings(), EMPTY)) == [{"switched_off"}, {"invalid"}, {"busy"}]


def test_a_repeated_announcement_is_kept_once_and_a_bit() -> None:
    one = announcement(Kind.INVALID)
    prints = prints_of(call(ringback(4), *[one, silence(1)] * 4))
    single = prints_of(call(one))
    assert single.seconds == pytest.approx(len(one) / 8_000, abs=0.3)
    assert prints.seconds == pytest.approx(single.seconds + 1 + 4, abs=0.5)
    ber, good, compared = min(agreement(single, prints, shift) for shift in range(-8, 9))
    assert ber < 0.15
    assert good == 1.0
    assert compared > 0.7 * len(single)


def test_only_the_beginning_of_a_long_recording_is_used() -> None:
    rng = np.random.default_rng(1)
    noise = (rng.standard_normal(8_000 * 90) * np.repeat(rng.random(90), 8_000) * 8_000).clip(
        -32_768, 32_767
    )
    assert 50 < prints_of(noise.astype(np.int16)).seconds <= SECONDS_MAX


def test_what_does_not_lie_beside_anything_does_not_agree() -> None:
    prints = prints_of(announcement(Kind.BUSY))
    assert agreement(prints, prints, len(prints)) == (0.5, 0.0, 0)
    assert agreement(prints, prints, 0)[:2] == (0.0, 1.0)
    quiet = prints.part(0, 40)
    silent = type(prints)(quiet.codes, quiet.masks, b"\1" * 40)
    assert agreement(silent, prints, 0) == (0.5, 0.0, 0)


def test_groups_are_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "clusters.json"
    found = cluster(recordings()[:3], EMPTY)
    save_clusters(path, found)
    assert load_clusters(path) == found
    labelled = with_known(found, "c1", "busy:viettel:x")
    assert labelled.clusters[0].known == "busy:viettel:x"
    path.write_text('{"clusters": [], "version": 9}')
    with pytest.raises(ValueError, match="learn again"):
        load_clusters(path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"clusters\.json"):
        load_clusters(path)
    with pytest.raises(FileNotFoundError):
        load_clusters(tmp_path / "none")
