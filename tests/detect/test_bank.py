"""The bank of announcements: its files, what is wrong with them, its limits, what is shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dialerd.detect import bank as banks
from dialerd.detect.bank import AnnouncementBank, compose, load_bank
from dialerd.detect.bank_file import (
    FILE_BYTES_MAX,
    KIND_TEXTS,
    PRINTS_MAX,
    Kind,
    file_name,
    pack,
    read_announcement,
    unpack,
    write_announcement,
)
from dialerd.detect.bank_prints import Prints, prints_of
from dialerd.toml_load import TomlError
from fastpath.prints import PrintMatcher
from tests.detect.spoken import announcement, call, silence


def some_prints(kind: Kind = Kind.INVALID) -> Prints:
    return prints_of(announcement(kind))


def put(folder: Path, kind: Kind, carrier: str = "viettel", label: str = "Số không đúng") -> Path:
    return write_announcement(folder, some_prints(kind), label=label, kind=kind, carrier=carrier)


def load(folder: Path) -> AnnouncementBank:
    return load_bank(folder)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write_announcement(
        tmp_path, some_prints(), label='Số "không" đúng', kind=Kind.INVALID, carrier="viettel",
        language="vi", made_of="a.wav",
    )  # fmt: skip
    assert path == tmp_path / "viettel" / "so-khong-dung.toml"
    found, prints = read_announcement(path)
    assert prints == some_prints()
    assert (found.label, found.kind, found.carrier) == ('Số "không" đúng', "invalid", "viettel")
    assert (found.language, found.made_of) == ("vi", "a.wav")
    assert found.seconds == pytest.approx(len(announcement(Kind.INVALID)) / 8_000, abs=0.3)
    assert found.value == 'invalid:viettel:Số "không" đúng'


def test_a_bank_tells_what_a_call_hears(tmp_path: Path) -> None:
    for kind in (Kind.INVALID, Kind.SWITCHED_OFF, Kind.BUSY):
        put(tmp_path, kind, label=kind)
    bank = load(tmp_path)
    assert len(bank) == 3
    assert bank.shared == (0.0, 0.0, 0.0)
    for kind in (Kind.INVALID, Kind.SWITCHED_OFF, Kind.BUSY):
        heard = call(silence(0.7), announcement(kind), codec="gsm", snr_db=20)
        (sure,) = (one for one in PrintMatcher(bank.prints).hear(heard.data) if one.sure)
        assert bank.entries[sure.ref].kind is kind
        assert bank.paths[sure.ref].stem == file_name(kind)


def test_a_bank_is_read_once_until_its_files_change(tmp_path: Path) -> None:
    put(tmp_path, Kind.INVALID)
    first = load_bank(tmp_path)
    assert load_bank(tmp_path) is first
    put(tmp_path, Kind.BUSY)
    assert len(load_bank(tmp_path)) == 2


def test_the_bank_that_comes_with_dialerd_can_be_loaded() -> None:
    assert banks.DEFAULT.is_dir()
    assert load(banks.DEFAULT).entries == load_bank().entries


def test_a_folder_that_is_not_there_is_an_empty_bank(tmp_path: Path) -> None:
    bank = load(tmp_path / "nothing")
    assert len(bank) == 0
    assert PrintMatcher(bank.prints).hear(announcement(Kind.BUSY).data) == []


def test_names_that_are_taken_get_a_number(tmp_path: Path) -> None:
    names = [put(tmp_path, Kind.INVALID).stem for _ in range(3)]
    assert names == ["so-khong-dung", "so-khong-dung-2", "so-khong-dung-3"]
    assert file_name("!!!") == "announcement"
    assert len(file_name("a" * 100)) == 60


@pytest.mark.parametrize(
    ("change", "line", "text"),
    [
        (('class = "invalid"', 'class = "invald"'), 3, "invalid"),
        (('carrier = "viettel"', 'carrier = "mobi"'), 4, "folder of 'viettel'"),
        (("sha256 = ", 'sha = "x"\nsha256 = '), 9, "sha"),
        (('label = "S', 'label = "\\u0000S'), 2, "label"),
        (('prints = "so', 'prints = "../so'), 8, "prints"),
        (('prints = "so', 'prints = "gone-so'), 8, "cannot read gone-so-khong-dung.prints"),
    ],
)
def test_faults_name_their_line(
    tmp_path: Path, change: tuple[str, str], line: int, text: str
) -> None:
    path = put(tmp_path, Kind.INVALID)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(TomlError, match=text) as told:
        load(tmp_path)
    assert told.value.findings[0].line == line
    assert f"{path}:{line}:" in str(told.value)


def test_all_files_that_are_wrong_are_told(tmp_path: Path) -> None:
    for kind in (Kind.INVALID, Kind.BUSY):
        path = put(tmp_path, kind, label=kind)
        path.with_suffix(".prints").write_bytes(b"x")
    with pytest.raises(TomlError) as told:
        load(tmp_path)
    assert len(told.value.findings) == 2
    assert str(told.value).count("no file of prints") == 2


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no file of prints"),
        (b"DLPRINT\x02" + bytes(9), "version"),
        (b"DLPRINT\x01" + bytes(4), "0 prints"),
        (b"DLPRINT\x01" + (PRINTS_MAX + 1).to_bytes(4, "little"), "prints; 1 to"),
        (b"DLPRINT\x01" + (2).to_bytes(4, "little") + bytes(9), "21 octets instead of 22"),
        (bytes(FILE_BYTES_MAX + 1), "larger than"),
    ],
)
def test_prints_that_are_none_are_refused(tmp_path: Path, data: bytes, text: str) -> None:
    path = put(tmp_path, Kind.INVALID)
    path.with_suffix(".prints").write_bytes(data)
    with pytest.raises(TomlError, match=text):
        load(tmp_path)


def test_any_changed_octet_is_found(tmp_path: Path) -> None:
    path = put(tmp_path, Kind.INVALID)
    data = bytearray(path.with_suffix(".prints").read_bytes())
    data[len(data) // 2] ^= 1
    path.with_suffix(".prints").write_bytes(data)
    with pytest.raises(TomlError, match="was changed"):
        load(tmp_path)


def test_packing_is_undone_by_unpacking() -> None:
    assert unpack(pack(some_prints())) == some_prints()


@pytest.mark.parametrize(
    "wrong", [{"carrier": "../x"}, {"label": "a\nb"}, {"label": ""}, {"language": "a b"}]
)
def test_names_that_are_none_are_not_written(tmp_path: Path, wrong: dict[str, str]) -> None:
    given = {"carrier": "viettel", "label": "x"} | wrong
    with pytest.raises(ValueError, match=r"small letters|1 to 80|not shown"):
        write_announcement(tmp_path / "bank", some_prints(), kind=Kind.BUSY, **given)
    assert not list(tmp_path.rglob("*.*"))


def test_nothing_is_written_of_a_recording_without_prints(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 prints"):
        write_announcement(
            tmp_path, prints_of(silence(5)), label="x", kind=Kind.BUSY, carrier="viettel"
        )


def test_the_same_recording_in_two_classes_is_shared_in_one_class_it_is_not() -> None:
    one = some_prints()
    _, shared, _ = compose([(Kind.INVALID, one), (Kind.BUSY, one)])
    assert min(shared) > 0.9
    bank, shared, _ = compose([(Kind.INVALID, one), (Kind.INVALID, one)])
    assert shared == (0.0, 0.0)
    heard = call(announcement(Kind.INVALID))
    assert [match.sure for match in PrintMatcher(bank).hear(heard.data)].count(True) == 1


def test_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = some_prints()
    monkeypatch.setattr(banks, "PRINTS_MAX", 2 * len(one) - 1)
    with pytest.raises(ValueError, match="17 minutes"):
        compose([(Kind.BUSY, one)] * 2)
    for label in "ab":
        put(tmp_path, Kind.INVALID, label=label)
    with pytest.raises(TomlError, match="17 minutes"):
        load(tmp_path)
    monkeypatch.setattr(banks, "REFS_MAX", 1)
    with pytest.raises(ValueError, match="2 announcements"):
        compose([(Kind.BUSY, one)] * 2)
    with pytest.raises(TomlError, match="more than 1"):
        load(tmp_path)


def test_every_class_says_what_it_means() -> None:
    assert set(KIND_TEXTS) == set(Kind)


def test_prints_of_what_cannot_be_one() -> None:
    for samples in (silence(0), silence(0.1), silence(10), np.full(80_000, 32_767, np.int16)):
        assert len(prints_of(samples)) == 0
