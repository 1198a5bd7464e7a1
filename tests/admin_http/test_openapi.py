"""The OpenAPI document describes every route, and what it refers to exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from admin_http.app import MODULES
from admin_http.openapi import document
from admin_http.routes import ROUTES
from tests.admin_http.site import site

DOCUMENT = msgspec.json.decode(document())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_route_is_described() -> None:
    assert MODULES
    assert DOCUMENT["openapi"].startswith("3.1")
    described = {
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert described == {(route.method, route.path) for route in ROUTES}
    names = [op["operationId"] for item in DOCUMENT["paths"].values() for op in item.values()]
    assert len(names) == len(set(names))


def test_references_resolve() -> None:
    found = set(references(DOCUMENT))
    assert found
    for reference in found:
        here = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            here = here[part]
        assert here


def test_parameters_and_refusals_are_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            parameters = operation.get("parameters", [])
            in_path = {p["name"] for p in parameters if p["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))
            assert all(p["required"] for p in parameters if p["in"] == "path")
            codes = set(operation["responses"])
            assert {"400", "500"} <= codes
            if "security" in operation:
                assert {"401", "403"} <= codes
            if "requestBody" in operation:
                assert {"413", "415", "422"} <= codes
            assert operation["summary"].endswith(".")


async def test_it_is_served(tmp_path: Path) -> None:
    async with site(tmp_path) as s, s.client.get("/v1/openapi.json") as answer:
        assert await answer.read() == document()
