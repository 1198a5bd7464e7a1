"""Numbers and people as clients send them, understood by the numbering plan."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from admin_http.documents import Document
from admin_http.limits import NUMBER_CHARS_MAX
from admin_http.problems import Fault, ProblemError
from dialerd.core.limits import NUMBERS_MAX
from dialerd.core.lists_view import FurtherNumber, Person, Values
from fastpath.numbers import Numbering

PEOPLE_MAX = 1_000

NumberText = Annotated[str, Meta(min_length=1, max_length=NUMBER_CHARS_MAX)]


class NewPerson(Document):
    """Somebody to be called: a number as people type it, further ones, and what is known."""

    number: NumberText
    numbers: Annotated[tuple[NumberText, ...], Meta(max_length=NUMBERS_MAX - 1)] = ()
    fields: Values = {}  # noqa: RUF012 - a Struct copies it


class Refused(Document):
    """One that was left out: which of those sent, and why."""

    index: int
    number: str
    reason: str


def read_people(
    numbering: Numbering, people: tuple[NewPerson, ...]
) -> tuple[list[tuple[int, Person]], list[Refused]]:
    """Those who can be called with their indexes, and those who cannot."""
    values, _, reasons, carriers = numbering.normalise_many([one.number for one in people])
    good: list[tuple[int, Person]] = []
    bad: list[Refused] = []
    for index, (one, phone, reason, carrier) in enumerate(
        zip(people, values, reasons, carriers, strict=True)
    ):
        if not phone:
            bad.append(Refused(index=index, number=one.number, reason=numbering.reasons[reason]))
            continue
        person = Person(
            phone=phone,
            original=one.number,
            carrier=numbering.carriers[carrier],
            fields={name: text.strip() for name, text in one.fields.items() if text.strip()},
            others=_further(numbering, one.numbers),
        )
        good.append((index, person))
    return good, bad


def _further(numbering: Numbering, texts: tuple[str, ...]) -> tuple[FurtherNumber, ...]:
    """Those of the further numbers that can be called."""
    if not texts:
        return ()
    values, _, _, carriers = numbering.normalise_many(list(texts))
    return tuple(
        FurtherNumber(phone=phone, carrier=numbering.carriers[carrier], column=f"phone{at}")
        for at, (phone, carrier) in enumerate(zip(values, carriers, strict=True), 2)
        if phone
    )


def read_phones(numbering: Numbering, texts: tuple[str, ...]) -> tuple[list[int], list[Refused]]:
    """Texts as numbers that could be dialed some day; whether they may be is not asked."""
    good: list[int] = []
    bad: list[Refused] = []
    for index, text in enumerate(texts):
        found = numbering.analyse(text)
        if found.e164 is not None:
            good.append(int(found.e164[1:]))
        else:
            bad.append(Refused(index=index, number=text, reason=found.reason or "no number"))
    return good, bad


def read_phone(numbering: Numbering, text: str, parameter: str = "number") -> int:
    """One of a parameter; ProblemError 404 when it is none."""
    found = numbering.analyse(text)
    if found.e164 is None:
        detail = f"no telephone number: {found.reason}"
        raise ProblemError(404, detail, errors=(Fault(detail=detail, parameter=parameter),))
    return int(found.e164[1:])
