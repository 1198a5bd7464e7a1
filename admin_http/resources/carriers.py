"""Carriers of the numbering plan with the lines for their numbers, and all lines in one list."""

from __future__ import annotations

from admin_http.documents import Document
from admin_http.people.access import staff
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.lines_view import LineInfo, ListTrunks, lines_of


class CarrierInfo(Document):
    """One carrier; `lines` are the trunks that are for its numbers first of all."""

    name: str
    lines: tuple[str, ...]


class Carriers(Document):
    """Those that the numbering plan tells apart."""

    items: tuple[CarrierInfo, ...]


class Lines(Document):
    """All of them in the order of the configuration."""

    items: tuple[LineInfo, ...]


@route("GET", "/v1/carriers", Scope.READ, access=staff)
async def carriers(call: Call) -> Carriers:
    """The carriers that numbers are told apart by, and the lines configured for each."""
    trunks = call.services.config.trunk
    return Carriers(
        items=tuple(
            CarrierInfo(name=name, lines=tuple(one.name for one in trunks if name in one.carriers))
            for name in filter(None, call.services.numbering.carriers)
        )
    )


@route("GET", "/v1/lines", Scope.READ, access=staff)
async def lines(call: Call) -> Lines:
    """Every line: kind, carrier, channels, use, what is left of its plan; ports one by one."""
    found = (await call.services.control.call(ListTrunks())).items
    return Lines(items=tuple(line for trunk in found for line in lines_of(trunk)))
