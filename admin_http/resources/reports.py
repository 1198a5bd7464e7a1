"""Reports: calls and interactions that ended, agents' days, campaigns' books; pages, or CSV."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta

from admin_http import cursors, ended_rows
from admin_http.attempts import Interaction, TryInfo, interaction, lead_name, number, tried
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.ended_rows import Wanted, unix_ms
from admin_http.people.access import staff
from admin_http.problems import ProblemError
from admin_http.report_child import What
from admin_http.routes import ROUTES, route
from admin_http.services import Call
from admin_http.streams import REPORTS, order, place, send_table
from admin_http.tokens import Scope
from dialerd.core.agent_records import AgentMove, AgentState
from dialerd.core.campaigns_view import CampaignRef
from dialerd.core.control_base import Instant
from dialerd.core.records import CampaignState, Outcome
from dialerd.store import LmdbStore
from dialerd.store.ended import Ended
from dialerd.store.report import BOM

DAY_MS: Final = 86_400_000
DAYS_MAX: Final = 31  # of a report about agents
MOVES_READ: Final = 5_000
TABLE_MEDIA: Final = ("application/json", "text/csv")
_HERE: Final = "/v1/reports/"


class TableFormat(StrEnum):
    """JSON comes in pages, CSV whole."""

    JSON = "json"
    CSV = "csv"


class EndedQuestion(Paging):
    """What ended: from `since` on, before `until`, of a campaign, with an outcome, and so on."""

    campaign: CampaignRef | None = None
    since: Instant | None = None
    until: Instant | None = None
    outcome: Outcome | None = None
    trunk: Annotated[str, Meta(max_length=128)] = ""
    agent: Annotated[str, Meta(max_length=256)] = ""
    format: TableFormat = TableFormat.JSON


class InteractionRow(Interaction, kw_only=True):
    """One thing that happened, and in which call."""

    campaign: int
    lead: str
    attempt: int
    number: str | None


class AgentDay(Document):
    """One agent: seconds in each state, how often each was entered, and customers talked with."""

    agent: str
    seconds: dict[str, float]
    times: dict[str, int]


class AgentDays(Document):
    """All agents who did anything, by name."""

    items: tuple[AgentDay, ...]


class CampaignBooks(Document):
    """One campaign: people by state, tries by outcome."""

    id: int
    name: str
    state: CampaignState
    audience: int
    leads: dict[str, int]
    outcomes: dict[Outcome, int]


class Period(Document):
    """From when, and before when; the last day when not said."""

    since: Instant | None = None
    until: Instant | None = None
    format: TableFormat = TableFormat.JSON


class CampaignsQuestion(Paging):
    """Which page, in which form."""

    format: TableFormat = TableFormat.JSON


class ReportInfo(Document):
    """One of the reports, and what it says."""

    name: str
    href: str
    text: str


class ReportList(Document):
    """All of them by name; `/v1/campaigns/{campaign}/report` is a campaign's own."""

    items: tuple[ReportInfo, ...]


@route("GET", "/v1/reports", Scope.REPORTS, access=staff)
async def reports(call: Call) -> ReportList:
    """Which reports there are."""
    del call
    every = sorted((one.path, one) for one in ROUTES if one.path.startswith(_HERE))
    return ReportList(
        items=tuple(
            ReportInfo(name=path.removeprefix(_HERE), href=path, text=one.summary)
            for path, one in every
        )
    )


async def wanted(call: Call, query: EndedQuestion) -> Wanted:
    """The question as the store understands it; ProblemError 404."""
    of = None
    if name := query.campaign:
        of = frozenset(
            {await call.services.read(lambda store: store.find_campaign(name).campaign_id)}
        )
    return Wanted(
        of,
        unix_ms(query.since, 0),
        unix_ms(query.until, 1 << 62),
        query.outcome,
        query.trunk,
        query.agent,
    )


@route(
    "GET",
    "/v1/reports/calls",
    Scope.REPORTS,
    access=staff,
    media=TABLE_MEDIA,
    reply=Page[TryInfo],
    also=(404,),
)
async def calls_report(call: Call, query: EndedQuestion) -> Any:
    """Calls that ended, oldest first, each with everything that happened in it."""
    asked = await wanted(call, query)
    if query.format is TableFormat.CSV:
        return await _csv(call, What.CALLS, asked)
    rows, last = await _rows(call, query, asked)
    return page(call, query, tuple(tried(row.attempt, row.events) for row in rows), last)


@route(
    "GET",
    "/v1/reports/interactions",
    Scope.REPORTS,
    access=staff,
    media=TABLE_MEDIA,
    reply=Page[InteractionRow],
    also=(404,),
)
async def interactions_report(call: Call, query: EndedQuestion) -> Any:
    """Everything that happened in calls that ended; `limit` counts calls."""
    asked = await wanted(call, query)
    if query.format is TableFormat.CSV:
        return await _csv(call, What.INTERACTIONS, asked)
    rows, last = await _rows(call, query, asked)
    items = []
    for row in rows:
        a = row.attempt
        for event in row.events:
            told = interaction(event)
            items.append(
                InteractionRow(
                    at=told.at,
                    kind=told.kind,
                    detail=told.detail,
                    campaign=a.campaign_id,
                    lead=lead_name(a.campaign_id, a.lead_id),
                    attempt=a.attempt_id,
                    number=number(a.phone),
                )
            )
    return page(call, query, tuple(items), last)


