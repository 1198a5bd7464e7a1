"""The parts that a campaign's specification is made of, as people write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, dataclass_transform

import msgspec
from msgspec import Meta

from dialerd.core.limits import (
    ATTEMPTS_MAX,
    CAP_CALLS_MAX,
    CAP_WINDOW_S_MAX,
    KEPT_DAYS_MAX,
    NAME_CHARS_MAX,
    PROMPT_CHARS_MAX,
    RETRY_GAP_S_MAX,
)
from dialerd.core.records import LOG_ALL, CapCounts, EventKind

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# A plain $ would let a line feed pass at the end of a text: hence the look ahead.
# No control characters: names reach terminals, spreadsheets and log lines.
TEXT: Final = r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)"
STEP_PATTERN: Final = r"^[A-Za-z0-9_-]{1,32}$(?!\n)"
PROMPT_PATTERN: Final = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$(?!\n)"
_TIME: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)|^24:00$(?!\n)"

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARS_MAX,
        pattern=TEXT,
        extra={"hint": "printable characters only"},
    ),
]
CampaignName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=NAME_CHARS_MAX,
        pattern=r"^(?=.*[^0-9])" + TEXT[1:],
        extra={"hint": "printable characters, not digits alone: those would be an id"},
    ),
]
StepId = Annotated[
    str,
    Meta(pattern=STEP_PATTERN, extra={"hint": "letters, digits, dash, underscore; at most 32"}),
]
PromptName = Annotated[
    str,
    Meta(
        max_length=PROMPT_CHARS_MAX,
        pattern=PROMPT_PATTERN,
        description="A path under the prompts folder; no part of it begins with a dot.",
        extra={"hint": "letters, digits, dash, underscore, dot, slash"},
    ),
]
Digit = Annotated[str, Meta(pattern=r"^[0-9*#]$(?!\n)", extra={"hint": "a key: 0-9, *, #"})]
Clock = Annotated[str, Meta(pattern=_TIME, extra={"hint": 'hours and minutes, such as "08:30"'})]


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class RetriedOutcome(StrEnum):
    """Outcomes after which a number may be tried again."""

    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    MEDIA_TIMEOUT = "media_timeout"
    ABANDONED = "abandoned"
    AGENT_LEFT = "agent_left"
    MACHINE = "machine"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything a person writes."""


class HoursSpec(Spec):
    """A daily calling window in local time, on the given days."""

    start: Annotated[Clock, Meta(description="First minute, local time of the regime.")]
    end: Annotated[Clock, Meta(description="End of the window (not included).")]
    days: Annotated[
        tuple[Weekday, ...],
        Meta(min_length=1, max_length=7, description="On which it is open."),
    ] = tuple(Weekday)


class CapSpec(Spec):
    """At most `calls_max` calls to one number in any `window_s`, across all campaigns."""

    calls_max: Annotated[int, Meta(ge=1, le=CAP_CALLS_MAX, description="Calls in a window.")] = 1
    window_s: Annotated[
        int, Meta(ge=0, le=CAP_WINDOW_S_MAX, description="How long a window is.")
    ] = 30 * 86_400
    counts: Annotated[
        CapCounts,
        Meta(description="What is a call: a message heard or a talk, an answer, an attempt."),
    ] = CapCounts.HEARD


LogKind = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join([LOG_ALL, *EventKind])})$(?!\n)",
        extra={"hint": f"{LOG_ALL}, or kinds: {', '.join(EventKind)}"},
    ),
]
Days = Annotated[int, Meta(ge=0, le=KEPT_DAYS_MAX)]
Column = Annotated[
    str,
    Meta(max_length=NAME_CHARS_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"),
]


class RetrySpec(Spec):
    """How one outcome is tried again: `no_answer = {gap_s = 1800, tries_max = 2}`."""

    gap_s: Annotated[int, Meta(ge=0, le=RETRY_GAP_S_MAX, description="Before the next try.")]
    tries_max: Annotated[
        int,
        Meta(ge=0, le=ATTEMPTS_MAX, description="Tries that may end so; 0: `attempts_max` only."),
    ] = 0
