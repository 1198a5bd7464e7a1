"""`dialerd doctor` in surroundings that are really bad."""

from __future__ import annotations

import json
import os
import pty
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialerd.cli import checkup_config as named
from dialerd.cli import checkup_machine as machine
from dialerd.cli.checkup import Level, User, user_named
from dialerd.config import Config, load
from tests.ports import HOST, free_port, media_ports

NOBODY = User("nobody", 65_534, frozenset({65_534}))
WORDS = """
[store]
path = "data"
[sip]
port = {sip}
[media]
port_low = {low}
port_high = {high}
[control]
socket = "control.sock"
[admin]
port = {http}
"""


@pytest.fixture
def ports(config: Path) -> dict[str, int]:
    low, high = media_ports()
    found = {"sip": free_port(), "http": free_port(), "low": low, "high": high}
    config.write_text(WORDS.format(**found))
    return found


def findings(done) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in json.loads(done.out)["findings"]}


def wrong_of(found: dict[str, dict[str, str]]) -> list[str]:
    """What fails, but for what depends on what else this machine does."""
    others = ("commits", "room", "clock")
    return [c for c, one in found.items() if one["level"] == "fail" and not c.startswith(others)]


def test_a_fit_machine_passes(ports, command) -> None:
    done = command("doctor", "--json")
    found = findings(done)
    assert wrong_of(found) == []
    assert {"configuration", "control", "store", "open files", "real time", "clock"} <= set(found)
    assert all(bool(one["remedy"]) is (one["level"] != "ok") for one in found.values())
    shown = command("doctor")
    assert f"port {ports['sip']}/udp: SIP on 127.0.0.1:{ports['sip']} is free" in shown.out


def test_a_bad_configuration_is_told_and_the_rest_still_looked_at(config: Path, command) -> None:
    config.write_text("[sip]\nprot = 1\n")
    done = command("doctor", "--json")
    found = findings(done)
    assert done.code == 3
    assert "dialerd.toml:2:1" in found["configuration"]["text"]
    assert "clock" in found
    assert "open files" in found


def test_a_taken_port_names_its_holder(ports, command) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, ports["sip"]))
        done = command("doctor", "--json")
    found = findings(done)[f"port {ports['sip']}/udp"]
    assert done.code == 1
    assert found["level"] == "fail"
    assert f"(pid {os.getpid()})" in found["text"]
    assert wrong_of(findings(command("doctor", "--json"))) == []


def test_taken_media_ports_are_counted(ports) -> None:
    low, high = ports["low"], ports["high"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, low + 4))
        found = named.media_ports(HOST, low, high, running=False, given="1024 1100")
    assert (found.level, str(low + 4) in found.text) == (Level.WARN, True)
    free = named.media_ports(HOST, low, high, running=False, given="1024 1100")
    assert free.level is Level.OK
    overlap = named.media_ports(HOST, low, high, running=True, given=f"{low - 9} {low + 9}")
    assert overlap.level is Level.WARN
    assert f"{low}-{high}" in overlap.remedy


@pytest.mark.parametrize(
    ("host", "level", "words"),
    [("192.0.2.1", Level.FAIL, "no address of this machine"), (HOST, Level.OK, "is free")],
)
def test_an_address_that_is_not_ours(host: str, level: Level, words: str) -> None:
    found = named.port(named.Wanted("SIP", host, free_port(), "udp"), running=False)
    assert found.level is level
    assert words in found.text


def test_the_port_of_a_daemon_that_runs_must_be_held() -> None:
    wanted = named.Wanted("HTTP", HOST, free_port(), "tcp")
    assert named.port(wanted, running=True).level is Level.FAIL
    with socket.create_server((HOST, wanted.port)):
        assert named.port(wanted, running=True).level is Level.OK
        assert named.port(wanted, running=False).level is Level.FAIL


def test_a_running_daemon_answers(daemon, config: Path) -> None:
    found, pong = named.control(config.parent / "control.sock")
    assert found.level is Level.OK
    assert pong is not None
    assert f"pid {pong.pid}" in found.text


