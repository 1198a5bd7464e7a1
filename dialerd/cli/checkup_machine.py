"""The machine below the daemon, as `dialerd doctor` sees it: clock, limits, disk, time zones.

Each check is given what it looks at, so that tests give it bad surroundings.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import statistics
import tempfile
import threading
import time
import zoneinfo
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from dialerd.cli.checkup import Finding, Level, User, existing

STA_UNSYNC: Final = 0x40  # adjtimex(2)
DRIFT_PPM_MAX: Final = 200.0  # a quartz is good for 100; more is a clock that is being chased
JUMP_MS_MAX: Final = 500.0  # of the wall clock against the monotonic one while we looked
FREE_BYTES_WARN: Final = 2 << 30
FREE_BYTES_FAIL: Final = 200 << 20
FREE_SHARE_WARN: Final = 0.05
SYNC_MS_WARN: Final = 20.0  # median; a lead's commit waits for one before its call leaves
SYNC_MS_FAIL: Final = 500.0
SYNCS: Final = 16
PAGE: Final = 4096
NETWORKED: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs"}
)
FLEETING: Final = {
    "tmpfs": "it is memory: all is lost when the machine stops",
    "ramfs": "it is memory: all is lost when the machine stops",
    "overlay": "it is the layer of a container, and goes with it",
}


class KernelClock(NamedTuple):
    """What the kernel says of its clock; `error_ms` is its own estimate of the worst."""

    synchronized: bool
    drift_ppm: float
    error_ms: float


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),  # more than the structure has behind it
    )


def kernel_clock() -> KernelClock | None:
    """By adjtimex(2), which only reads so; None where it may not be asked."""
    asked = _Timex()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.byref(asked)) < 0:
        return None
    unsynchronized = bool(asked.status & STA_UNSYNC)
    return KernelClock(not unsynchronized, asked.freq / 65_536, asked.maxerror / 1_000)


def wall_ahead_ms() -> float:
    """The wall clock less the monotonic one; only how it changes says anything."""
    return (time.time_ns() - time.monotonic_ns()) / 1_000_000


def clock(kernel: KernelClock | None, jump_ms: float, installed: float, now: float) -> Finding:
    """`installed` and `now` are seconds since 1970."""
    ask = "timedatectl set-ntp true, or install chrony; chronyc tracking shows how it fares"
    if now < installed:
        return Finding("clock", Level.FAIL, "the clock is before the day of installation", ask)
    if abs(jump_ms) > JUMP_MS_MAX:
        text = f"the wall clock jumped by {jump_ms:.0f} ms against the monotonic one just now"
        return Finding("clock", Level.FAIL, text, "let NTP slew it; see who else sets the clock")
    if kernel is None:
        return Finding("clock", Level.WARN, "the kernel does not say how its clock is", ask)
    if not kernel.synchronized:
        text = "no time server keeps the clock; legal hours are kept by it"
        return Finding("clock", Level.WARN, text, ask)
    told = (
        f"synchronized, drift {kernel.drift_ppm:+.1f} ppm, {kernel.error_ms:.0f} ms wrong at most"
    )
    if abs(kernel.drift_ppm) > DRIFT_PPM_MAX:
        text = f"{told}: more than a good clock drifts"
        return Finding("clock", Level.WARN, text, "another clock source, or ask who runs the host")
    return Finding("clock", Level.OK, told)


def files(hard: int, calls_max: int, sockets: int) -> Finding:
    """Whether so many open files are enough for so many calls of so many sockets."""
    from dialerd.open_files import ELSE, FILES_MAX, calls_of

    most = FILES_MAX if hard == resource.RLIM_INFINITY else hard
    needed = calls_max * sockets + ELSE
    if most >= needed:
        return Finding("open files", Level.OK, f"{most:,} allowed, {needed:,} needed")
    text = f"{most:,} allowed, {calls_max:,} calls need {needed:,}"
    level = Level.FAIL if most <= ELSE else Level.WARN
    return Finding(
        "open files",
        level,
        f"{text}: at most {calls_of(most, sockets):,} calls at once",
        f"LimitNOFILE={needed} in the unit, or nofile in /etc/security/limits.conf",
    )


def may_run_in_real_time(priority: int) -> bool:
    """Whether a thread of ours gets SCHED_FIFO: tried in one that ends with it."""
    given: list[bool] = []

    def attempt() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))  # of this thread
        except OSError:
            given.append(False)
        else:
            given.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return given[0]


def real_time(priority: int) -> Finding:
    """Whether the media threads get what the configuration wants for them."""
    if priority == 0:
        return Finding("real time", Level.OK, "not wanted: priority = 0 in [media]")
    if may_run_in_real_time(priority):
        return Finding("real time", Level.OK, f"SCHED_FIFO {priority} is allowed")
    soft, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    return Finding(
        "real time",
        Level.WARN,
        f"SCHED_FIFO {priority} is refused (RLIMIT_RTPRIO is {soft}): audio is late under load",
        f"LimitRTPRIO={priority} in the unit, or rtprio in /etc/security/limits.conf; "
        "in a container --cap-add SYS_NICE",
    )


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system a path is on, from the text of /proc/self/mountinfo."""
    best, kind = -1, "unknown"
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        columns = before.split()
        if len(columns) < 5 or not after:
            continue
        at = columns[4].replace("\\040", " ")
        if path.is_relative_to(at) and len(at) >= best:  # a later mount hides an earlier one
            best, kind = len(at), after.split()[0]
    return kind


