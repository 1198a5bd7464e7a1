"""The admin process is kept alive by the daemon and ends with it."""

import os
import signal
import time
import urllib.request

from dialerd.control.io_client import SyncClient


def test_the_admin_process_is_started_again_when_it_dies(daemon):
    d = daemon(admin=True).start()
    d.ready().close()

    def pid():
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{d.http}/v1/health/live") as reply:
                    assert reply.status == 200
                found = [
                    p
                    for p in os.listdir("/proc")
                    if p.isdigit() and f"{d.config}" in _cmdline(p) and "admin_http" in _cmdline(p)
                ]
                if found:
                    return int(found[0])
            except OSError:
                time.sleep(0.1)
        raise AssertionError("no admin process answers")

    first = pid()
    os.kill(first, signal.SIGKILL)
    end = time.monotonic() + 20
    while (second := pid()) == first:
        assert time.monotonic() < end
    SyncClient(d.socket).close()
    assert d.stop()[0] == 0
    assert not os.path.exists(f"/proc/{second}")


def _cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""
