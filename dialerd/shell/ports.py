"""Names the process that holds a UDP or TCP port, so that 'address in use' says by whom."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def holder(port: int, kind: str = "udp") -> str:
    """'sipp (pid 4711)', or '' when nobody is found or /proc does not let us look."""
    inodes = {inode for name in (kind, f"{kind}6") for inode in _inodes(name, port)}
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _holds(process, wanted):
            try:
                name = (process / "comm").read_text().strip()
            except OSError:
                name = "a process"
            return f"{name} (pid {process.name})"
    return ""


def in_use(what: str, host: str, port: int, kind: str = "udp") -> str:
    """One line for a user whose port is taken."""
    who = holder(port, kind)
    by = f" by {who}" if who else ""
    return (
        f"{what}: {host}:{port} is in use{by}; stop it or choose another port in the configuration"
    )


def _inodes(table: str, port: int) -> list[str]:
    """Socket inodes bound to a port, from /proc/net (local address is column 1, inode column 9)."""
    try:
        lines = Path("/proc/net", table).read_text().splitlines()[1:]
    except OSError:
        return []
    found = []
    for line in lines:
        columns = line.split()
        if len(columns) > 9 and int(columns[1].rpartition(":")[2], 16) == port:
            found.append(columns[9])
    return found


def _holds(process: Path, wanted: set[str]) -> bool:
    with contextlib.suppress(OSError):  # it has ended, or is not ours to look into
        for file in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # one that was closed meanwhile
                if os.readlink(file) in wanted:
                    return True
    return False
