"""Contact lists."""

from __future__ import annotations

from itertools import islice

from admin_http import cursors
from admin_http.documents import Page, Paging, behind, page
from admin_http.people.access import staff
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.control import ListInfo, ListLists


@route("GET", "/v1/lists", Scope.READ, access=staff)
async def lists(call: Call, query: Paging) -> Page[ListInfo]:
    """A page of the contact lists, oldest first."""
    after = cursors.number(behind(call, query))
    found = (await call.services.control.call(ListLists())).items
    rest = list(islice((one for one in found if one.id > after), query.limit + 1))
    shown = tuple(rest[: query.limit])
    return page(call, query, shown, (shown[-1].id,) if len(rest) > query.limit else None)
