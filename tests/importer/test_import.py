"""Files into lists, end to end: what is stored, what is counted, what is refused and reported."""

from __future__ import annotations

import asyncio
import csv
import os
import threading
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dialerd.core.numbering import load_numbering
from dialerd.core.ports import ContactsAdded, Store, StoreFailedError
from dialerd.core.records import Contact
from dialerd.core.spreadsheet import safe, visible
from dialerd.importer.batch import DUPLICATE
from dialerd.importer.io_import import ImportFailedError, Options, import_file
from dialerd.importer.limits import BATCH_ROWS, BATCHES_IN_FLIGHT
from dialerd.importer.summary import Summary
from dialerd.store import MemoryStore, open_store
from fastpath.numbers import Numbering

PLAN = (Path(__file__).parents[2] / "conf/numbering/vn.toml").read_text()
NOW_MS = 1_700_000_000_000

MESSY = """Họ và tên;Số điện thoại;Ghi chú
Lan;0912 345 678;gọi sau 17h
Hùng;01681234567;
Mai;+84912345678;"hai
dòng"
Hoa;113;
;;
Tý;"=cmd|' /C calc'!A0";
Bà;0438221234;x;thừa
Tư;1900 1234;
Út;;
"""


@pytest.fixture(scope="module")
def numbering() -> Numbering:
    return load_numbering(PLAN)


def run(
    path: Path, numbering: Numbering, store: Store | None, **options: object
) -> tuple[Summary, list[tuple[str, ...]]]:
    summary = asyncio.run(
        import_file(
            path,
            "khách",
            numbering,
            store,
            at_ms=NOW_MS,
            options=Options(**options),  # type: ignore[arg-type]
        )
    )
    if summary.reject_file in (None, os.devnull):
        return summary, []
    with open(summary.reject_file, encoding="utf-8-sig", newline="") as file:
        head, *rows = (tuple(row) for row in csv.reader(file))
    assert head == ("row", "text", "reason")
    return summary, rows


def people(store: MemoryStore, name: str) -> list[Contact]:
    """The list's rows, through a campaign's report: the only way the protocol shows them."""
    from dialerd.core.records import CampaignSettings, CampaignState, Flow, FlowStep

    async def read() -> list[Contact]:
        found = store.find_list(name)
        settings = CampaignSettings(
            "all", found.list_id, Flow((FlowStep("a", "hello"),)), "loopback"
        )
        made = await store.create_campaign(settings, "test", NOW_MS)
        await store.move_campaign(made.campaign_id, CampaignState.APPROVED, "test", NOW_MS)
        return [row.contact for chunk in store.report(made.campaign_id) for row in chunk]

    return asyncio.run(read())


