"""Secrets: where they may stand, who may read them."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from dialerd.toml_faults import Fault

SECRET_BYTES_MAX: Final = 4096
SECRETS: Final = ("password", "ha1", "ha1_sha256", "hep_key")  # keys of `secret_tables`
_FROM_ENV: Final = re.compile(r"\$\{env:\w+\}")


def password_file_rules(path: Path, at: tuple[str | int, ...]) -> Iterator[Fault]:
    """A file that holds a password: there, readable by us and by nobody else."""
    try:
        mode = path.stat().st_mode
        first_line(path)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        yield Fault(at, f"cannot read {path}: {getattr(error, 'strerror', None) or error}")
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Fault(at, f"everybody on this machine can read {path}", f"chmod 600 {path}")


def first_line(path: Path) -> str:
    """The secret in a file: its first line; OSError, ValueError."""
    with opened(path) as file:
        line = file.read(SECRET_BYTES_MAX).decode().split("\n", 1)[0].rstrip("\r")
    if not line:
        raise ValueError("its first line is empty")
    return line


def opened(path: Path) -> BinaryIO:
    """A file that a configuration names, to be read; OSError. A pipe would never end."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(fd, "rb")


def secret_rules(raw: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    """A password written into a file that everybody can read is refused."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not mode & stat.S_IROTH:
        return
    for where, table in secret_tables(raw):
        for name in SECRETS:
            written = table.get(name)
            if isinstance(written, str) and written and not _FROM_ENV.fullmatch(written):
                yield Fault(
                    (*where, name),
                    "a password in a file that everybody on this machine can read",
                    f"chmod 600 {path}, or use password_file or ${{env:NAME}}",
                    key=True,
                )


def secret_tables(raw: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """The tables of a document, as read, that may hold secrets; whatever is in it."""
    trace, phones = raw.get("trace"), raw.get("phones")
    if isinstance(trace, dict):
        yield ("trace",), trace
    users = phones.get("user") if isinstance(phones, dict) else None
    for where, tables in ((("trunk",), raw.get("trunk")), (("phones", "user"), users)):
        for index, table in enumerate(tables if isinstance(tables, list) else ()):
            if isinstance(table, dict):
                yield (*where, index), table


def forget_secrets(document: Mapping[str, Any]) -> None:
    """Take every secret out of a document, for a command that needs none."""
    for _, table in secret_tables(document):
        for name in (*SECRETS, "password_file"):
            table.pop(name, None)
