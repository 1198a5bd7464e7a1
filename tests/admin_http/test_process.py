"""The HTTP process as the daemon starts it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from admin_http import tokens
from admin_http.people.store import AdminStore
from admin_http.tokens import Scope, utc_now
from dialerd.store import open_store, wait
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LOOKS = 1_200


def configure(folder: Path, port: int) -> Path:
    path = folder / "dialerd.toml"
    path.write_text(
        f'[store]\npath = "data"\n[control]\nsocket = "c.sock"\n[admin]\nport = {port}\n'
    )
    return path


@contextmanager
def process(path: Path) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "admin_http", "-c", str(path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def get(port: int, path: str, token: str = "") -> tuple[int, str]:
    request = Request(f"http://127.0.0.1:{port}{path}")
    request.add_header("Authorization", f"Bearer {token}")
    for _ in range(LOOKS):
        try:
            with urlopen(request, timeout=200) as answer:  # noqa: S310 - our own port
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except URLError:
            time.sleep(0.05)
    raise AssertionError("it does not listen")


def gone(port: int) -> bool:
    for _ in range(LOOKS):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return True
        time.sleep(0.05)
    return False


def test_it_serves_reads_the_store_and_ends_when_told(tmp_path: Path) -> None:
    port = free_port()
    path = configure(tmp_path, port)
    store = open_store(tmp_path / "data")
    try:
        wait(store.create_list("people", 1))
        admin = AdminStore(tmp_path / "data")
        token = admin.write(lambda txn: tokens.add(txn, "t", (Scope.REPORTS,), utc_now(), None))
        admin.close()
        with process(path) as running:
            assert get(port, "/v1/health/live")[0] == 200
            assert get(port, "/v1/health/ready")[0] == 503  # no daemon here
            code, text = get(port, "/v1/campaigns/1/report", token)
            assert code == 404, text  # the store was opened and has no campaign 1
            running.send_signal(signal.SIGTERM)
            assert running.wait(100) == 0
            assert running.stderr is not None
            assert "Traceback" not in running.stderr.read()
    finally:
        store.close()


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with process(configure(tmp_path, port)) as running:
            assert running.wait(100) == 1
            assert running.stderr is not None
            text = running.stderr.read()
    assert f"[admin] 127.0.0.1:{port}" in text
    assert "Traceback" not in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("text", ["[admin]\nport = 0\n", '[admin]\nbind = "0.0.0.0"\n', "x"])
def test_a_bad_configuration_is_code_3(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dialerd.toml"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "admin_http", "-c", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert f"{path}:" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    port = free_port()
    path = configure(tmp_path, port)
    starter = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.Popen(sys.argv[1:]); input()",
            *(sys.executable, "-m", "admin_http", "-c", str(path)),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert get(port, "/v1/health/live")[0] == 200
    finally:
        starter.kill()
        starter.communicate()
    assert gone(port), "it is still there"


def test_it_ends_when_its_parent_was_gone_before_it_looked(tmp_path: Path) -> None:
    path = configure(tmp_path, free_port())
    done = subprocess.run(
        [sys.executable, "-m", "admin_http", "-c", str(path), "--parent", "1"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
