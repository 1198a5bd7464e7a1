"""Carriers of the numbering plan with the lines for their numbers, and all lines in one list."""

from __future__ import annotations

from admin_http.documents import Document
from admin_http.people.access import staff
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.lines_view import ListTrunks, TrunkInfo


class CarrierInfo(Document):
    """One carrier; `lines` are the trunks that are for its numbers first of all."""

    name: str
    lines: tuple[str, ...]


class Carriers(Document):
    """Those that the numbering plan tells apart."""

    items: tuple[CarrierInfo, ...]


class LineInfo(Document):
    """A trunk, or one port of it; `why` says why it takes no call now."""

    trunk: str
    port: str
    kind: str
    provider: str
    up: bool
    channels: int
    in_use: int
    placed: int
    answered: int
    asr: float | None
    calls_today: int
    minutes_today: float
    minutes_left: float | None
    days_left: int | None
    why: str


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
    return Lines(items=tuple(line for trunk in found for line in _lines(trunk)))


def _lines(trunk: TrunkInfo) -> list[LineInfo]:
    own = LineInfo(
        trunk=trunk.name, port="", kind=trunk.kind, provider=trunk.provider, up=trunk.up,
        channels=trunk.channels, in_use=trunk.in_use, placed=trunk.placed,
        answered=trunk.answered, asr=trunk.asr, calls_today=trunk.use.calls_today,
        minutes_today=trunk.use.minutes_today, minutes_left=trunk.use.minutes_left,
        days_left=trunk.use.days_left, why=trunk.why,
    )  # fmt: skip
    ports = [
        LineInfo(
            trunk=trunk.name, port=port.name, kind=trunk.kind, provider=trunk.provider,
            up=trunk.up, channels=1, in_use=int(port.busy), placed=port.placed,
            answered=port.answered, asr=port.answered / port.placed if port.placed else None,
            calls_today=port.use.calls_today, minutes_today=port.use.minutes_today,
            minutes_left=port.use.minutes_left, days_left=port.use.days_left, why=port.why,
        )
        for port in trunk.ports
    ]  # fmt: skip
    return [own, *ports]
