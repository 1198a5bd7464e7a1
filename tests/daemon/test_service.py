"""The daemon as a service: what systemd hears of it, its unit, and its log for programs."""

import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.tree import ROOT

UNIT = Path("conf/systemd/dialerd.service")
EXPOSURE_MAX = 20  # tenths


def test_it_tells_systemd_and_logs_json(daemon, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(100)

        def until(words):
            while words not in (said := manager.recv(4096).decode()):
                assert "WATCHDOG" in said
            return said

        d = daemon(more='\n[log]\nformat = "json"\n')
        d.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="500000")
        assert "STATUS=SIP 127.0.0.1:" in manager.recv(4096).decode()
        d.ready().close()
        until("WATCHDOG=1")
        until("WATCHDOG=1")
        d.process.send_signal(signal.SIGHUP)
        until("RELOADING=1\nMONOTONIC_USEC=")
        until("READY=1")
        code, text = d.stop()
        until("STOPPING=1")
    assert code == 0
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"at", "level", "logger", "text"} <= set(lines[0])
    assert any("configuration read again" in line["text"] for line in lines)


def test_the_unit_leaves_little_to_an_intruder():
    analyze = shutil.which("systemd-analyze")
    assert analyze is not None
    threshold = f"--threshold={EXPOSURE_MAX}"
    command = [analyze, "security", "--offline=true", "--no-pager", threshold, str(UNIT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    # What this systemd does not know it leaves out with a word.
    assert "ignoring" not in done.stderr, done.stderr