async def _rows(
    call: Call, query: EndedQuestion, asked: Wanted
) -> tuple[list[Ended], tuple[int] | None]:
    """The rows of a page, and behind which the next begins."""
    after = cursors.number(behind(call, query))
    look = partial(ended_rows.found, wanted=asked, after=after, limit=query.limit)
    rows, at = await call.services.read(look)
    return rows, (at,) if at else None


async def _csv(call: Call, what: What, asked: Wanted) -> web.StreamResponse:
    async with place(call.request.app[REPORTS], "reports"):
        rows = await call.services.read(lambda store: store.last_ended())
        table = order(call.services, what, wanted=asked)
        return await send_table(call, table, rows, "text/csv", f"{what}.csv")


@route(
    "GET",
    "/v1/reports/agents",
    Scope.REPORTS,
    access=staff,
    media=TABLE_MEDIA,
    reply=AgentDays,
)
async def agents_report(call: Call, query: Period) -> Any:
    """Agents: how long and how often each was in which state, in at most 31 days."""
    until_ms = max(0, unix_ms(query.until, (await _now_ms(call)) + 1))
    since_ms = max(0, unix_ms(query.since, until_ms - DAY_MS))
    if until_ms - since_ms > DAYS_MAX * DAY_MS:
        raise ProblemError(400, f"since is at most {DAYS_MAX} days before until")
    days = await call.services.read(lambda store: tuple(_days(store, since_ms, until_ms)))
    if query.format is TableFormat.JSON:
        return AgentDays(items=days)
    states = [state.value for state in AgentState]
    titles = ("agent", *(f"{state}_s" for state in states), *(f"{state}_times" for state in states))
    rows = [
        (
            day.agent,
            *(day.seconds.get(state, 0) for state in states),
            *(day.times.get(state, 0) for state in states),
        )
        for day in days
    ]
    return _table(call, "agents", [titles, *rows])


async def _now_ms(call: Call) -> int:
    from dialerd.core.control import GetStatus

    return int((await call.services.control.call(GetStatus())).now.timestamp() * 1_000)


def _days(store: LmdbStore, since_ms: int, until_ms: int) -> Iterator[AgentDay]:
    """Sums of the log of agents, which is read in pages."""
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    times: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    last: dict[str, AgentMove] = {}
    for move in _moves(store, since_ms, until_ms):
        if before := last.get(move.agent):
            seconds[move.agent][before.state.value] += (move.at_ms - before.at_ms) / 1_000
        times[move.agent][move.state.value] += 1
        last[move.agent] = move
    for agent, move in last.items():  # what lasts still
        seconds[agent][move.state.value] += (until_ms - move.at_ms) / 1_000
    for agent in sorted(last):
        found = {state: round(value, 3) for state, value in seconds[agent].items()}
        yield AgentDay(agent=agent, seconds=found, times=dict(times[agent]))


def _moves(store: LmdbStore, since_ms: int, until_ms: int) -> Iterator[AgentMove]:
    """A page ends in the middle of a millisecond: what was told of it is passed over."""
    told: set[tuple[str, int]] = set()
    while True:
        rows = store.agent_moves(since_ms, until_ms, MOVES_READ)
        yield from (row for row in rows if (row.agent, row.seq) not in told or row.at_ms > since_ms)
        if len(rows) < MOVES_READ or rows[-1].at_ms == since_ms:
            return
        since_ms = rows[-1].at_ms
        told = {(row.agent, row.seq) for row in rows if row.at_ms == since_ms}


@route(
    "GET",
    "/v1/reports/campaigns",
    Scope.REPORTS,
    access=staff,
    media=TABLE_MEDIA,
    reply=Page[CampaignBooks],
)
async def campaigns_report(call: Call, query: CampaignsQuestion) -> Any:
    """Campaigns with their books: people by state, tries by outcome; CSV has all of them."""
    after = cursors.number(behind(call, query))
    books = await call.services.read(lambda store: tuple(_books(store)))
    if query.format is TableFormat.CSV:
        states = list(dict.fromkeys(state for one in books for state in one.leads))
        titles = ("id", "name", "state", "audience", *states, *(f"tries_{one}" for one in Outcome))
        rows = [
            (
                one.id, one.name, one.state, one.audience,
                *(one.leads.get(state, 0) for state in states),
                *(one.outcomes.get(outcome, 0) for outcome in Outcome),
            )
            for one in books
        ]  # fmt: skip
        return _table(call, "campaigns", [titles, *rows])
    rest = [one for one in books if one.id > after]
    shown = tuple(rest[: query.limit])
    return page(call, query, shown, (shown[-1].id,) if len(rest) > query.limit else None)


def _books(store: LmdbStore) -> Iterator[CampaignBooks]:
    for one in store.campaigns():
        found = store.progress(one.campaign_id)
        yield CampaignBooks(
            id=one.campaign_id,
            name=one.settings.name,
            state=one.state,
            audience=one.audience,
            leads={state.name.lower(): count for state, count in found.leads.items()},
            outcomes=found.outcomes,
        )


def _table(call: Call, name: str, rows: list[Any]) -> web.Response:
    """A small table as CSV."""
    return web.Response(
        body=BOM.encode() + ended_rows.table(rows),
        headers={
            **call.headers,
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}.csv"',
        },
    )
