"""Facts that a port tells.

Legs of ours are numbered by who dials, not negative; incoming ones by the port, downward from -1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from gsm.card import CardState


class Cause(StrEnum):
    """How a call ended, in the words that SIP's answers are mapped to as well."""

    ANSWERED = "answered"  # it was answered, and ended like any talk
    BUSY = "busy"
    NO_ANSWER = "no_answer"  # it rang to the end
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"  # switched off, or no coverage
    INVALID = "invalid"  # no such number
    CONGESTION = "congestion"  # the network, or our cell, has no room now
    BARRED = "barred"  # the card may not call there: barred, suspended, no credit
    NETWORK = "network"  # the network failed, or says nothing that can be understood
    LOCAL = "local"  # our port failed
    CANCELLED = "cancelled"  # we hung up before it was answered


By = Literal["us", "peer", "network", "port"]
Registration = Literal["home", "roaming", "searching", "denied", "off", "unknown"]
UssdKind = Literal["done", "question", "ended", "busy", "unsupported", "timeout", "error"]
Verdict = Literal["reachable", "unreachable", "rejected"]


class Fact(msgspec.Struct, frozen=True, gc=False):
    """Base of what a port tells."""


class PortState(Fact, frozen=True):
    """The machine's state, one of `gsm.port.STATES`.

    Attributes:
        state: its name.
        why: what it waits for or suffers from, for people; empty when all is well.
        until_ns: when that is over by itself, None when nobody knows.
        ready: whether a call may be dialed now.
    """

    state: str
    why: str = ""
    until_ns: int | None = None
    ready: bool = False


class Identified(Fact, frozen=True):
    """Who is there: the module by its IMEI, the card by ICCID and IMSI; each may be empty.

    Told again when more is known: the card is read after the module.
    """

    imei: str
    manufacturer: str
    model: str
    revision: str
    dialect: str
    iccid: str
    imsi: str
    number: str  # the card's own, when it or the network says so
    carrier: str
    audio: str  # audio class: pcm_tty, uac, module_file, none
    voice: bool


class Signal(Fact, frozen=True):
    """Field strength in dBm (27.007 8.5; None: unknown), registration and the network's name."""

    rssi_dbm: int | None
    registration: Registration
    operator: str


class CallFact(Fact, frozen=True):
    """Base of what is told about a call."""

    leg: int


class Dialing(CallFact, frozen=True):
    """The network has taken the call (listed as dialing)."""


class Alerting(CallFact, frozen=True):
    """It rings there."""


class Answered(CallFact, frozen=True):
    """They talk. `sure` is False when it was told by a hint and no listing has confirmed it."""

    sure: bool = True


class CallEnding(CallFact, frozen=True):
    """The call's longest time is near: the port ends it in `left_s` seconds."""

    left_s: int


class Ended(CallFact, frozen=True):
    """The last fact of a leg, exactly one.

    Attributes:
        cause: what it comes to.
        code: the Q.850 / 24.008 cause that the network gave, 0 without one.
        by: who ended it.
        text: the modem's own words, for people.
        ring_ms, talk_ms: from alerting to the answer or end, and from the answer to the end.
    """

    cause: Cause
    code: int = 0
    by: By = "network"
    text: str = ""
    ring_ms: int = 0
    talk_ms: int = 0


class Reached(CallFact, frozen=True):
    """What the call's progress says about the number, by a rule of its carrier."""

    verdict: Verdict
    rule: str


class Incoming(CallFact, frozen=True):
    """Somebody calls. `caller` is empty when the network does not tell."""

    caller: str


class Digit(CallFact, frozen=True):
    """The modem heard a key."""

    digit: str


class DigitsSent(CallFact, frozen=True):
    """All keys that waited have been sent; `refused` are those that the modem would not take."""

    refused: str = ""


class AudioStart(CallFact, frozen=True):
    """The module's audio is switched on: frames flow both ways from now on."""


class AudioStop(CallFact, frozen=True):
    """It is switched off."""


class AudioFailed(CallFact, frozen=True):
    """The module would not switch its audio on. The call is up and silent."""

    why: str


class FilePlayed(CallFact, frozen=True):
    """A file on the module is played no more; `why` is empty when it came to its end."""

    file: str
    why: str


class FileRecorded(CallFact, frozen=True):
    """The module records no more; `why` is empty when it is as it was asked."""

    file: str
    why: str


class FilePut(Fact, frozen=True):
    """A file is on the module, or why it is not."""

    file: str
    why: str


class FileGot(Fact, frozen=True):
    """What a file on the module holds, or why it cannot be read."""

    file: str
    data: bytes
    why: str


class UssdReply(Fact, frozen=True):
    """The network's answer to a code; `question`: it waits for an answer of ours."""

    kind: UssdKind
    text: str


class Balance(Fact, frozen=True):
    """What the carrier said of the card; what it did not say is None or empty.

    Attributes:
        milli: main balance in thousandths of the currency's unit.
        until_day: last day of validity, days since 1970-01-01.
        minutes: what is left of the package.
        package: its name, or the text's line about it.
        number: the card's own number.
        text: the whole answer.
    """

    milli: int | None
    until_day: int | None
    minutes: int | None
    package: str
    number: str
    text: str


class SmsIn(Fact, frozen=True):
    """A text arrived, whole. `at` is the centre's time, ISO 8601 with its zone, or empty.

    `places` are its slots in the module's memory: `Port.sms_kept(places)` frees them once the text
    is on disk. `whole` is False when a part never came.
    """

    sender: str
    text: str
    at: str
    places: tuple[int, ...] = ()
    whole: bool = True


class SmsSent(Fact, frozen=True):
    """The centre has taken all parts of text number `ref`."""

    ref: int
    parts: int


class SmsFailed(Fact, frozen=True):
    """It has not. `code` is the CMS error, 0 without one."""

    ref: int
    code: int
    why: str


class AtReply(Fact, frozen=True):
    """The answer to an operator's command: its lines, the last of which is the final result."""

    text: str
    lines: tuple[str, ...]
    ok: bool


class CardSeen(Fact, frozen=True):
    """Another card is here, or its module before it is known: `Port.know` what is kept by `key`."""

    key: str


class CardChanged(Fact, frozen=True):
    """What is to be kept about the card that is in; `Port.know` takes it back."""

    card: CardState


class Locked(Fact, frozen=True):
    """The card makes no calls now. `until_ns` None: until somebody unlocks it."""

    reason: str
    until_ns: int | None


class Unlocked(Fact, frozen=True):
    """That lock is gone."""

    reason: str


class Restarted(Fact, frozen=True):
    """The module has started anew by itself, or was made to."""

    why: str


class Trace(Fact, frozen=True):
    """What was said on the wire, `>` by us or `<` by the module."""

    direction: Literal[">", "<"]
    data: bytes


Told = (
    PortState | Identified | Signal | Dialing | Alerting | Answered | CallEnding | Ended | Reached
    | Incoming | Digit | DigitsSent | AudioStart | AudioStop | AudioFailed | UssdReply | Balance
    | CardSeen | CardChanged | SmsIn | SmsSent | SmsFailed | AtReply | Locked | Unlocked
    | Restarted | FilePlayed | FileRecorded | FilePut | FileGot | Trace
)  # fmt: skip
