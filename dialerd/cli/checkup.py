"""What `dialerd doctor` finds: one line each, with what to do about it."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # it works, until it does not
    FAIL = "fail"  # the daemon does not start, or calls go wrong


class Finding(NamedTuple):
    """One thing that was looked at. `remedy` is empty where all is well."""

    check: str
    level: Level
    text: str
    remedy: str = ""


class User(NamedTuple):
    """On whose behalf permissions are looked at."""

    name: str
    uid: int
    groups: frozenset[int]

    def may(self, status: os.stat_result, wanted: int) -> bool:
        """Whether the mode of a file gives this user `wanted` (bits 4 read, 2 write, 1 enter)."""
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            given = status.st_mode >> 6
        elif status.st_gid in self.groups:
            given = status.st_mode >> 3
        else:
            given = status.st_mode
        return given & wanted == wanted


def user_named(name: str | None) -> User:
    """That user of this machine; without a name who asks. KeyError: there is none."""
    if name is None:
        uid = os.getuid()
        try:
            shown = pwd.getpwuid(uid).pw_name
        except KeyError:
            shown = f"uid {uid}"
        return User(shown, uid, frozenset({os.getgid(), *os.getgroups()}))
    entry = pwd.getpwnam(name)
    return User(name, entry.pw_uid, frozenset(os.getgrouplist(name, entry.pw_gid)))


def group_of(status: os.stat_result) -> str:
    """The name of the group that owns a file."""
    try:
        return grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        return str(status.st_gid)


def existing(path: Path) -> Path:
    """The path itself or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def is_device(status: os.stat_result) -> bool:
    """Whether it is a terminal or another character device."""
    return stat.S_ISCHR(status.st_mode)
