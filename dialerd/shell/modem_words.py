"""What the commands that work on a modem's device are told, and what they report."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dialerd.shell.call_words import HeardDigit, TimelineEvent
from gsm.io_serial import BAUD_USUAL


class ModemOptions(msgspec.Struct, frozen=True):
    """A device and how to speak to it. `wait_s`: until its modem is ready for what is asked."""

    device: str
    audio: str = ""
    baud: int = BAUD_USUAL
    dialect: str = "auto"
    dialects: Path | None = None
    pin: str = ""
    wait_s: float = 180.0


class ModemCall(msgspec.Struct, frozen=True):
    """A call to be made. `seconds`: hang up so long after the answer."""

    number: str
    play: tuple[Path, ...] = ()
    record: Path | None = None
    digits: str = ""
    seconds: float | None = None
    ring_s_max: float = 60.0


class Exchange(msgspec.Struct, frozen=True):
    """One line on the wire: `>` was said by us, `<` by the modem."""

    at_ms: int
    direction: str
    text: str


class ModemReport(msgspec.Struct):
    """Who is there, and how it stands. `rssi_dbm` is None while nobody knows."""

    device: str
    state: str = "closed"
    why: str = ""
    ready: bool = False
    dialect: str = ""
    manufacturer: str = ""
    model: str = ""
    revision: str = ""
    imei: str = ""
    iccid: str = ""
    imsi: str = ""
    number: str = ""
    carrier: str = ""
    voice: bool = False
    audio: str = ""
    audio_device: str = ""
    registration: str = "unknown"
    operator: str = ""
    rssi_dbm: int | None = None
    trace: list[Exchange] = []


class ModemCallReport(msgspec.Struct):
    """How a call went; `ring_ms` and `answer_ms` are None when it never came to that.

    `cause` is the port's word, `outcome` what an attempt would become; `text` the modem's own.
    """

    device: str
    number: str
    dialect: str = ""
    imei: str = ""
    iccid: str = ""
    outcome: str = "failed"
    cause: str = ""
    q850: int = 0
    text: str = ""
    ring_ms: int | None = None
    answer_ms: int | None = None
    duration_ms: int = 0
    digits: list[HeardDigit] = []
    released_by: str = ""
    recording: str = ""
    audio: str = ""
    timeline: list[TimelineEvent] = []
    trace: list[Exchange] = []
