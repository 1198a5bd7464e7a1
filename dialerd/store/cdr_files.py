"""The daemon's files of what ended: one line for each call, in a file that is added to.

The file in use is `cdr.current.FORM`; a full one, or one of another day, gets the name
`cdr-FIRST-LAST.FORM` by the numbers of its records, and the newest `keep` of those stay. What is in
the file in use is decided by the cursor alone: lines are written and made durable, then the cursor
says up to which record and byte they count. At the next start the file is cut back to that byte, so
a line is neither lost nor there twice, whenever the daemon is killed. A disk that is full costs
nothing but time: the records wait in the store.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Final

import msgspec

from dialerd.core.ports import StoreError
from dialerd.store.base import BaseStore
from dialerd.store.export_text import head, lines
from dialerd.store.exporting import settle
from dialerd.store.folder import sync_folder
from dialerd.store.limits import STEP_ROWS
from dialerd.store.schema import Cursor
from dialerd.store.ticket import wait

CURSOR_NAME: Final = "[cdr]"


class CdrRules(msgspec.Struct, frozen=True):
    """How files are cut. `keep` 0 keeps all of them."""

    form: str = "csv"
    bytes_max: int = 100 << 20
    daily: bool = True
    keep: int = 0


class CdrFiles:
    """The files of one folder. Blocks: for a thread of its own, one call at a time."""

    def __init__(
        self, store: BaseStore, folder: Path, rules: CdrRules, zone: Callable[[], tzinfo]
    ) -> None:
        """Nothing is read or written before the first `write`."""
        self._store = store
        self._folder = Path(os.path.realpath(folder))
        self._rules = rules
        self._zone = zone
        self._current = f"cdr.current.{rules.form}"

    def write(self, day: str, now_ms: int) -> int:
        """Add the lines of all that has ended; how many records.

        Args:
            day: the local day, a new one begins a new file.
            now_ms: Unix ms.

        Raises:
            OSError: the disk takes no more. What was not written is written by the next call.
            StoreError: the store takes no commit; the same.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        cursor = self._ready(day)
        goal, written = self._store.last_ended(), 0
        while cursor.seq < goal:
            if cursor.length >= self._rules.bytes_max:
                cursor = self._close(cursor)
            before = cursor.seq
            cursor = self._add(cursor, min(STEP_ROWS, goal - cursor.seq), day, now_ms)
            written += cursor.seq - before
        return written

    def _ready(self, day: str) -> Cursor:
        """What a killed process left behind is put right; the file of another day is closed."""
        cursor = self._store.cursor(CURSOR_NAME)
        if cursor.part:
            cursor = settle(self._store, cursor)
            self._prune()
        if cursor.length and cursor.target != str(self._folder / self._current):
            cursor = self._close(cursor)  # the configuration names another folder or form
        if cursor.length and self._rules.daily and cursor.final != day:
            cursor = self._close(cursor)
        return cursor

    def _add(self, cursor: Cursor, count: int, day: str, now_ms: int) -> Cursor:
        """Some more lines, durable before they count."""
        path = self._folder / self._current
        rows = self._store.ended(cursor.seq, count)
        if not rows or rows[0].seq != cursor.seq + 1:
            raise StoreError(f"record {cursor.seq + 1} of what ended is missing")
        text = lines(self._rules.form, self._zone())(rows)
        fd = _open(path, os.O_CREAT)
        try:
            size = os.fstat(fd).st_size
            start = cursor.length if size else 0  # none: somebody took the file with its lines
            if size < start:
                raise OSError(0, f"was cut, {start} bytes of it were written", str(path))
            if not start:
                text = head(self._rules.form) + text
            try:
                os.ftruncate(fd, start)
                _write_all(fd, text, start)
                os.fsync(fd)
            except OSError as error:
                with contextlib.suppress(OSError):  # the next call cuts it before it writes
                    os.ftruncate(fd, start)
                error.filename = str(path)
                raise
        finally:
            os.close(fd)
        if not start:
            sync_folder(self._folder)
        moved = msgspec.structs.replace(
            cursor,
            seq=rows[-1].seq,
            at_ms=now_ms,
            target=str(path),
            final=day,
            last=cursor.last if start else cursor.seq + 1,
            length=start + len(text),
        )
        return wait(self._store.move_cursor(cursor, moved))

    def _close(self, cursor: Cursor) -> Cursor:
        """Give the file in use its name, by the steps of `exporting`."""
        current = Path(cursor.target)
        if current.exists() and current.stat().st_size > cursor.length:
            _cut(current, cursor.length)  # lines that were never counted
        final = f"cdr-{cursor.last:012}-{cursor.seq:012}{current.suffix}"
        named = msgspec.structs.replace(
            cursor, target=str(current.parent), part=current.name, final=final, last=cursor.seq
        )
        done = settle(self._store, wait(self._store.move_cursor(cursor, named)))
        self._prune()
        return done

    def _prune(self) -> None:
        """The oldest go."""
        if self._rules.keep:
            found = sorted(self._folder.glob("cdr-????????????-????????????.*"))
            for old in found[: -self._rules.keep]:
                old.unlink(missing_ok=True)


def _open(file: Path, flags: int = 0) -> int:
    """The file in use, for writing; OSError where a link or a pipe stands in its place.

    Others may write into the folder: a link would have us cut what it leads to, a pipe would have
    us wait.
    """
    kinds = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(file, os.O_WRONLY | kinds | flags, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is no file", str(file))
    return fd


def _cut(file: Path, length: int) -> None:
    """Make a file shorter, durably."""
    fd = _open(file)
    try:
        os.ftruncate(fd, length)
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, text: bytes, at: int) -> None:
    view = memoryview(text)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
