"""`dialerd dnc`: the do-not-call list.

Written straight into the store, beside a running daemon, which heeds it from then on: at the claim
and again just before it dials.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from dialerd.cli.common import (
    clean,
    config_option,
    load_config,
    local_time,
    output_option,
    print_json,
    print_table,
)
from dialerd.cli.errors import FailedError
from dialerd.cli.numbers import load_numbering

if TYPE_CHECKING:
    from datetime import tzinfo

    from dialerd.core.records import DoNotCall
    from dialerd.store import LmdbStore
    from fastpath.numbers import Numbering

LINE_CHARS_MAX: Final = 200
BATCH: Final = 10_000
REFUSED_SHOWN_MAX: Final = 20

data_option = click.option(
    "--data", metavar="DIR", type=click.Path(path_type=Path), help="Data folder."
)
numbers_argument = click.argument("texts", metavar="NUMBER...", nargs=-1, required=True)


@click.group("dnc")
def dnc() -> None:
    """The do-not-call list: numbers that nobody may dial, in any campaign."""


@contextlib.contextmanager
def _opened(
    data: Path | None, config_path: str | None, *, create: bool = False, readonly: bool = False
) -> Iterator[LmdbStore]:
    from dialerd.store import open_store

    path = data or load_config(config_path).store.path
    store = open_store(path, create=create, readonly=readonly, linger_s=0.0)
    try:
        yield store
    finally:
        store.close()


def _zone(config_path: str | None, data: Path | None) -> tzinfo:
    from dialerd.config import Config, parse_zone

    config = Config() if data and not config_path else load_config(config_path)
    return parse_zone(config.dialing.zone)


class _Reader:
    """Reads texts as numbers; keeps a few of those that are none."""

    def __init__(self, numbering: Numbering) -> None:
        self._numbering = numbering
        self.refused = 0
        self.shown: list[str] = []

    def phone(self, text: str, where: str = "") -> int | None:
        """A number that could be dialed some day; whether it may be is not asked here."""
        found = self._numbering.analyse(text[:LINE_CHARS_MAX])
        if found.e164 is not None and len(text) <= LINE_CHARS_MAX:
            return int(found.e164[1:])
        self.refused += 1
        if self.refused <= REFUSED_SHOWN_MAX:
            self.shown.append(f"{where}{clean(text[:LINE_CHARS_MAX])}: {found.reason}")
        return None

    def settle(self) -> None:
        """Say what was refused, and fail for it."""
        for line in self.shown:
            click.echo(line, err=True)
        if self.refused:
            raise FailedError(f"{self.refused} of the numbers cannot be read and were left out")


@dnc.command("add")
@click.argument("texts", metavar="[NUMBER]...", nargs=-1)
@click.option(
    "--file",
    "source_file",
    metavar="FILE",
    type=click.File(encoding="utf-8-sig", errors="replace"),
    help="One number a line; - is standard input.",
)
@click.option("--source", metavar="TEXT", default="", help="Where the wish comes from.")
@data_option
@config_option
def add(
    texts: tuple[str, ...],
    source_file: TextIO | None,
    source: str,
    data: Path | None,
    config_path: str | None,
) -> None:
    """Put numbers on the list. When it returns, they are not dialed any more.

    A number that is on the list already keeps its first date and source.
    """
    from dialerd.core.records import DoNotCall
    from dialerd.store import wait

    if not texts and source_file is None:
        raise click.UsageError("name numbers, or a file with --file")
    if len(source) > LINE_CHARS_MAX or not source.isprintable():
        raise click.UsageError(f"--source takes {LINE_CHARS_MAX} printable characters at most")
    reader = _Reader(load_numbering(config_path))
    at_ms = time.time_ns() // 1_000_000
    count = new = 0
    with _opened(data, config_path, create=True) as store:
        for batch in _batches(_phones(reader, texts, source_file)):
            new += wait(store.dnc_add([DoNotCall(phone, at_ms, source) for phone in batch]))
            count += len(batch)
    click.echo(f"{new} added, {count - new} on the list before")
    reader.settle()


def _phones(reader: _Reader, texts: Iterable[str], source_file: TextIO | None) -> Iterator[int]:
    for text in texts:
        if (phone := reader.phone(text)) is not None:
            yield phone
    for number, line in enumerate(_lines(source_file), 1):
        text = line.strip()
        if text and (phone := reader.phone(text, f"line {number}: ")) is not None:
            yield phone


def _lines(file: TextIO | None) -> Iterator[str]:
    """The lines of a file; of a line without end only as much as shows that it is no number."""
    while file is not None and (line := file.readline(LINE_CHARS_MAX + 2)):
        rest = line
        while not rest.endswith("\n") and rest:
            rest = file.readline(LINE_CHARS_MAX + 2)
        yield line


def _batches(phones: Iterable[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    for phone in phones:
        batch.append(phone)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@dnc.command("remove")
@numbers_argument
@data_option
@config_option
def remove(texts: tuple[str, ...], data: Path | None, config_path: str | None) -> None:
    """Take numbers off the list. People who were left out because of it stay left out."""
    from dialerd.store import wait

    reader = _Reader(load_numbering(config_path))
    with _opened(data, config_path) as store:
        for phone in _phones(reader, texts, None):
            was_there = wait(store.dnc_remove(phone))
            click.echo(f"+{phone} {'removed' if was_there else 'was not on the list'}")
    reader.settle()


@dnc.command("check")
@numbers_argument
@data_option
@config_option
@output_option
def check(texts: tuple[str, ...], data: Path | None, config_path: str | None, output: str) -> None:
    """Say whether numbers are on the list, since when and from where."""
    reader = _Reader(load_numbering(config_path))
    zone = _zone(config_path, data)
    with _opened(data, config_path, readonly=True) as store:
        found = [(phone, store.dnc_find(phone)) for phone in _phones(reader, texts, None)]
    if output == "json":
        print_json([_as_json(phone, entry, zone) for phone, entry in found])
    else:
        print_table(
            ("number", "blocked", "since", "source"),
            [
                (f"+{phone}", "yes" if entry else "no", *_when(entry, zone))
                for phone, entry in found
            ],
        )
    reader.settle()


@dnc.command("list")
@data_option
@config_option
@output_option
def list_(data: Path | None, config_path: str | None, output: str) -> None:
    """Every number on the list, smallest first."""
    import msgspec

    zone = _zone(config_path, data)
    before = "[\n"
    with _opened(data, config_path, readonly=True) as store:
        for page in store.dnc_list():
            if output == "json":
                objects = [msgspec.json.encode(_as_json(one.phone, one, zone)) for one in page]
                click.echo(before + b",\n".join(objects).decode(), nl=False)
                before = ",\n"
            else:
                for one in page:
                    since, source = _when(one, zone)
                    click.echo(f"+{one.phone}  {since}  {clean(source)}".rstrip())
    if output == "json":
        click.echo("[]" if before == "[\n" else "\n]")


def _when(entry: DoNotCall | None, zone: tzinfo) -> tuple[str, str]:
    from datetime import UTC, datetime

    if entry is None:
        return "", ""
    return local_time(datetime.fromtimestamp(entry.at_ms / 1000, UTC), zone), entry.source


def _as_json(phone: int, entry: DoNotCall | None, zone: tzinfo) -> dict[str, Any]:
    from dialerd.store.report import stamps

    since = stamps(zone)(entry.at_ms) if entry else None
    source = entry.source if entry else None
    return {"number": f"+{phone}", "blocked": entry is not None, "since": since, "source": source}
