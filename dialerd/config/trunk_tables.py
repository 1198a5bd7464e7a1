"""The tables below a `[[trunk]]`: rewriting, the outcome map, ports of a gateway, the plan."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from dialerd.config.keys import DIGITS, DRAIN, LIVE, PREFIX_HINT, Section, doc
from dialerd.core.line_spec import Trouble
from dialerd.core.records import Outcome

PORTS_MAX: Final = 512
_DIALED: Final = r"^[0-9A-Za-z*#+.-]{0,32}$(?!\n)"
_PORTS: Final = r"^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?){0,63}$(?!\n)"

Prefixes = tuple[Annotated[str, Meta(pattern=DIGITS, extra={"hint": PREFIX_HINT})], ...]
LineCarriers = Annotated[
    tuple[str, ...],
    doc("Carriers whose numbers it takes, as the plan names them; empty: any.", LIVE),
]
LinePrefixes = Annotated[
    Prefixes,
    doc("Prefixes it takes, E.164 without the plus; the longest wins over carriers.", LIVE),
]


class PortsBy(StrEnum):
    """How a port of a gateway is asked for."""

    NONE = "none"
    PREFIX = "prefix"
    USER = "user"
    HEADER = "header"


class Rel100(StrEnum):
    """Whether provisional answers are made reliable (RFC 3262)."""

    OFF = "off"
    SUPPORTED = "supported"
    REQUIRED = "required"


class SoundKind(StrEnum):
    """What is heard of a line."""

    ANNOUNCEMENT = "announcement"
    BUSY = "busy"
    CONGESTION = "congestion"
    SIT = "sit"
    FAX = "fax"
    RINGBACK = "ringback"
    MUSIC = "music"


class SoundMeaning(StrEnum):
    """What a sound says of the call: an outcome, or nothing."""

    NONE = "none"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"
    FAILED = "failed"
    MACHINE = "machine"

    @property
    def outcome(self) -> Outcome | None:
        """As the core has it."""
        return None if self is SoundMeaning.NONE else Outcome(self.value)


class DialRule(Section):
    """How called numbers of a prefix are rewritten; the longest prefix wins."""

    to: Annotated[
        str,
        doc(
            "Prefix of the called number, E.164 without the plus; empty: every other number.",
            DRAIN,
            pattern=r"^([1-9][0-9]{0,14})?$(?!\n)",
            hint=PREFIX_HINT,
        ),
    ] = ""
    strip: Annotated[
        int,
        doc("Characters taken from the front of what `number_format` makes.", DRAIN, ge=0, le=15),
    ] = 0
    add: Annotated[
        str,
        doc(
            "Put in front of the rest (a technical prefix).",
            DRAIN,
            pattern=_DIALED,
            hint='digits and letters, * and #, such as "9#"',
        ),
    ] = ""


class IncomingRule(Section):
    """How numbers that the carrier tells are read; the longest beginning wins."""

    begins: Annotated[
        str,
        doc(
            "Beginning of the number as the carrier sends it; empty: every other number.",
            DRAIN,
            pattern=_DIALED,
            hint="digits and letters",
        ),
    ] = ""
    strip: Annotated[int, doc("Characters taken from its front.", DRAIN, ge=0, le=32)] = 0
    add: Annotated[
        str,
        doc(
            "Put in front of the rest; the result is E.164 without the plus.",
            DRAIN,
            pattern=r"^\+?[0-9]{0,15}$(?!\n)",
            hint="digits",
        ),
    ] = ""


class OutcomeRule(Section):
    """What one answer of this carrier means; the first that fits wins, then the usual map."""

    outcome: Annotated[
        Outcome,
        doc("What the attempt becomes: no_answer, declined, busy, unreachable and so on.", DRAIN),
    ]
    code: Annotated[int, doc("SIP status; 0: any.", DRAIN, ge=0, le=699)] = 0
    q850: Annotated[int, doc("Q.850 cause of its Reason; 0: any.", DRAIN, ge=0, le=127)] = 0
    phrase: Annotated[
        str,
        doc("Text that its phrase holds, in any case; empty: any.", DRAIN, max_length=128),
    ] = ""
    early_media: Annotated[
        bool | None, doc("Whether audio came before it; not set: either.", DRAIN, shown="either")
    ] = None
    trunk: Annotated[
        Trouble,
        doc(
            "What it says of the trunk: none (it speaks of the called person), fault, too_fast "
            "(its rate is lowered for a while) or full (no free port for a moment).",
            DRAIN,
        ),
    ] = Trouble.NONE
    another: Annotated[
        bool | None,
        doc(
            "Whether another trunk may be tried at once when nobody was alerted.",
            DRAIN,
            shown="when `trunk` is not none",
        ),
    ] = None


class SoundRule(Section):
    """What one sound means on this trunk: later rules win over earlier ones and the usual map."""

    kind: Annotated[
        SoundKind, doc("announcement, busy, congestion, sit, fax, ringback or music.", LIVE)
    ]
    value: Annotated[
        str,
        doc(
            "Which of the kind, such as switched_off, or vacant; empty: any.",
            LIVE,
            pattern=r"^[a-z_ ]{0,32}$(?!\n)",
            hint="small letters",
        ),
    ] = ""
    answered: Annotated[bool, doc("Heard after the answer; else before it.", LIVE)] = False
    outcome: Annotated[
        SoundMeaning,
        doc(
            "What the attempt becomes; after the answer machine: no person is there, any other: "
            "the far end is gone; none: it means nothing.",
            LIVE,
        ),
    ] = SoundMeaning.NONE


class Plan(Section):
    """What calls cost and how many there may be; 0 is no limit."""

    cost_minute: Annotated[
        float, doc("Price of a minute, in any currency.", LIVE, ge=0.0, le=1e6)
    ] = 0.0
    first_block_s: Annotated[int, doc("Shortest time that is paid, in s.", LIVE, ge=1, le=600)] = 1
    block_s: Annotated[
        int, doc("Step in which the time after it is paid, in s.", LIVE, ge=1, le=600)
    ] = 1
    free_s: Annotated[
        int, doc("Seconds of each call that cost nothing.", LIVE, ge=0, le=86_400)
    ] = 0
    cut_before_paid: Annotated[bool, doc("End calls just before `free_s` is over.", LIVE)] = False
    call_s_max: Annotated[
        int, doc("Longest call, in s; then it is hung up.", LIVE, ge=0, le=86_400)
    ] = 0
    calls_day: Annotated[int, doc("Answered calls a day.", LIVE, ge=0, le=10_000_000)] = 0
    minutes_day: Annotated[int, doc("Minutes talked a day.", LIVE, ge=0, le=10_000_000)] = 0
    cost_day: Annotated[float, doc("Cost a day.", LIVE, ge=0.0, le=1e12)] = 0.0
    calls_period: Annotated[int, doc("Answered calls a period.", LIVE, ge=0, le=10_000_000)] = 0
    minutes_period: Annotated[int, doc("Minutes talked a period.", LIVE, ge=0, le=10_000_000)] = 0
    cost_period: Annotated[float, doc("Cost a period.", LIVE, ge=0.0, le=1e12)] = 0.0
    since: Annotated[
        date | None,
        doc(
            "Day on which a period began; not set: calendar months.",
            LIVE,
            shown="none",
            hint="a date without quotes, such as 2026-11-01",
        ),
    ] = None
    period_days: Annotated[
        int, doc("Days of a period, counted from `since`.", LIVE, ge=1, le=366)
    ] = 30
    until: Annotated[
        date | None,
        doc(
            "Last day that the balance is good for; then no calls.",
            LIVE,
            shown="none",
            hint="a date without quotes, such as 2026-12-31",
        ),
    ] = None


class Ports(Section):
    """Ports (SIMs, analogue lines) of a gateway that are alike."""

    numbers: Annotated[
        str,
        doc(
            "Which ports, such as 1-8 or 1-4,9.",
            DRAIN,
            pattern=_PORTS,
            hint='port numbers, such as "1-8"',
        ),
    ]
    address: Annotated[
        str,
        doc(
            "What addresses a port, with the field {port}: see `ports_by`.",
            DRAIN,
            pattern=r"^[0-9A-Za-z*#+._{}-]{1,64}$(?!\n)",
            hint='such as "8{port}" or "gsm{port}"',
        ),
    ] = "{port}"
    digits: Annotated[
        int, doc("Digits that {port} has at least; zeros fill it up.", DRAIN, ge=1, le=4)
    ] = 1
    carriers: Annotated[
        tuple[str, ...],
        doc("Carriers whose numbers they take; empty: those of the trunk.", LIVE),
    ] = ()
    prefixes: Annotated[
        Prefixes,
        doc("Prefixes they take, E.164 without the plus; empty: those of the trunk.", LIVE),
    ] = ()
    gap_s: Annotated[int, doc("Pause of a port after each call, in s.", LIVE, ge=0, le=3600)] = 0
    plan: Plan = Plan()

    def labels(self) -> list[str]:
        """The ports by name, `digits` long; ValueError when a range runs backwards."""
        found: list[str] = []
        for part in self.numbers.split(","):
            first, _, last = part.partition("-")
            low, high = int(first), int(last or first)
            if high < low:
                raise ValueError(f"the range {part} runs backwards")
            found += [str(n).zfill(self.digits) for n in range(low, high + 1)]
        return found
