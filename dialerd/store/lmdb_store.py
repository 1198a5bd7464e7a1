"""`LmdbStore`: the embedded store, one LMDB environment in the data folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import lmdb

from dialerd.core.ports import StoreFailedError
from dialerd.store import ended
from dialerd.store.base import BaseStore
from dialerd.store.folder import FolderLock
from dialerd.store.limits import LINGER_S, MAP_BYTES
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.migrations import migrate, needed
from dialerd.store.unit import Unit
from dialerd.store.writer import Writer

T = TypeVar("T")
ENV_NAME: Final = "store"


class LmdbStore(BaseStore):
    """Use `open_store`. Reads may be made from any thread and never wait for a commit."""

    def __init__(self, engine: LmdbEngine, lock: FolderLock | None, linger_s: float) -> None:
        """Take over an open engine."""
        self._engine = engine
        self._lock = lock
        self._writer = Writer(engine, linger_s)
        self._closed = False

    def _submit(self, work: Callable[[Unit], Any], weight: int = 1) -> Awaitable[Any]:
        return self._writer.submit(work, weight)

    def _read(self, work: Callable[[Unit], T]) -> T:
        if self._closed:
            raise StoreFailedError("the store is closed")
        with self._engine.locked():
            try:
                txn = self._engine.begin(write=False)
            except lmdb.Error as error:
                raise StoreFailedError(f"reading the store failed: {error}") from None
            try:
                return work(Unit(txn))
            except lmdb.Error as error:
                raise StoreFailedError(f"reading the store failed: {error}") from None
            finally:
                txn.abort()

    def figures(self) -> dict[str, float]:
        """Commits, jobs, failures, commit seconds (sum, longest); file, free disk, readers."""
        writer = self._writer
        return {
            "commits": writer.commits,
            "jobs": writer.jobs,
            "failures": writer.failures,
            "commit_s_sum": writer.commit_s_sum,
            "commit_s_max": writer.commit_s_max,
            **self._engine.figures(),
            **self._read(ended.outbox_figures),
        }

    def close(self) -> None:
        """Commit what is queued and let go of the files. Closing twice is fine."""
        if self._closed:
            return
        self._writer.close()
        self._closed = True
        self._engine.close()
        if self._lock is not None:
            self._lock.release()


def open_store(
    folder: str | Path,
    *,
    daemon: bool = False,
    create: bool = True,
    readonly: bool = False,
    linger_s: float = LINGER_S,
    map_bytes: int = MAP_BYTES,
) -> LmdbStore:
    """Open the store in a data folder, making it when `create`.

    `daemon` takes the folder's lock; other processes open it beside the daemon. A `readonly` store
    is there already, and every write to it fails. `linger_s` is how long a write waits for others
    to share its commit.

    Raises:
        FolderLockedError: another daemon has the folder.
        StoreFormatError: the files are damaged, no store, or of a newer format.
        StoreError: the folder cannot be used.
    """
    path = Path(folder)
    lock = FolderLock(path) if daemon else None
    try:
        engine = LmdbEngine(
            path / ENV_NAME,
            map_bytes=map_bytes,
            create=create and not readonly,
            readonly=readonly,
        )
        try:
            if not readonly and needed(engine):
                _migrate(path, engine, lock)
        except BaseException:
            engine.close()
            raise
        return LmdbStore(engine, lock, linger_s)
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _migrate(path: Path, engine: LmdbEngine, lock: FolderLock | None) -> None:
    """Alone on the folder: a daemon of the older format must not write meanwhile."""
    own = FolderLock(path) if lock is None else None
    try:
        migrate(engine)
    finally:
        if own is not None:
            own.release()