def test_a_messy_file(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(MESSY, encoding="utf-8-sig")
    store = MemoryStore()
    summary, rejects = run(path, numbering, store)
    assert people(store, "khách") == [
        Contact(
            84912345678,
            "0912 345 678",
            "vinaphone",
            {"Họ và tên": "Lan", "Ghi chú": "gọi sau 17h"},
        ),
        Contact(84381234567, "01681234567", "viettel", {"Họ và tên": "Hùng"}),
        Contact(
            842438221234,
            "0438221234",
            "",
            {"Họ và tên": "Bà", "Ghi chú": "x", "column_4": "thừa"},
        ),
    ]
    store.close()
    assert rejects == [
        ("4", "'+84912345678", DUPLICATE),
        ("5", "113", "emergency: an emergency number, never dialed"),
        ("7", "'=cmd|' /C calc'!A0", "too_short: too few digits"),
        ("9", "1900 1234", "premium: a 1900 number, charged at a premium rate, never dialed"),
        ("10", "", "empty: no text"),
    ]
    assert (summary.valid, summary.converted, summary.duplicate) == (3, 2, 1)
    assert (summary.rejected, summary.blank, summary.rows) == (4, 1, 9)
    assert summary.reasons == {"emergency": 1, "too_short": 1, "premium": 1, "empty": 1}
    assert summary.carriers == {"vinaphone": 1, "viettel": 1, "landline": 1}
    assert summary.columns == ("Họ và tên", "Số điện thoại", "Ghi chú", "column_4")
    assert (summary.encoding, summary.delimiter, summary.header) == ("utf-8-sig", ";", True)
    assert summary.phone_column == "Số điện thoại"
    assert summary.reject_file == str(tmp_path / "leads.rejected.csv")
    assert summary.list_id > 0


def test_a_dry_run_counts_the_same_and_stores_nothing(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(MESSY)
    store = MemoryStore()
    dry, dry_rejects = run(path, numbering, None)
    wet, wet_rejects = run(path, numbering, store)
    assert dry.dry_run
    assert dry.list_id == 0
    assert dry_rejects == wet_rejects
    for field in ("rows", "valid", "converted", "duplicate", "rejected", "blank", "reasons"):
        assert getattr(dry, field) == getattr(wet, field)
    store.close()


@pytest.mark.parametrize("row", ["0912{:06}\n", "no number\n"])
def test_a_dry_run_hears_an_interrupt_at_its_next_batch(
    tmp_path: Path, numbering: Numbering, row: str
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone\n0912345678\n" + "".join(row.format(n) for n in range(5 * BATCH_ROWS)))
    read: list[int] = []

    async def interrupted() -> None:
        task = asyncio.current_task()
        assert task is not None

        def progress(done: int, _: int) -> None:
            read.append(done)
            task.cancel()

        await import_file(path, "khách", numbering, None, at_ms=NOW_MS, progress=progress)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert len(read) == 1


def test_the_reject_file_is_for_its_owner_alone(tmp_path: Path, numbering: Numbering) -> None:
    path, rejects = tmp_path / "leads.csv", tmp_path / "leads.rejected.csv"
    path.write_text(MESSY)
    run(path, numbering, None)
    assert rejects.stat().st_mode & 0o777 == 0o600
    rejects.chmod(0o644)  # of a version that did not care
    run(path, numbering, None)
    assert rejects.stat().st_mode & 0o777 == 0o600


def test_an_import_can_be_run_again(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("phone\n" + "".join(f"09{i:08d}\n" for i in range(10_000_000, 10_005_000)))
    store = open_store(tmp_path / "data")
    first, rejects = run(path, numbering, store)
    assert (first.valid, first.rejected, rejects) == (5000, 0, [])
    assert first.reject_file is None
    assert not (tmp_path / "leads.rejected.csv").exists()
    second, rejects = run(path, numbering, store)
    assert (second.valid, second.duplicate, second.list_id) == (0, 5000, first.list_id)
    assert len(rejects) == 5000
    assert [list_.size for list_ in store.lists()] == [5000]
    third, _ = run(path, numbering, store)
    assert third.duplicate == 5000
    store.close()


def test_rejects_are_in_the_order_of_the_rows(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    bad_block = ["12"] * (BATCH_ROWS + 7)
    good = [f"09{i:08d}" for i in range(10_000_000, 10_000_000 + 3 * BATCH_ROWS)]
    rows = [*good[:100], *bad_block, *good[50:], "x", *good[:10]]
    path.write_text("phone\n" + "".join(f"{row}\n" for row in rows))
    store = open_store(tmp_path / "data")
    summary, rejects = run(path, numbering, store)
    store.close()
    numbers = [int(row) for row, _, _ in rejects]
    assert numbers == sorted(numbers)
    assert summary.valid == len(good)
    assert summary.duplicate == 60
    assert summary.rejected == len(bad_block) + 1
    assert summary.rows == len(rows)


class SlowStore(MemoryStore):
    """Counts the batches that wait at once, and fails at one of them."""

    def __init__(self, fails_at: int = -1) -> None:
        super().__init__()
        self.fails_at = fails_at
        self.batches = self.waiting = self.waiting_max = 0

    def add_contacts(self, list_id: int, contacts: Sequence[Contact], **how: Any):  # type: ignore[no-untyped-def,override]
        self.batches += 1
        number = self.batches
        add = super().add_contacts

        async def later() -> ContactsAdded:
            self.waiting += 1
            self.waiting_max = max(self.waiting_max, self.waiting)
            await asyncio.sleep(0)
            self.waiting -= 1
            if number == self.fails_at:
                raise StoreFailedError("the disk is full")
            return await add(list_id, contacts, **how)

        return asyncio.get_running_loop().create_task(later())


def many(path: Path, batches: int) -> None:
    rows = range(10_000_000, 10_000_000 + batches * BATCH_ROWS)
    path.write_text("phone\n" + "".join(f"09{i:08d}\n" for i in rows))


def test_batches_at_the_store_are_bounded(tmp_path: Path, numbering: Numbering) -> None:
    many(tmp_path / "leads.csv", 12)
    store = SlowStore()
    summary, _ = run(tmp_path / "leads.csv", numbering, store)
    store.close()
    assert summary.valid == 12 * BATCH_ROWS
    assert 1 <= store.waiting_max <= BATCHES_IN_FLIGHT + 1


def test_a_store_that_fails_ends_the_import_with_its_reason(
    tmp_path: Path, numbering: Numbering
) -> None:
    many(tmp_path / "leads.csv", 12)
    store = SlowStore(fails_at=3)
    with pytest.raises(StoreFailedError, match="the disk is full"):
        run(tmp_path / "leads.csv", numbering, store)
    assert store.batches < 12
    store.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no row in it"),
        ("\n\n", "there is no row in it"),
        ("name,city\nLan,HN\n", "no column holds phone numbers"),
        ("PK\x03\x04", "an Excel or zip file"),
    ],
)
def test_files_that_cannot_be_imported(
    tmp_path: Path, numbering: Numbering, text: str, words: str
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(text)
    store = MemoryStore()
    with pytest.raises(ImportFailedError, match=words) as caught:
        run(path, numbering, store)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert store.lists() == []
    assert list(tmp_path.iterdir()) == [path]
    store.close()


def test_reject_files_that_cannot_be_written(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(MESSY)
    for target, words in (
        (tmp_path / "none" / "x.csv", "No such file"),
        (tmp_path, "Is a directory"),
        (path, "would overwrite"),
    ):
        with pytest.raises(ImportFailedError, match=words):
            run(path, numbering, None, reject_file=target)
    assert path.read_text() == MESSY


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, numbering: Numbering) -> None:
    for rows in (2, 50_000):  # found when closing, found when writing
        path = tmp_path / "leads.csv"
        path.write_text("phone\n0912345678\n" + "12\n" * rows)
        with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
            run(path, numbering, None, reject_file=Path("/dev/full"))


def test_a_link_to_the_input_is_not_overwritten(tmp_path: Path, numbering: Numbering) -> None:
    path, link = tmp_path / "leads.csv", tmp_path / "link.csv"
    path.write_text(MESSY)
    os.link(path, link)
    with pytest.raises(ImportFailedError, match="would overwrite"):
        run(path, numbering, None, reject_file=link)
    assert path.read_text() == MESSY


def test_the_reject_file_can_be_imported_again(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("name,phone\nLan,0912345678\nMai,'+84 31 2345678\nHoa,030 1234567\n")
    _, rejects = run(path, numbering, None)
    assert [reason.partition(":")[0] for _, _, reason in rejects] == ["ambiguous"] * 2
    older = load_numbering(PLAN.replace("convert = []", 'convert = ["030", "031"]'))
    again, rejects = run(tmp_path / "leads.rejected.csv", older, None, mapping={"text": "phone"})
    assert (again.valid, again.converted, rejects) == (2, 2, [])


def test_a_hint_line_of_a_spreadsheet(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    for hint in ("sep=;\r\n", '"sep=;"\n', "SEP=;\n"):
        path.write_text(f"{hint}name;phone\nLan, Hà Nội;0912345678\n")
        summary, _ = run(path, numbering, None)
        assert (summary.delimiter, summary.valid, summary.rows) == (";", 1, 1)


def test_a_pipe(tmp_path: Path, numbering: Numbering) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("phone\n0912345678\n"))
    writer.start()
    summary, _ = run(pipe, numbering, None, reject_file=tmp_path / "r.csv")
    writer.join()
    assert summary.valid == 1


def test_memory_does_not_grow_with_the_file(tmp_path: Path, numbering: Numbering) -> None:
    """Rows are dropped as they are read; only refused rows here, so that no store holds them."""
    peaks = []
    for size in (3 * BATCH_ROWS, 15 * BATCH_ROWS):
        path = tmp_path / "big.csv"
        path.write_text("phone,note\n" + f"12,{'x' * 200}\n" * size)
        tracemalloc.start()
        summary, _ = run(path, numbering, None, reject_file=Path(os.devnull))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert summary.rejected == size
    assert peaks[1] < peaks[0] * 1.5
    assert peaks[1] < 16 << 20


def test_progress_reaches_the_end(tmp_path: Path, numbering: Numbering) -> None:
    path = tmp_path / "leads.csv"
    many(path, 3)
    seen: list[tuple[int, int]] = []
    asyncio.run(
        import_file(path, "x", numbering, None, at_ms=0, progress=lambda a, b: seen.append((a, b)))
    )
    size = path.stat().st_size
    assert [total for _, total in seen] == [size] * 3
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == size


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("0912345678", "0912345678"),
        ("Nguyễn Văn Ẩn", "Nguyễn Văn Ẩn"),
        ("=1+1", "'=1+1"),
        ("+84912345678", "'+84912345678"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "␉=1"),
        ("\r\n=1", "␍␊=1"),
        ("a;=1", "a;'=1"),
        ("＝1", "'＝1"),
        ("a\x00b\x1b[0m\x7f", "a␀b␛[0m␡"),
        ("", ""),
    ],
)
def test_cells_are_safe_in_a_spreadsheet(text: str, cell: str) -> None:
    assert safe(visible(text)) == cell
