"""The data folder and who runs on it.

Only the daemon takes the lock. Commands that write beside it (imports, do-not-call) need none: LMDB
serialises writers of several processes by itself.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
from pathlib import Path
from typing import Final

from dialerd.core.ports import StoreError

LOCK_NAME: Final = "daemon.lock"


class FolderLockedError(StoreError):
    """Another daemon runs on this data folder; `pid` is its process id (0 when unknown)."""

    def __init__(self, folder: Path, pid: int) -> None:
        """Name folder and process."""
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"data folder {folder} is in use by a running dialerd ({who})")
        self.pid = pid


class FolderLock:
    """An exclusive lock for the life of this process, or until `release`."""

    def __init__(self, folder: Path) -> None:
        """Take it.

        Raises:
            FolderLockedError: somebody has it.
            StoreError: the folder cannot be written.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = f"{error.strerror}{_owner(folder)}"
            raise StoreError(f"cannot use data folder {folder}: {why}") from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(self._fd, 20, 0).strip()
            os.close(self._fd)
            raise FolderLockedError(folder, int(text) if text.isdigit() else 0) from None
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
        except OSError:
            pass  # a full disk: the lock holds without its note

    def release(self) -> None:
        """Let the next daemon in. The file stays, its name is no sign of a running daemon."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def reserve(file: Path, size: int) -> None:
    """Have the disk hold all of a file that is mapped; it is made when there is none.

    A page that a full disk does not have would end whoever touches it by SIGBUS. Where nothing can
    be written, as by who only reads, it stays as it is.

    Raises:
        OSError: the disk is full.
    """
    try:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
            return
        raise
    try:
        os.posix_fallocate(fd, 0, os.fstat(fd).st_size or size)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:  # of a disk that reserves nothing
            raise
    finally:
        os.close(fd)


def _owner(folder: Path) -> str:
    """Whose a folder is that we may not use; nothing when it is ours or cannot be seen."""
    try:
        owner = folder.stat().st_uid
        if owner == os.geteuid():
            return ""
        return f"; it belongs to {pwd.getpwuid(owner).pw_name}: run this as that user"
    except (OSError, KeyError):
        return ""
