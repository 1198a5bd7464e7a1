"""Where an answer leads to, as OpenAPI links: a reader or a program goes on from it by itself.

Two of them follow from the routes: what was made is addressed by its name in the answer, and what
was read is changed with the ETag that it came with.
"""

from __future__ import annotations

import re
from typing import Any, Final

from admin_http.routes import ROUTES, Route

JOBS: Final = "/v1/jobs"  # what begins a job is answered with the job


def links(item: Route) -> dict[str, Any]:
    """Of the good answer of a route, by the operations that they lead to."""
    return {**_to_what_was_made(item), **_to_updates(item)}


def _to_what_was_made(item: Route) -> dict[str, Any]:
    fields = getattr(item.reply, "__struct_fields__", ())
    pointer = next((part for part in ("id", "name", "spec") if part in fields), "")
    if item.method != "POST" or item.status not in {201, 202} or not pointer:
        return {}
    where = "/spec/name" if pointer == "spec" else f"/{pointer}"
    base = JOBS if item.status == 202 else item.path.partition("/{")[0]
    return {
        one.name: {
            "operationId": one.name,
            "parameters": {f"path.{_names(one)[0]}": f"$response.body#{where}"},
        }
        for one in ROUTES
        if one.path.startswith(f"{base}/{{") and len(_names(one)) == 1 and not one.streams
    }


def _to_updates(item: Route) -> dict[str, Any]:
    return {
        one.name: {
            "operationId": one.name,
            "parameters": {
                **{f"path.{name}": f"$request.path.{name}" for name in _names(one)},
                "header.If-Match": "$response.header.ETag",
            },
        }
        for one in ROUTES
        if one.document is item.handler and one.path == item.path
    }


def _names(item: Route) -> list[str]:
    return re.findall(r"\{(\w+)\}", item.path)
