"""Numbers against `phonenumbers`, and a whole import of a file into LMDB."""

from __future__ import annotations

import asyncio
import os
import random
from itertools import count
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import carrier as phonenumbers_carrier

from dialerd.core.numbering import load_numbering
from dialerd.importer.io_import import import_file
from dialerd.store import open_store

ROOT = Path(__file__).resolve().parent.parent
SMOKE = os.environ.get("BENCH_SMOKE", "1") == "1"
NUMBERS = 1_000 if SMOKE else 200_000
NUMBERS_OF_PEER = 200 if SMOKE else 10_000  # a slow peer is asked for fewer; the unit is one number
ROWS = 500 if SMOKE else 100_000
NUMBERING = load_numbering((ROOT / "conf" / "numbering" / "vn.toml").read_text(encoding="utf-8"))

FORMS = (
    "0{a}{b}{c}",
    "+84 {a} {b} {c}",
    "84{a}{b}{c}",
    "0{a}.{b}.{c}",
    "(84){a}-{b}{c}",
    "{a}{b}{c}",
)
HEADS = ("90", "91", "98", "32", "56", "70", "77", "86")


def typed(n: int, seed: int = 1) -> list[str]:
    """Mobile numbers of today as people type them, which the peer can read as well."""
    rng = random.Random(seed)
    return [
        rng.choice(FORMS).format(
            a=rng.choice(HEADS), b=f"{rng.randrange(1000):03}", c=f"{rng.randrange(10_000):04}"
        )
        for _ in range(n)
    ]


def ours_batch(texts: list[str]) -> int:
    return sum(1 for value in NUMBERING.normalise_many(texts)[0] if value)


def ours_one_by_one(texts: list[str]) -> int:
    return sum(1 for text in texts if NUMBERING.analyse(text).dialable)


def parse_only(texts: list[str]) -> int:
    for text in texts:
        phonenumbers.parse(text, "VN")
    return len(texts)


def parse_and_check(texts: list[str]) -> int:
    valid = 0
    for text in texts:
        number = phonenumbers.parse(text, "VN")
        if phonenumbers.is_valid_number(number):
            phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            phonenumbers_carrier.name_for_number(number, "en")
            valid += 1
    return valid


READERS = {
    "ours": (ours_batch, None, NUMBERS),
    "parse": (parse_only, "phonenumbers: parse alone", NUMBERS_OF_PEER),
    "check": (parse_and_check, "phonenumbers: all of it", NUMBERS_OF_PEER),
}


@pytest.mark.benchmark(group="a typed number to E.164, validity and carrier")
@pytest.mark.parametrize("reader", READERS)
def test_numbers(benchmark, reader):
    read, peer, n = READERS[reader]
    benchmark.extra_info |= {"peer": peer, "unit": "number", "units": n}
    assert benchmark(read, typed(n)) == n


@pytest.mark.benchmark(group="a typed number explained (dialerd numbers)")
def test_explained(benchmark):
    benchmark.extra_info |= {"peer": None, "unit": "number", "units": NUMBERS // 10}
    texts = typed(NUMBERS // 10)
    assert benchmark(ours_one_by_one, texts) == len(texts)


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    """A list as a spreadsheet saves it; every number is new."""
    path = tmp_path / "leads.csv"
    with path.open("w", encoding="utf-8-sig") as file:
        file.write("STT,Họ và tên,Số điện thoại,Địa chỉ\n")
        for i in range(ROWS):
            number = f"09{10_000_000 + 331 * i % 89_999_999:08}"
            file.write(f'{i + 1},Nguyễn Văn {i},{number[:4]} {number[4:]},"{i} Lê Lợi, Quận 1"\n')
    return path


@pytest.mark.benchmark(group="a row of a CSV file into a list, durable")
def test_import(benchmark, leads, tmp_path):
    benchmark.extra_info |= {"peer": None, "unit": "row", "units": ROWS}
    names = count()
    store = open_store(tmp_path / "data", map_bytes=1 << 30)

    def run() -> int:
        name = f"list {next(names)}"
        return asyncio.run(import_file(leads, name, NUMBERING, store, at_ms=0)).valid

    try:
        assert benchmark.pedantic(run, rounds=1 if SMOKE else 3) == ROWS
    finally:
        store.close()
