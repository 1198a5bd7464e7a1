"""A capacity plan: how many lines so many calls need, how many calls so many lines carry."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta

from admin_http.documents import Document
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.config import ConfigError, load
from dialerd.config.line_specs import trunk_spec
from dialerd.core.capacity import Bound, Carried, Need, Work, calls_of, calls_on, lines_for
from dialerd.core.capacity_words import sentences
from dialerd.core.lines_view import ListTrunks

Calls = Annotated[float, Meta(ge=0, le=1_000_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=300)]
Long = Annotated[float, Meta(ge=0, le=86_400)]


class PlanQuestion(Document):
    """What a call and a day are like, and what is wanted: calls a day, a month, or of lines."""

    per_day: Calls | None = None
    per_month: Calls | None = None
    lines: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    dial_s: Seconds = 7
    ring_s: Seconds = 25
    talk_s: Long = 40
    unreachable: Annotated[float, Meta(ge=0, le=1)] = 0.3
    call_s: Long = 0
    gap_s: Long = 0
    hours: Annotated[float, Meta(ge=0.01, le=24)] = 8
    days: Annotated[int, Meta(ge=1, le=31)] = 30


class PlanInfo(Document):
    """What is needed, what is carried, what the configured lines do; `text` says it in words."""

    call_s: float
    hours: float
    days: int
    needed: Need | None
    carried: Carried | None
    configured: tuple[Bound, ...]
    answered_today: int
    text: tuple[str, ...]


@route("GET", "/v1/plan", Scope.READ, access=staff)
async def plan(call: Call, query: PlanQuestion) -> PlanInfo:
    """How many lines so many calls need, and whether the configured ones are enough."""
    q = query
    try:
        work = Work(
            dial_s=q.dial_s, ring_s=q.ring_s, talk_s=q.talk_s, unreachable=q.unreachable,
            hold_s=q.call_s, gap_s=q.gap_s, hours=q.hours, days=q.days,
        )  # fmt: skip
        need = None
        if q.per_day is not None or q.per_month is not None:
            need = lines_for(work, calls_day=q.per_day or 0, calls_month=q.per_month or 0)
        carried = None if q.lines is None else calls_on(work, q.lines)
    except ValueError as error:
        raise ProblemError(400, str(error)) from None
    bounds = await asyncio.to_thread(_configured, call, work)
    found = await call.services.control.call(ListTrunks())
    today = sum(trunk.use.calls_today for trunk in found.items)
    return PlanInfo(
        call_s=float(work.call_s),
        hours=work.hours,
        days=work.days,
        needed=need,
        carried=carried,
        configured=bounds,
        answered_today=today,
        text=tuple(sentences(work, need, carried, bounds, today)),
    )


def _configured(call: Call, work: Work) -> tuple[Bound, ...]:
    """What the trunks carry, by the file as it is now, which a reload may have taken over."""
    try:
        config = load(call.services.config_path, secrets=False)
    except ConfigError:
        config = call.services.config  # somebody is writing it: as it was
    return tuple(calls_of(work, [trunk_spec(trunk) for trunk in config.trunk]))