def test_control_sockets_of_the_dead_and_the_deaf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named, "ANSWER_S", 0.05)
    stale, deaf = tmp_path / "stale", tmp_path / "deaf"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(stale))
    assert named.control(stale)[0].level is Level.OK
    assert "left from a daemon" in named.control(stale)[0].text
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(deaf))
        one.listen()
        assert named.control(deaf)[0].level is Level.FAIL
    long = tmp_path / ("x" * 120)
    assert "longer than 107" in named.control(long)[0].text


def test_too_few_files_for_the_calls(config: Path) -> None:
    """In a process of its own: the hard limit cannot be raised again."""
    config.write_text('[store]\npath = "data"\n[dialing]\ncalls_max = 1000\n[control]\n'
                      'socket = "c.sock"\n')  # fmt: skip
    code = (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))\n"
        "from dialerd.cli.main import run\nsys.exit(run(['doctor', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}["open files"]
    assert found["level"] == "warn"
    assert found["text"] == "600 allowed, 1,000 calls need 2,512: at most 44 calls at once"
    assert "LimitNOFILE=2512" in found["remedy"]


@pytest.mark.parametrize(
    ("hard", "level"),
    [(512, Level.FAIL), (2_511, Level.WARN), (2_512, Level.OK), (resource.RLIM_INFINITY, Level.OK)],
)
def test_file_limits(hard: int, level: Level) -> None:
    assert machine.files(hard, 1_000, 2).level is level


