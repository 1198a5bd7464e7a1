"""What the commands that work on a modem's device are told, and what they report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from dialerd.shell.call_words import HeardDigit, TimelineEvent
from gsm.dialect import Files
from gsm.io_serial import BAUD_USUAL


class ModemOptions(msgspec.Struct, frozen=True):
    """A device and how to speak to it. `wait_s`: until its modem is ready for what is asked.

    `pin_tries`: so many are left by the word of whoever asks, where the module does not tell.
    """

    device: str
    audio: str = ""
    baud: int = BAUD_USUAL
    dialect: str = "auto"
    dialects: Path | None = None
    pin: str = ""
    pin_tries: int = 0
    wait_s: float = 180.0
    trace: bool = False  # what is said is reported too


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
    """Who is there, and how it stands. `rssi_dbm` is None while nobody knows.

    `usable`: it makes calls now. `lacks` is what keeps it from that, or what its calls cannot do.
    """

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
    usable: bool = False
    lacks: list[str] = []
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


_ABILITIES: Final = {
    "clcc": "it cannot list calls: ringing and answers are told late, or guessed",
    "ussd": "it sends no codes (USSD): nobody asks its balance",
    "sms": "it sends and takes no texts",
}


def judge(report: ModemReport, can: frozenset[str], files: Files | None, noise: str = "") -> None:
    """Whether this is a modem that can be used, and what it lacks; written into its report.

    `noise` says how much of what it said is no text.
    """
    known = bool(report.dialect)
    report.usable = report.voice and (report.ready or report.state == "locked")
    lacks = []
    if not known:
        lacks.append(f"no modem answers: {report.why or report.state}")
    elif not report.voice:
        lacks.append("it makes no voice calls")
    if known and not report.ready and report.state != "locked":
        lacks.append(report.why or report.state)
    if known and not (report.model or report.imei):
        lacks.append("a name: it tells neither its model nor its IMEI")
    if noise:
        lacks.append(f"a clean line: {noise}")
    if report.usable:
        if report.audio == "none" or (report.audio == "module_file" and not (files and files.put)):
            lacks.append("audio: nobody can be talked to, campaigns do not use it")
        elif report.audio == "module_file":
            lacks.append("live audio: it plays prompts as files on the module, and no more")
        elif not report.audio_device:
            lacks.append("an audio device beside it: name it by `audio` of the bank")
        lacks += [text for name, text in _ABILITIES.items() if name not in can]
    report.lacks = lacks
