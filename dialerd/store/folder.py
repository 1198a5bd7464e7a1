"""The data folder and who runs on it.

Only the daemon takes the lock. Commands that write beside it (imports, do-not-call) need none: LMDB
serialises writers of several processes by itself.
"""

from __future__ import annotations

import fcntl
import os
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
            raise StoreError(f"cannot use data folder {folder}: {error.strerror}") from None
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
