"""Metrics for Prometheus: the daemon's, and those of this process."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

from aiohttp import web
from prometheus_client import PROCESS_COLLECTOR, generate_latest

from admin_http.hooks.records import WEBHOOKS, WEBHOOKS_MAX
from admin_http.measures import Measures, Seen, of_webhooks
from admin_http.people.access import staff
from admin_http.routes import route
from admin_http.services import Call, Services
from admin_http.tokens import Scope
from dialerd.core.agents_view import ListAgents
from dialerd.core.control import ControlError, GetStatus
from dialerd.core.control_base import Request
from dialerd.core.lines_view import ListTrunks
from dialerd.core.ports_view import ListPorts

T = TypeVar("T")

MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"


@route("GET", "/v1/metrics", Scope.READ, access=staff, media=("text/plain",))
async def metrics(call: Call) -> web.StreamResponse:
    """Metrics in the text format of Prometheus; `dialerd_up` is 0 while the daemon is away."""
    with call.services.admin.read() as txn:
        hooks = txn.scan(WEBHOOKS, WEBHOOKS_MAX)
    more = (*of_webhooks(hooks), *PROCESS_COLLECTOR.collect())
    body = generate_latest(Measures(await seen(call.services), more))
    return web.Response(body=body, headers={**call.headers, "Content-Type": MEDIA})


async def seen(services: Services) -> Seen:
    """The daemon's figures; a daemon that is away leaves them out."""
    requests: tuple[Request[Any], ...] = (GetStatus(), ListTrunks(), ListPorts(), ListAgents())
    return Seen(*await asyncio.gather(*(_asked(services, one) for one in requests)))


async def _asked(services: Services, request: Request[T]) -> T | None:
    try:
        return await services.control.call(request)
    except ControlError:
        return None  # `dialerd_up` says so
