"""The OpenAPI 3.1 document, made from the routes' own types."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from aiohttp import web

from admin_http.problems import CONTENT_TYPE, Problem
from admin_http.routes import ROUTES, Route, route
from admin_http.services import Call
from dialerd import __version__

REF: Final = "#/components/schemas/{name}"
_TEXTS: Final = {
    "400": "A parameter or the body cannot be read.",
    "401": "No valid bearer token.",
    "403": "The token lacks the scope.",
    "404": "There is no such thing.",
    "409": "Not in this state; `allowed` says what is possible.",
    "408": "The body took too long to arrive.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "The body does not fit; `errors` says where.",
    "500": "Our fault.",
    "503": "Not now; try again after Retry-After.",
}


@cache
def document() -> bytes:
    """The whole document as JSON."""
    kinds: list[type[msgspec.Struct]] = [Problem]
    for item in ROUTES:
        kinds += [kind for kind in (*item.parts.values(), item.reply) if kind is not None]
    unique = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF)
    by_kind = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for item in ROUTES:
        paths.setdefault(item.path, {})[item.method.lower()] = _operation(item, by_kind, components)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "dialerd",
                "version": __version__,
                "description": "Call campaigns over SIP and GSM lines.",
            },
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "Made with `dialerd token add`.",
                    }
                },
            },
        }
    )


def _operation(
    item: Route, by_kind: dict[type[msgspec.Struct], Any], components: dict[str, Any]
) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": item.name, "summary": item.summary}
    if item.scope is not None:
        found["security"] = [{"token": []}]
        found["description"] = f"Needs the scope `{item.scope}`."
    parameters = [
        parameter
        for place in ("path", "query")
        if place in item.parts
        for parameter in _parameters(place, item.parts[place], components)
    ]
    if parameters:
        found["parameters"] = parameters
    if "body" in item.parts:
        schema = by_kind[item.parts["body"]]
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if item.reply is not None:
        content = {media: {"schema": by_kind[item.reply]} for media in item.media}
    else:
        content = {media: {} for media in item.media}
    found["responses"] = {str(item.status): {"description": item.summary, "content": content}}
    problem = {CONTENT_TYPE: {"schema": by_kind[Problem]}}
    for code in _refusals(item):
        found["responses"][code] = {"description": _TEXTS[code], "content": problem}
    return found


def _parameters(
    place: str, kind: type[msgspec.Struct], components: dict[str, Any]
) -> list[dict[str, Any]]:
    schema = components[kind.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": place, "required": name in required, "schema": part}
        for name, part in schema["properties"].items()
    ]


def _refusals(item: Route) -> list[str]:
    codes = {"400", "500", "503"}
    if item.scope is not None:
        codes |= {"401", "403"}
    if "path" in item.parts:
        codes.add("404")
    if "body" in item.parts:
        codes |= {"408", "409", "413", "415", "422"}
    return sorted(codes)


@route("GET", "/v1/openapi.json", None)
async def openapi(call: Call) -> web.StreamResponse:
    """This document."""
    return web.Response(
        body=document(), headers={**call.headers, "Content-Type": "application/json"}
    )
