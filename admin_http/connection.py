"""A client's connection: how long the head of a request may take, and refusals before any route.

aiohttp closes a connection that is silent after the time of its keep-alive, and answers what it
cannot read in plain text. Here a head has `HEAD_S` from its first byte, the first one from the
connection's beginning, and every refusal is a problem document with the headers of all answers.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.web_request import BaseRequest

from admin_http.limits import BACKLOG, HEAD_S, KEEPALIVE_S, URL_CHARS_MAX
from admin_http.problems import CONTENT_TYPE, ProblemError

REQUEST_ID: Final = "X-Request-Id"
# Of every answer: nothing is sniffed, framed, cached or run.
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Server": "dialerd",
}


class Connection(web.RequestHandler):
    """One connection; see the module's text."""

    __slots__ = ("_head_handle",)

    def __init__(self, manager: web.Server, **options: Any) -> None:
        """As aiohttp makes it."""
        super().__init__(manager, **options)
        self._head_handle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It has so long to say what it wants."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is waited for."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A head that begins must end in time; what else arrives is timed by who reads it."""
        super().data_received(data)
        if self._messages or self._request_in_progress:
            self._head_is_there()
        elif data and self._head_handle is None:
            self._wait_for_head()

    def _wait_for_head(self) -> None:
        loop = asyncio.get_running_loop()
        self._head_handle = loop.call_later(HEAD_S, self._too_slow)

    def _head_is_there(self) -> None:
        if self._head_handle is not None:
            self._head_handle.cancel()
            self._head_handle = None

    def _too_slow(self) -> None:
        """No answer: it may be that nothing was asked, as of a browser that connects ahead."""
        self._head_handle = None
        if self._waiter is not None and not self._waiter.done():  # it waits for a head indeed
            self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What cannot be read, told as a problem; the connection ends behind it."""
        super().handle_error(request, status, exc, message)  # logs it, or raises: answered already
        broken = status < HTTPStatus.INTERNAL_SERVER_ERROR
        said = _first_line(message) if broken else "internal error; the log says more"
        response = _problem(ProblemError(status, said or "no request that can be read"))
        response.force_close()
        return response

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """What aiohttp refuses by itself, an Expect above all, is a problem too."""
        if isinstance(resp, web.HTTPException):
            resp = _problem(ProblemError(resp.status, resp.reason))
        found = await super().finish_response(request, resp, start_time)
        self._head_is_there()  # of this request; what arrives from here on is the next one's
        return found


def _first_line(message: str | None) -> str:
    """Of what the parser says, without the bytes of the client that follow."""
    return (message or "").strip().partition("\n")[0].rstrip(":")[:200]


def _problem(error: ProblemError) -> web.Response:
    name = secrets.token_hex(8)
    headers = {**HEADERS, **error.headers, "Content-Type": CONTENT_TYPE, REQUEST_ID: name}
    return web.Response(status=error.status, body=error.document("", name), headers=headers)


async def listen(
    runner: web.AppRunner, bind: str, port: int, context: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Serve a runner that is set up; it ends the connections. OSError: the port cannot be had."""
    loop = asyncio.get_running_loop()
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner is not set up")

    def connection() -> Connection:
        return Connection(
            manager,
            loop=loop,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            max_line_size=URL_CHARS_MAX,
            max_field_size=URL_CHARS_MAX,
            auto_decompress=False,  # no route takes a compressed body
        )

    return await loop.create_server(
        connection,
        bind,
        port,
        ssl=context,
        ssl_handshake_timeout=None if context is None else HEAD_S,
        backlog=BACKLOG,
    )
