"""What stands around every handler: what came in, what goes out, conditions, HEAD."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from aiohttp import web

from admin_http import etags
from admin_http.once import digest
from admin_http.origin import origin
from admin_http.problems import ProblemError, from_control
from admin_http.routes import NoParameters, Route, json_body, parameters
from admin_http.services import Call
from dialerd.core.control import ControlError

encode = msgspec.json.Encoder().encode
READS = frozenset({"GET", "HEAD"})


async def answer(call: Call, route: Route) -> web.StreamResponse:
    """The response of a route to a request of somebody who may ask."""
    request = call.request
    given: dict[str, Any] = {}
    try:
        kind = route.parts.get("query", NoParameters)
        query = parameters(kind, list(request.query.items()))
        if "query" in route.parts:
            given["query"] = query
        if "path" in route.parts:
            given["path"] = parameters(route.parts["path"], list(request.match_info.items()))
        if route.access is not None and route.access.guard is not None:
            await route.access.guard(call, given["path"])
        if "body" in route.parts:
            given["body"] = await json_body(request, route.parts["body"])
        if route.document is not None:
            await _must_match(call, route.document, given["path"])
        if route.takes_key and not route.takes:  # of a file, its handler knows what was sent
            sent = digest(request.query_string.encode(), await request.read())
            return await call.services.once.answer(call, sent, lambda: _handled(call, route, given))
        return await _handled(call, route, given)
    except ControlError as error:
        raise from_control(error, route.body_at) from None


async def _handled(call: Call, route: Route, given: dict[str, Any]) -> web.StreamResponse:
    result = await route.handler(call, **given)
    if isinstance(result, web.StreamResponse):
        return result
    return document(call, route.status, result, updated=route.document is not None)


async def _must_match(call: Call, shows: Any, path: msgspec.Struct) -> None:
    """The client has seen the document that it changes as it is."""
    call.seen = await shows(call, path=path)
    etags.must_match(call.request.headers.get("If-Match"), etags.tag(encode(call.seen)))


def document(
    call: Call, status: int, result: msgspec.Struct, *, updated: bool = False
) -> web.Response:
    """What a handler found as JSON; of what was `updated`, with its tag."""
    body = encode(result)
    headers = {**call.headers, "Content-Type": "application/json"}
    if call.request.method in READS:
        headers["ETag"] = current = etags.tag(body)
        # `no-store` of every other answer would forbid what a conditional request is for.
        headers["Cache-Control"] = "private, no-cache"
        if etags.named(call.request.headers.get("If-None-Match", ""), current):
            del headers["Content-Type"]
            return web.Response(status=304, headers=headers)
    elif updated:
        headers["ETag"] = etags.tag(body)
    return web.Response(status=status, body=body, headers=headers)


def draw(call: Call, asker: str) -> None:
    """Count a request against whoever makes it; ProblemError 429."""
    services = call.services
    buckets, who = (services.known, asker) if asker else (services.strangers, _address(call))
    wait_s = buckets.take(who, time.monotonic_ns())
    if wait_s:
        headers = {"Retry-After": str(wait_s)}
        raise ProblemError(429, f"too many requests: wait {wait_s} s", headers=headers)


def _address(call: Call) -> str:
    return origin(call.request).address
