"""The OpenAPI 3.1 document, made from the routes' own types."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec
from aiohttp import web

from admin_http.live.agent_messages import ANY_MESSAGE, ANY_REPLY
from admin_http.once import HEADER as KEY
from admin_http.openapi_links import links
from admin_http.openapi_texts import (
    ETAG,
    HEADERS,
    IF_NONE_MATCH,
    INTRODUCTION,
    REFUSED_HEADERS,
    REPLIED,
    REQUEST_HEADERS,
    SESSION,
    TEXTS,
)
from admin_http.people.access import open_
from admin_http.people.sessions import COOKIE
from admin_http.problems import CONTENT_TYPE, Problem
from admin_http.routes import ROUTES, Route, route
from admin_http.services import Call
from dialerd import __version__

REF: Final = "#/components/schemas/{name}"
BINARY: Final = {"type": "string", "format": "binary", "minLength": 1}
TIME: Final = (  # RFC 3339; the year 0 and more than four digits are no times of ours
    "^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


@cache
def document() -> bytes:
    """The whole document as JSON."""
    kinds: list[Any] = [Problem, ANY_MESSAGE, ANY_REPLY]
    for item in ROUTES:
        kinds += [kind for kind in (*item.parts.values(), item.reply) if kind is not None]
    unique = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF)
    by_kind = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for item in ROUTES:
        operation = _operation(item, by_kind, components)
        paths.setdefault(item.path, {})[item.method.lower()] = operation
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "dialerd", "version": __version__, "description": INTRODUCTION},
            "servers": [{"url": "/"}],
            "tags": [{"name": name} for name in dict.fromkeys(map(_tag, ROUTES))],
            "paths": paths,
            "x-agent-socket": {"receives": by_kind[ANY_MESSAGE], "sends": by_kind[ANY_REPLY]},
            "components": {
                "schemas": _patterned(components),
                "headers": HEADERS,
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "Made with `dialerd token add`.",
                    },
                    "session": {
                        "type": "apiKey",
                        "in": "cookie",
                        "name": COOKIE,
                        "description": SESSION,
                    },
                },
            },
        }
    )


def _patterned(value: Any) -> Any:
    """Patterns as ECMA 262 has them, whose `$` is the very end; times with theirs."""
    if isinstance(value, dict):
        found = {
            key: part.replace("$(?!\\n)", "$") if key == "pattern" else _patterned(part)
            for key, part in value.items()
        }
        return found | ({"pattern": TIME} if value.get("format") == "date-time" else {})
    return [_patterned(one) for one in value] if isinstance(value, list) else value


def _tag(item: Route) -> str:
    return item.path.split("/")[2].partition(":")[0]


def _operation(item: Route, by_kind: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": item.name,
        "summary": item.summary,
        "tags": [_tag(item)],
    }
    if item.scope is not None:
        found["security"] = [{"token": []}, {"session": []}]
        who = item.access.text if item.access else "nobody"
        found["description"] = f"For: {who}. A token needs the scope `{item.scope}`."
    parameters = [
        parameter
        for place in ("path", "query")
        if place in item.parts
        for parameter in _parameters(place, item.parts[place], components)
    ]
    parameters += [REQUEST_HEADERS[name] for name in item.headers]
    if item.document is not None:
        parameters.append(REQUEST_HEADERS["If-Match"])
    if item.method == "GET" and item.reply is not None:
        parameters.append(IF_NONE_MATCH)
    if item.takes_key:
        parameters.append(REQUEST_HEADERS[KEY])
    if parameters:
        found["parameters"] = parameters
    if "body" in item.parts:
        schema = by_kind[item.parts["body"]]
        content: dict[str, Any] = {
            "schema": {"allOf": [schema, item.holds]} if item.holds else schema
        }
        if item.example is not None:
            content["example"] = item.example
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif item.takes:
        found["requestBody"] = {
            "required": True,
            "content": {media: {"schema": BINARY} for media in item.takes},
        }
    found["responses"] = _responses(item, by_kind)
    return found


def _responses(item: Route, by_kind: dict[Any, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": item.summary}
    if item.reply is not None:
        good["content"] = {media: {"schema": by_kind[item.reply]} for media in item.media}
    elif item.status != 204:
        good["content"] = {media: {} for media in item.media}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _headers(item)}
    good["headers"] = headers
    if leads_to := links(item):
        good["links"] = leads_to
    found = {str(item.status): good}
    problem = {CONTENT_TYPE: {"schema": by_kind[Problem]}}
    for code in sorted(_others(item)):
        text = REPLIED.get(code)
        if text is not None:
            found[str(code)] = {"description": text, **({"headers": ETAG} if code == 304 else {})}
            if code == 206:
                found["206"]["content"] = {media: {} for media in item.media}
            continue
        found[str(code)] = {"description": TEXTS[code], "content": problem}
        if refused := REFUSED_HEADERS.get(code):
            found[str(code)]["headers"] = {
                name: {"$ref": f"#/components/headers/{name}"} for name in refused
            }
    return found


def _headers(item: Route) -> list[str]:
    """Of its good answer."""
    names = ["X-Request-Id"]
    if item.status in {201, 202}:
        names.append("Location")
    if item.reply is not None and (item.method == "GET" or item.document is not None):
        names.append("ETag")
    if item.reply is not None and getattr(item.reply, "__origin__", None) is not None:
        names.append("Link")
    return names


def _parameters(
    place: str, kind: type[msgspec.Struct], components: dict[str, Any]
) -> list[dict[str, Any]]:
    schema = components[kind.__name__]
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": place,
            "required": name in required,
            **_said(_patterned(_given(part))),
            **({"description": part["description"]} if "description" in part else {}),
        }
        for name, part in schema["properties"].items()
    ]


def _said(schema: dict[str, Any]) -> dict[str, Any]:
    """How a parameter is written: by its schema, or as a document of a media type."""
    media = schema.get("contentMediaType")
    return (
        {"content": {media: {"schema": schema["contentSchema"]}}} if media else {"schema": schema}
    )


def _given(part: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: none is said by leaving it out, and it cannot be null."""
    kinds = [one for one in part.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) != 1:
        return {**part, "anyOf": kinds} if kinds else part
    rest = {key: value for key, value in part.items() if key != "anyOf" and value is not None}
    return {**rest, **kinds[0]}


def _pages(item: Route) -> bool:
    return "after" in getattr(item.parts.get("query"), "__struct_fields__", ())


def _others(item: Route) -> set[int]:
    """Every other status that it may answer with."""
    codes = {400, 421, 429, 500, 503, *item.also}
    if item.scope is not None:
        codes |= {401, 403}
    if "path" in item.parts or _pages(item):
        codes.add(404)
    if "body" in item.parts:
        codes |= {408, 409, 413, 415, 422}
    if item.takes:
        codes |= {408, 411, 413, 415, 422, 507}
    if item.document is not None:
        codes |= {412, 428}
    if item.method == "GET" and item.reply is not None:
        codes.add(304)
    if item.takes_key:
        codes |= {409, 422, 507}
    return codes


@route("GET", "/v1/openapi.json", None, access=open_)
async def openapi(call: Call) -> web.StreamResponse:
    """This document."""
    return web.Response(
        body=document(), headers={**call.headers, "Content-Type": "application/json"}
    )
