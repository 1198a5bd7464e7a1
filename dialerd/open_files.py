"""How many files a process may open: every call in progress holds a socket or two."""

from __future__ import annotations

import logging
import resource

log = logging.getLogger("dialerd")

FILES_MAX = 1 << 20  # asking for more helps nobody
ELSE = 512  # files that are no calls: store, control clients, HTTP, logs


def raise_limit() -> int:
    """Ask for as many open files as the system allows this user; how many that is.

    Debian starts programs with 1,024 (the soft limit) and lets them ask for far more (the hard
    one): the low one only protects old programs that use select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def calls_of(files: int, sockets: int = 1) -> int:
    """How many calls of so many sockets so many files are enough for; at least one."""
    return max((files - ELSE) // sockets, 1)


def calls_within(wanted: int, sockets: int) -> int:
    """So many calls of so many sockets each as are wanted, or as the open files allow."""
    files = raise_limit()
    most = calls_of(files, sockets)
    if wanted > most:
        log.warning(
            "only %d files may be open (ulimit -Hn): at most %d calls at once instead of %d",
            files, most, wanted,
        )  # fmt: skip
    return min(wanted, most)
