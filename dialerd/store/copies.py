"""Backups: a hot copy of the store in one file, beside it the file's SHA-256, and the way back.

A backup is the store as of one commit, compacted, in LMDB's own format; `sha256sum -c` checks it
without us. It is read whole, in a process of its own, before it gets its name; so is one that is to
be restored, before the store of now is moved aside. Nothing is ever written over.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from dialerd.core.ports import StoreError
from dialerd.store.examine import Findings, examine
from dialerd.store.folder import FolderLock, FolderLockedError, sync_folder
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.lmdb_store import ENV_NAME
from dialerd.store.schema import StoreFormatError

SUFFIX: Final = ".mdb"
SUM_SUFFIX: Final = ".sha256"
AUTO_NAME: Final = re.compile(r"dialerd-(\d{8}T\d{6}Z)(?:-(\d+))?\.mdb")
SECOND_MAX: Final = 100  # backups of one second in one folder
PART_NAME: Final = re.compile(r"\..+\.mdb\.(\d+)\.part")
LOOK_S: Final = 0.2
CHUNK: Final = 1 << 20

Watch = Callable[[int, int], None]
"""Called now and then with the bytes written and those there were to copy at most."""


class Copied(msgspec.Struct, frozen=True):
    """A finished copy."""

    file: Path
    size: int
    sha256: str
    findings: Findings


def backup(folder: Path, target: Path, watch: Watch | None = None) -> Copied:
    """Copy the store of a data folder, running daemon or not.

    Args:
        folder: the data folder.
        target: a new file, or a folder for one that is named by the present time.
        watch: told of the progress.

    Raises:
        StoreError: no store, no room, a target that exists, or a store that is not sound.
        OSError: the target cannot be written.
    """
    named = not target.is_dir()
    if not named:
        target = target / f"dialerd-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"
    elif os.path.lexists(target):
        raise _exists(target)
    with _part(target) as part:
        _copy(folder, part, watch)
        findings = examine(part)
        if not findings.sound:
            raise StoreError(f"the store is not sound, there is no backup: {findings.first}")
        size, digest = part.stat().st_size, sha256(part)
        if named:
            take_name(part, target)
        else:
            target = _first_free(part, target)
    sums = target.with_name(target.name + SUM_SUFFIX)
    sums.write_text(f"{digest}  {target.name}\n", encoding="utf-8")
    sync_folder(target.parent)
    return Copied(target, size, digest, findings)


def _exists(target: Path) -> StoreError:
    return StoreError(f"{target} exists; nothing is written over")


def take_name(file: Path, target: Path) -> None:
    """Give a file a name that nothing has; StoreError when something has it, link or not."""
    try:
        os.link(file, target)
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # of a disk that knows no hard links
        if os.path.lexists(target):
            raise _exists(target) from None
        file.rename(target)
    else:
        file.unlink()


def _first_free(file: Path, target: Path) -> Path:
    """The name of a second, or with a number behind it when that second has a backup already."""
    for number in range(1, SECOND_MAX + 1):
        one = target.with_stem(f"{target.stem}-{number}") if number > 1 else target
        with contextlib.suppress(StoreError):
            take_name(file, one)
            return one
    raise _exists(target)


@contextlib.contextmanager
def _part(target: Path) -> Iterator[Path]:
    for left in target.parent.glob(".*.part"):  # by one that was killed
        found = PART_NAME.fullmatch(left.name)
        if found and not Path("/proc", found[1]).exists():
            left.unlink(missing_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
    except OSError as error:
        if str(error.filename) != str(part):
            raise
        raise OSError(error.errno, error.strerror, str(target)) from None
    finally:
        with contextlib.suppress(NotADirectoryError):  # which is what was raised
            part.unlink(missing_ok=True)


def _copy(folder: Path, part: Path, watch: Watch | None) -> None:
    engine = LmdbEngine(folder / ENV_NAME, readonly=True, create=False)
    try:
        whole = engine.figures()["used_bytes"]
        done = threading.Event()
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            looker = threading.Thread(target=_look, args=(fd, whole, watch, done), daemon=True)
            looker.start()
            try:
                engine.copy(fd)
                os.fsync(fd)
            finally:
                done.set()
                looker.join()
        finally:
            os.close(fd)
    finally:
        engine.close()


def _look(fd: int, whole: int, watch: Watch | None, done: threading.Event) -> None:
    while watch is not None and not done.wait(LOOK_S):
        watch(os.fstat(fd).st_size, whole)


def verify(file: Path) -> Findings:
    """Whether a backup is what was written, and every record of it sound."""
    sums = file.with_name(file.name + SUM_SUFFIX)
    if not file.is_file():
        return Findings(refused=f"there is no file {file}")
    if sums.is_file():
        wanted = sums.read_text(encoding="utf-8", errors="replace").partition(" ")[0]
        if sha256(file) != wanted:
            return Findings(refused=f"{file} is not what was written: its SHA-256 is another")
    return examine(file)


def check(folder: Path) -> Findings:
    """The rules of `fsck` on the store of a data folder; of a running daemon's, on a copy."""
    file = folder / ENV_NAME / "data.mdb"
    if not file.is_file():
        raise StoreError(f"there is no store in {folder}")
    if os.statvfs(folder).f_flag & os.ST_RDONLY:  # nobody writes here, nor could we lock it
        return examine(file)
    try:
        lock = FolderLock(folder)
    except FolderLockedError:
        with _part(file) as part:
            _copy(folder, part, None)
            return examine(part)
    try:
        return examine(file)
    finally:
        lock.release()


def restore(file: Path, folder: Path) -> Path | None:
    """Make a backup the store of a data folder.

    Returns:
        Where the store that was there went, None when there was none.

    Raises:
        StoreError: a daemon runs on the folder, or the backup is not sound.
        OSError: the folder cannot be written.
    """
    lock = FolderLock(folder)
    try:
        findings = verify(file)
        if not findings.sound:
            raise StoreFormatError(f"nothing was restored: {findings.first}")
        store = folder / ENV_NAME
        store.mkdir(mode=0o700, exist_ok=True)
        data = store / "data.mdb"
        with _part(data) as part:
            _write_copy(file, part)
            aside = None
            if data.exists():
                aside = put_aside(data)
            os.replace(part, data)
        (store / "lock.mdb").unlink(missing_ok=True)  # of the readers of the other file
        sync_folder(store)
        return aside
    finally:
        lock.release()


def put_aside(data: Path) -> Path:
    """A second name for the store that is there, so that there is one at every moment."""
    for at_s in itertools.count(time.time_ns() // 1_000_000_000):
        aside = data.with_name(f"data.mdb.before-{at_s}")
        try:
            os.link(data, aside)
        except FileExistsError:  # of another restore in this second
            continue
        return aside
    raise AssertionError


def _write_copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as write:
        os.fchmod(write.fileno(), 0o600)
        while piece := read.read(CHUNK):
            write.write(piece)
        write.flush()
        os.fsync(write.fileno())


def sha256(file: Path) -> str:
    """Of a file's content, in hexadecimal."""
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups that `backup` named by itself."""
    names = [(AUTO_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    found = [(name[1], int(name[2] or 1), path) for name, path in names if name is not None]
    found.sort()
    old = [path for _, _, path in (found[:-keep] if keep else found)]
    for file in old:
        file.unlink(missing_ok=True)
        file.with_name(file.name + SUM_SUFFIX).unlink(missing_ok=True)
    return old
