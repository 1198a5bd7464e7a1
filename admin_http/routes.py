"""Typed routes: a handler's signature says what a request must be and what the answer is.

    @route("POST", "/v1/campaigns", Scope.CAMPAIGNS, status=201)
    async def create(call: Call, body: CampaignSpec) -> CampaignInfo: ...

`path`, `query` and `body` are msgspec structs; a struct that is returned becomes JSON. The same
signatures make the OpenAPI document. A handler may also return a finished response (streams), and
one that `takes` media types reads the body itself (uploads).

An update says which `document` it changes: the handler that shows it. The frame then wants the
ETag of that document as If-Match before the update is asked for.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from admin_http.limits import BODY_S
from admin_http.people.access import Access
from admin_http.problems import Fault, ProblemError
from admin_http.tokens import Scope

Handler = Callable[..., Awaitable[Any]]
PARTS: Final = ("path", "query", "body")


class NoParameters(msgspec.Struct, frozen=True):
    """Of a route that takes none: any is refused."""


class Route(msgspec.Struct, frozen=True):
    """One method on one path."""

    method: str
    path: str
    scope: Scope | None  # None: open to everybody who can connect
    handler: Handler
    status: int
    parts: dict[str, type[msgspec.Struct]]
    reply: Any  # a struct, or a Page of one; None: the handler makes the response itself
    media: tuple[str, ...]  # of the response
    body_at: str  # where the body stands in the daemon's request: prefix of its pointers
    takes: tuple[str, ...] = ()  # media types of a body that the handler reads itself
    example: Any = None  # of a JSON body
    holds: Any = None  # between the values of a JSON body, as a schema beside that of its type
    document: Handler | None = None  # what an update needs the ETag of
    also: tuple[int, ...] = ()  # further refusals, and other ways to succeed
    streams: bool = False  # without end: no HEAD
    headers: tuple[str, ...] = ()  # that the handler reads
    reads: bool = False  # changes nothing, whatever its method: no entry in the audit log
    access: Access | None = None  # who may; None, which a test refuses: nobody
    once: bool | None = None  # takes an Idempotency-Key; None: as all do that make something

    @property
    def takes_key(self) -> bool:
        """Whether it may be asked with an Idempotency-Key: never where secrets are sent or told."""
        made = self.method == "POST" and self.status in {201, 202}
        return made if self.once is None else self.once

    @property
    def summary(self) -> str:
        """First line of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").split("\n")[0]

    @property
    def name(self) -> str:
        """The handler's name: the operation's id."""
        return self.handler.__name__


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    scope: Scope | None,
    *,
    status: int = 200,
    media: tuple[str, ...] = ("application/json",),
    **more: Any,
) -> Callable[[Handler], Handler]:
    """Register a handler; see the module's text. `more` are further fields of its `Route`."""

    def register(handler: Handler) -> Handler:
        hints = get_type_hints(handler)
        reply = hints.get("return")
        kind = get_origin(reply) or reply
        typed = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        ROUTES.append(
            Route(
                method=method,
                path=path,
                scope=scope,
                handler=handler,
                status=status,
                parts={part: hints[part] for part in PARTS if part in hints},
                media=media,
                **{"body_at": "", "reply": reply if typed else None, **more},
            )
        )
        return handler

    return register


def parameters(kind: type[msgspec.Struct], values: list[tuple[str, str]]) -> msgspec.Struct:
    """Path or query parameters as their struct; ProblemError 400 naming the parameter."""
    known_names = kind.__struct_encode_fields__
    found: dict[str, Any] = {}
    for name, value in values:
        if name not in known_names:
            known = ", ".join(known_names) or "none"
            raise _bad_parameter(name, f"unknown parameter {name[:64]!r}; known: {known}")
        if name in found:
            raise _bad_parameter(name, f"the parameter {name!r} stands twice")
        found[name] = value
    times, absent = _lax(kind)
    for name in times & found.keys():
        if "T" not in found[name].upper() and found[name]:  # msgspec would take it for seconds
            raise _bad_parameter(name, "Invalid RFC3339 encoded datetime")
    for name in absent & found.keys():
        if found[name].lower() == "null":  # and this for none, which is said by leaving it out
            raise _bad_parameter(name, "null is no value: leave it out")
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$.")
        raise _bad_parameter(where.rstrip("`"), text) from None


@cache
def _lax(kind: type[msgspec.Struct]) -> tuple[frozenset[str], frozenset[str]]:
    """The parameters that are times, and those that may be none and are no text."""
    kinds = {name: {hint, *get_args(hint)} for name, hint in get_type_hints(kind).items()}
    times = frozenset(name for name, some in kinds.items() if datetime in some)
    absent = frozenset(n for n, some in kinds.items() if type(None) in some and str not in some)
    return times, absent


def _bad_parameter(name: str, detail: str) -> ProblemError:
    fault = Fault(detail=detail, parameter=name[:64])
    return ProblemError(400, f"{name[:64]}: {detail}" if name else detail, errors=(fault,))


async def json_body(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The body as its struct.

    Raises:
        ProblemError: 415 not JSON by its type, or compressed, 413 too large, 408 too slow, 400 not
            JSON, 422 does not fit.
    """
    if request.content_type != "application/json":
        raise ProblemError(415, "send application/json", headers={"Accept": "application/json"})
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ProblemError(415, "send it uncompressed", headers={"Accept-Encoding": "identity"})
    too_large = ProblemError(413, f"a body may have {request.client_max_size} bytes")
    if (request.content_length or 0) > request.client_max_size:
        raise too_large
    try:
        async with asyncio.timeout(BODY_S):
            data = await request.read()
    except TimeoutError:
        raise ProblemError(408, f"a body may take {BODY_S:g} s") from None
    except web.RequestPayloadError:
        raise ProblemError(400, "the body ends before its end, or its chunks are wrong") from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    try:
        decoded = _fitted(data, kind)
        _refuse_twice(data)
        return decoded
    except msgspec.ValidationError as error:
        fault = _fault(str(error))
        at = f" at {fault.pointer}" if fault.pointer else ""
        raise ProblemError(422, fault.detail + at, errors=(fault,)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, f"the body is not JSON: {error}") from None


def _fitted(data: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The body as its struct. Where a whole number is wanted 2.0 is one: JSON Schema says so."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
        try:
            plain = json.loads(data, parse_float=_whole, parse_constant=_whole)
            again = msgspec.json.encode(plain)
        except (ValueError, RecursionError):  # what is wrong behind the number: it is told first
            raise error from None
    return msgspec.json.decode(again, type=kind)


def _whole(text: str) -> int | float:
    """A number of a body, whole where it can be; ValueError for one that JSON does not have."""
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return int(found) if found.is_integer() and abs(found) < 1 << 53 else found


def _refuse_twice(data: bytes) -> None:
    """ProblemError 400 for a name that stands twice in an object: of two values nobody knows."""

    def look(pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name, count in Counter(names).items() if count > 1)
            raise ProblemError(400, f"{twice[:64]!r} stands twice in one object of the body")

    # Numbers are not looked at: reading a very long one takes long.
    json.loads(data, object_pairs_hook=look, parse_int=bool, parse_float=bool)


def _fault(message: str) -> Fault:
    from dialerd.control.frames import invalid

    (fault,) = invalid(message).faults
    return Fault(detail=fault.detail, pointer=fault.pointer)
