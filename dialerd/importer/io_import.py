"""Import of a file into a list: read, find the layout, normalise, hand to the store in batches."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

import msgspec

from dialerd.core.ports import ContactsAdded, NotFoundError, Store, StoreError
from dialerd.importer.batch import Batch, make_batch
from dialerd.importer.io_rejects import RejectFile
from dialerd.importer.io_source import Source, SourceError
from dialerd.importer.layout import Layout, LayoutError, find_layout
from dialerd.importer.limits import (
    BATCH_ROWS,
    BATCHES_IN_FLIGHT,
    DRY_RUN_NUMBERS_MAX,
    SAMPLE_CHARS,
    SAMPLE_ROWS,
)
from dialerd.importer.rows import Row, read_rows
from dialerd.importer.summary import Summary
from fastpath.numbers import Numbering

ImportFailedError = SourceError
Progress = Callable[[int, int], None]

_SEP = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


class Options(msgspec.Struct, frozen=True):
    """How to import. `header` and `delimiter` are found out when None."""

    mapping: Mapping[str, str] = {}
    header: bool | None = None
    delimiter: str | None = None
    reject_file: Path | None = None  # None: FILE.rejected.csv beside the file


async def import_file(
    path: Path,
    list_name: str,
    numbering: Numbering,
    store: Store | None,
    *,
    at_ms: int,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Add the people of a file to a list, which is made when there is none of that name.

    Args:
        path: a CSV file (or a pipe).
        list_name: of the list.
        numbering: reads the numbers.
        store: None: a dry run, in which nothing is stored.
        at_ms: now, Unix milliseconds.
        options: see there.
        progress: called with (bytes read, bytes in all) after each batch.

    Raises:
        ImportFailedError: the file cannot be read or holds no phone numbers, or the reject file
            cannot be written. One line that says what to do.
        StoreError: the store refuses or has failed.
    """
    options = options or Options()
    with Source(path) as source:
        lines = source.lines()
        sample = _sample(lines)
        told = _told_delimiter(sample)
        try:
            layout = find_layout(
                sample,
                numbering,
                options.mapping,
                header=options.header,
                delimiter=options.delimiter or told,
            )
        except LayoutError as error:
            raise ImportFailedError(f"cannot import {path}: {error}") from None
        rejects = _open_rejects(path, options.reject_file)
        books = _summary(source, layout, list_name, dry_run=store is None)
        run = _Run(books, store, at_ms, rejects)
        rows = read_rows(chain(sample, lines), layout.delimiter, sum(map(len, layout.names)))
        try:
            await run.pump(
                islice(rows, layout.first - 1, None),
                lambda chunk: make_batch(chunk, layout, numbering),
                lambda: progress(source.position, source.size) if progress else None,
            )
        finally:
            books.reject_file = rejects.close()
    return books


class _Run:
    """One import under way: a few batches at the store, the books, the reject file."""

    def __init__(
        self, summary: Summary, store: Store | None, at_ms: int, rejects: RejectFile
    ) -> None:
        self.summary = summary
        self._store = store
        self._at_ms = at_ms
        self._rejects = rejects
        self._pending: deque[tuple[Batch, Awaitable[ContactsAdded]]] = deque()
        self._seen: set[int] = set()

    async def pump(
        self,
        rows: Iterator[Row],
        make: Callable[[list[Row]], Batch],
        progress: Callable[[], None],
    ) -> None:
        """Every row through `make` and into the list; what the store took is in the books."""
        try:
            while chunk := list(islice(rows, BATCH_ROWS)):
                await self._submit(make(chunk))
                progress()
            await self._settle(0)
        except BaseException:
            while self._pending:
                with contextlib.suppress(StoreError):
                    await self._settle(0)
            raise

    async def _submit(self, batch: Batch) -> None:
        if self._store is None:
            batch.drop(self._seen_before(batch))
            self._book(batch)
        elif batch.contacts:
            list_id = self.summary.list_id or await self._open_list(self._store)
            self._pending.append((batch, self._store.add_contacts(list_id, batch.contacts)))
            await self._settle(BATCHES_IN_FLIGHT)
        else:
            await self._settle(0)  # the reject file is in the order of the rows
            self._book(batch)

    async def _settle(self, left: int) -> None:
        """Wait for the oldest batches until no more than `left` are at the store."""
        while len(self._pending) > left:
            batch, waiting = self._pending.popleft()
            batch.drop((await waiting).duplicates)
            self._book(batch)

    def _book(self, batch: Batch) -> None:
        self.summary.add(batch)
        self._rejects.add(batch.rejects)

    async def _open_list(self, store: Store) -> int:
        """The id of the list, which is made with the first person."""
        name = self.summary.list_name
        try:
            found = store.find_list(name)
        except NotFoundError:
            found = await store.create_list(name, self._at_ms)
        self.summary.list_id = found.list_id
        return found.list_id

    def _seen_before(self, batch: Batch) -> list[int]:
        seen, found = self._seen, []
        for i, contact in enumerate(batch.contacts):
            if contact.phone in seen:
                found.append(i)
            elif len(seen) < DRY_RUN_NUMBERS_MAX:
                seen.add(contact.phone)
        return found


def _summary(source: Source, layout: Layout, list_name: str, *, dry_run: bool) -> Summary:
    return Summary(
        str(source.path),
        list_name,
        dry_run=dry_run,
        encoding=source.encoding,
        delimiter=layout.delimiter,
        header=layout.header,
        phone_column=layout.names[layout.phone],
        columns=layout.names,
    )


def _sample(lines: Iterator[str]) -> list[str]:
    """The first lines: enough to see the layout, bounded in rows and in characters."""
    found: list[str] = []
    chars = 0
    for line in lines:
        found.append(line)
        chars += len(line)
        if len(found) >= SAMPLE_ROWS * 2 or chars >= SAMPLE_CHARS:
            break
    return found


def _told_delimiter(sample: list[str]) -> str | None:
    """The delimiter of a first line "sep=;", which spreadsheets write and hide: taken out here."""
    if sample and (match := _SEP.fullmatch(sample[0])):
        del sample[0]
        return match[1]
    return None


def _open_rejects(path: Path, named: Path | None) -> RejectFile:
    where = named or path.with_name(f"{path.stem}.rejected.csv")
    try:
        if where.exists() and path.exists() and where.samefile(path):
            raise ImportFailedError(f"the reject file would overwrite {path}")
        return RejectFile(where)
    except OSError as error:
        raise ImportFailedError(
            f"cannot write {where}: {error.strerror or error}; name another with --reject-file"
        ) from None
