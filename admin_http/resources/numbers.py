"""How telephone numbers are read."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from admin_http.documents import Document
from admin_http.limits import NUMBER_CHARS_MAX, NUMBERS_MAX
from admin_http.people.access import everyone
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from fastpath.numbers import Analysis


class NumbersQuestion(Document):
    """Numbers as people type them."""

    numbers: Annotated[
        tuple[Annotated[str, Meta(max_length=NUMBER_CHARS_MAX)], ...],
        Meta(min_length=1, max_length=NUMBERS_MAX),
    ]


class NumberRead(Document):
    """How one was read; null where there is nothing to say."""

    input: str
    e164: str | None
    national: str | None
    carrier: str | None
    rule: str | None
    dialable: bool
    reason: str | None
    converted: bool


class NumbersRead(Document):
    """One answer for each number, in their order."""

    items: tuple[NumberRead, ...]


@route(
    "POST",
    "/v1/numbers:analyze",
    Scope.READ,
    access=everyone,
    reads=True,
    example={"numbers": ["0912 345 678", "01681234567", "113"]},
)
async def analyze_numbers(call: Call, body: NumbersQuestion) -> NumbersRead:
    """How numbers are read: E.164, carrier, the rule that matched, and whether to dial them."""
    analyse = call.services.numbering.analyse
    return NumbersRead(items=tuple(_info(analyse(text)) for text in body.numbers))


def _info(found: Analysis) -> NumberRead:
    return NumberRead(
        input=found.input,
        e164=found.e164,
        national=found.national,
        carrier=found.carrier,
        rule=found.rule,
        dialable=found.dialable,
        reason=found.reason,
        converted=found.converted,
    )