def as_nobody(code: str) -> str:
    """What a process without privileges and real-time limits prints."""
    before = (
        "import os, resource\nresource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))\n"
        "from dialerd.cli import checkup_machine as machine\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", before + code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_no_real_time_for_who_may_not() -> None:
    told = as_nobody(
        "one = machine.real_time(10)\nprint(one.level, 'LimitRTPRIO=10' in one.remedy)"
    )
    assert told == "warn True"
    assert as_nobody("print(machine.real_time(0).level)") == "ok"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """1 MiB of tmpfs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"this test mounts a tmpfs and must run as root: {made.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    root = user_named("root")
    assert machine.syncs("commits", small_disk, root).level is Level.OK
    with (
        (small_disk / "ballast").open("wb", buffering=0) as ballast,
        pytest.raises(OSError, match="No space left"),
    ):
        while True:
            ballast.write(bytes(4_096))
    full = machine.syncs("commits", small_disk, root)
    assert (full.level, "No space left" in full.text) == (Level.FAIL, True)
    assert machine.space("room", small_disk).level is Level.FAIL
    kind = machine.kind_of_disk("disk", small_disk / "not" / "there", machine.mountinfo())
    assert (kind.level, "tmpfs" in kind.text) == (Level.WARN, True)


def test_a_folder_that_the_daemon_may_not_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = machine.syncs("commits", tmp_path, NOBODY)
    assert found.level is Level.FAIL
    assert f"chown nobody: {tmp_path}" in found.remedy


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /srv/calls rw - nfs4 nas:/calls rw
41 22 0:36 / /srv/my\\040disk rw master:1 - xfs /dev/sdb rw
42 22 0:37 / /srv/calls/fast rw - btrfs /dev/sdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/dialerd", "ext4"),
        ("/srv/calls/data", "nfs4"),
        ("/srv/callsign", "ext4"),
        ("/srv/my disk/data", "xfs"),
        ("/srv/calls/fast/data", "btrfs"),
    ],
)
def test_kinds_of_disks(path: str, kind: str) -> None:
    assert machine.file_system(Path(path), MOUNTS) == kind
    assert machine.file_system(Path(path), "nonsense\n") == "unknown"


def test_another_machines_disk_is_refused(tmp_path: Path) -> None:
    mounts = f"40 22 0:35 / {tmp_path} rw - nfs4 nas:/calls rw\n"
    assert machine.kind_of_disk("disk", tmp_path, mounts).level is Level.FAIL


def test_slow_commits() -> None:
    assert machine.quick_enough("commits", [0.2] * 15 + [900.0]).level is Level.OK
    assert machine.quick_enough("commits", [21.0] * 3).level is Level.WARN
    assert machine.quick_enough("commits", [501.0] * 3).level is Level.FAIL


def test_clocks() -> None:
    good = machine.KernelClock(synchronized=True, drift_ppm=-12.5, error_ms=40.0)
    told = machine.clock(good, 0.1, 1_000.0, 2_000.0)
    assert told.level is Level.OK
    assert "-12.5 ppm" in told.text
    adrift = good._replace(synchronized=False)
    assert "timedatectl" in machine.clock(adrift, 0.1, 1_000.0, 2_000.0).remedy
    assert machine.clock(adrift, 0.1, 1_000.0, 2_000.0).level is Level.WARN
    chased = good._replace(drift_ppm=480.0)
    assert machine.clock(chased, 0.1, 1_000.0, 2_000.0).level is Level.WARN
    assert machine.clock(good, -700.0, 1_000.0, 2_000.0).level is Level.FAIL
    assert machine.clock(good, 0.0, 1_000.0, 999.0).level is Level.FAIL
    assert machine.clock(None, 0.0, 1_000.0, 2_000.0).level is Level.WARN


def test_the_kernel_is_really_asked() -> None:
    found = machine.kernel_clock()
    assert found is not None
    assert abs(found.drift_ppm) <= 500  # the most that a kernel corrects


def test_unknown_zones() -> None:
    (found,) = machine.zones(["Asia/Ho_Chi_Minh", "Asia/Atlantis", "../etc/passwd"])
    assert found.level is Level.FAIL
    assert "Asia/Atlantis, ../etc/passwd" in found.text


BANK = '[[bank]]\nname = "sims"\nslots = "{slots}"\n'


def bank(config: Path, slots: str) -> Config:
    config.write_text(BANK.format(slots=slots))
    return load(config)


def test_modems_that_nobody_may_use(config: Path, tmp_path: Path) -> None:
    ends = pty.openpty()
    (tmp_path / "slot-1").symlink_to(os.ttyname(ends[1]))
    processes = tmp_path / "proc"
    (processes / "77").mkdir(parents=True)
    (processes / "77" / "comm").write_text("ModemManager\n")
    (processes / "stat").write_text("")
    found = bank(config, f"{tmp_path}/slot-*")
    try:
        of_root, manager = named.modems(found, user_named("root"), processes)
        assert (of_root.level, of_root.text) == (Level.OK, "1 ports, root may use them")
        assert (manager.level, "pid 77" in manager.text) == (Level.FAIL, True)
        denied, _ = named.modems(found, NOBODY, processes)
        assert denied.level is Level.FAIL
        assert "usermod -a -G" in denied.remedy
        (processes / "77" / "comm").unlink()
        assert [one.level for one in named.modems(found, user_named("root"), processes)] == [
            Level.OK, Level.OK,
        ]  # fmt: skip
    finally:
        for end in ends:
            os.close(end)


def test_modems_that_are_not_there(config: Path, tmp_path: Path) -> None:
    (tmp_path / "slot-1").write_text("no device")
    wrong, _ = named.modems(bank(config, f"{tmp_path}/slot-*"), NOBODY, Path("/proc"))
    assert "is no device" in wrong.text
    missing, _ = named.modems(bank(config, f"{tmp_path}/other-*"), NOBODY, Path("/proc"))
    assert (missing.level, "no device at" in missing.text) == (Level.FAIL, True)
    assert list(named.modems(Config(), NOBODY, Path("/proc"))) == []


def test_a_store_that_cannot_be_read(config: Path, tmp_path: Path, command) -> None:
    folder = tmp_path / "data"
    assert "made at the first start" in named.store(folder).text
    command("dnc", "add", "0912345678", "--source", "asked")
    assert named.store(folder).level is Level.OK
    (folder / "store" / "data.mdb").write_bytes(b"no store" * 2_000)
    found = named.store(folder)
    assert found.level is Level.FAIL
    assert "fsck" in found.remedy


def test_who_is_nobody_here(command, ports) -> None:
    done = command("doctor", "--user", "nobody-of-that-name")
    assert done.code == 2
    assert "there is no user" in done.err
