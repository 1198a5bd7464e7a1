"""What processes use, read from the text of /proc. Pure: the text is handed in.

CPU is the processes' own utime and stime. System-wide idle figures are never used: they are sampled
at timer ticks and miss work that is aligned to them, which is what 20 ms media work is.
"""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """CPU seconds and resident KiB of some processes together."""

    cpu_s: float = 0.0
    rss_kib: int = 0
    threads: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.cpu_s + other.cpu_s, self.rss_kib + other.rss_kib, self.threads + other.threads
        )

    @property
    def gone(self) -> Usage:
        """What is left to count of processes that have ended: their CPU."""
        return Usage(self.cpu_s)


class Stat(msgspec.Struct, frozen=True):
    """The fields of /proc/PID/stat that matter here; see proc(5)."""

    pid: int
    parent: int
    state: str
    ticks: int  # utime + stime, its own and those of children that ended and were waited for
    threads: int
    rss_pages: int


def parse_stat(text: str) -> Stat:
    """One /proc/PID/stat; ValueError when it is not one. The name may hold spaces and brackets."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if not head or len(fields) < 22:
        raise ValueError("not a /proc/PID/stat")
    return Stat(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        state=fields[0],
        ticks=sum(map(int, fields[11:15])),
        threads=int(fields[17]),
        rss_pages=int(fields[21]),
    )


def usage_of(stat: Stat, *, ticks_per_s: int, page_kib: int) -> Usage:
    """In seconds and KiB."""
    return Usage(stat.ticks / ticks_per_s, stat.rss_pages * page_kib, stat.threads)


def family(stats: dict[int, Stat], root: int) -> list[Stat]:
    """A process and all its descendants, those that are still there."""
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found: list[Stat] = []
    wait = [root]
    while wait:
        pid = wait.pop()
        if pid in stats:
            found.append(stats[pid])
            wait += children.get(pid, [])
    return found
