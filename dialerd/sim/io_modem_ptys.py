"""Pseudo terminals that look like the devices of a modem bank: one folder of links by slot.

The links stay where they are when a modem comes back as another device, as those below
/dev/serial/by-path do.
"""

from __future__ import annotations

import contextlib
import os
import pty
import termios
import tty
from pathlib import Path

READ_BYTES = 4_096


class Device:
    """One pseudo terminal with its link; both ends are held: a program's leaving ends nothing."""

    def __init__(self, link: Path) -> None:
        """Without its link. OSError when the system has no more of them."""
        self._link = link
        self._shown = False
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave, termios.TCSANOW)
        os.set_blocking(self._master, False)
        self.dropped = 0  # bytes that nobody took in time

    def show(self) -> None:
        """The link appears, in one step."""
        temporary = self._link.with_name(f".{self._link.name}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(self._slave))
        temporary.replace(self._link)
        self._shown = True

    def fileno(self) -> int:
        """What to watch."""
        return self._master

    def read(self, most: int = READ_BYTES) -> bytes:
        """What the program wrote; b"" when there is nothing."""
        try:
            return os.read(self._master, most)
        except OSError:  # nothing there, which is the same to a modem as nobody
            return b""

    def write(self, data: bytes) -> None:
        """To the program; what it does not take is lost, as it is in a modem."""
        try:
            done = os.write(self._master, data)
        except OSError:
            done = 0
        self.dropped += len(data) - done

    def close(self) -> None:
        """It disappears: the program reads its end."""
        if self._shown:
            with contextlib.suppress(FileNotFoundError):
                self._link.unlink()
        os.close(self._master)
        os.close(self._slave)


class Plug:
    """The devices of one slot: commands, and samples where the modem has them."""

    def __init__(self, folder: Path, name: str, *, audio: bool) -> None:
        """Unplugged."""
        self._links = [folder / f"{name}-at"] + [folder / f"{name}-audio"] * audio
        self._devices: list[Device] = []
        self._next: list[Device] = []

    @property
    def at(self) -> Device | None:
        """Of commands, while there."""
        return self._devices[0] if self._devices else None

    @property
    def audio(self) -> Device | None:
        """Of samples, while there."""
        return self._devices[1] if len(self._devices) > 1 else None

    def plug(self) -> None:
        """The devices appear. OSError when there are none to be had."""
        if not self._devices:
            self._devices = self._next or [Device(link) for link in self._links]
            self._next = []
            for device in self._devices:
                device.show()

    def unplug(self) -> None:
        """They disappear. Those of the next time are taken before: they have other numbers."""
        if self._devices:
            self._next = [Device(link) for link in self._links]
        for device in self._devices:
            device.close()
        self._devices = []

    def close(self) -> None:
        """Let go of all; idempotent."""
        for device in (*self._devices, *self._next):
            device.close()
        self._devices, self._next = [], []
