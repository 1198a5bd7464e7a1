"""A daemon as a process of its own, on free ports and a folder of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from dialerd.control.io_client import SyncClient
from tests.ports import free_port, media_ports

READY_S = 100

CONFIG = """
[store]
path = "data"
[sip]
port = {sip}
[media]
port_low = {low}
port_high = {high}
[recording]
encode = "off"  # a file stays where the attempt says
[control]
socket = "control.sock"
[admin]
enabled = {admin}
port = {http}
[dialing]
drain_s_max = 2
calls_per_s_max = 1000
[[trunk]]
name = "gateway"
host = "127.0.0.1"
port = {gateway}
channels = 100
calls_per_s_max = 50
loopback = true
"""


class Daemon:
    """Started and stopped by the tests."""

    def __init__(self, folder, gateway=9, *, admin=False, sip=0, more=""):
        """`more`: further keys of the trunk, then further tables."""
        self.folder = folder
        self.sip = sip or free_port()
        self.http = free_port()
        self.config = folder / "dialerd.toml"
        self.socket = folder / "control.sock"
        low, high = media_ports()
        keys = {"sip": self.sip, "http": self.http, "gateway": gateway, "low": low, "high": high}
        self.config.write_text(CONFIG.format(**keys, admin=str(admin).lower()) + more)
        self.config.chmod(0o600)
        self.process = None

    def start(self, **variables):
        """`variables`: of its environment, beside ours."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dialerd", "run", "-c", str(self.config)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | variables,
        )
        return self

    def ready(self):
        until = time.monotonic() + READY_S
        while True:
            try:
                return SyncClient(self.socket)
            except Exception:
                assert self.process.poll() is None, self.process.stderr.read()
                assert time.monotonic() < until, "the daemon does not become ready"
                time.sleep(0.05)

    def until_said(self, words):
        """Wait for a line of its log; `stop` tells only those after it."""
        for line in self.process.stderr:
            if words in line:
                return line
        raise AssertionError(f"it ended and never said {words!r}")

    def stop(self, number=signal.SIGTERM):
        """Its exit code and what it wrote."""
        self.process.send_signal(number)
        _, text = self.process.communicate(timeout=200)
        return self.process.returncode, text

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def daemon(tmp_path):
    """A factory; whatever it started is ended."""
    made = []

    def make(name="d", **options):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        made.append(Daemon(folder, **options))
        return made[-1]

    with contextlib.ExitStack() as ends:
        ends.callback(lambda: [d.end() for d in made])
        yield make
