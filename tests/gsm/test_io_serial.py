"""Serial devices on the loop: ptys as modems, descriptors beyond select's reach, ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import resource
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gsm import io_serial
from gsm.io_serial import SerialLine, close_device, listed, open_device
from tests.gsm.stranger import turns


class Far:
    """The modem's side of a pty, and the line to it."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(slave)
        os.close(slave)
        self.heard = bytearray()
        self.ends: list[str] = []
        self.line: SerialLine | None = None

    def open(self, fd: int = -1) -> SerialLine:
        loop = asyncio.get_running_loop()
        fd = open_device(self.path) if fd < 0 else fd
        self.line = SerialLine(loop, fd, self.heard.extend, self.ends.append)
        return self.line

    def say(self, data: bytes) -> None:
        assert os.write(self.master, data) == len(data)

    def read(self) -> bytes:
        try:
            return os.read(self.master, 65_536)
        except (BlockingIOError, OSError):
            return b""

    def unplug(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
        self.unplug()


@pytest.fixture
def far() -> Iterator[Far]:
    far = Far()
    yield far
    far.unplug()


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(100):
        while not done():  # noqa: ASYNC110 - of another program, which sets no event
            await asyncio.sleep(0.001)


def test_both_ways_and_idle_is_not_gone(far: Far) -> None:
    async def talk() -> None:
        line = far.open()
        await turns()  # an idle line: nothing is read, nothing is told
        assert (bytes(far.heard), far.ends) == (b"", [])
        line.write(b"AT\r")
        got = bytearray()
        await until(lambda: got.extend(far.read()) or got == b"AT\r")
        far.say(b"\r\nOK\r\n")
        await until(lambda: far.heard == b"\r\nOK\r\n")
        assert not far.ends
        far.close()

    asyncio.run(talk())


def test_bytes_pass_as_they_are(far: Far) -> None:
    every = bytes(range(256))

    async def talk() -> None:
        line = far.open()
        far.say(every)
        await until(lambda: far.heard == every)
        line.write(every)
        got = bytearray()
        await until(lambda: got.extend(far.read()) or len(got) == 256)
        assert got == every
        far.close()

    asyncio.run(talk())


def test_unplugged_is_told_once(far: Far) -> None:
    async def talk() -> None:
        line = far.open()
        far.unplug()
        await until(lambda: far.ends)
        line.write(b"AT\r")
        line.close()
        await turns()
        assert far.ends == ["hung up"]
        assert line.fd == -1

    asyncio.run(talk())


def test_writing_to_what_is_gone(far: Far) -> None:
    async def talk() -> None:
        line = far.open()
        far.unplug()
        line.write(b"AT\r")  # before the loop has seen the end
        assert far.ends == ["hung up"]
        await turns()
        assert far.ends == ["hung up"]

    asyncio.run(talk())


def test_a_modem_that_takes_nothing_for_a_while_gets_all_in_order(far: Far) -> None:
    sent = b"".join(b"AT+%06d\r" % n for n in range(3_000))

    async def talk() -> None:
        line = far.open()
        at = 0
        while not line.waiting:  # until the pty is full
            line.write(sent[at : at + 100])
            at += 100
        line.write(sent[at : at + 100])  # behind what waits
        at += 100
        got = bytearray()
        await until(lambda: got.extend(far.read()) or len(got) == at)
        assert got == sent[:at]
        assert not line.waiting
        assert not far.ends
        far.close()

    asyncio.run(talk())


def test_a_modem_that_never_takes_anything_is_given_up(far: Far) -> None:
    async def talk() -> None:
        line = far.open()
        for _ in range(1_000):
            line.write(bytes(1_000))
        assert far.ends == ["takes no data"]
        assert line.waiting == 0

    asyncio.run(talk())


def test_a_flooding_modem_gets_one_read_a_turn(far: Far) -> None:
    """Whoever shares the loop runs between any two reads of 4 KB."""

    async def talk() -> None:
        line = far.open()
        reads: list[int] = []
        line._on_data = lambda data: reads.append(len(data))
        sent = 0
        while sent < 60_000:
            with contextlib.suppress(BlockingIOError):
                sent += os.write(far.master, bytes(4_000))
            await turns(1)
        await until(lambda: sum(reads) == sent)
        assert max(reads) <= io_serial.READ_BYTES
        far.close()

    asyncio.run(talk())


def test_a_line_that_is_paused_reads_nothing_until_it_goes_on(far: Far) -> None:
    async def talk() -> None:
        line = far.open()
        line.pause()
        line.pause()
        far.say(b"RING\r\n")
        await turns()
        assert not far.heard
        line.resume()
        line.resume()
        await until(lambda: far.heard == b"RING\r\n")
        line.pause()
        far.close()
        line.resume()  # a timer that comes late
        assert line.fd == -1

    asyncio.run(talk())


def test_descriptors_that_select_cannot_serve(far: Far) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 1_500:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_500, hard))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    assert max(taken) > 1_023

    async def talk() -> None:
        line = far.open()
        assert line.fd > 1_023
        line.write(b"AT\r")
        got = bytearray()
        await until(lambda: got.extend(far.read()) or got == b"AT\r")
        far.say(b"OK\r\n")
        await until(lambda: far.heard == b"OK\r\n")
        far.unplug()
        await until(lambda: far.ends)

    try:
        asyncio.run(talk())
    finally:
        for fd in taken:
            os.close(fd)


def test_one_descriptor_a_device_and_none_left(far: Far) -> None:
    before = len(os.listdir("/proc/self/fd"))
    fd = open_device(far.path)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    close_device(fd)
    with pytest.raises(OSError, match="is no serial device"):
        open_device("/dev/null")
    assert len(os.listdir("/proc/self/fd")) == before


def test_raw_and_does_not_drop_the_line_when_closed(far: Far) -> None:
    fd = open_device(far.path)
    mode = termios.tcgetattr(fd)
    assert not mode[2] & termios.HUPCL
    assert not mode[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert not mode[0] & (termios.ICRNL | termios.IXON)
    assert not mode[1] & termios.OPOST
    assert (mode[6][termios.VMIN], mode[6][termios.VTIME]) == (1, 0)
    assert not os.get_blocking(fd)
    close_device(fd)


def test_the_lock_keeps_others_out_and_goes_with_us(far: Far) -> None:
    fd = open_device(far.path)
    with pytest.raises(OSError, match="in use by another program") as caught:
        open_device(far.path)
    assert caught.value.errno == errno.EBUSY
    close_device(fd)
    code = (
        f"from gsm.io_serial import open_device; import os; open_device({far.path!r}); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # dies with the device open
    close_device(open_device(far.path))


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing", "no such device"), ("file", "no serial device"), ("folder", "directory")],
)
def test_what_is_no_device(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").write_text("AT")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=said) as caught:
        open_device(str(tmp_path / name))
    assert name in str(caught.value)


@pytest.mark.parametrize("baud", [-1, 1 << 40])
def test_a_speed_that_there_is_not(far: Far, baud: int) -> None:
    with pytest.raises(OSError, match="baud"):
        open_device(far.path, baud)


def test_an_unusual_speed(far: Far) -> None:
    fd = open_device(far.path, 921_600)
    assert termios.tcgetattr(fd)[5] == termios.B921600
    close_device(fd)


def test_listed() -> None:
    assert all(path.startswith("/dev/") for path, _ in listed())
