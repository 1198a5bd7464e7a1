"""The tables in an LMDB environment (file format of LMDB 0.9, which Debian's tools read too).

Durability: `sync=True`, two flushes a commit, and never `writemap`, with which a full disk kills
the process by SIGBUS. The map is reserved large: it is address space, not disk.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import lmdb

from dialerd.core.ports import StoreError, StoreFailedError
from dialerd.store.engine import TABLE_NAMES, LazyTables, Table, Tables
from dialerd.store.folder import reserve, sync_folder
from dialerd.store.limits import MAP_BYTES, MAP_BYTES_MIN, READERS_MAX, TAIL_PAGES_MAX
from dialerd.store.lmdb_tables import EmptyTable, LmdbTable, WriterTables
from dialerd.store.reader_ages import ReaderAges, standing
from dialerd.store.schema import FORMAT, StoreFormatError, number64, read_u64

FILE_NAME: Final = "data.mdb"
LOCK_NAME: Final = "lock.mdb"
LOCK_BYTES: Final = 65_536  # as LMDB makes it for READERS_MAX
FORMAT_KEY: Final = b"format"
FREE_MIN: Final = 1 << 20  # bytes; with less, a failed commit is put down to the disk being full


class LmdbTxn:
    """One LMDB transaction."""

    __slots__ = ("abort", "commit", "tables")

    def __init__(self, txn: Any, tables: Tables) -> None:
        """Wrap an open one."""
        self.commit = txn.commit
        self.abort = txn.abort
        self.tables = tables


def refuse_empty(file: Path) -> None:
    """StoreFormatError for a file of no bytes.

    LMDB would take it for a new store, and every number would be dialed again.
    """
    if not file.stat().st_size:
        raise StoreFormatError(
            f"{file} is empty; restore a backup, or remove it to begin without one"
        )


class LmdbEngine:
    """An open environment and its tables. Safe beside other processes that have it open."""

    ERRORS: Final = (lmdb.Error, OSError)

    def __init__(
        self,
        folder: Path,
        *,
        map_bytes: int = MAP_BYTES,
        create: bool = True,
        readonly: bool = False,
        file: Path | None = None,
    ) -> None:
        """Open the environment in `folder`, or make it when `create`.

        With `file` that one is read instead, as a copy that nobody writes to: there is no lock.

        Raises:
            StoreFormatError: not a store, damaged, or of a newer format.
            StoreError: no access, no space.
        """
        self.folder = folder
        self._readonly = readonly or file is not None
        self._alone = file is not None
        self.file = file or folder / FILE_NAME
        self._map_lock = threading.RLock()
        self._ages = ReaderAges()
        self.broken: StoreFailedError | None = None
        self.format = 0
        if not (create and file is None) and not self.file.exists():
            raise StoreError(f"there is no store in {folder}" if file is None else f"no {file}")
        fresh = not self.file.exists()
        try:
            self._begin(map_bytes, fresh=fresh)
        except BaseException:
            if fresh:  # else the next start would find a store that nobody can open
                self._forget_begun()
            raise

    def _begin(self, map_bytes: int, *, fresh: bool) -> None:
        """Open the environment and its tables; see `__init__`."""
        folder = self.folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._alone:
                reserve(folder / LOCK_NAME, LOCK_BYTES)
            self._env = self._open(map_bytes)
            if fresh:  # a name that a power cut takes back would take every commit with it
                sync_folder(folder)
                sync_folder(folder.parent)
            found = self.file.stat()
        except OSError as error:
            raise StoreError(f"cannot open the store in {folder}: {error.strerror}") from None
        except lmdb.Error as error:
            raise self._refused(error) from None
        self._identity, self._size = (found.st_dev, found.st_ino), 0
        try:
            self._handles = self._prepare()
            self._writing = WriterTables(self._handles)
        except lmdb.Error as error:
            self._env.close()
            raise self._refused(error) from None
        except BaseException:
            self._env.close()
            raise

    def _forget_begun(self) -> None:
        """Remove a file that we began and could not make a store of: it holds no commit."""
        with contextlib.suppress(OSError):
            if self.file.stat().st_size <= 2 * mmap.PAGESIZE:
                self.file.unlink()

    def look(self) -> StoreFailedError | None:
        """Whether the file is still the one that was opened; from then on nothing is written."""
        if self.broken is not None or self._alone:
            return self.broken
        least = self._size  # before the look: another thread may have seen it grow since
        changed, size = "", 0
        try:
            found = self.file.stat()
            size = found.st_size
            if (found.st_dev, found.st_ino) != self._identity:
                changed = "replaced"
            elif size < least:  # a store's file never shrinks
                changed = f"cut to {size} bytes"
        except FileNotFoundError:
            changed = "removed"
        except OSError as error:
            changed = f"taken away ({error.strerror})"
        if changed:
            # Whatever this process wrote would be gone with it, and another may dial from the new.
            self.broken = StoreFailedError(
                f"{self.file} was {changed} while it was in use: stop this process"
            )
        else:
            self._size = size
        return self.broken

    def _open(self, map_bytes: int) -> Any:
        if self.file.exists():
            refuse_empty(self.file)
        while True:
            try:
                return lmdb.open(
                    str(self.file if self._alone else self.folder),
                    subdir=not self._alone,
                    lock=not self._alone,
                    map_size=map_bytes,
                    max_dbs=len(TABLE_NAMES) + 16,
                    max_readers=READERS_MAX,
                    mode=0o600,
                    sync=True,
                    metasync=True,
                    writemap=False,
                    readahead=False,
                    readonly=self._readonly,
                )
            except (lmdb.MemoryError, MemoryError):
                if map_bytes <= MAP_BYTES_MIN:
                    raise
            except lmdb.Error as error:
                if "Cannot allocate" not in str(error) or map_bytes <= MAP_BYTES_MIN:
                    raise
            map_bytes //= 2

    def _refused(self, error: lmdb.Error) -> StoreError:
        damaged = (
            lmdb.InvalidError,
            lmdb.CorruptedError,
            lmdb.PageNotFoundError,
            lmdb.IncompatibleError,
        )
        if isinstance(error, lmdb.VersionMismatchError):
            return StoreFormatError(f"{self.file} was written by another version of LMDB")
        if isinstance(error, damaged):
            return StoreFormatError(f"{self.file} is damaged or not a store; restore a backup")
        return StoreError(f"cannot open {self.file}: {error}")

    def _prepare(self) -> dict[str, Any]:
        """Check the file before anything in it is trusted, then open the tables."""
        env = self._env
        if env.lib_version()[0] != 0:
            raise StoreFormatError(f"{self.file} is of LMDB 1.x, this program keeps format 0.9")
        needed = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
        size = self.file.stat().st_size
        if size < needed and env.info()["last_txnid"]:
            # Pages that one transaction took and gave back at the end of the file are never
            # written, so a sound file may be a few pages short. More is missing: SIGBUS awaits.
            if needed - size > TAIL_PAGES_MAX * env.stat()["psize"]:
                raise StoreFormatError(
                    f"{self.file} is cut off: {size} of {needed} bytes; restore a backup"
                )
            if not self._readonly:
                with self.file.open("r+b") as file:  # never shortens what a writer has grown
                    os.posix_fallocate(file.fileno(), size, needed - size)
        env.reader_check()  # slots of readers that were killed
        names = [name.encode() for name in TABLE_NAMES]
        with env.begin() as txn:
            known = txn.cursor().set_key(names[0])
        if not known:
            if self._readonly:
                raise StoreError(f"there is no store in {self.folder}")
            with env.begin(write=True) as txn:
                meta = env.open_db(names[0], txn=txn)
                if txn.get(FORMAT_KEY, db=meta) is None:
                    txn.put(FORMAT_KEY, number64(FORMAT), db=meta)
        meta = env.open_db(names[0], create=False)
        with env.begin() as txn:
            raw = txn.get(FORMAT_KEY, db=meta)
        written = read_u64(raw) if raw is not None and len(raw) == 8 else 0
        if written > FORMAT:
            raise StoreFormatError(
                f"{self.file} has format {written}, written by a newer dialerd; "
                f"this program reads up to {FORMAT}"
            )
        if not written:
            raise StoreFormatError(f"{self.file} is damaged or not a store; restore a backup")
        self.format = written
        handles = {}
        for name in names:
            try:
                handles[name.decode()] = env.open_db(name, create=not self._readonly)
            except lmdb.NotFoundError:  # made by an older program, open for reading: it is empty
                continue
        return handles

    def begin(self, *, write: bool) -> LmdbTxn:
        """A new transaction. A write waits for the one of another process."""
        if write and (broken := self.look()) is not None:
            raise broken
        while True:
            try:
                txn = self._env.begin(write=write)
            except lmdb.MapResizedError:  # another process made the map larger
                with self._map_lock:
                    self._env.set_mapsize(0)
                continue
            if write:
                return LmdbTxn(txn, self._writing.enter(txn))
            return LmdbTxn(txn, LazyTables(partial(self._read_table, txn)))

    def _read_table(self, txn: Any, name: str) -> Table:
        """A table that an older file lacks is empty."""
        db = self._handles.get(name)
        return EmptyTable() if db is None else LmdbTable(txn, db)

    @staticmethod
    def is_full(error: Exception) -> bool:
        """Whether the map, not the disk, is full."""
        return isinstance(error, lmdb.MapFullError)

    def grow(self, error: Exception) -> bool:
        """After a full map: make it larger. Whether the transaction should run again."""
        if not self.is_full(error):
            return False
        try:
            with self._map_lock:
                self._env.set_mapsize(2 * self._env.info()["map_size"])
        except (lmdb.Error, MemoryError, OSError):
            return False
        return True

    def explain(self, error: Exception) -> StoreFailedError:
        """What a failed transaction means.

        A full disk passes. Any other failure of a flush is final for this process: after it the
        kernel may have dropped pages it once took, and trying again would only look like success.
        """
        free = self.free_bytes()
        if free < FREE_MIN or isinstance(error, lmdb.DiskError):
            return StoreFailedError(f"the disk of {self.folder} is full: {free >> 10} KiB free")
        if self.is_full(error):
            return StoreFailedError(f"{self.file} cannot grow: {error}")
        failed = StoreFailedError(f"writing {self.file} failed: {error}")
        final = (lmdb.PanicError, lmdb.CorruptedError, OSError)
        if (
            isinstance(error, final) or type(error) is lmdb.Error
        ):  # the system's codes have no class
            self.broken = failed
        return failed

    def copy(self, fd: int) -> None:
        """Write all that is committed now into an open file, without free pages.

        Writers go on meanwhile; the pages they free are kept until the copy is done.
        """
        try:
            self._env.copyfd(fd, compact=True)
        except lmdb.Error as error:
            raise StoreError(f"cannot copy {self.file}: {error}") from None

    def locked(self) -> threading.RLock:
        """Held by a read, so that the map does not move under it."""
        return self._map_lock

    @property
    def commit(self) -> int:
        """The number of the last one."""
        number: int = self._env.info()["last_txnid"]
        return number

    def free_bytes(self) -> int:
        """Room on the store's disk; 0 where its folder is gone."""
        try:
            space = os.statvfs(self.folder)
        except OSError:
            return 0
        return space.f_bavail * space.f_frsize

    def reading(self) -> dict[str, float]:
        """Who reads for how long, to the time between two calls of this: the oldest one."""
        last = self._env.info()["last_txnid"]
        return self._ages.look(standing(self._env.readers()), last, time.monotonic())

    def figures(self) -> dict[str, float]:
        """Size of the file, pages used, readers."""
        info = self._env.info()
        return {
            "file_bytes": self.file.stat().st_size if self.file.exists() else 0,
            "used_bytes": (info["last_pgno"] + 1) * self._env.stat()["psize"],
            "map_bytes": info["map_size"],
            "readers": info["num_readers"],
            **self.reading(),
            "free_bytes": self.free_bytes(),
        }

    def close(self) -> None:
        """Let go of the files."""
        self._env.close()
