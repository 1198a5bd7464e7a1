"""Ports of tests: what one process was given, no other one is."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests import tree
from tests.ports import HOST, SINGLE, free_port, media_ports

SHOW = "from tests import ports; print(*ports.media_ports(), ports.free_port())"


def test_ports_are_even_free_and_not_given_twice_in_a_row() -> None:
    given = [free_port() for _ in range(SINGLE // 4)]
    assert len(set(given)) == len(given)
    assert not any(port % 2 for port in given)
    for port in given:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind((HOST, port))


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_in_use_is_passed_over(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, free_port()))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        assert taken.getsockname()[1] not in {free_port() for _ in range(SINGLE // 2)}


def test_media_has_a_range_of_its_own() -> None:
    low, high = media_ports()
    assert not any(low <= free_port() <= high for _ in range(SINGLE))


def test_another_process_has_another_block() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=tree.ROOT, capture_output=True, text=True, check=True
    )
    low, high, single = map(int, done.stdout.split())
    ours = media_ports()
    assert high < ours[0] - SINGLE or low - SINGLE > ours[1]
    assert not ours[0] - SINGLE <= single <= ours[1]
