"""A disk that fails or stalls under the running daemon."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path

import pytest

from dialerd.core import control as api
from tests.daemon.conftest import Daemon
from tests.daemon.gateway import Gateway
from tests.daemon.test_daemon import broadcast, people
from tests.faults.shim import Control
from tests.ports import HOST
from tests.waiting import until

PINGS = 20

OPTIONS = """OPTIONS sip:dialerd@{host}:{port} SIP/2.0
Via: SIP/2.0/UDP {host}:{own};branch=z9hG4bK-{n}
Max-Forwards: 70
From: <sip:ping@{host}>;tag=ping
To: <sip:dialerd@{host}>
Call-ID: ping-{n}@{host}
CSeq: {n} OPTIONS
Contact: <sip:ping@{host}:{own}>
Content-Length: 0

"""


@pytest.fixture
def shaken(tmp_path: Path):
    """A daemon with calls, and a hand on its disk."""
    with Control(tmp_path) as control, Gateway() as carrier:
        folder = tmp_path / "d"
        folder.mkdir()
        daemon = Daemon(folder, gateway=carrier.port)
        daemon.start(**control.environment())
        try:
            with daemon.ready() as client:
                people(folder, 400)
                broadcast(client, calls_per_s_max=20.0)
                until(lambda: len(carrier.calls) >= 3)
                yield daemon, control, carrier
        finally:
            daemon.end()


@pytest.mark.parametrize("which", ["flush_errno", "meta_errno"])
def test_a_flush_that_fails_ends_dialing_and_the_daemon_and_the_next_goes_on(shaken, which: str):
    daemon, control, carrier = shaken
    control[which] = errno.EIO
    until(lambda: control["refused"] > 0)
    refused, calls = control["refused"], len(carrier.calls)
    control[which] = 0  # it would work again, and must not be asked
    flushes = control["flushes"]
    _, text = daemon.process.communicate(timeout=200)
    assert daemon.process.returncode == 1
    assert "nothing more is dialed, dialerd ends with its calls" in text
    assert "error: writing" in text.splitlines()[-1]
    assert "Traceback" not in text
    assert (control["refused"], control["flushes"]) == (refused, flushes), "a flush was retried"
    assert len(carrier.calls) <= calls + 2, "an INVITE may have been on its way"
    until(lambda: all(call.ended for call in carrier.calls.values()))
    before = len(carrier.calls)
    daemon.start(**control.environment())
    with daemon.ready():
        until(lambda: len(carrier.calls) >= before + 3)
    code, text = daemon.stop()
    assert code == 0, text
    users = [call.user for call in carrier.calls.values()]
    assert len(users) == len(set(users))


def pings_in_one_stall(daemon, control, wanted: int) -> None:
    """Until so many were sent and answered between the beginning and the end of one flush."""
    most, number = 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        sock.settimeout(100)
        give_up = time.monotonic() + 100
        while most < wanted:
            assert time.monotonic() < give_up, f"{most} pings answered in one stall"
            stall, answered = control["stalls_begun"], 0
            while control["stalls_begun"] == stall > control["stalls_ended"]:
                number += 1
                ping = OPTIONS.format(
                    host=HOST, port=daemon.sip, own=sock.getsockname()[1], n=number
                )
                sock.sendto(ping.replace("\n", "\r\n").encode(), (HOST, daemon.sip))
                assert sock.recv(65_535).startswith(b"SIP/2.0 200")
                answered += control["stalls_begun"] == stall > control["stalls_ended"]
            most = max(most, answered)


def test_while_a_flush_lasts_the_loop_serves(shaken):
    daemon, control, _ = shaken
    for stall_ms, wanted in ((200, 2), (2_000, PINGS)):
        control["stall_ms"] = stall_ms
        pings_in_one_stall(daemon, control, wanted)
        with daemon.ready() as client:
            assert client.call(api.GetStatus()).calls_in_flight >= 0
    control["stall_ms"] = 0
    code, text = daemon.stop()
    assert code == 0, text
