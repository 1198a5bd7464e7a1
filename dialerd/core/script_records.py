"""Scripts that agents go through with customers, and what customers answered, as stored.

As in `dialerd.core.records`: fields are only appended.
"""

from __future__ import annotations

from enum import StrEnum

from dialerd.core.record import Record

Answer = str | int | float | bool | tuple[str, ...] | None
"""What was answered: a text, a number, yes or no, the ids of choices; None: left out.

A date is "2026-11-23", a time "08:30", a telephone number its digits, with a plus where it was
given one.
"""


class Asks(StrEnum):
    """What kind of answer a question wants."""

    TEXT = "text"
    CHOICE = "choice"  # one of the choices
    MULTI = "multi"  # any number of the choices
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    YES_NO = "yes_no"
    SCALE = "scale"  # a whole number between two bounds
    PHONE = "phone"


class Choice(Record):
    """One of the answers that may be chosen."""

    choice_id: str
    text: str


class Branch(Record):
    """Where an answer leads. All that is set must hold; bounds are part of the range.

    `answer` is as people write it: a choice's id, "yes", a number, a date. `left_out` is for a
    question without an answer.
    """

    to: str
    answer: str = ""
    least: str = ""
    most: str = ""
    left_out: bool = False


class Item(Record):
    """A piece of content to read out (`asks` is None) or a question.

    `then` is where it goes on, unless a branch holds: the first of them that does. `least` and
    `most` bound numbers, scales, dates, times, and how many choices of several; texts by their
    characters. `decimals` are those of a number.
    """

    item_id: str
    text: str
    then: str
    asks: Asks | None = None
    required: bool = False
    choices: tuple[Choice, ...] = ()
    least: str = ""
    most: str = ""
    decimals: int = 0
    branches: tuple[Branch, ...] = ()
    hint: str = ""


class Script(Record):
    """Its first item is where a conversation begins."""

    items: tuple[Item, ...]


class ScriptVersion(Record):
    """A script as it was saved once; it never changes. Versions count from 1."""

    script_id: int
    name: str
    version: int
    at_ms: int
    who: str
    script: Script


class AnswerSheet(Record):
    """The version of a script that an attempt began with: its answers belong to that one."""

    script_id: int
    version: int
    at_ms: int


class KeptAnswer(Record):
    """The last answer to one question in one attempt, and who wrote it."""

    value: Answer
    at_ms: int
    agent: str = ""
