"""The admin process is kept alive by the daemon and ends with it."""

import os
import signal
import socket
import ssl
import time
import urllib.request

from dialerd.cli import main
from dialerd.control.io_client import SyncClient
from tests.waiting import until


def test_the_admin_process_is_started_again_when_it_dies(daemon):
    d = daemon(admin=True).start()
    d.ready().close()

    def pid():
        end = time.monotonic() + 100
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
    end = time.monotonic() + 100
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


def test_sighup_renews_the_certificate_of_https(daemon, tmp_path):
    d, folder = daemon(admin=True), tmp_path / "tls"

    def make(*words):
        assert main.run(["tls", "init", "--folder", str(folder), *words]) == main.OK

    def serial():
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        with (
            socket.create_connection(("127.0.0.1", d.http), timeout=200) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return secure.getpeercert()["serialNumber"]

    def answers():
        try:
            return serial()
        except OSError:  # it is being started
            return None

    make()
    pair = f'certificate = "{folder}/server.crt"\nkey = "{folder}/server.key"\n'
    d.config.write_text(d.config.read_text().replace("[admin]\n", f"[admin]\n{pair}"))
    d.start().ready().close()
    until(answers, 60.0, 0.1)
    first = serial()
    make("--renew")
    os.kill(d.process.pid, signal.SIGHUP)
    until(lambda: serial() != first, 60.0, 0.1)
    assert d.stop()[0] == 0
