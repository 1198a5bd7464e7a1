"""A modem's serial device on an event loop.

pyserial opens, configures and lists; it neither reads nor writes here, because its own calls use
select(2), which refuses descriptors above 1,023, and this daemon has more. Its five descriptors a
device become one: ours is a duplicate, which keeps the lock.

A device is raw, wakes at the first byte (VMIN 1) and never blocks, so there is no doubt about what
a read says: EAGAIN is an idle line; no bytes, EIO or a hang-up is a device that went away.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import stat
import termios
import tty
from collections.abc import Callable
from typing import Final

import serial
from serial.tools import list_ports

READ_BYTES: Final = 4096  # in one turn of the loop, so that a device that floods delays nobody
WAITING_BYTES_MAX: Final = 16_384  # not taken by a device; more means that it takes nothing
BAUD_USUAL: Final = 115_200

_PTYS: Final = range(136, 144)  # major numbers of /dev/pts, Documentation/admin-guide/devices.txt
_GONE: Final = {errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF, errno.EPIPE}


def open_device(path: str, baud: int = BAUD_USUAL) -> int:
    """Open a device for ourselves alone; its descriptor.

    OSError, with a text for people, when there is none, somebody else has it, or it is no serial
    device.
    """
    try:
        port = serial.Serial(path, baud, timeout=0, exclusive=True)
    except (serial.SerialException, ValueError, OverflowError) as error:
        raise _readable(error, path, baud) from None
    except termios.error:
        raise OSError(errno.ENOTTY, "is no serial device", path) from None
    try:
        fd = fcntl.fcntl(port.fileno(), fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        port.close()
    try:
        _configure(fd)
    except (OSError, termios.error) as error:
        os.close(fd)
        raise OSError(errno.EIO, f"cannot be configured ({error})", path) from None
    return fd


def _readable(error: Exception, path: str, baud: int) -> OSError:
    number = getattr(error, "errno", None)
    if isinstance(error, ValueError | OverflowError):
        return OSError(errno.EINVAL, f"cannot run at {baud} baud", path)
    if number == errno.ENOENT:
        return FileNotFoundError(number, "there is no such device", path)
    if number in {errno.EWOULDBLOCK, errno.EBUSY}:
        return OSError(errno.EBUSY, "is in use by another program", path)
    if number is None:  # pyserial's own words: not a terminal
        return OSError(errno.ENOTTY, "is no serial device", path)
    return OSError(number, os.strerror(number), path)


def _configure(fd: int) -> None:
    tty.setraw(fd, termios.TCSANOW)  # VMIN 1, VTIME 0
    mode = termios.tcgetattr(fd)
    mode[2] = mode[2] & ~termios.HUPCL | termios.CLOCAL | termios.CREAD
    termios.tcsetattr(fd, termios.TCSANOW, mode)
    if not _is_pty(fd):
        # A pty keeps this mark for as long as its other side lives, even if we were killed.
        fcntl.ioctl(fd, termios.TIOCEXCL)
    os.set_blocking(fd, False)
    termios.tcflush(fd, termios.TCIOFLUSH)


def _is_pty(fd: int) -> bool:
    status = os.fstat(fd)
    return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) in _PTYS


def close_device(fd: int) -> None:
    """Close it at once: the driver of one that takes nothing would wait 30 s for it to do so."""
    with contextlib.suppress(OSError, termios.error):
        termios.tcflush(fd, termios.TCIOFLUSH)
    with contextlib.suppress(OSError):
        os.close(fd)


def listed() -> list[tuple[str, str]]:
    """Serial devices of this machine: path and description."""
    return sorted((port.device, port.description) for port in list_ports.comports())


class SerialLine:
    """An open device: what it says is told to `on_data`, its end once to `on_gone`.

    `write` and `close` may be called from within either.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        on_data: Callable[[bytes], None],
        on_gone: Callable[[str], None],
        shut: Callable[[int], object] | None = None,
    ) -> None:
        """`fd` is ours from now on; `shut` closes it, which may block in some drivers."""
        self._loop = loop
        self.fd = fd
        self._on_data = on_data
        self._on_gone = on_gone
        self._shut = shut or close_device
        self._paused = False
        self._waiting = bytearray()
        self._blocked = False
        loop.add_reader(fd, self._readable)

    @property
    def waiting(self) -> int:
        """Bytes that the device has not taken yet."""
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        """All of it, in order. A device that is gone, or takes nothing, is told as such."""
        if self.fd < 0:
            return
        if self._blocked:
            self._keep(data)
            return
        try:
            done = os.write(self.fd, data)
        except (BlockingIOError, InterruptedError):
            done = 0
        except OSError as error:
            self._gone(_words(error))
            return
        if done < len(data):
            self._keep(data[done:])

    def close(self) -> None:
        """Nothing more is told."""
        if self.fd < 0:
            return
        self._loop.remove_reader(self.fd)
        if self._blocked:
            self._loop.remove_writer(self.fd)
        fd, self.fd = self.fd, -1
        self._shut(fd)
        self._waiting.clear()

    def pause(self) -> None:
        """Read no more until `resume`: what the device says waits, or is lost, with its driver."""
        if self.fd >= 0 and not self._paused:
            self._paused = True
            self._loop.remove_reader(self.fd)

    def resume(self) -> None:
        """Read again."""
        if self.fd >= 0 and self._paused:
            self._paused = False
            self._loop.add_reader(self.fd, self._readable)

    def _keep(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) > WAITING_BYTES_MAX:
            self._gone("takes no data")
        elif not self._blocked:
            self._blocked = True
            self._loop.add_writer(self.fd, self._writable)

    def _writable(self) -> None:
        try:
            done = os.write(self.fd, self._waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._gone(_words(error))
            return
        del self._waiting[:done]
        if not self._waiting:
            self._blocked = False
            self._loop.remove_writer(self.fd)

    def _readable(self) -> None:
        try:
            data = os.read(self.fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._gone(_words(error))
            return
        if data:
            self._on_data(data)
        else:
            self._gone("hung up")

    def _gone(self, why: str) -> None:
        self.close()
        self._on_gone(why)


def _words(error: OSError) -> str:
    return "hung up" if error.errno in _GONE else (error.strerror or str(error))
