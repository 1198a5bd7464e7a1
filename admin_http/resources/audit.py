"""The audit log: who changed what."""

from __future__ import annotations

import asyncio

from admin_http import cursors
from admin_http.documents import Page, Paging, behind, page
from admin_http.people import audit as log
from admin_http.people.access import admins
from admin_http.people.audit import Checked, Entry
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope


@route("GET", "/v1/audit", Scope.USERS, access=admins)
async def audit(call: Call, query: Paging) -> Page[Entry]:
    """A page of the audit log, newest first."""
    before = cursors.number(behind(call, query))
    found = log.entries(call.services.admin, query.limit + 1, before)
    shown = tuple(found[: query.limit])
    return page(call, query, shown, (shown[-1].n,) if len(found) > query.limit else None)


@route("GET", "/v1/audit/check", Scope.USERS, access=admins)
async def check_audit(call: Call) -> Checked:
    """Follow the chain of hashes through the whole log; `broken` is where it does not hold."""
    return await asyncio.to_thread(log.check, call.services.admin)
