"""The application: routes, and around them who may, request ids, and problems for every refusal."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from admin_http import openapi, resources, streams
from admin_http.connection import HEADERS, REQUEST_ID
from admin_http.hooks.sending import Sender
from admin_http.languages import preferred
from admin_http.limits import BODY_BYTES_MAX, REPORTS_MAX, STREAMS_MAX, UPLOADS_MAX
from admin_http.live import agent, sse
from admin_http.live.desks import Desks
from admin_http.origin import Edge, origin
from admin_http.people import audit
from admin_http.people.store import AdminError, AdminFullError, Txn
from admin_http.problems import CONTENT_TYPE, ProblemError
from admin_http.resources import imports, prompts, webhooks
from admin_http.routes import ROUTES, Route
from admin_http.services import Call, Services
from admin_http.serving import READS, answer, draw
from admin_http.tokens import TokenError, take_over, utc_now

log = logging.getLogger(__name__)

SERVICES: Final = web.AppKey("services", Services)
EDGE: Final = web.AppKey("edge", Edge)
ID: Final = web.RequestKey("id", str)
REQUEST_ID_SHAPE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
MODULES: Final = (
    *resources.MODULES,
    streams,
    sse,
    agent,
    openapi,
)  # importing them registers routes

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]

HSTS: Final = "max-age=31536000"  # a browser that has seen us by TLS asks no other way for a year


def make_app(services: Services) -> web.Application:
    """The application over these services, which it closes at its end."""
    app = web.Application(middlewares=[_refusals], client_max_size=BODY_BYTES_MAX)
    app[SERVICES] = services
    app[EDGE] = Edge(services.config.admin.hosts, services.config.admin.proxies)
    app[webhooks.SENDER] = Sender(services)
    app[agent.AT_DESKS] = Desks(services.control, services.relay, services.admin)
    app[sse.STREAMS] = asyncio.Semaphore(STREAMS_MAX)
    app[sse.CHANNELS] = sse.Channels()
    app[imports.UPLOADS] = asyncio.Semaphore(UPLOADS_MAX)
    app[prompts.IMPORTS] = asyncio.Semaphore(prompts.PROMPT_IMPORTS_MAX)
    app[streams.REPORTS] = asyncio.Semaphore(REPORTS_MAX)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _serve(route))
        if route.method == "GET" and not route.streams:
            app.router.add_route("HEAD", route.path, _serve(route))
    for path, methods in _shadowed().items():
        app.router.add_route("*", path, _not_here(methods))
    app.on_response_prepare.append(_add_headers)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_close_sockets)
    return app


def _shadowed() -> dict[str, set[str]]:
    """Paths of words alone that a pattern fits too, with what they can do: the pattern's cannot."""
    paths = {route.path for route in ROUTES}
    patterns = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in paths if "{" in path]
    return {
        path: _methods(path)
        for path in sorted(paths)
        if "{" not in path and any(pattern.fullmatch(path) for pattern in patterns)
    }


def _methods(path: str) -> set[str]:
    found = {route.method for route in ROUTES if route.path == path}
    streams_ = any(route.streams for route in ROUTES if route.path == path)
    return found | ({"HEAD"} if "GET" in found and not streams_ else set())


def _not_here(allowed: set[str]) -> Respond:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


async def _close_sockets(app: web.Application) -> None:
    await app[agent.AT_DESKS].stop()
    await app[webhooks.SENDER].stop()


async def _running(app: web.Application) -> AsyncIterator[None]:
    services = app[SERVICES]
    try:
        await asyncio.to_thread(take_over, services.admin, services.config.store.path)
    except (TokenError, AdminError) as error:
        log.error("tokens of before were not taken over: %s", error)
    try:
        await services.jobs.start()
    except AdminError as error:
        log.error("the jobs of before were not looked at: %s", error)
    services.relay.start()
    app[agent.AT_DESKS].start()
    app[webhooks.SENDER].start()
    yield
    await services.close()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if origin(request).secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    response.headers[REQUEST_ID] = request_id(request)


def request_id(request: web.Request) -> str:
    """The client's id of the request when it is a harmless text, else one of ours."""
    if ID not in request:
        given = request.headers.get(REQUEST_ID, "")
        fits = REQUEST_ID_SHAPE.fullmatch(given)
        request[ID] = given if fits else secrets.token_hex(8)
    return request[ID]


@web.middleware
async def _refusals(request: web.Request, handler: Respond) -> web.StreamResponse:
    """Every refusal becomes a problem document; what we did not foresee is logged and hidden."""
    try:
        request.app[EDGE].admit(request)
        return await handler(request)
    except ProblemError as error:
        problem = error
    except web.HTTPMethodNotAllowed as error:
        allowed = sorted(error.allowed_methods)
        problem = ProblemError(
            405,
            f"{error.method} is not possible here",
            allowed=tuple(allowed),
            headers={"Allow": ", ".join(allowed)},
        )
    except web.HTTPException as error:
        problem = ProblemError(error.status, error.reason)
    except AdminFullError as error:
        log.error("%s", error)
        problem = ProblemError(507, "there is no room for it")
    except AdminError as error:
        log.error("%s", error)
        problem = ProblemError(503, "the admin store cannot be used; the log says why")
    except (ConnectionError, TimeoutError):
        raise  # the client has left in the middle of an answer: nobody to tell
    except Exception:
        log.exception("request %s failed", request_id(request))
        problem = ProblemError(500, "internal error; the log says more under the request's id")
    language = preferred(request.headers.get("Accept-Language", ""))
    body = problem.document(request.path, request_id(request), language)
    headers = {
        **problem.headers,
        "Content-Type": CONTENT_TYPE,
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    response = web.Response(status=problem.status, body=body, headers=headers)
    if request.body_exists and not request.content.is_eof():
        response.force_close()  # what is left of the body is not worth reading
    return response


async def _audited(call: Call, route: Route) -> web.StreamResponse:
    """Changes are kept with who made or tried them and what came of it, before that is answered."""
    if call.asker is None or route.method in READS or route.reads:
        return await answer(call, route)
    try:
        response = await answer(call, route)
    except ProblemError as error:
        await _note(call, error.status)
        raise
    except Exception:
        await _note(call, 500)
        raise
    await _note(call, response.status)
    return response


async def _note(call: Call, status: int) -> None:
    """What was done is answered even where it cannot be kept: a stop of all dialing above all."""
    request = call.request
    what = f"{request.method} {request.rel_url.raw_path}"
    address = origin(request).address

    def note(txn: Txn) -> None:
        who, detail = call.who, call.detail
        audit.note(txn, utc_now(), who, what, status=status, detail=detail, address=address)

    try:
        await call.services.admin.change(note)
    except AdminError as error:
        log.critical("not in the audit log: %s by %s (%d): %s", what, call.who, status, error)


def _serve(route: Route) -> Respond:
    """The aiohttp handler of a route: who may, how often, and then what it does."""

    async def respond(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        try:
            asker = services.door.admitted(request, route)
        except ProblemError as error:
            if error.status == 401:  # whoever guesses soon waits
                draw(Call(services, request, None), "")
            raise
        call = Call(services, request, asker, route.name)
        draw(call, asker.key if asker else "")
        return await _audited(call, route)

    return respond
