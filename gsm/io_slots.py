"""Where the modems of a bank are: places in the machine, not device names.

A place (slot) is a link that udev makes by the path of hub and socket (`/dev/serial/by-path`), so
the modem that is plugged in there has the same slot under every /dev/ttyUSB number it is given. Any
folder of links or devices does the same. Who is in a slot, module and card, says the modem itself.

A folder is looked at once a second, which takes less than a millisecond for 250 slots: links come
and go with hot plug, and lead to another device after a module started anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

SLOTS_MAX: Final = 512  # of one bank; those that sort behind are not used


class SlotRule(NamedTuple):
    """Which devices are a bank's, and how their audio devices are called.

    Attributes:
        at: path of the AT devices; the part that `*` stands for, in its last component, is the
            slot's name.
        audio: path of a slot's audio device, `*` is the slot's name; empty: none.
    """

    at: str
    audio: str = ""


class Place(NamedTuple):
    """One slot's devices by the names that they are opened by; `audio` may be empty."""

    slot: str
    at: str
    audio: str


class Found(NamedTuple):
    """A device in a slot now: the name that its link leads to, and which one of that name it is."""

    device: str
    number: int  # st_rdev
    node: int  # the inode: another one after the device was made anew


def places(rule: SlotRule) -> list[Place]:
    """The slots that there are now, by name; none when the folder is not there (yet)."""
    folder, _, pattern = rule.at.rpartition("/")
    before, star, after = pattern.partition("*")
    if not star:
        return [Place(pattern, rule.at, rule.audio)] if os.path.exists(rule.at) else []
    fits = re.compile(re.escape(before) + "(.+)" + re.escape(after), re.DOTALL)
    found = []
    for name in _names(folder or "/"):
        match = fits.fullmatch(name)
        if match and match[1].isprintable():
            slot = match[1]
            found.append(Place(slot, f"{folder}/{name}", rule.audio.replace("*", slot)))
    found.sort(key=lambda place: _natural(place.slot))
    return found[:SLOTS_MAX]


def look(path: str) -> Found | None:
    """What a slot's name leads to now; None: nothing is plugged in."""
    try:
        device = os.path.realpath(path, strict=True)
        status = os.stat(device)
    except OSError:
        return None
    return Found(device, status.st_rdev, status.st_ino)


def audio_beside(device: str, interface: int) -> str:
    """The audio device of the modem whose AT device this is; empty when none is known.

    On USB it is the terminal of that interface of the same modem; else the one that is called
    `…audio` where this is called `…at`.
    """
    name = os.path.basename(os.path.realpath(device))
    usb = os.path.dirname(os.path.realpath(f"/sys/class/tty/{name}/device/.."))
    if interface >= 0 and os.path.basename(usb):
        own = os.path.basename(os.path.realpath(f"/sys/class/tty/{name}/device/.."))
        wanted = re.sub(r"[0-9]+\Z", str(interface), own)
        for found in _names(f"{usb}/{wanted}"):
            if found.startswith("tty"):
                return f"/dev/{found}"
    if device.endswith("at"):
        beside = device[:-2] + "audio"
        if os.path.exists(beside):
            return beside
    return ""


def _names(folder: str) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return ()


def _natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """So that slot 10 comes behind slot 9."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts)
