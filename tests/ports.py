"""Ports for tests: every process that runs some takes a block that no other such process has.

Blocks lie outside of the range from which the kernel gives ports to those who name none (32768 to
60999), so that a port found free is still free when a program that is started for it asks. A socket
on the first port of a block holds it for as long as the process lives; whatever runs at once on a
machine, workers of one run or runs of several people, never meets.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
from functools import cache

HOST = "127.0.0.1"
SIZE = 500
SINGLE = 140  # of a block: ports one by one; the rest is for media
FIRSTS = (*range(61_000, 65_001, SIZE), *range(30_000, 32_001, SIZE), *range(6_000, 9_501, SIZE))


@cache
def _block(process: int) -> tuple[int, itertools.cycle[int], socket.socket]:
    """The first port of what this process holds, its single ports, and what holds it."""
    for first in FIRSTS:
        lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            lock.bind((HOST, first))
        except OSError:
            lock.close()
            continue
        return first, itertools.cycle(range(first + 2, first + SINGLE, 2)), lock
    raise AssertionError(f"all {len(FIRSTS)} blocks of ports are taken: who runs so many tests?")


def free_port(host: str = HOST) -> int:
    """An even port that nobody has, for UDP and TCP, and not given before unless all were."""
    ports = _block(os.getpid())[1]
    for _ in range(SINGLE // 2):
        port = next(ports)
        if _is_free(host, port):
            return port
    raise AssertionError("every port of the block is in use")


def media_ports() -> tuple[int, int]:
    """The lowest and highest of 180 pairs for RTP and RTCP."""
    first = _block(os.getpid())[0]
    return first + SINGLE, first + SIZE - 1


def _is_free(host: str, port: int) -> bool:
    """For whom we ask will bind it as servers do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:  # as all servers do: old connections are no obstacle
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
                raise
    return True
