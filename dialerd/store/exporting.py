"""Files of what ended, each record in exactly one of them, whenever anybody is killed.

For each file, in this order:

1. the file is written under a name that nobody looks for, and made durable (file, then folder);
2. the cursor is moved to say: this part holds the records up to `last`, and becomes `final`;
3. the part is renamed;
4. the cursor says: records up to `last` are taken.

Killed before 2, the part is garbage and written anew. Killed after 2, whoever comes next renames
the part if it is still there and goes to 4. It does not matter whether the file of 3 is still where
it was put: who takes files away may have taken it already. One program at a time writes into a
folder; a second one is refused.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Final

import msgspec

from dialerd.core.ports import ConflictError, StoreError
from dialerd.store.base import BaseStore
from dialerd.store.ended import refuse_reserved
from dialerd.store.export_text import head, lines
from dialerd.store.folder import sync_folder
from dialerd.store.limits import STEP_ROWS
from dialerd.store.schema import Cursor
from dialerd.store.ticket import wait

Told = Callable[[float, float], None]
ROWS_MAX: Final = 100_000  # of one file


def export(
    store: BaseStore,
    name: str,
    folder: Path,
    form: str,
    zone: tzinfo,
    now_ms: int,
    rows_max: int = ROWS_MAX,
    told: Told | None = None,
) -> Iterator[Path]:
    """Write what ended behind a cursor into new files of a folder.

    Args:
        store: where the cursor is.
        name: of the cursor; a new one begins with the first record.
        folder: there is one. Its files are named NAME-FIRST-LAST.FORM by the records' numbers.
        form: `jsonl` or `csv`.
        zone: of the times in the file.
        now_ms: Unix ms, kept with the cursor.
        rows_max: records of one file.
        told: how many records are written, and of how many.

    Yields:
        Each file when its records are taken; also one that an earlier run had not finished.

    Raises:
        ConflictError: somebody else exports by this cursor at the same time.
        StoreError: the cursor is the daemon's own.
        OSError: the folder cannot be written; nothing of what could not be written is taken.
    """
    refuse_reserved(name)
    target = os.path.realpath(folder)
    with _alone(target):
        # Who was killed at the very end of a commit leaves it to the next writer to be seen.
        wait(store.apply(()))
        cursor = store.cursor(name)
        if cursor.part:
            finished = Path(cursor.target, cursor.final)
            cursor = settle(store, cursor)
            yield finished
        for left in _parts(target, name):
            left.unlink(missing_ok=True)
        goal = store.last_ended()  # what ends from now on is for the next run
        first = cursor.seq
        while cursor.seq < goal:
            last = min(goal, cursor.seq + rows_max)
            cursor = _announce(store, cursor, target, last, form, zone, now_ms)
            finished = Path(target, cursor.final)
            cursor = settle(store, cursor)
            if told is not None:
                told(cursor.seq - first, goal - first)
            yield finished


def _parts(target: str, name: str) -> list[Path]:
    """What a killed run of this cursor left, and of no other whose name begins alike."""
    of_cursor = re.compile(rf"\.{re.escape(name)}-\d{{12,}}-\d{{12,}}\.[a-z]+\.\d+\.part")
    return [path for path in Path(target).iterdir() if of_cursor.fullmatch(path.name)]


@contextlib.contextmanager
def _alone(target: str) -> Iterator[None]:
    """A lock on the folder itself: it leaves no file behind."""
    fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"another program writes what ended into {target}") from None
        yield
    finally:
        os.close(fd)


def _announce(
    store: BaseStore, cursor: Cursor, target: str, last: int, form: str, zone: tzinfo, now_ms: int
) -> Cursor:
    """Steps 1 and 2."""
    final = f"{cursor.name}-{cursor.seq + 1:012}-{last:012}.{form}"
    part = f".{final}.{os.getpid()}.part"
    if Path(target, final).exists():
        raise StoreError(f"{target}/{final} is there already, and not by this cursor: move it away")
    path = Path(target, part)
    try:
        with open(path, "xb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(head(form))
            make, after = lines(form, zone), cursor.seq
            while after < last:
                rows = store.ended(after, min(STEP_ROWS, last - after))
                if not rows or rows[0].seq != after + 1:
                    raise StoreError(f"record {after + 1} of what ended is missing")
                out.write(make(rows))
                after = rows[-1].seq
            out.flush()
            os.fsync(out.fileno())
        sync_folder(target)
        after_part = msgspec.structs.replace(
            cursor, at_ms=now_ms, target=target, part=part, final=final, last=last
        )
        return wait(store.move_cursor(cursor, after_part))
    except (OSError, StoreError):
        if store.cursor(cursor.name).part != part:  # a commit that failed for us may be in the file
            path.unlink(missing_ok=True)
        raise


def settle(store: BaseStore, cursor: Cursor) -> Cursor:
    """Steps 3 and 4."""
    part = Path(cursor.target, cursor.part)
    with contextlib.suppress(FileNotFoundError):  # it was renamed, and may be on its way already
        part.rename(Path(cursor.target, cursor.final))
    with contextlib.suppress(FileNotFoundError):  # who renamed it may have died before this
        sync_folder(cursor.target)
    done = msgspec.structs.replace(cursor, seq=cursor.last, part="", final="", length=0)
    try:
        return wait(store.move_cursor(cursor, done))
    except ConflictError:
        now = store.cursor(cursor.name)
        if now.seq >= cursor.last:  # somebody else settled it
            return now
        raise
