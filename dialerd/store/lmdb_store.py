"""`LmdbStore`: the embedded store, one LMDB environment in the data folder."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import lmdb
import msgspec

from dialerd.core.ops import ClaimBatch
from dialerd.core.ports import StoreFailedError
from dialerd.store import ended
from dialerd.store.base import BaseStore
from dialerd.store.doubt import Doubt, RunNote, Vouching, look_first
from dialerd.store.folder import FolderLock
from dialerd.store.limits import LINGER_S, MAP_BYTES
from dialerd.store.lmdb_engine import FILE_NAME, LmdbEngine
from dialerd.store.migrations import migrate, needed
from dialerd.store.schema import StoreFormatError, told
from dialerd.store.unit import Unit
from dialerd.store.writer import Writer

if TYPE_CHECKING:
    from dialerd.store.examine import Findings

T = TypeVar("T")
ENV_NAME: Final = "store"


class LmdbStore(BaseStore):
    """Use `open_store`. Reads may be made from any thread and never wait for a commit."""

    def __init__(
        self,
        engine: LmdbEngine,
        linger_s: float,
        lock: FolderLock | None = None,
        note: RunNote | None = None,
        *,
        yields: bool = False,
    ) -> None:
        """Take over an open engine; a daemon's comes with the lock and the note of its folder."""
        self._engine = engine
        self._lock = lock
        self._note = note
        self._writer = Writer(engine, linger_s, yields=yields)
        self._closed = False
        self._vouching: Vouching | None = None
        if note is not None:
            doubted = note.doubt is Doubt.WHILE_STARTING
            note.write(vouched=not doubted)
            if doubted:
                self._vouching = Vouching(engine.file, note, self._not_sound)

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
            except (msgspec.DecodeError, struct.error) as error:
                raise told(error) from None
            finally:
                txn.abort()

    def claim(
        self,
        campaign_id: int,
        n: int,
        now_ms: int,
        lease_s: int,
        *,
        node: str = "",
        agent: str = "",
        own: bool = False,
    ) -> Awaitable[ClaimBatch]:
        """See `BaseStore`. After a daemon that did not end by itself, once that is safe."""
        ask = partial(
            super().claim, campaign_id, n, now_ms, lease_s, node=node, agent=agent, own=own
        )
        vouching = self._vouching
        if vouching is None or vouching.waits(campaign_id) is None:
            return ask()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            while (waits := vouching.waits(campaign_id)) is not None:
                waits.result()
            return ask()
        return _claim_later(vouching, campaign_id, ask)

    def stop_vouching(self) -> None:
        """Nothing is claimed any more, so nobody need wait for the examination of the store."""
        if self._vouching is not None:
            self._vouching.stop()

    def _not_sound(self, findings: Findings) -> None:
        """Told by the examining thread: this process neither dials nor writes any more."""
        failed = StoreFailedError(f"the store is not sound: {findings.first}")
        self._engine.broken = failed
        self._writer.tell_broken(failed)

    def when_broken(self, tell: Callable[[StoreFailedError], object]) -> None:
        """Have `tell` called, by any thread, when this process can commit no more.

        After a failed flush nothing is tried again: the kernel may have dropped what it once took.
        """
        self._writer.on_broken = tell
        if self._engine.broken is not None:
            self._writer.tell_broken(self._engine.broken)

    def look(self) -> str:
        """A chore: that the file is still ours. One that is not ends the daemon (`when_broken`).

        It looks at who reads, too, so that a reader's age is known to the second.
        """
        self._engine.reading()
        broken = self._engine.look()
        if broken is not None:
            self._writer.tell_broken(broken)
        return ""

    async def answer(self) -> None:
        """Comes back when the writer thread has taken a request: a sign of life, nothing more."""
        await self._writer.submit(lambda unit: None, 1)  # noqa: ARG005 - writes nothing

    def figures(self) -> dict[str, float]:
        """Commits, jobs, failures, seconds of commits and until them; file, free disk, readers."""
        writer = self._writer
        return {
            "commits": writer.commits,
            "jobs": writer.jobs,
            "failures": writer.failures,
            "commit_s_sum": writer.commit_s_sum,
            "commit_s_max": writer.commit_s_max,
            "wait_s_sum": writer.wait_s_sum,
            "wait_s_max": writer.wait_s_max,
            **self._engine.figures(),
            **self._examined(),
            **self._read(ended.outbox_figures),
        }

    def _examined(self) -> dict[str, float]:
        """Whether it is examined, how much of the part that is read now, and if claims wait."""
        vouching = self._vouching
        if vouching is None or vouching.done.done():
            return {"examining": 0, "examined_part": 1.0, "claims_wait": 0}
        return {
            "examining": 1,
            "examined_part": vouching.part,
            "claims_wait": not vouching.first.done(),
        }

    def claims_wait(self, campaign_id: int) -> str:
        """Why a campaign's leads cannot be claimed yet, for people; empty when they can."""
        vouching = self._vouching
        if vouching is None or vouching.waits(campaign_id) is None:
            return ""
        return f"the store is being {vouching.words()}" if vouching.words() else ""

    def close(self) -> None:
        """Commit what is queued and let go of the files. Closing twice is fine."""
        if self._closed:
            return
        self.stop_vouching()
        self._writer.close()
        self._closed = True
        self._engine.close()
        if self._note is not None and self._engine.broken is not None:
            self._note.write(vouched=False)  # neither the disk nor the file is what it was
        elif self._note is not None:
            if self._vouching is not None and self._vouching.done.exception():
                self._note.write(vouched=True)  # stopped before it was: the next one examines it
            else:
                self._note.remove()
        if self._lock is not None:
            self._lock.release()


async def _claim_later(
    vouching: Vouching, campaign_id: int, ask: Callable[[], Awaitable[ClaimBatch]]
) -> ClaimBatch:
    while (waits := vouching.waits(campaign_id)) is not None:
        # Who asks may be cancelled: what others wait for goes on.
        await asyncio.shield(asyncio.wrap_future(waits))
    return await ask()


def open_store(
    folder: str | Path,
    *,
    daemon: bool = False,
    create: bool = True,
    readonly: bool = False,
    linger_s: float = LINGER_S,
    map_bytes: int = MAP_BYTES,
    yields: bool = False,
    tell: Callable[[str], object] = id,
) -> LmdbStore:
    """Open the store in a data folder, making it when `create`.

    `daemon` takes the folder's lock; other processes open it beside the daemon. A `readonly` store
    is there already, and every write to it fails. `linger_s` is how long a write waits for others
    to share its commit. Who writes much beside a daemon `yields`: it lets the daemon write between.

    After a daemon that did not end by itself the store is examined, see `doubt`; `tell` hears it
    when that is before it is opened.

    Raises:
        FolderLockedError: another daemon has the folder.
        StoreFormatError: the files are damaged, no store, or of a newer format.
        StoreError: the folder cannot be used.
    """
    path = Path(folder)
    lock = FolderLock(path) if daemon else None
    try:
        note = RunNote(path) if daemon else None
        file = path / ENV_NAME / FILE_NAME
        if note is not None and note.doubt is not Doubt.NONE and not file.exists():
            raise StoreFormatError(
                f"a daemon had a store here that it did not close, and {file} is gone: restore a "
                f"backup, or remove {note.path} to begin without any"
            )
        if note is not None and note.doubt is Doubt.BEFORE_OPENING:
            look_first(path, file, tell)
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
        return LmdbStore(engine, linger_s, lock, note, yields=yields)
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
