"""Numbers that nobody dials: do-not-call lists of our own and public ones, and the blacklist."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from admin_http import cursors
from admin_http.attempts import moment
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.limits import NUMBERS_MAX
from admin_http.people.access import staff
from admin_http.people_read import NumberText, Refused, read_phone, read_phones
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.campaigns_view import CampaignRef
from dialerd.core.control_base import Instant
from dialerd.core.leads_view import AddBans, BanRemoved, RemoveBan, Source
from dialerd.core.records import BanList, DoNotCall
from dialerd.store import LmdbStore


class DncList(StrEnum):
    """Which of the do-not-call lists."""

    OWN = "own"  # people who asked us
    REGISTER = "register"  # a public register of people who want no advertising


class OneNumber(Document):
    """A number as people type it."""

    number: NumberText


class DncPaging(Paging):
    """Which list, and which page of it."""

    list: DncList = DncList.OWN


class BanInfo(Document):
    """One entry: since when and from where; `until` null: for good; `campaign` null: in all.

    `hits` is how many calls it kept from being made or taken.
    """

    number: str
    list: BanList
    since: Instant | None
    source: str
    campaign: str | None
    until: Instant | None
    hits: int


class NumberBans(Document):
    """What is known of one number: blocked if it has any entry of these lists."""

    number: str
    blocked: bool
    entries: tuple[BanInfo, ...]


class NewBlacklisted(Document):
    """Numbers and why; `until`: not for good, `campaign`: in that one only."""

    numbers: Annotated[tuple[NumberText, ...], Meta(min_length=1, max_length=NUMBERS_MAX)]
    source: Source = ""
    until: Instant | None = None
    campaign: CampaignRef | None = None


class NewBans(NewBlacklisted):
    """The same for one of the do-not-call lists."""

    list: DncList = DncList.OWN


class Banned(Document):
    """How many are new, how many were there, and which could not be read."""

    added: int
    known: int
    refused: tuple[Refused, ...]


class Removal(Document):
    """Why; where it stands."""

    reason: Source = ""
    campaign: CampaignRef | None = None


class DncRemoval(Removal):
    """Off which list."""

    list: DncList = DncList.OWN


EXAMPLE = {"numbers": ["0912 345 678"], "source": "asked by mail"}


@route("GET", "/v1/dnc", Scope.REPORTS, access=staff)
async def dnc(call: Call, query: DncPaging) -> Page[BanInfo]:
    """A page of a do-not-call list by number; entries of one campaign are found by number."""
    return await _listed(call, query, BanList(query.list))


@route("GET", "/v1/blacklist", Scope.REPORTS, access=staff)
async def blacklist(call: Call, query: Paging) -> Page[BanInfo]:
    """A page of the blacklist by number."""
    return await _listed(call, query, BanList.BLACKLIST)


@route("GET", "/v1/dnc/{number}", Scope.REPORTS, access=staff)
async def dnc_number(call: Call, path: OneNumber) -> NumberBans:
    """Whether a number is on a do-not-call list: since when, until when, from where."""
    return await _about(call, path, lambda one: one.kind is not BanList.BLACKLIST)


@route("GET", "/v1/blacklist/{number}", Scope.REPORTS, access=staff)
async def blacklist_number(call: Call, path: OneNumber) -> NumberBans:
    """Whether a number is on the blacklist."""
    return await _about(call, path, lambda one: one.kind is BanList.BLACKLIST)


@route("POST", "/v1/dnc", Scope.CAMPAIGNS, access=staff, once=True, example=EXAMPLE, also=(404,))
async def add_dnc(call: Call, body: NewBans) -> Banned:
    """Put numbers on a do-not-call list: when it answers, they are not dialed any more."""
    return await _add(call, body, BanList(body.list))


@route(
    "POST", "/v1/blacklist", Scope.CAMPAIGNS, access=staff, once=True, example=EXAMPLE, also=(404,)
)
async def add_blacklist(call: Call, body: NewBlacklisted) -> Banned:
    """Put numbers on the blacklist."""
    return await _add(call, body, BanList.BLACKLIST)


@route("DELETE", "/v1/dnc/{number}", Scope.CAMPAIGNS, access=staff)
async def remove_dnc(call: Call, path: OneNumber, query: DncRemoval) -> BanRemoved:
    """Take a number off a do-not-call list; people left out because of it stay left out."""
    return await _remove(call, path, query, BanList(query.list))


@route("DELETE", "/v1/blacklist/{number}", Scope.CAMPAIGNS, access=staff)
async def remove_blacklist(call: Call, path: OneNumber, query: Removal) -> BanRemoved:
    """Take a number off the blacklist."""
    return await _remove(call, path, query, BanList.BLACKLIST)


async def _listed(call: Call, query: Paging, kind: BanList) -> Page[BanInfo]:
    after = cursors.number(behind(call, query))
    rows = await call.services.read(lambda store: store.bans_page(kind, after, query.limit + 1))
    shown = tuple(_info(one, {}) for one in rows[: query.limit])
    more = len(rows) > query.limit
    return page(call, query, shown, (rows[query.limit - 1].phone,) if more else None)


async def _about(call: Call, path: OneNumber, wanted: Callable[[DoNotCall], bool]) -> NumberBans:
    phone = read_phone(call.services.numbering, path.number)

    def look(store: LmdbStore) -> NumberBans:
        found = [one for one in store.bans(phone) if wanted(one)]
        of = {one.campaign_id for one in found if one.campaign_id}
        names = {number: store.campaign(number).settings.name for number in of}
        entries = tuple(_info(one, names) for one in found)
        return NumberBans(number=f"+{phone}", blocked=bool(found), entries=entries)

    return await call.services.read(look)


async def _add(call: Call, body: NewBlacklisted, kind: BanList) -> Banned:
    good, bad = read_phones(call.services.numbering, body.numbers)
    phones = tuple(dict.fromkeys(good))
    added = 0
    if phones:
        more: dict[str, Any] = {"campaign": body.campaign, "until": body.until}
        request = AddBans(phones=phones, who=call.who, kind=kind, source=body.source, **more)
        added = (await call.services.control.call(request)).added
    return Banned(added=added, known=len(phones) - added, refused=tuple(bad))


async def _remove(call: Call, path: OneNumber, query: Removal, kind: BanList) -> BanRemoved:
    phone = read_phone(call.services.numbering, path.number)
    request = RemoveBan(
        phone=phone, who=call.who, kind=kind, reason=query.reason, campaign=query.campaign
    )
    return await call.services.control.call(request)


def _info(one: DoNotCall, names: dict[int, str]) -> BanInfo:
    return BanInfo(
        number=f"+{one.phone}",
        list=one.kind,
        since=moment(one.at_ms),
        source=one.source,
        campaign=names.get(one.campaign_id),
        until=moment(one.until_ms),
        hits=one.hits,
    )
