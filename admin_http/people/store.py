"""What the HTTP process and the command line keep for themselves: `admin/` in the data folder.

An LMDB environment of its own (folder 0700, file 0600), so that the daemon's store has one writer
and no secrets of people. A table holds records of one `Kind`: a msgspec struct, and how its key is
made. Reading costs microseconds and is done where one is; a change is a durable commit, which waits
for the disk: in the event loop `await store.change(work)`, which runs `work` in the writer's
thread.

A process may open the environment once; the HTTP process and commands have it open beside each
other.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import lmdb
import msgspec

from dialerd.core.ports import StoreError
from dialerd.store.folder import reserve, sync_folder
from dialerd.store.lmdb_engine import FILE_NAME, LOCK_BYTES, LOCK_NAME, refuse_empty
from dialerd.store.schema import number64, read_u64
from fastpath.sealing import Seal, Sealed

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")

ENV_NAME: Final = "admin"
MAP_BYTES: Final = 1 << 30  # address space, not disk; at its end `AdminFullError`
FORMAT: Final = 1
META: Final = b"meta"
FORMAT_KEY: Final = b"format"
READERS_MAX: Final = 126
# Every table; a new one needs its name here, and its `Kind` where its records are.
TABLES: Final = (
    "users",
    "sessions",
    "tokens",
    "audit",
    "audit_head",
    "jobs",
    "answers",
    "webhooks",
    "deliveries",
    "desks",
)


class AdminError(StoreError):
    """The admin store cannot be used: no access, damaged, of a newer program."""


class AdminFullError(AdminError):
    """There is no room for one more record."""


def _damaged(value: bytes) -> Exception:
    return AdminError(f"a record of the admin store is damaged ({len(value)} bytes)")


class Kind(Generic[R]):
    """The records of one table."""

    def __init__(self, table: str, struct: type[R], key: Callable[[R], bytes]) -> None:
        """`key` makes the key of a record: 1 to 511 bytes, in the order of scans."""
        if table not in TABLES:
            raise ValueError(f"{table} is no table of the admin store")
        self.table = table
        self.key = key
        encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(struct).decode
        self._sealed: Sealed[R] = Sealed(Seal(1, _damaged), encode, decode)

    def pack(self, record: R) -> bytes:
        """The stored form."""
        return self._sealed.pack(record)

    def unpack(self, value: bytes) -> R:
        """The record; AdminError when it is not what was written."""
        try:
            return self._sealed.unpack(value)
        except msgspec.MsgspecError as error:
            raise AdminError(f"a record of {self.table} cannot be read: {error}") from None


class Txn:
    """One transaction: what is read in it is of one moment, what is written comes whole or not."""

    def __init__(self, txn: Any, tables: dict[str, Any]) -> None:
        """Made by the store."""
        self._txn = txn
        self._tables = tables

    def get(self, kind: Kind[R], key: bytes) -> R | None:
        """The record of a key."""
        if not 0 < len(key) <= 511:
            return None
        raw = self._txn.get(key, db=self._tables[kind.table])
        return None if raw is None else kind.unpack(bytes(raw))

    def put(self, kind: Kind[R], record: R) -> None:
        """Keep a record, in place of the one of the same key."""
        self._txn.put(kind.key(record), kind.pack(record), db=self._tables[kind.table])

    def delete(self, kind: Kind[R], key: bytes) -> bool:
        """Forget it; False when there was none."""
        return bool(self._txn.delete(key, db=self._tables[kind.table]))

    def scan(
        self, kind: Kind[R], limit: int, *, prefix: bytes = b"", after: bytes = b""
    ) -> list[R]:
        """At most `limit` records in the order of keys: with this prefix, behind `after`."""
        found: list[R] = []
        with self._txn.cursor(db=self._tables[kind.table]) as cursor:
            start = max(prefix, after)
            more = cursor.set_range(start) if start else cursor.first()
            if more and after and bytes(cursor.key()) == after:
                more = cursor.next()
            while more and len(found) < limit and bytes(cursor.key()).startswith(prefix):
                found.append(kind.unpack(bytes(cursor.value())))
                more = cursor.next()
        return found

    def newest(self, kind: Kind[R], limit: int, *, before: bytes = b"") -> list[R]:
        """At most `limit` records from the last key downwards, in front of `before`."""
        found: list[R] = []
        with self._txn.cursor(db=self._tables[kind.table]) as cursor:
            more = cursor.set_range(before) if before else False
            more = cursor.prev() if more else cursor.last()
            while more and len(found) < limit:
                found.append(kind.unpack(bytes(cursor.value())))
                more = cursor.prev()
        return found

    def count(self, kind: Kind[R]) -> int:
        """How many there are."""
        return int(self._txn.stat(db=self._tables[kind.table])["entries"])


class AdminStore:
    """The admin store of one data folder, opened when it is first needed."""

    def __init__(self, data: Path, *, readonly: bool = False) -> None:
        """`data` is [store] path; nothing is read or made yet. `readonly`: only to be copied."""
        self.folder = data / ENV_NAME
        self._readonly = readonly
        self._env: Any = None
        self._tables: dict[str, Any] = {}
        self._opening = threading.Lock()
        self._writer: ThreadPoolExecutor | None = None

    @contextlib.contextmanager
    def read(self) -> Iterator[Txn]:
        """A moment of the store, for a few reads at once: nothing may be awaited inside.

        Raises:
            AdminError: it cannot be used.
        """
        env = self._opened()
        try:
            with env.begin(buffers=True) as txn:
                yield Txn(txn, self._tables)
        except lmdb.Error as error:
            raise AdminError(f"cannot read {self.folder}: {error}") from None

    def write(self, work: Callable[[Txn], T]) -> T:
        """Run `work` in one durable commit, in this thread; nothing is kept when it raises.

        Raises:
            AdminFullError: there is no room.
            AdminError: it cannot be used.
        """
        env = self._opened()
        try:
            with env.begin(write=True, buffers=True) as txn:
                return work(Txn(txn, self._tables))
        except (lmdb.MapFullError, lmdb.DiskError) as error:
            raise AdminFullError(f"no room in {self.folder}: {error}") from None
        except lmdb.Error as error:
            raise AdminError(f"cannot write {self.folder}: {error}") from None

    async def change(self, work: Callable[[Txn], T]) -> T:
        """`write` in the writer's thread: the loop goes on meanwhile."""
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, "admin-store")
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.write, work)

    def copy(self, fd: int) -> None:
        """Write it into a file as it is now, compacted; AdminError."""
        env = self._opened()
        try:
            env.copyfd(fd, compact=True)
        except lmdb.Error as error:
            raise AdminError(f"cannot copy {self.folder}: {error}") from None

    def close(self) -> None:
        """Let go, behind the changes that were asked for."""
        if self._writer is not None:
            self._writer.shutdown()
            self._writer = None
        with self._opening:
            if self._env is not None:
                self._env.close()
                self._env = None

    def _opened(self) -> Any:
        with self._opening:
            if self._env is None:
                try:
                    self._env, self._tables = _open(self.folder, readonly=self._readonly)
                except AdminError:
                    raise
                except StoreError as error:  # of the daemon's engine
                    raise AdminError(str(error)) from None
                except OSError as error:
                    why = error.strerror or str(error)
                    raise AdminError(f"cannot open {self.folder}: {why}") from None
                except lmdb.Error as error:
                    raise AdminError(f"cannot open {self.folder}: {error}") from None
            return self._env


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other process makes the file: one that is being made is empty for a moment."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _open(folder: Path, *, readonly: bool) -> tuple[Any, dict[str, Any]]:
    """The environment and its tables, made when there are none; `readonly`: without tables."""
    fresh = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        raise AdminError(f"{folder} is open to others: chmod 700 {folder}")
    file = folder / FILE_NAME
    with _alone(folder):
        if file.exists():
            refuse_empty(file)
        reserve(folder / LOCK_NAME, LOCK_BYTES)
        env = lmdb.open(
            str(folder),
            map_size=MAP_BYTES,
            max_dbs=len(TABLES) + 16,
            max_readers=READERS_MAX,
            mode=0o600,
            readahead=False,
            readonly=readonly,
        )
    if readonly:  # a disk that may be read only any more is what one takes a backup of
        return env, {}
    try:
        env.reader_check()  # slots of readers that were killed
        with env.begin(write=True) as txn:
            meta = env.open_db(META, txn=txn)
            raw = txn.get(FORMAT_KEY, db=meta)
            if raw is None:
                txn.put(FORMAT_KEY, number64(FORMAT), db=meta)
            elif len(raw) != 8 or read_u64(raw) > FORMAT:
                raise AdminError(f"{file} was written by a newer dialerd")
            tables = {name: env.open_db(name.encode(), txn=txn) for name in TABLES}
        if fresh:
            sync_folder(folder)
            sync_folder(folder.parent)
            _give_to_owner(folder)
    except BaseException:
        env.close()
        raise
    return env, tables


def checked(env: Any) -> int:
    """Read every record of an environment; how many. AdminError when one is damaged."""
    seal, records = Seal(1, _damaged), 0
    with env.begin() as txn:
        for name in TABLES:
            try:
                table = env.open_db(name.encode(), txn=txn, create=False)
            except lmdb.NotFoundError:  # made by an older program
                continue
            for _, value in txn.cursor(db=table):
                seal.unseal(bytes(value))
                records += 1
    return records


def _give_to_owner(folder: Path) -> None:
    """A store that root has begun belongs to whose data folder it is in: the daemon's user."""
    if os.geteuid():
        return
    owner = folder.parent.stat()
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
