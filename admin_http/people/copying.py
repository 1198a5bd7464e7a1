"""Copies of the admin store beside those of the daemon's: `BACKUP.admin`, and the way back."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import lmdb

from admin_http.people.sessions import SESSIONS
from admin_http.people.store import ENV_NAME, TABLES, AdminError, AdminStore, Txn, checked
from dialerd.store.copies import SUM_SUFFIX, put_aside, sha256, take_name
from dialerd.store.folder import sync_folder
from dialerd.store.lmdb_engine import FILE_NAME, LOCK_NAME

SUFFIX: Final = ".admin"


def beside(backup: Path) -> Path:
    """The copy of the admin store that belongs to a backup."""
    return backup.with_name(backup.name + SUFFIX)


def backup(data: Path, made: Path) -> Path | None:
    """Copy the admin store of a data folder beside a backup; None when there is none.

    Raises:
        AdminError: it cannot be read, or is not sound.
        OSError: the copy cannot be written.
    """
    if not (data / ENV_NAME / FILE_NAME).exists():
        return None
    target = beside(made)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    store = AdminStore(data, readonly=True)
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as out:
            store.copy(out.fileno())
            os.fsync(out.fileno())
        check(part)
        take_name(part, target)
    finally:
        store.close()
        part.unlink(missing_ok=True)
    sums = made.with_name(made.name + SUM_SUFFIX)
    with sums.open("a", encoding="utf-8") as lines:
        lines.write(f"{sha256(target)}  {target.name}\n")
    sync_folder(target.parent)
    return target


def check(file: Path) -> int:
    """Read every record of a copy; how many. AdminError when one is not what was written."""
    try:
        env = lmdb.open(
            str(file), subdir=False, lock=False, readonly=True, max_dbs=len(TABLES) + 16
        )
    except (lmdb.Error, OSError) as error:
        raise AdminError(f"{file} is damaged or no copy of an admin store: {error}") from None
    try:
        return checked(env)
    except lmdb.Error as error:
        raise AdminError(f"{file} is damaged: {error}") from None
    finally:
        env.close()


def verify(made: Path) -> int:
    """Whether the copy beside a backup is what was written; its records, 0 when there is none."""
    file = beside(made)
    if not file.exists():
        return 0
    with contextlib.suppress(FileNotFoundError):
        sums = made.with_name(made.name + SUM_SUFFIX).read_text(encoding="utf-8", errors="replace")
        wanted = [line.partition(" ")[0] for line in sums.splitlines() if line.endswith(SUFFIX)]
        if wanted and sha256(file) != wanted[0]:
            raise AdminError(f"{file} is not what was written: its SHA-256 is another")
    return check(file)


def restore(made: Path, data: Path) -> Path | None:
    """Make the copy beside a backup the admin store; where the one of before went, if anywhere.

    The daemon must not run. Nobody is logged in afterwards.

    Raises:
        AdminError: the copy is not sound: nothing is changed.
        OSError: the folder cannot be written.
    """
    file = beside(made)
    if not file.exists():
        return None
    verify(made)
    folder = data / ENV_NAME
    folder.mkdir(mode=0o700, exist_ok=True)
    part, target = folder / f".{FILE_NAME}.part", folder / FILE_NAME
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as out:
        out.write(file.read_bytes())
        out.flush()
        os.fsync(out.fileno())
    aside = put_aside(target) if target.exists() else None
    part.replace(target)
    (folder / LOCK_NAME).unlink(missing_ok=True)  # of the readers of the other file
    sync_folder(folder)
    store = AdminStore(data)
    try:
        store.write(_log_out_all)
    finally:
        store.close()
    return aside


def _log_out_all(txn: Txn) -> None:
    while found := txn.scan(SESSIONS, 1_000):
        for session in found:
            txn.delete(SESSIONS, SESSIONS.key(session))