def kind_of_disk(what: str, folder: Path, mounts: str) -> Finding:
    """Whether a database may be kept there."""
    kind = file_system(existing(folder).resolve(), mounts)
    if kind in NETWORKED or kind.startswith("fuse.sshfs"):
        text = (
            f"{folder} is on {kind}: another machine's disk, where locks and commits are not safe"
        )
        return Finding(what, Level.FAIL, text, "a folder on a disk of this machine")
    if kind in FLEETING:
        return Finding(
            what, Level.WARN, f"{folder} is on {kind}: {FLEETING[kind]}", "a folder on a disk"
        )
    return Finding(what, Level.OK, f"{folder} is on {kind}")


def space(what: str, folder: Path) -> Finding:
    """How much room is left there."""
    room = os.statvfs(existing(folder))
    free, total = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
    text = f"{_size(free)} of {_size(total)} free in {folder}"
    remedy = "make room, or move it: dialerd retention, [store] path, [recording] folder"
    if free < FREE_BYTES_FAIL:
        return Finding(what, Level.FAIL, f"{text}: the daemon stops dialing when none is", remedy)
    if free < FREE_BYTES_WARN or (total and free / total < FREE_SHARE_WARN):
        return Finding(what, Level.WARN, text, remedy)
    if room.f_files and not room.f_favail:
        return Finding(what, Level.FAIL, f"no inode is left for {folder}", remedy)
    return Finding(what, Level.OK, text)


def sync_times_ms(folder: Path) -> list[float]:
    """How long commits of a page take there, each on the disk; OSError."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            begun = time.monotonic_ns()
            os.pwrite(file.fileno(), bytes(PAGE), 0)
            os.fdatasync(file.fileno())
            times.append((time.monotonic_ns() - begun) / 1_000_000)
    return times


def syncs(what: str, folder: Path, user: User) -> Finding:
    """Whether commits to that disk are quick; also whether it can be written at all."""
    there = existing(folder)
    if not user.may(there.stat(), 3):
        text = f"{user.name} may not write in {there}"
        made = f"install -d -o {user.name} -g {user.name} -m 700 {folder}"
        remedy = f"chown {user.name}: {folder}" if there == folder else made
        return Finding(what, Level.FAIL, text, remedy)
    try:
        times = sync_times_ms(there)
    except PermissionError:
        return Finding(what, Level.WARN, f"not tried: {there} is not ours", "run doctor as root")
    except OSError as error:
        text = f"{there} cannot be written: {error.strerror}"
        return Finding(what, Level.FAIL, text, "make room, or mount it for writing")
    return quick_enough(what, times)


def quick_enough(what: str, times_ms: Iterable[float]) -> Finding:
    """What such times mean for calls."""
    times = sorted(times_ms)
    middle, worst = statistics.median(times), times[-1]
    text = f"{middle:.2f} ms a commit, {worst:.2f} ms at worst"
    remedy = "an SSD of its own for the store; look for other writers with iotop"
    if middle > SYNC_MS_FAIL:
        return Finding(what, Level.FAIL, f"{text}: calls wait for it", remedy)
    if middle > SYNC_MS_WARN:
        return Finding(what, Level.WARN, f"{text}: calls wait for it", remedy)
    return Finding(what, Level.OK, text)


def zones(names: Iterable[str]) -> Iterator[Finding]:
    """Whether those time zones are known: legal hours and reports are told in them."""
    missing = []
    found = 0
    for name in names:
        try:
            zoneinfo.ZoneInfo.no_cache(name)
            found += 1
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            missing.append(name)
    if missing:
        text = f"no data for {', '.join(missing)}"
        yield Finding("time zones", Level.FAIL, text, "apt install tzdata, or pip install tzdata")
    else:
        yield Finding("time zones", Level.OK, f"{found} looked up")


def mountinfo() -> str:
    """What is mounted where, for this process."""
    with contextlib.suppress(OSError):
        return Path("/proc/self/mountinfo").read_text()
    return ""


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
