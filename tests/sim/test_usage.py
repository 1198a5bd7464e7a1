"""CPU and memory read from /proc, the pure part and the children it is used for."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.sim import io_procs
from dialerd.sim.io_procs import Child, ChildError, free_ports, wait_until
from dialerd.sim.usage import Stat, Usage, family, parse_stat, usage_of

LINE = (
    "4711 (uv (loop) x) S 4000 4711 4711 0 -1 4194304 1 2 3 4 250 50 25 5 20 0 7 0 100 999 2048 "
    "18446744073709551615 1 1 0"
)


def test_a_stat_line_is_read_past_a_name_with_brackets():
    stat = parse_stat(LINE)
    assert stat == Stat(4711, 4000, "S", 330, 7, 2048)
    assert usage_of(stat, ticks_per_s=100, page_kib=4) == Usage(3.3, 8192, 7)


@pytest.mark.parametrize("text", ["", "4711", "4711 (x) S 1 2 3", "no bracket " * 30])
def test_what_is_no_stat_is_refused(text):
    with pytest.raises(ValueError, match="stat"):
        parse_stat(text)


@given(st.text())
def test_no_text_raises_anything_else(text):
    with contextlib.suppress(ValueError):
        assert parse_stat(text).pid is not None


def test_our_own_stat_is_read():
    stat = parse_stat(Path("/proc/self/stat").read_text())
    assert (stat.pid, stat.parent) == (os.getpid(), os.getppid())
    assert stat.rss_pages > 0


def test_a_family_is_the_root_and_all_below_it():
    tree = {1: 0, 2: 1, 3: 2, 4: 1, 5: 9}
    stats = {pid: Stat(pid, parent, "S", 1, 1, 1) for pid, parent in tree.items()}
    assert {s.pid for s in family(stats, 1)} == {1, 2, 3, 4}
    assert {s.pid for s in family(stats, 2)} == {2, 3}
    assert family(stats, 77) == []


def child(tmp_path: Path, code: str) -> Child:
    return Child("a child", [sys.executable, "-u", "-c", code], tmp_path / "child.log")


def test_a_child_is_ended_by_its_pid_and_its_words_are_kept(tmp_path):
    it = child(tmp_path, "import time\nprint('hello')\ntime.sleep(60)")
    wait_until(lambda: b"hello" in it.log.read_bytes(), [it], 10, "the word")
    assert it.usage().rss_kib > 1_000
    assert it.exit_code is None
    assert it.stop(10) == -signal.SIGTERM
    assert it.stop(10) == -signal.SIGTERM
    assert it.usage() == Usage()
    assert not Path(f"/proc/{it.pid}").exists()


def test_what_does_not_come_is_told_with_the_end_of_the_log(tmp_path):
    # A process that lives and is never ready: it sleeps until it is killed below, nobody waits.
    it = child(tmp_path, "import time\nprint('importing slowly')\ntime.sleep(60)")
    wait_until(lambda: b"slowly" in it.log.read_bytes(), [it], 10, "the word")
    with pytest.raises(ChildError, match="the socket is not there after 0 s") as error:
        wait_until(lambda: False, [it], 0, "the socket")
    it.kill()
    assert str(it.log) in str(error.value)
    assert str(error.value).endswith("importing slowly")


def test_a_child_that_will_not_end_is_killed(tmp_path):
    it = child(
        tmp_path,
        "import signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf')\ntime.sleep(60)",
    )
    wait_until(lambda: b"deaf" in it.log.read_bytes(), [it], 10, "the word")
    assert it.stop(0.2) == -signal.SIGKILL


def test_a_child_that_dies_is_told_with_its_last_words(tmp_path):
    it = child(tmp_path, "print('first')\nraise SystemExit('the disk is gone')")
    it.wait(100)
    with pytest.raises(ChildError, match=r"(?s)exit code 1; .*the disk is gone"):
        it.check()
    with pytest.raises(ChildError, match="the disk is gone"):
        wait_until(lambda: False, [it], 10, "a thing")


def test_a_signal_that_ended_it_is_named(tmp_path):
    it = child(tmp_path, "import time\ntime.sleep(60)")
    assert it.kill() == -signal.SIGKILL
    with pytest.raises(ChildError, match=r"(?s)signal 9.*empty"):
        it.check()


def test_waiting_has_an_end():
    with pytest.raises(ChildError, match="the moon is not there"):
        wait_until(lambda: False, [], 0.05, "the moon")


def test_a_program_that_is_not_there(tmp_path):
    it = Child("nothing", [str(tmp_path / "absent")], tmp_path / "log")
    assert it.wait(100) != 0
    with pytest.raises(ChildError, match="absent"):
        it.check()


def test_its_own_children_count(tmp_path):
    it = child(
        tmp_path,
        "import subprocess,sys\n"
        "code='import sys;print(1);sys.stdin.read()'\n"  # it ends with its parent
        "p=subprocess.Popen([sys.executable,'-u','-c',code],stdin=subprocess.PIPE)\n"
        "p.wait()",
    )
    try:
        wait_until(lambda: b"1" in it.log.read_bytes(), [it], 10, "the grandchild")
        assert it.usage().threads >= 2
    finally:
        it.kill()


def test_free_ports_are_free_and_none_that_the_kernel_gives_away():
    ports = free_ports(20)
    given = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert len(set(ports)) == 20
    assert not any(int(given[0]) <= port <= int(given[1]) for port in ports)
    for port in ports:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", port))


def test_a_busy_port_is_passed_over(monkeypatch):
    busy = free_ports(1)[0]
    monkeypatch.setattr(io_procs, "PORTS", range(busy, busy + 1))
    assert free_ports(1) == [busy]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", busy))
        with pytest.raises(ChildError, match=f"too few free ports from {busy} to {busy}"):
            free_ports(1)
