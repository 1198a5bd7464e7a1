"""Store files of older formats become those of today, at the first opening for writing.

`STEPS` has one entry for each format: how a file of it becomes one of the next. A step does a
bounded amount and says where it stopped, each in its own transaction with that mark, so that a
process that is killed goes on where it was. The first thing written is the new format, so that an
older program refuses the file from then on; before that a copy of the file as it was is made beside
it: `data.mdb.format-N`, or `data.mdb.format-N.M`, M being the last commit in it, when that is there
already. Nobody else may run on the folder meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Final

from dialerd.core.ports import StoreError
from dialerd.store import dialogs, ended
from dialerd.store.folder import sync_folder
from dialerd.store.limits import STEP_ROWS
from dialerd.store.lmdb_engine import FORMAT_KEY, LmdbEngine
from dialerd.store.schema import ATTEMPT, FORMAT, number64, open_key
from dialerd.store.unit import Unit

UNDER_WAY: Final = b"migration"  # u64 format it began from | where its step stopped
Step = Callable[
    [Unit, bytes], bytes
]  # takes and returns the mark; b"" is the beginning, and the end


def _ended(unit: Unit, mark: bytes) -> bytes:
    """1 -> 2: attempts that are over get their numbers, in the order of campaign and lead.

    Those that a crash left open get an empty line in the journal: nobody knows how to end them.
    """
    rows = unit.t.attempts.scan(mark, b"\xff" * 17, STEP_ROWS)
    for _, raw in rows:
        found = ATTEMPT.unpack(raw)
        if found.outcome is not None:
            ended.record(unit, found.campaign_id, found.lead_id, found.attempt_id)
        elif unit.t.dialogs.get(open_key(found.attempt_id)) is None:
            dialogs.keep(unit, found.attempt_id, b"")
    return rows[-1][0] + b"\0" if len(rows) == STEP_ROWS else b""


STEPS: Final[dict[int, Step]] = {1: _ended}


def needed(engine: LmdbEngine) -> bool:
    """Whether the open file is of an older format, or was left on the way from one."""
    return engine.format < FORMAT or _under_way(engine) is not None


def _under_way(engine: LmdbEngine) -> tuple[int, bytes] | None:
    txn = engine.begin(write=False)
    try:
        raw = txn.tables.meta.get(UNDER_WAY)
    finally:
        txn.abort()
    return None if raw is None else (int.from_bytes(raw[:8]), raw[8:])


def migrate(engine: LmdbEngine) -> None:
    """Bring the open file to `FORMAT`.

    Raises:
        StoreError: there is no room for the copy or for the new records. Nothing is lost: what was
            done stays done, and the next opening goes on.
    """
    under_way = _under_way(engine)
    if under_way is None:
        _keep_copy(engine)
        under_way = engine.format, b""
    number, mark = under_way
    if number not in STEPS:
        raise StoreError(f"{engine.folder} has format {number}: no step leads on from it")
    while number < FORMAT:
        mark = _run(engine, number, mark)
        if not mark:
            number += 1
    engine.format = FORMAT


def _run(engine: LmdbEngine, number: int, mark: bytes) -> bytes:
    """One transaction of a step."""
    while True:
        txn = engine.begin(write=True)
        try:
            unit = Unit(txn)
            after = STEPS[number](unit, mark)
            meta = unit.t.meta
            meta.put(FORMAT_KEY, number64(FORMAT))
            if after or number + 1 < FORMAT:
                meta.put(UNDER_WAY, number64(number if after else number + 1) + after)
            else:
                meta.delete(UNDER_WAY)
            unit.flush()
            txn.commit()
        except engine.ERRORS as error:
            if not engine.grow(error):
                raise engine.explain(error) from None
        else:
            return after
        finally:
            txn.abort()


def _keep_copy(engine: LmdbEngine) -> None:
    """The file as it is, beside it. One that is there may be of a file that was restored since."""
    target = engine.folder / f"data.mdb.format-{engine.format}"
    if target.exists():
        target = target.with_name(f"{target.name}.{engine.commit}")
    if target.exists():  # of this very commit
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            engine.copy(fd)
            os.fsync(fd)
        finally:
            os.close(fd)
        part.rename(target)
        sync_folder(engine.folder)
    except OSError as error:
        raise StoreError(
            f"no copy of the store before its migration, so none was begun: {error.strerror}"
        ) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
