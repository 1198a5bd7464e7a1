"""Import of a file into a list: read, find the layout, normalise, hand to the store in batches."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from pathlib import Path

import msgspec

from dialerd.core.ports import ContactsAdded, NotFoundError, Store, StoreError
from dialerd.core.records import ContactList, ImportMark
from dialerd.importer.batch import DUPLICATE, ELSEWHERE, Batch, make_batch
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
from dialerd.importer.resume import ChangedError, Replay, check_same, options_digest
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
    several: bool = True  # columns of further numbers are found by their titles
    skip_elsewhere: bool = False  # leave out numbers that are in another list
    restart: bool = False  # from the first row, also where an earlier run was cut short
    resumes: Callable[[int], None] | None = None  # told behind which row it goes on
    text: Path | None = None  # the same rows as CSV, of a file that is no text itself
    books: Callable[[Summary], None] | None = None  # given the books before they are written


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
    with Source(options.text or path) as source:
        digest = b"" if store is None else source.digest()
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
                several=options.several,
            )
        except LayoutError as error:
            raise ImportFailedError(f"cannot import {path}: {error}") from None
        books = _summary(path, source, layout, list_name, dry_run=store is None)
        if options.books is not None:
            options.books(books)
        goal = None if store is None else _Goal(store, books, options, digest, at_ms)
        if goal is not None:
            await goal.begin(layout)
            if goal.mark.rows and options.resumes is not None:
                options.resumes(goal.mark.rows)
        run = _Run(books, goal, _open_rejects(path, options.reject_file))
        rows = read_rows(chain(sample, lines), layout.delimiter, sum(map(len, layout.names)))
        try:
            await run.pump(
                islice(rows, layout.first - 1, None),
                lambda chunk: make_batch(chunk, layout, numbering),
                lambda: progress(source.position, source.size) if progress else None,
            )
            if goal is not None:
                await goal.end()
        finally:
            books.reject_file = run.rejects.close()
    return books


class _Goal:
    """The list that is added to, and the mark of how far the import has come."""

    def __init__(
        self, store: Store, books: Summary, options: Options, digest: bytes, at_ms: int
    ) -> None:
        self.store = store
        self.books = books
        self._options = options
        self.skips_elsewhere = options.skip_elsewhere
        self.settled = 0  # rows of people up to the mark
        self._handed = 0  # the row where the last batch ended that the store was given
        self.mark = ImportMark(os.path.realpath(books.file), digest, b"", 0, 0, at_ms)

    async def begin(self, layout: Layout) -> None:
        """Find the list, and the mark of an import that was cut short; ImportFailedError."""
        alike = options_digest(layout, skip_elsewhere=self._options.skip_elsewhere)
        self.mark = msgspec.structs.replace(self.mark, options=alike)
        try:
            found = self.store.find_list(self.books.list_name)
        except NotFoundError:
            return  # it is made with the first person
        self._use(found)
        left = self.store.import_mark(found.list_id, self.mark.source)
        if left is None:
            return
        if self._options.restart:
            await self.store.end_import(found.list_id, self.mark.source)
            return
        try:
            check_same(left, self.mark.digest, alike, found.name)
        except ChangedError as error:
            raise ImportFailedError(f"cannot import {self.books.file}: {error}") from None
        self.mark = left
        self._handed = left.rows
        self.settled = left.rows - layout.first + 1
        self.books.resumed = left.rows

    def _use(self, found: ContactList) -> None:
        self.books.list_id = found.list_id
        self.mark = msgspec.structs.replace(self.mark, size=found.size)

    async def add(self, batch: Batch, row: int) -> Awaitable[ContactsAdded]:
        """Hand a batch that ends with a row of the file to the store."""
        if not self.books.list_id:
            self._use(await self.store.create_list(self.books.list_name, self.mark.begun_ms))
        after, self._handed = self._handed, row
        return self.store.add_contacts(
            self.books.list_id,
            batch.contacts,
            skip_elsewhere=self._options.skip_elsewhere,
            mark=msgspec.structs.replace(self.mark, rows=row),
            after=after,
        )

    def replay(self) -> Replay:
        """Of the rows up to the mark."""
        return Replay(self.mark, partial(self.store.standing, self.books.list_id))

    async def end(self) -> None:
        """The whole file is in the list."""
        if self.books.list_id:
            await self.store.end_import(self.books.list_id, self.mark.source)


class _Run:
    """One import under way: a few batches at the store, the books, the reject file."""

    def __init__(self, summary: Summary, goal: _Goal | None, rejects: RejectFile) -> None:
        self.summary = summary
        self.rejects = rejects
        self._goal = goal
        self._pending: deque[tuple[Batch, asyncio.Future[ContactsAdded]]] = deque()
        self._seen: set[int] = set()
        self._known = 0  # further numbers of the last batch that were seen before

    async def pump(
        self,
        rows: Iterator[Row],
        make: Callable[[list[Row]], Batch],
        progress: Callable[[], None],
    ) -> None:
        """Every row through `make` and into the list; what the store took is in the books."""
        try:
            if self._goal is not None:
                await self._again(rows, self._goal, make, progress)
            while chunk := list(islice(rows, BATCH_ROWS)):
                await self._submit(make(chunk), chunk[-1][0])
                progress()
                await asyncio.sleep(0)  # an interrupt is heard, also where nothing is stored
            await self._settle(0)
        except BaseException:
            while self._pending:
                with contextlib.suppress(StoreError):
                    await self._settle(0)
            raise

    async def _again(
        self,
        rows: Iterator[Row],
        goal: _Goal,
        make: Callable[[list[Row]], Batch],
        progress: Callable[[], None],
    ) -> None:
        """Book the rows up to the mark, which are settled."""
        replay, left = goal.replay(), goal.settled
        while left > 0 and (chunk := list(islice(rows, min(left, BATCH_ROWS)))):
            left -= len(chunk)
            batch = make(chunk)
            try:
                self.summary.elsewhere += replay.settle(batch)
                self.summary.known += replay.known(batch)
            except ChangedError as error:
                raise ImportFailedError(f"cannot import {self.summary.file}: {error}") from None
            self._book(batch)
            progress()
            await asyncio.sleep(0)  # as above

    async def _submit(self, batch: Batch, row: int) -> None:
        if self._goal is None:
            batch.drop(dict.fromkeys(self._seen_before(batch), DUPLICATE))
            self.summary.known += self._known
            self._book(batch)
        elif batch.contacts:
            adding = await self._goal.add(batch, row)
            self._pending.append((batch, asyncio.ensure_future(adding)))
            await self._settle(BATCHES_IN_FLIGHT)
        else:
            await self._settle(0)  # the reject file is in the order of the rows
            self._book(batch)

    async def _settle(self, left: int) -> None:
        """Wait for the oldest batches until no more than `left` are at the store."""
        while len(self._pending) > left:
            batch, waiting = self._pending.popleft()
            try:
                added = await asyncio.shield(waiting)
            except asyncio.CancelledError:  # it is added all the same: the books are to say so
                self._pending.appendleft((batch, waiting))
                raise
            gone = dict.fromkeys(added.duplicates, DUPLICATE)
            if self._goal is not None and self._goal.skips_elsewhere:
                gone |= dict.fromkeys(added.elsewhere, ELSEWHERE)
            self.summary.elsewhere += len(added.elsewhere)
            self.summary.known += added.known
            batch.drop(gone)
            self._book(batch)

    def _book(self, batch: Batch) -> None:
        self.summary.add(batch)
        self.rejects.add(batch.rejects)

    def _seen_before(self, batch: Batch) -> list[int]:
        """A row that was seen as one of anybody's numbers; what it holds is seen from now on."""
        seen, found = self._seen, []
        self._known = 0
        for i, contact in enumerate(batch.contacts):
            if contact.phone in seen:
                found.append(i)
                continue
            room = len(seen) < DRY_RUN_NUMBERS_MAX
            for phone in (contact.phone, *(one.phone for one in contact.others)):
                if phone in seen:
                    self._known += 1
                elif room:
                    seen.add(phone)
        return found


def _summary(
    path: Path, source: Source, layout: Layout, list_name: str, *, dry_run: bool
) -> Summary:
    return Summary(
        str(path),
        list_name,
        dry_run=dry_run,
        encoding=source.encoding,
        delimiter=layout.delimiter,
        header=layout.header,
        phone_column=layout.names[layout.phone],
        other_columns=tuple(layout.names[i] for i in layout.others),
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
