"""The table `[[bank]]`: GSM modems on this machine, a port each; and its own tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.keys import DRAIN, LINE, LIVE, NAME, RESTART, Section, doc
from dialerd.config.trunk import NumberFormat
from dialerd.config.trunk_tables import LineCarriers, LinePrefixes, Plan, Prefixes

DEVICES_MAX: Final = 512
_NAME_HINT: Final = "letters, digits, dot, dash, underscore"
_ICCID: Final = r"^[0-9]{10,22}$(?!\n)"


class Calls(StrEnum):
    """What becomes of calls to a SIM."""

    ANSWER = "answer"
    REJECT = "reject"
    IGNORE = "ignore"


class Device(Section):
    """One modem by its devices, beside those that `slots` finds."""

    name: Annotated[str, doc("Its port's name.", RESTART, pattern=NAME, hint=_NAME_HINT)]
    at: Annotated[Path, doc("Its device for AT commands.", RESTART)]
    audio: Annotated[
        Path | None,
        doc("Its device for audio, as `audio` of the bank; no `*`.", RESTART, shown="none"),
    ] = None


class Sim(Section):
    """What is special about one SIM, wherever it is plugged in."""

    iccid: Annotated[
        str,
        doc(
            "Its ICCID, as `dialerd port ls` shows it.",
            RESTART,
            pattern=_ICCID,
            hint="10 to 22 digits",
        ),
    ]
    pin_file: Annotated[
        Path | None,
        doc("File whose first line is its PIN; not readable by others.", RESTART, shown="none"),
    ] = None
    carriers: Annotated[
        tuple[str, ...],
        doc("Carriers whose numbers it takes; empty: those of the bank.", LIVE),
    ] = ()
    prefixes: Annotated[
        Prefixes,
        doc("Prefixes it takes, E.164 without the plus; empty: those of the bank.", LIVE),
    ] = ()
    plan: Plan = Plan()


class Care(Section):
    """When a SIM rests by itself; 0 is never."""

    failed_max: Annotated[int, doc("Calls in a row that did not ring.", RESTART, ge=0, le=1000)] = (
        20
    )
    unanswered_max: Annotated[
        int, doc("Calls in a row that rang and were not answered.", RESTART, ge=0, le=1000)
    ] = 0
    short_max: Annotated[
        int, doc("Answered calls in a row that were over within `short_s`.", RESTART, ge=0, le=1000)
    ] = 0
    short_s: Annotated[int, doc("What a short call is, in s.", RESTART, ge=1, le=600)] = 6
    rest_s: Annotated[
        int,
        doc("How long it rests then, in s; twice as long each further time.", RESTART,
            ge=1, le=86_400),
    ] = 1800  # fmt: skip
    rest_s_max: Annotated[int, doc("The longest rest, in s.", RESTART, ge=1, le=604_800)] = 21_600
    gap_s: Annotated[float, doc("Pause after each call, in s.", RESTART, ge=0.0, le=3600.0)] = 2.0
    gap_s_spread: Annotated[
        float, doc("A chance part on top of that pause, in s.", RESTART, ge=0.0, le=3600.0)
    ] = 0.0
    reset_calls: Annotated[
        int, doc("Reset the module, when idle, after so many calls.", RESTART, ge=0, le=1_000_000)
    ] = 0
    reset_hours: Annotated[
        float, doc("The same after so many hours.", RESTART, ge=0.0, le=8760.0)
    ] = 0.0
    balance_calls: Annotated[
        int,
        doc("Ask for the balance, when idle, after so many calls.", RESTART, ge=0, le=1_000_000),
    ] = 0
    balance_hours: Annotated[
        float, doc("The same after so many hours.", RESTART, ge=0.0, le=8760.0)
    ] = 0.0
    balance_min: Annotated[
        float, doc("With a lower balance it makes no calls.", RESTART, ge=0.0, le=1e9)
    ] = 0.0
    days_left_min: Annotated[
        int, doc("With fewer days of validity it makes no calls.", RESTART, ge=0, le=3660)
    ] = 0


class Bank(Section):
    """A bank of GSM modems: each port is a line with its SIM."""

    name: Annotated[
        str, doc("Unique name, also among trunks.", RESTART, pattern=NAME, hint=_NAME_HINT)
    ]
    slots: Annotated[
        Path | None,
        doc(
            "Paths of the AT devices; what `*` stands for, in the last part, names the port. Links "
            "by the path of the USB socket keep their names when modems start anew.",
            RESTART,
            shown="none",
        ),
    ] = None
    audio: Annotated[
        Path | None,
        doc(
            "Paths of the audio devices, `*` as in `slots`; not set: no audio. Modems that are "
            "sound cards: links below /dev/snd, or alsa: and what ALSA calls the card.",
            RESTART,
            shown="none",
        ),
    ] = None
    provider: Annotated[
        str, doc("Whose SIMs they are, as shown to people.", LIVE, pattern=LINE, hint="no quotes")
    ] = ""
    baud: Annotated[
        int, doc("Speed of UARTs; USB modems pass over it.", RESTART, ge=1200, le=4_000_000)
    ] = 115_200
    dialect: Annotated[
        str,
        doc("auto asks each modem who it is; else the name of a file of `dialects`.", RESTART,
            pattern=NAME, hint="auto, huawei, quectel, simcom, …"),
    ] = "auto"  # fmt: skip
    dialects: Annotated[
        Path | None,
        doc("Folder of dialects, and of carriers below it; not set: those that are shipped.",
            RESTART, shown="conf/gsm that comes with dialerd"),
    ] = None  # fmt: skip
    calls_per_s_max: Annotated[
        float, doc("New calls a second at most, of the bank.", LIVE, gt=0.0, le=10_000.0)
    ] = 5.0
    carriers: LineCarriers = ()
    prefixes: LinePrefixes = ()
    on_net: Annotated[bool, doc("Each SIM calls numbers of its own carrier only.", LIVE)] = False
    weight: Annotated[int, doc("Share among lines that fit equally well.", LIVE, ge=1, le=1000)] = 1
    loopback: Annotated[
        bool,
        doc("Simulated modems: the only kind the loopback regime may use.", RESTART),
    ] = False
    number_format: Annotated[
        NumberFormat, doc("How numbers are dialed: e164, digits or national.", DRAIN)
    ] = NumberFormat.E164
    incoming: Annotated[
        Calls,
        doc(
            "Calls to a SIM: answer (a campaign's customer who calls back gets what its `returns` "
            "say, anybody else is hung up), reject (all are) or ignore (it rings out).",
            RESTART,
        ),
    ] = Calls.ANSWER
    pin_file: Annotated[
        Path | None,
        doc(
            "File whose first line is the PIN of SIMs without one of their own in `sim`; not "
            "readable by others. It is never sent when fewer than two tries are left.",
            RESTART,
            shown="none",
        ),
    ] = None
    roaming: Annotated[bool, doc("Whether a roaming SIM makes calls.", RESTART)] = False
    stagger_ms: Annotated[
        int,
        doc("From the start of one modem to that of the next, in ms.", RESTART, ge=0, le=10_000),
    ] = 20
    plan: Plan = Plan()
    care: Care = Care()
    sim: Annotated[tuple[Sim, ...], Meta(max_length=DEVICES_MAX)] = ()
    device: Annotated[tuple[Device, ...], Meta(max_length=DEVICES_MAX)] = ()
